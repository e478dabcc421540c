"""Visits: entered as a draft, changed, submitted with a signature, corrected with a reason."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller, require_training
from toilet_api.divisions import lookup
from toilet_api.kernel import journal
from toilet_api.kernel.errors import INVALID, OUT_OF_SCOPE, FieldError
from toilet_api.kernel.fields import Position, new_id
from toilet_api.kernel.preconditions import optional_match, require_match
from toilet_api.registry.merging import difference
from toilet_api.registry.problems import HOUSEHOLD_REMOVED
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey import attachments, rules, visit_views
from toilet_api.survey.campaigns import open_campaign
from toilet_api.survey.catalogue import types_for
from toilet_api.survey.problems import NOT_SURVEYOR
from toilet_api.survey.records import digest, existing, insert_once, locked
from toilet_api.survey.settlement import settle
from toilet_api.survey.tables import CatalogueType, Finding, Visit
from toilet_api.survey.visit_schemas import FindingIn, VisitCorrection, VisitNew, VisitPatch

_PLAIN = ("method", "presence", "usability", "visited_at", "checked_against", "note")
_JOURNALED = (
    *_PLAIN,
    "toilet_id",
    "longitude",
    "latitude",
    "state",
    "photo_ids",
    "surveyor_id",
    "surveyor_signature_ids",
    "household_signature_ids",
    "return_reason",
)


def create(session: Session, caller: Caller, body: VisitNew, now: datetime) -> tuple[Visit, bool]:
    """A draft, at the household's village; the caller is its surveyor. Gives whether it was made now."""
    household = session.get(Household, body.household_id)
    if household is None or household.removed_at is not None or not caller.scope.covers(household.division_code):
        raise _invalid(
            "/household_id", "household_unknown", "没有该农户，或不在您的辖区内", "no such household in your scope"
        )
    lookup.resolve_for_write(session, household.division_code)  # from here on no merge or split moves the household
    session.refresh(household)
    if not caller.scope.covers(household.division_code):
        raise OUT_OF_SCOPE.problem()
    visit = Visit(
        id=body.id or new_id(),
        division_code=household.division_code,
        household_id=household.id,
        method=body.method,
        presence=body.presence,
        visited_at=body.visited_at,
        surveyor_id=caller.id,
        surveyor_name=caller.display_name,
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )
    visit, made = insert_once(session, visit)
    if made:
        _apply(session, visit, {name: getattr(body, name) for name in VisitPatch.model_fields}, now)
        session.flush()
        journal_visit(session, visit, "visit.created", None, content(session, visit), op="create")
    return visit, made


def change(
    session: Session, caller: Caller, visit_id: UUID, body: VisitPatch, if_match: str | None, now: datetime
) -> Visit:
    """Merge a patch into a draft or returned visit of the caller's own."""
    visit = _held(session, caller, visit_id)
    require_match(if_match, visit.version, lambda: visit_views.present(session, caller, visit))
    rules.VISIT.next(visit.state, "edit")
    _own(caller, visit)
    before = content(session, visit)
    _apply(session, visit, body.changes(), now)
    session.flush()
    if content(session, visit) != before:
        visit.touch(caller.id)
        journal_visit(session, visit, "visit.updated", before, content(session, visit))
    return visit


def submit(session: Session, caller: Caller, visit_id: UUID, if_match: str | None, now: datetime) -> Visit:
    """Hand a visit upward, signed. Its findings open problems in the ledger.

    Raises `training_required`, `not_surveyor`, `no_open_campaign`, 422 for what it still lacks.
    """
    visit = _held(session, caller, visit_id)
    optional_match(if_match, visit.version, lambda: visit_views.present(session, caller, visit))
    require_training(caller)
    target = rules.VISIT.next(visit.state, "submit")
    _own(caller, visit)
    before = content(session, visit)
    _hand_in(session, caller, visit, target, now)
    journal_visit(session, visit, "visit.submitted", before, content(session, visit))
    return visit


def correct(
    session: Session, caller: Caller, visit_id: UUID, body: VisitCorrection, if_match: str | None, now: datetime
) -> Visit:
    """Correct a submitted, verified or returned visit: submitted anew, as a new version; history keeps the earlier.

    Somebody else than the surveyor signs it and so becomes its surveyor (谁摸排、谁签字、谁负责).
    """
    visit = _held(session, caller, visit_id)
    optional_match(if_match, visit.version, lambda: visit_views.present(session, caller, visit))
    require_training(caller)
    target = rules.VISIT.next(visit.state, "correct")
    changes = {name: value for name, value in body.changes().items() if name != "reason"}
    if not changes:
        raise _invalid("", "nothing_corrected", "没有写明要更正的内容", "nothing to correct was given")
    before = content(session, visit)
    if visit.surveyor_id != caller.id:
        if not changes.get("surveyor_signature_ids"):
            raise NOT_SURVEYOR.problem()
        # First, and in the same write: who verified it and now corrects it may not be both, even for a moment.
        _unverify(visit, target)
        visit.surveyor_id, visit.surveyor_name = caller.id, caller.display_name
    _apply(session, visit, changes, now)
    visit.corrections += 1
    _hand_in(session, caller, visit, target, now, body.reason)
    journal_visit(session, visit, "visit.corrected", before, content(session, visit), reason=body.reason)
    return visit


def content(session: Session, visit: Visit) -> dict[str, Any]:
    """A visit as the journal keeps it."""
    found: dict[str, Any] = {name: getattr(visit, name) for name in _JOURNALED}
    found["findings"] = [
        {"problem_type": kind.code, "note": finding.note, "photo_ids": finding.photo_ids}
        for finding, kind in active_findings(session, visit)
    ]
    return found


def active_findings(session: Session, visit: Visit) -> Sequence[tuple[Finding, CatalogueType]]:
    """The findings of a visit that stand, in its own order, with their types."""
    return session.exec(
        select(Finding, CatalogueType)
        .join(CatalogueType, col(CatalogueType.id) == col(Finding.type_id))
        .where(Finding.visit_id == visit.id, col(Finding.withdrawn_at).is_(None))
        .order_by(col(Finding.place))
    ).all()


def journal_visit(
    session: Session,
    visit: Visit,
    action: str,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    reason: str | None = None,
    op: journal.Operation = "update",
) -> None:
    """Journal a write of one visit; of a change only the members that differ."""
    if before is not None:
        before, after = difference(before, after)
    journal.record(
        session,
        action=action,
        subject_type="visit",
        subject_id=visit.id,
        division_code=visit.division_code,
        version=visit.version,
        before=before,
        after=after,
        reason=reason,
        op=op,
    )


def _held(session: Session, caller: Caller, visit_id: UUID) -> Visit:
    """The visit, locked; its village first, so that what is about to be written can't miss a merge or split of it."""
    lookup.resolve_for_write(session, existing(session, caller, Visit, visit_id).division_code)
    return locked(session, caller, Visit, visit_id)


def _own(caller: Caller, visit: Visit) -> None:
    if visit.surveyor_id != caller.id:
        raise NOT_SURVEYOR.problem()


def _hand_in(
    session: Session, caller: Caller, visit: Visit, target: str, now: datetime, reason: str | None = None
) -> None:
    _require_standing(session, visit)
    faults = rules.contradictions(_facts(session, visit), now) + rules.gaps(_facts(session, visit))
    signatures = attachments.check(
        session, visit.surveyor_signature_ids, "signature", visit.division_code, "/surveyor_signature_ids"
    )
    if not any(row.created_by == caller.id for row in signatures.values()):
        faults.append(
            FieldError(
                "/surveyor_signature_ids",
                "signature_missing",
                ("须有摸排人本人上传的签名（谁摸排、谁签字、谁负责）", "the surveyor's own signature is needed"),
                rule="工作方案 四（二）3：谁摸排、谁签字、谁负责",
            )
        )
    if faults:
        raise INVALID.problem(errors=faults)
    campaign = open_campaign(session, visit.division_code, visit.campaign_id)
    visit.campaign_id, visit.submitted_at = campaign.id, now
    _unverify(visit, target)
    visit.return_reason = visit.returned_at = None
    visit.touch(caller.id)
    session.flush()
    settle(session, visit, campaign, caller.id, now, reason)


def _unverify(visit: Visit, state: str) -> None:
    """What was verified is verified no longer: it goes upward anew."""
    visit.state = state
    visit.township_verified_at = visit.township_verified_by = None
    visit.county_verified_at = visit.county_verified_by = None


def _require_standing(session: Session, visit: Visit) -> None:
    """Nothing is handed in, and no problem opened, for what was removed since the draft was made."""
    household = session.get_one(Household, visit.household_id, with_for_update={"read": True}, populate_existing=True)
    if household.removed_at is not None:
        raise HOUSEHOLD_REMOVED.problem()
    _toilet_of(session, visit, visit.toilet_id)


def _apply(session: Session, visit: Visit, changes: dict[str, Any], now: datetime) -> None:
    """Write members into the visit, and refuse what contradicts itself or refers to something elsewhere."""
    for name in _PLAIN:
        if name in changes:
            setattr(visit, name, changes[name])
    if "position" in changes:
        _place(visit, changes["position"])
    if "toilet_id" in changes:
        visit.toilet_id = _toilet_of(session, visit, changes["toilet_id"])
    for name, kind in (
        ("photo_ids", "photo"),
        ("surveyor_signature_ids", "signature"),
        ("household_signature_ids", "signature"),
    ):
        if name in changes:
            attachments.check(session, changes[name], kind, visit.division_code, f"/{name}", visit.household_id)
            setattr(visit, name, changes[name])
    if "findings" in changes:
        _replace_findings(session, visit, changes["findings"], now)
    faults = rules.contradictions(_facts(session, visit), now)
    if faults:
        raise INVALID.problem(errors=faults)


def _place(visit: Visit, position: Position | None) -> None:
    visit.longitude, visit.latitude = position.to_wgs84() if position else (None, None)
    visit.position_system = position.system if position else None
    visit.position_accuracy_m = position.accuracy_m if position else None


def _toilet_of(session: Session, visit: Visit, toilet_id: UUID | None) -> UUID | None:
    if toilet_id is None:
        return None
    toilet = session.get(Toilet, toilet_id)
    if toilet is None or toilet.removed_at is not None or toilet.household_id != visit.household_id:
        raise _invalid("/toilet_id", "toilet_unknown", "该农户没有这个厕所", "the household has no such toilet")
    return toilet_id


def _replace_findings(session: Session, visit: Visit, wanted: list[FindingIn], now: datetime) -> None:
    """The list as given; what isn't in it any more is withdrawn, what comes back stands again."""
    stored = {finding.type_id: finding for finding in session.exec(select(Finding).where(Finding.visit_id == visit.id))}
    pointers = {one.problem_type: f"/findings/{place}/problem_type" for place, one in enumerate(wanted)}
    if len(pointers) < len(wanted):
        raise _invalid("/findings", "finding_repeated", "同一问题类型只能登记一次", "each problem type may appear once")
    types = types_for(session, list(pointers), visit.division_code, pointers, stored.keys())
    for place, one in enumerate(wanted):
        attachments.check(
            session, one.photo_ids, "photo", visit.division_code, f"/findings/{place}/photo_ids", visit.household_id
        )
        kind = types[one.problem_type].id
        finding = stored.pop(kind, None) or Finding(
            division_code=visit.division_code, visit_id=visit.id, type_id=kind, place=place
        )
        finding.note, finding.photo_ids, finding.place, finding.withdrawn_at = one.note, one.photo_ids, place, None
        session.add(finding)
    for finding in stored.values():
        if finding.withdrawn_at is None:
            finding.withdrawn_at = now
    session.flush()


def _facts(session: Session, visit: Visit) -> rules.VisitFacts:
    return rules.VisitFacts(
        method=visit.method,
        presence=visit.presence,
        usability=visit.usability,
        has_toilet=visit.toilet_id is not None,
        visited_at=visit.visited_at,
        finding_classes=[kind.problem_class for _, kind in active_findings(session, visit)],
    )


def _invalid(pointer: str, code: str, zh: str, en: str) -> Exception:
    return INVALID.problem(errors=[FieldError(pointer, code, (zh, en))])
