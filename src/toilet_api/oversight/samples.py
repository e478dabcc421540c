"""Reviews and spot checks: planned, changed, drawn, completed, cancelled."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.divisions import lookup
from toilet_api.divisions.problems import UNKNOWN_DIVISION
from toilet_api.kernel import journal
from toilet_api.kernel.errors import INVALID, Bilingual, FieldError
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match, require_match
from toilet_api.oversight import drawing, estimating
from toilet_api.oversight.problems import UNITS_UNCHECKED
from toilet_api.oversight.rules import REVIEW_RULE, SAMPLE
from toilet_api.oversight.sample_schemas import Frame, SampleNew, SamplePatch
from toilet_api.oversight.sample_views import present
from toilet_api.oversight.tables import Sample, SampleUnit
from toilet_api.registry.merging import difference
from toilet_api.survey.places import own_place
from toilet_api.survey.records import digest, existing, insert_once, locked, snapshot
from toilet_api.survey.tables import Campaign

_CONTENT = (
    *("kind", "name", "state", "frame", "size", "seed", "seed_given", "note", "method", "frame_size", "frame_digest"),
    *("sample_size", "raised_from", "cancel_reason"),
)


def create(session: Session, caller: Caller, body: SampleNew) -> tuple[Sample, bool]:
    """A planned review or spot check, held by the caller's own level: it isn't announced below (暗访)."""
    place = own_place(session, caller, body.division_code, None)
    if place not in caller.scope.prefixes:
        fault = ("须由您本级组织，下级才不能事先看到", "it is held by your own level, or those below would see it")
        raise _invalid("/division_code", "not_own_level", fault, place, list(caller.scope.prefixes))
    _check_size(body.kind, body.size.kind)
    sample = Sample(
        id=body.id or new_id(),
        division_code=place,
        kind=body.kind,
        name=body.name,
        frame=_frame(session, caller, body.frame, place),
        size=body.size.model_dump(mode="json"),
        seed=body.seed,
        seed_given=body.seed is not None,
        note=body.note,
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )
    sample, made = insert_once(session, sample)
    if made:
        journal_sample(session, sample, "sample.created", None, op="create")
    return sample, made


def change(session: Session, caller: Caller, sample_id: UUID, body: SamplePatch, if_match: str | None) -> Sample:
    """Merge a patch into a sample that isn't drawn yet."""
    sample = locked(session, caller, Sample, sample_id)
    require_match(if_match, sample.version, lambda: present(session, caller, sample))
    SAMPLE.next(sample.state, "edit")
    before = snapshot(sample, _CONTENT)
    changes = body.changes()
    if "frame" in changes:
        changes["frame"] = _frame(session, caller, body.frame, sample.division_code)
    if "size" in changes:
        changes["size"] = body.size.model_dump(mode="json")
    if "seed" in changes:
        changes["seed_given"] = body.seed is not None
    for name, value in changes.items():
        setattr(sample, name, value)
    _check_size(sample.kind, sample.size["kind"])
    if snapshot(sample, _CONTENT) != before:
        sample.touch(caller.id)
        journal_sample(session, sample, "sample.updated", before)
    return sample


def draw(session: Session, caller: Caller, sample_id: UUID, if_match: str | None, now: datetime) -> Sample:
    """Draw it. Raises `frame_empty`, `wrong_state` when it is drawn already: there is one draw and no other.

    Raises `stale` too when its frame is changed at this very moment: the places of another frame are locked.
    """
    seen = existing(session, caller, Sample, sample_id)
    frame, villages = seen.frame, drawing.villages_of(session, caller, seen)
    sample = locked(session, caller, Sample, sample_id)
    optional_match(if_match, sample.version, lambda: present(session, caller, sample))
    target = SAMPLE.next(sample.state, "draw")
    if sample.frame != frame:
        optional_match('"changed"', sample.version, lambda: present(session, caller, sample))
    before = snapshot(sample, _CONTENT)
    drawing.draw(session, caller, sample, villages, now)
    sample.state = target
    sample.touch(caller.id)
    journal_sample(session, sample, "sample.drawn", before)
    return sample


def complete(session: Session, caller: Caller, sample_id: UUID, if_match: str | None, now: datetime) -> Sample:
    """Every selected record has a result: the estimate is frozen. Raises `units_unchecked`."""
    sample = locked(session, caller, Sample, sample_id)
    optional_match(if_match, sample.version, lambda: present(session, caller, sample))
    target = SAMPLE.next(sample.state, "complete")
    left = session.scalar(
        select(func.count())
        .select_from(SampleUnit)
        .where(col(SampleUnit.sample_id) == sample_id, col(SampleUnit.selected), col(SampleUnit.result).is_(None))
    )
    if left:
        raise UNITS_UNCHECKED.problem((f"尚有 {left} 条未核查。", f"{left} have no result yet."), unchecked=left)
    before = snapshot(sample, _CONTENT)
    sample.estimate = estimating.estimate_of(session, sample, None).model_dump(mode="json")
    sample.state, sample.completed_at = target, now
    sample.touch(caller.id)
    journal_sample(session, sample, "sample.completed", before)
    return sample


def cancel(session: Session, caller: Caller, sample_id: UUID, reason: str, if_match: str | None) -> Sample:
    """Give it up, with a reason. What was drawn stays to be seen, so that nobody draws until it suits them."""
    sample = locked(session, caller, Sample, sample_id)
    optional_match(if_match, sample.version, lambda: present(session, caller, sample))
    before = snapshot(sample, _CONTENT)
    sample.state, sample.cancel_reason = SAMPLE.next(sample.state, "cancel"), reason
    sample.touch(caller.id)
    journal_sample(session, sample, "sample.cancelled", before, reason=reason)
    return sample


def journal_sample(
    session: Session,
    sample: Sample,
    action: str,
    before: dict[str, Any] | None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
    op: journal.Operation = "update",
) -> None:
    """Journal a write at the holder's division: nothing of it is to be seen below. `after`: else its content."""
    now = dict(snapshot(sample, _CONTENT) if after is None else after)
    if before is not None:
        before, now = difference(before, now)
    journal.record(
        session,
        action=action,
        subject_type="sample",
        subject_id=sample.id,
        division_code=sample.division_code,
        version=sample.version,
        before=before,
        after=now,
        reason=reason,
        op=op,
    )


def _frame(session: Session, caller: Caller, frame: Frame, holder: str) -> dict[str, Any]:
    """A frame to be stored: its division of today, inside of the holder's, and a campaign that is there."""
    if frame.division is not None:
        found = lookup.resolve(session, frame.division)
        if found is None:
            fault = ("没有这个区划代码", "there is no division of this code")
            raise UNKNOWN_DIVISION.problem(
                errors=[FieldError("/frame/division", "unknown_division", fault, frame.division)]
            )
        if not found.code.startswith(holder):
            fault = ("须在组织单位境内", "it must lie inside the holder's division")
            raise _invalid("/frame/division", "outside_holder", fault, frame.division, holder)
        frame = frame.model_copy(update={"division": found.code})
    if frame.campaign_id is not None:
        campaign = session.get(Campaign, frame.campaign_id)
        if campaign is None or not caller.scope.covers(campaign.division_code):
            fault = ("没有该行动，或不在您的辖区内", "no such campaign in your scope")
            raise _invalid("/frame/campaign_id", "campaign_unknown", fault, str(frame.campaign_id))
    return frame.model_dump(mode="json")


def _check_size(kind: str, size: str) -> None:
    """全面复核 is of everything; a spot check says how many."""
    if kind == "full_review" and size != "all":
        raise _invalid("/size/kind", "size_contradicts", ("全面复核须查全部", "a full review takes all"), size, "all")
    if kind == "spot_check" and size == "all":
        fault = ("抽查须写明数量或精度；查全部的为全面复核", "a spot check names a number or a precision")
        raise _invalid("/size/kind", "size_contradicts", fault, size, ["number", "precision"])


def _invalid(pointer: str, code: str, fault: Bilingual, value: Any = None, expected: Any = None) -> Exception:
    return INVALID.problem(errors=[FieldError(pointer, code, fault, value, expected, rule=REVIEW_RULE)])
