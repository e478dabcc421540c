"""Formulas of assessment: drafted, changed, published and so frozen; a new one supersedes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, text
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions.tables import Division
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match, require_match
from toilet_api.reporting.assessment.answers import own_codes, require_own_level, shown_to
from toilet_api.reporting.assessment.formula_schemas import FormulaNew, FormulaPatch, FormulaRow, Terms
from toilet_api.reporting.assessment.journaling import Journaled
from toilet_api.reporting.assessment.places import check_campaign
from toilet_api.reporting.assessment.rules import FORMULA, OWN_LEVEL
from toilet_api.reporting.assessment.tables import AssessmentFormula
from toilet_api.survey.actions import actions_column, remembered
from toilet_api.survey.places import own_place
from toilet_api.survey.records import digest, insert_once, locked

_TERMS = ("weights", "shrinkage", "falsification_points", "lists")
_KEPT = Journaled(
    "assessment_formula",
    (*_TERMS, "campaign_id", "name", "number", "state", "source", "note", "withdrawn_reason"),
)
_MANAGE = Permission.ASSESSMENT_MANAGE
_NONE: Any = None
_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended(current_schema() || '.formula.' || :place, 0))")


@remembered
def formula_select(caller: Caller) -> Select[Any]:
    """The members of `FormulaRow`: those in the caller's scope, and what levels above have published."""
    holder = col(AssessmentFormula.division_code)
    holds = {OWN_LEVEL: holder.in_(own_codes(caller, _MANAGE))}
    made: dict[str, Any] = {
        "division_name": Division.name,
        "allowed_actions": actions_column(FORMULA, AssessmentFormula.state, holder, caller, holds),
    }
    columns = [made.get(name, getattr(AssessmentFormula, name, _NONE)).label(name) for name in FormulaRow.model_fields]
    statement = select(*columns).outerjoin(Division, col(Division.code) == holder)
    return statement.where(shown_to(caller, AssessmentFormula))


def present(session: Session, caller: Caller, formula_id: UUID) -> FormulaRow:
    """One formula as an answer."""
    session.flush()
    statement = formula_select(caller).where(col(AssessmentFormula.id) == formula_id)
    row = session.connection().execute(statement).mappings().one_or_none()
    if row is None:
        raise NOT_FOUND.problem()
    return FormulaRow(**row)


def in_force(session: Session, holder: str, campaign_id: UUID | None) -> AssessmentFormula | None:
    """The latest published one of a level, for its campaign."""
    return session.exec(
        rows_of(AssessmentFormula)
        .where(
            AssessmentFormula.division_code == holder,
            col(AssessmentFormula.campaign_id).is_not_distinct_from(campaign_id),
            AssessmentFormula.state == "published",
            col(AssessmentFormula.removed_at).is_(None),
        )
        .order_by(col(AssessmentFormula.published_at).desc(), col(AssessmentFormula.id).desc())
        .limit(1)
    ).one_or_none()


def terms_of(row: AssessmentFormula | None) -> Terms:
    """What decides about scores and lists; the starting point without a formula."""
    return Terms() if row is None else Terms.model_validate({name: getattr(row, name) for name in _TERMS})


def create(session: Session, caller: Caller, body: FormulaNew) -> tuple[AssessmentFormula, bool]:
    """A draft of the caller's own level. Raises `not_own_level`, 422 for a campaign that doesn't fit."""
    place = own_place(session, caller, body.division_code, None)
    require_own_level(caller, _MANAGE, place)
    check_campaign(session, place, body.campaign_id)
    row = AssessmentFormula(
        id=body.id or new_id(),
        division_code=place,
        campaign_id=body.campaign_id,
        name=body.name,
        source=body.source,
        note=body.note,
        **body.model_dump(mode="json", include=set(_TERMS)),
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )
    row, made = insert_once(session, row)
    if made:
        _KEPT.tell(session, row, "created")
    return row, made


def change(session: Session, caller: Caller, formula_id: UUID, body: FormulaPatch, if_match: str | None) -> None:
    """Merge a patch into a draft."""
    row = _held(session, caller, formula_id)
    require_match(if_match, row.version, lambda: present(session, caller, formula_id))
    FORMULA.next(row.state, "edit")
    before = _KEPT.of(row)
    changes = body.changes() | body.model_dump(mode="json", include=set(_TERMS) & body.model_fields_set)
    for name, value in changes.items():
        setattr(row, name, value)
    if _KEPT.of(row) != before:
        row.touch(caller.id)
        _KEPT.tell(session, row, "updated", before)


def publish(session: Session, caller: Caller, formula_id: UUID, if_match: str | None, now: datetime) -> None:
    """Publish a draft: it is frozen, gets its number, and supersedes what was in force."""
    row = _held(session, caller, formula_id)
    optional_match(if_match, row.version, lambda: present(session, caller, formula_id))
    target = FORMULA.next(row.state, "publish")
    session.connection().execute(_ONE_AT_A_TIME, {"place": f"{row.division_code}.{row.campaign_id}"})
    same = (
        AssessmentFormula.division_code == row.division_code,
        col(AssessmentFormula.campaign_id).is_not_distinct_from(row.campaign_id),
    )
    last = session.exec(rows_of(func.max(AssessmentFormula.number)).where(*same)).one()
    earlier = session.exec(
        rows_of(AssessmentFormula)
        .where(*same, AssessmentFormula.state == "published")
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    before = _KEPT.of(row)
    row.state, row.number = target, (last or 0) + 1
    row.published_at, row.published_by_name = now, caller.display_name
    row.touch(caller.id)
    _KEPT.tell(session, row, "published", before)
    for one in earlier:
        before = _KEPT.of(one)
        one.state, one.superseded_at, one.superseded_by_id = FORMULA.next(one.state, "supersede"), now, row.id
        one.touch(caller.id)
        _KEPT.tell(session, one, "superseded", before)


def withdraw(session: Session, caller: Caller, formula_id: UUID, reason: str, if_match: str | None) -> None:
    """Give up a draft, with a reason; it stays to be seen by its level."""
    row = _held(session, caller, formula_id)
    optional_match(if_match, row.version, lambda: present(session, caller, formula_id))
    before = _KEPT.of(row)
    row.state, row.withdrawn_reason = FORMULA.next(row.state, "withdraw"), reason
    row.touch(caller.id)
    _KEPT.tell(session, row, "withdrawn", before, reason=reason)


def _held(session: Session, caller: Caller, formula_id: UUID) -> AssessmentFormula:
    row = locked(session, caller, AssessmentFormula, formula_id)
    require_own_level(caller, _MANAGE, row.division_code)
    return row
