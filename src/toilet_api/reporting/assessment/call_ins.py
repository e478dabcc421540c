"""Call-ins (约谈): planned, held, followed up, or cancelled. Who is called in reads its own."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions.tables import Division
from toilet_api.kernel.errors import INVALID, NOT_FOUND, Bilingual, FieldError
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match, require_match
from toilet_api.reporting.assessment.answers import own_codes, require_own_level
from toilet_api.reporting.assessment.call_in_schemas import CallInNew, CallInPatch, CallInRow, FollowedUp, Held
from toilet_api.reporting.assessment.journaling import Journaled
from toilet_api.reporting.assessment.problems import NOT_BELOW_CALLER
from toilet_api.reporting.assessment.rules import CALL_IN, CALL_RULE, OWN_LEVEL
from toilet_api.reporting.assessment.tables import Assessment, CallIn
from toilet_api.survey.actions import actions_column, remembered
from toilet_api.survey.places import own_place
from toilet_api.survey.records import digest, insert_once, locked
from toilet_api.survey.tables import Campaign

_KEPT = Journaled(
    "call_in",
    (
        *("called_by", "campaign_id", "assessment_id", "state", "planned_at", "place", "called", "reasons", "note"),
        *("held_at", "minutes", "demands", "due_on", "outcome", "result", "cancel_reason"),
    ),
)
"""The names of those who attended stand in the record only."""
_MANAGE = Permission.CALL_IN_MANAGE
_NONE: Any = None


@remembered
def call_in_select(caller: Caller) -> Select[Any]:
    """The members of `CallInRow`, in the caller's scope."""
    place = col(CallIn.division_code)
    calling = func.left(place, func.length(col(CallIn.called_by)))  # as in `_held`
    holds = {OWN_LEVEL: calling.in_(own_codes(caller, _MANAGE))}
    made: dict[str, Any] = {
        "division_name": Division.name,
        "allowed_actions": actions_column(CALL_IN, CallIn.state, place, caller, holds),
    }
    columns = [made.get(name, getattr(CallIn, name, _NONE)).label(name) for name in CallInRow.model_fields]
    statement = (
        select(*columns).outerjoin(Division, col(Division.code) == place).where(col(CallIn.removed_at).is_(None))
    )
    return caller.scope.narrow(statement, place)


def present(session: Session, caller: Caller, call_in_id: UUID) -> CallInRow:
    """One call-in as an answer."""
    session.flush()
    statement = call_in_select(caller).where(col(CallIn.id) == call_in_id)
    row = session.connection().execute(statement).mappings().one_or_none()
    if row is None:
        raise NOT_FOUND.problem()
    return CallInRow(**row)


def create(session: Session, caller: Caller, body: CallInNew) -> tuple[CallIn, bool]:
    """A planned call-in of a division that the caller's own level ranks.

    Raises `not_below_caller`; 422 without a reason, or for an assessment or campaign that isn't of that level.
    """
    place = own_place(session, caller, body.division_code, None)
    called_by = _calling(caller, place)
    assessment = _assessment(session, body, called_by)
    row = CallIn(
        id=body.id or new_id(),
        division_code=place,
        called_by=called_by,
        campaign_id=_campaign(session, body, place, assessment),
        assessment_id=body.assessment_id,
        planned_at=body.planned_at,
        place=body.place,
        called=body.called,
        reasons=_reasons(body, place, assessment),
        note=body.note,
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )
    row, made = insert_once(session, row)
    if made:
        _KEPT.tell(session, row, "created")
    return row, made


def change(session: Session, caller: Caller, call_in_id: UUID, body: CallInPatch, if_match: str | None) -> None:
    """Merge a patch into a planned one."""
    row = _held(session, caller, call_in_id)
    require_match(if_match, row.version, lambda: present(session, caller, call_in_id))
    CALL_IN.next(row.state, "edit")
    before = _KEPT.of(row)
    changes = body.changes()
    if "reasons" in changes:
        changes["reasons"] = body.model_dump(mode="json", include={"reasons"})["reasons"]
    for name, value in changes.items():
        setattr(row, name, value)
    if _KEPT.of(row) != before:
        row.touch(caller.id)
        _KEPT.tell(session, row, "updated", before)


def hold(session: Session, caller: Caller, call_in_id: UUID, body: Held, if_match: str | None, now: datetime) -> None:
    """Record that it took place: who came, the minutes, and what was demanded by when. Raises 422."""
    row = _held(session, caller, call_in_id)
    optional_match(if_match, row.version, lambda: present(session, caller, call_in_id))
    target = CALL_IN.next(row.state, "hold")
    if body.held_at > now:
        fault = ("约谈时间不能晚于现在", "it can't lie ahead")
        raise _invalid("/held_at", "date_ahead", fault, body.held_at.isoformat())
    if not any(one.present for one in body.attendance):
        raise _invalid(
            "/attendance", "nobody_present", ("无人到场，不能登记为已约谈", "nobody came, so it wasn't held")
        )
    before = _KEPT.of(row)
    stored = body.model_dump(mode="json", include={"attendance", "demands"})
    row.state, row.held_at, row.minutes = target, body.held_at, body.minutes
    row.attendance = stored["attendance"]
    row.demands = [{**one, "met": None, "note": None} for one in stored["demands"]]
    row.due_on = min(one.due_on for one in body.demands)
    row.touch(caller.id)
    _KEPT.tell(session, row, "held", before)


def follow_up(
    session: Session, caller: Caller, call_in_id: UUID, body: FollowedUp, if_match: str | None, now: datetime
) -> None:
    """Record what came of the demands, each of them. Raises 422 where the outcome doesn't fit them."""
    row = _held(session, caller, call_in_id)
    optional_match(if_match, row.version, lambda: present(session, caller, call_in_id))
    target = CALL_IN.next(row.state, "follow_up")
    if len(body.demands) != len(row.demands):
        fault = ("须逐条登记落实情况", "each demand has its result")
        raise _invalid("/demands", "demands_unanswered", fault, len(body.demands), len(row.demands))
    met = [one.met for one in body.demands]
    fitting = "met" if all(met) else "partly_met" if any(met) else "not_met"
    if body.outcome != fitting:
        fault = ("落实情况与各条要求不符", "the outcome doesn't fit the demands")
        raise _invalid("/outcome", "outcome_contradicts", fault, body.outcome, fitting)
    before = _KEPT.of(row)
    row.state, row.outcome, row.result, row.followed_up_at = target, body.outcome, body.result, now
    row.demands = [
        {**demand, **one.model_dump(mode="json")} for demand, one in zip(row.demands, body.demands, strict=True)
    ]
    row.touch(caller.id)
    _KEPT.tell(session, row, "followed_up", before)


def cancel(session: Session, caller: Caller, call_in_id: UUID, reason: str, if_match: str | None) -> None:
    """Give up a planned one, with a reason."""
    row = _held(session, caller, call_in_id)
    optional_match(if_match, row.version, lambda: present(session, caller, call_in_id))
    before = _KEPT.of(row)
    row.state, row.cancel_reason = CALL_IN.next(row.state, "cancel"), reason
    row.touch(caller.id)
    _KEPT.tell(session, row, "cancelled", before, reason=reason)


def _held(session: Session, caller: Caller, call_in_id: UUID) -> CallIn:
    """It belongs to the level that called, under the code of today: where that was merged, its successor goes on."""
    row = locked(session, caller, CallIn, call_in_id)
    require_own_level(caller, _MANAGE, row.division_code[: len(row.called_by)])
    return row


def _calling(caller: Caller, place: str) -> str:
    """The caller's own level that ranks `place`: its county; of a county, its city or province."""
    above = [place[:6]] if len(place) == 9 else [place[:4], place[:2]]
    own = own_codes(caller, _MANAGE)
    found = next((code for code in above if code in own), None)
    if found is None:
        raise NOT_BELOW_CALLER.problem(expected=own)
    return found


def _assessment(session: Session, body: CallInNew, called_by: str) -> Assessment | None:
    if body.assessment_id is None:
        return None
    found = session.get(Assessment, body.assessment_id)
    if found is None or found.division_code != called_by or found.state == "withdrawn":
        fault = ("本级没有这次考核", "no such assessment of your own level")
        raise _invalid("/assessment_id", "assessment_unknown", fault, str(body.assessment_id))
    return found


def _campaign(session: Session, body: CallInNew, place: str, assessment: Assessment | None) -> UUID | None:
    """The campaign named; else, of an assessment, the one of the county that the division lies in."""
    candidates = [body.campaign_id] if body.campaign_id else assessment.campaign_ids if assessment else []
    for one in candidates:
        campaign = session.get(Campaign, one)
        if campaign is not None and campaign.division_code == place[:6]:
            return campaign.id
    if body.campaign_id is None:
        return None
    fault = ("该县没有这个行动", "no such campaign of that county")
    raise _invalid("/campaign_id", "campaign_unknown", fault, str(body.campaign_id))


def _reasons(body: CallInNew, place: str, assessment: Assessment | None) -> list[dict[str, Any]]:
    if body.reasons is not None:
        return [one.model_dump(mode="json") for one in body.reasons]
    lines = assessment.units if assessment else []
    listed = [one for line in lines if line["division_code"] == place for one in line["reasons"]]
    if not listed:
        fault = (
            "须写明事由；该单位不在所填考核的名单上",
            "give the reasons: it is on no list of an assessment named here",
        )
        raise _invalid("/reasons", "missing", fault)
    return [{"kind": one["kind"], "text": one["text"]} for one in listed]


def _invalid(pointer: str, code: str, fault: Bilingual, value: Any = None, expected: Any = None) -> Exception:
    return INVALID.problem(errors=[FieldError(pointer, code, fault, value, expected, rule=CALL_RULE)])
