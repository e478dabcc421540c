"""Visits: entered as a draft, changed, submitted with a signature, corrected with a reason."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller, require_training
from toilet_api.divisions import lookup
from toilet_api.kernel import journal
from toilet_api.kernel.errors import INVALID, NOT_FOUND, OUT_OF_SCOPE, FieldError
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match, require_match
from toilet_api.registry.merging import difference
from toilet_api.registry.problems import HOUSEHOLD_REMOVED
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey import attachments, expected, rules, visit_content, visit_views
from toilet_api.survey.campaigns import open_campaign
from toilet_api.survey.problems import NOT_SURVEYOR
from toilet_api.survey.records import digest, existing, insert_once, locked
from toilet_api.survey.settlement import settle
from toilet_api.survey.tables import CatalogueType, Finding, Visit
from toilet_api.survey.visit_content import Written, content_of, invalid
from toilet_api.survey.visit_schemas import VisitCorrection, VisitNew, VisitPatch


def create(
    session: Session, caller: Caller, body: VisitNew, now: datetime, *, may_follow: bool = False
) -> tuple[Visit, bool]:
    """A draft, at the household's village; the caller is its surveyor. Gives whether it was made now.

    `may_follow`: attachments that aren't there yet are expected; otherwise they are refused.
    """
    seen = session.get(Household, body.household_id)
    if seen is None or seen.removed_at is not None or not caller.scope.covers(seen.division_code):
        raise invalid(
            "/household_id", "household_unknown", "没有该农户，或不在您的辖区内", "no such household in your scope"
        )
    lookup.resolve_for_write(session, seen.division_code)  # from here on no merge or split moves the household
    household = _staying(session, seen.id)
    if household is None or not caller.scope.covers(household.division_code):
        raise OUT_OF_SCOPE.problem()
    visit, made = insert_once(session, built(caller, household, body))
    if made:
        changes = said(body)
        around = visit_content.read(session, [(visit, changes)], new=True)
        _write(session, visit, visit_content.apply(around, visit, changes, now, may_follow=may_follow))
        after = content_of(visit, around.active(visit.id))
        journal_visit(session, visit, "visit.created", None, after, op="create")
    return visit, made


def built(caller: Caller, household: Household, body: VisitNew) -> Visit:
    """The row of a new visit, before what it says is applied."""
    return Visit(
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


def said(body: VisitNew) -> dict[str, Any]:
    """What a new visit says, as the changes of an empty one."""
    return {name: getattr(body, name) for name in VisitPatch.model_fields}


def change(
    session: Session,
    caller: Caller,
    visit_id: UUID,
    body: VisitPatch,
    if_match: str | None,
    now: datetime,
    *,
    may_follow: bool = False,
) -> Visit:
    """Merge a patch into a draft or returned visit of the caller's own."""
    visit = _held(session, caller, visit_id)
    require_match(if_match, visit.version, lambda: visit_views.present(session, caller, visit))
    require_editable(caller, visit)
    changes = body.changes()
    around = visit_content.read(session, [(visit, changes)])
    before = content_of(visit, around.active(visit.id))
    _write(session, visit, visit_content.apply(around, visit, changes, now, may_follow=may_follow))
    after = content_of(visit, around.active(visit.id))
    if after != before:
        visit.touch(caller.id)
        journal_visit(session, visit, "visit.updated", before, after)
    return visit


def require_editable(caller: Caller, visit: Visit) -> None:
    """Raises `wrong_state` for a visit that was handed in, `not_surveyor` for somebody else's."""
    rules.VISIT.next(visit.state, "edit")
    _own(caller, visit)


def _write(session: Session, visit: Visit, written: Written) -> None:
    session.add_all(written.findings)
    session.flush()
    expected.expect(session, [(visit, one, kind) for one, kind in written.expected])


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
        raise invalid("", "nothing_corrected", "没有写明要更正的内容", "nothing to correct was given")
    before = content(session, visit)
    if visit.surveyor_id != caller.id:
        if not changes.get("surveyor_signature_ids"):
            raise NOT_SURVEYOR.problem()
        # First, and in the same write: who verified it and now corrects it may not be both, even for a moment.
        _unverify(visit, target)
        visit.surveyor_id, visit.surveyor_name = caller.id, caller.display_name
    around = visit_content.read(session, [(visit, changes)])
    _write(session, visit, visit_content.apply(around, visit, changes, now))
    visit.corrections += 1
    _hand_in(session, caller, visit, target, now, body.reason)
    journal_visit(session, visit, "visit.corrected", before, content(session, visit), reason=body.reason)
    return visit


def content(session: Session, visit: Visit) -> dict[str, Any]:
    """A visit as the journal keeps it."""
    return content_of(visit, active_findings(session, visit))


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
    """The visit, locked; its village and its household first, so that what is about to be written can't miss a move."""
    visit = existing(session, caller, Visit, visit_id)
    lookup.resolve_for_write(session, visit.division_code)
    if _staying(session, visit.household_id) is None:
        raise NOT_FOUND.problem()
    return locked(session, caller, Visit, visit_id)


def _staying(session: Session, household_id: UUID) -> Household | None:
    """The household, which nobody moves or removes from here on; None if it has just moved away, out of sight."""
    return session.get(Household, household_id, with_for_update={"read": True}, populate_existing=True)


def _own(caller: Caller, visit: Visit) -> None:
    if visit.surveyor_id != caller.id:
        raise NOT_SURVEYOR.problem()


def _hand_in(
    session: Session, caller: Caller, visit: Visit, target: str, now: datetime, reason: str | None = None
) -> None:
    _require_standing(session, visit)
    active = active_findings(session, visit)
    facts = visit_content.facts(visit, active)
    faults = rules.contradictions(facts, now) + rules.gaps(facts)
    missing = expected.missing_of(session, visit, visit_content.named(visit, active))
    signatures = attachments.find(session, visit.surveyor_signature_ids)
    unsigned = attachments.faults_of(
        signatures, visit.surveyor_signature_ids, "signature", visit.division_code, "/surveyor_signature_ids", missing
    )
    faults += [*missing.values(), *unsigned]
    awaited = not missing.keys().isdisjoint(visit.surveyor_signature_ids)
    if not awaited and not unsigned and not any(row.created_by == caller.id for row in signatures.values()):
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
    household = session.get_one(Household, visit.household_id)
    if household.removed_at is not None:
        raise HOUSEHOLD_REMOVED.problem()
    toilet = None if visit.toilet_id is None else session.get(Toilet, visit.toilet_id)
    gone = toilet is None or toilet.removed_at is not None or toilet.household_id != visit.household_id
    if visit.toilet_id is not None and gone:
        raise visit_content.toilet_unknown()
