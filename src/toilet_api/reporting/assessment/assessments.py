"""Assessments (考核排名): previewed, drawn, published and so frozen, corrected by another."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.database import Database
from toilet_api.kernel.errors import ID_TAKEN, INVALID, NOT_FOUND, FieldError
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match
from toilet_api.reporting.assessment.answers import require_own_level, shown
from toilet_api.reporting.assessment.assessment_views import present
from toilet_api.reporting.assessment.drawing import Drawn, draw
from toilet_api.reporting.assessment.journaling import Journaled
from toilet_api.reporting.assessment.measures import MEASURES
from toilet_api.reporting.assessment.places import check_campaign
from toilet_api.reporting.assessment.problems import (
    FORMULA_CHANGED,
    FORMULA_MISSING,
    NOT_CORRECTABLE,
    NOTHING_TO_RANK,
)
from toilet_api.reporting.assessment.rules import ASSESSMENT, RANK_RULE
from toilet_api.reporting.assessment.schemas import AssessmentNew, PreviewOut
from toilet_api.reporting.assessment.tables import Assessment, AssessmentFormula
from toilet_api.survey.places import own_place
from toilet_api.survey.records import digest, insert_once, locked

_KEPT = Journaled(
    "assessment",
    (
        *("name", "formula_id", "campaign_ids", "as_of", "state", "ranked", "yellow", "red", "corrects_id", "note"),
        *("correction_reason", "withdrawn_reason"),
    ),
)
_MANAGE = Permission.ASSESSMENT_MANAGE
_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended(current_schema() || '.assessment.' || :id, 0))")


def preview(
    session: Session,
    database: Database,
    caller: Caller,
    holder: str,
    campaign_id: UUID | None,
    formula_id: UUID | None,
    now: datetime,
) -> PreviewOut:
    """The assessment as it would be now, also before any formula is published. For the level itself and above."""
    drawn = live(session, database, caller, holder, campaign_id, now, formula_id)
    return PreviewOut(
        division_code=holder,
        campaign_ids=sorted(drawn.frame.campaigns),
        formula_id=drawn.formula_id,
        as_of=now,
        **drawn.result().model_dump(),
    )


def live(
    session: Session,
    database: Database,
    caller: Caller,
    holder: str,
    campaign_id: UUID | None,
    now: datetime,
    formula_id: UUID | None = None,
    pointer: str = "/query/campaign_id",
) -> Drawn:
    """The facts of now, with the formula in force or another of this level's. Raises 404 for a level not in scope."""
    if not caller.scope.covers(holder):
        raise NOT_FOUND.problem()
    check_campaign(session, holder, campaign_id, pointer)
    if formula_id is not None:
        formula = shown(session, caller, AssessmentFormula, formula_id)
        if (formula.division_code, formula.campaign_id) != (holder, campaign_id):
            raise NOT_FOUND.problem()
    return draw(session, database, holder, campaign_id, now, formula_id)


def create(
    session: Session, database: Database, caller: Caller, body: AssessmentNew, now: datetime
) -> tuple[Assessment, bool]:
    """Draw one by the published formula; a draft, seen by its own level and above.

    Raises `not_own_level`, `formula_missing`, `nothing_to_rank`, `no_campaign_to_assess`, `assessment_not_correctable`.
    """
    assessment_id = body.id or new_id()
    # Whoever sends the same again at the same moment waits, and finds it.
    session.connection().execute(_ONE_AT_A_TIME, {"id": str(assessment_id)})
    if body.id is not None and (found := session.get(Assessment, body.id)) is not None:
        if found.created_by != caller.id or bytes(found.origin_digest or b"") != digest(body):
            raise ID_TAKEN.problem()
        return found, False
    place = own_place(session, caller, body.division_code, None)
    require_own_level(caller, _MANAGE, place)
    check_campaign(session, place, body.campaign_id)
    if body.corrects_id is not None:
        _check_correctable(session, caller, body, place)
    drawn = draw(session, database, place, body.campaign_id, now, corrects_id=body.corrects_id, keep_as=assessment_id)
    if drawn.formula_id is None:
        raise FORMULA_MISSING.problem()
    result = drawn.result()
    ranked = sum(line.rank is not None for line in result.units)
    if not ranked:
        raise NOTHING_TO_RANK.problem()
    stored = result.model_dump(mode="json", include={"parts", "units"})
    row = Assessment(
        id=assessment_id,
        division_code=place,
        name=body.name,
        formula_id=drawn.formula_id,
        campaign_ids=sorted(drawn.frame.campaigns),
        as_of=now,
        **stored,
        ranked=ranked,
        yellow=len(result.yellow_list),
        red=len(result.red_list),
        corrects_id=body.corrects_id,
        correction_reason=body.correction_reason,
        note=body.note,
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )
    row, made = insert_once(session, row)
    if made:
        _KEPT.tell(session, row, "created")
    return row, made


def publish(session: Session, caller: Caller, assessment_id: UUID, if_match: str | None, now: datetime) -> None:
    """Publish a draft (公布): nothing in it changes any more; the one that it corrects is superseded.

    Raises `formula_changed` where another formula has come into force, `assessment_not_correctable`.
    """
    row = _held(session, caller, assessment_id, if_match)
    target = ASSESSMENT.next(row.state, "publish")
    formula = session.get(AssessmentFormula, row.formula_id, with_for_update={"read": True}, populate_existing=True)
    if formula is None or formula.state != "published":
        raise FORMULA_CHANGED.problem()
    before = _KEPT.of(row)
    row.state, row.published_at, row.published_by_name = target, now, caller.display_name
    row.touch(caller.id)
    _KEPT.tell(session, row, "published", before)
    if row.corrects_id is not None:
        earlier = locked(session, caller, Assessment, row.corrects_id)
        if earlier.state != "published":
            raise NOT_CORRECTABLE.problem()
        before = _KEPT.of(earlier)
        earlier.state = ASSESSMENT.next(earlier.state, "supersede")
        earlier.superseded_at, earlier.superseded_by_id = now, row.id
        earlier.touch(caller.id)
        _KEPT.tell(session, earlier, "superseded", before, reason=row.correction_reason)


def withdraw(session: Session, caller: Caller, assessment_id: UUID, reason: str, if_match: str | None) -> None:
    """Give up a draft, with a reason; it stays to be seen by its level."""
    row = _held(session, caller, assessment_id, if_match)
    before = _KEPT.of(row)
    row.state, row.withdrawn_reason = ASSESSMENT.next(row.state, "withdraw"), reason
    row.touch(caller.id)
    _KEPT.tell(session, row, "withdrawn", before, reason=reason)


def without_records(part: str) -> Exception:
    """422 for a part that nothing is recorded of yet."""
    fault = ("该指标尚无数据来源", "nothing is recorded of this part yet")
    return INVALID.problem(
        errors=[FieldError("/query/part", "no_records", fault, part, sorted(MEASURES), rule=RANK_RULE)]
    )


def _check_correctable(session: Session, caller: Caller, body: AssessmentNew, place: str) -> None:
    earlier = session.get(Assessment, body.corrects_id)
    if earlier is None or not caller.scope.covers(earlier.division_code) or earlier.division_code != place:
        fault = ("本级没有这次考核", "no such assessment of this level")
        raise INVALID.problem(
            errors=[FieldError("/corrects_id", "assessment_unknown", fault, str(body.corrects_id), rule=RANK_RULE)]
        )
    if body.campaign_id is not None and earlier.campaign_ids != [body.campaign_id]:
        fault = ("与被更正的考核不是同一行动", "the one to correct is of another campaign")
        raise INVALID.problem(
            errors=[FieldError("/campaign_id", "campaign_differs", fault, str(body.campaign_id), rule=RANK_RULE)]
        )
    if earlier.state != "published":
        raise NOT_CORRECTABLE.problem()


def _held(session: Session, caller: Caller, assessment_id: UUID, if_match: str | None) -> Assessment:
    row = locked(session, caller, Assessment, assessment_id)
    require_own_level(caller, _MANAGE, row.division_code)
    optional_match(if_match, row.version, lambda: present(session, caller, assessment_id))
    return row
