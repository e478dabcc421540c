"""How close-outs are shown: one list of columns, for single records and for pages alike."""

from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.rectification.close_out_schemas import CloseOutRow
from toilet_api.rectification.tables import CloseOut
from toilet_api.registry.tables import Household
from toilet_api.survey.actions import remembered
from toilet_api.survey.places import Township, Village, with_places
from toilet_api.survey.tables import Attachment, CatalogueType, LedgerProblem

SORTS: dict[str, list[Any]] = {
    "closed_at": [col(CloseOut.closed_at)],
    "-closed_at": [col(CloseOut.closed_at).desc()],
    "division_code": [col(CloseOut.division_code)],
}
CLOSED_ON: ColumnElement[Any] = func.date(func.timezone("Asia/Shanghai", col(CloseOut.closed_at)))
"""The day of a close-out, in Shanghai."""
STANDING: ColumnElement[bool] = col(CloseOut.reopened_at).is_(None)

_NONE: Any = None
_Mine: Any = aliased(Attachment, name="mine")
_Other: Any = aliased(Attachment, name="other")
# A signature belongs to the household whose visit or close-out referred to it first; the same bytes have the same hash.
SEEN_BEFORE: ColumnElement[bool] = (
    exists()
    .where(
        _Mine.id == func.any(col(CloseOut.signature_ids)),
        _Other.sha256 == _Mine.sha256,
        _Other.kind == "signature",
        _Other.household_id != col(LedgerProblem.household_id),
        _Other.removed_at.is_(None),
    )
    .correlate(CloseOut, LedgerProblem)
)


@remembered
def close_out_select(caller: Caller) -> Select[Any]:
    """The members of `CloseOutRow`, of the close-outs in the caller's scope."""
    place = col(CloseOut.division_code)
    made: dict[str, Any] = {
        "village_name": Village.name,
        "township_name": Township.name,
        "campaign_id": LedgerProblem.campaign_id,
        "problem_class": LedgerProblem.problem_class,
        "problem_type": CatalogueType.code,
        "type_zh": CatalogueType.zh,
        "household_id": LedgerProblem.household_id,
        "head_masked": Household.name_masked,
        "toilet_id": LedgerProblem.toilet_id,
        "signature_seen_before": SEEN_BEFORE,
        "standing": STANDING,
    }
    columns = [made.get(name, getattr(CloseOut, name, _NONE)).label(name) for name in CloseOutRow.model_fields]
    statement = (
        select(*columns)
        .select_from(CloseOut)
        .join(LedgerProblem, col(LedgerProblem.id) == col(CloseOut.problem_id))
        .join(CatalogueType, col(CatalogueType.id) == col(LedgerProblem.type_id))
        .outerjoin(Household, col(Household.id) == col(LedgerProblem.household_id))
        .where(col(CloseOut.removed_at).is_(None))
    )
    return caller.scope.narrow(with_places(statement, place), place)


def present(session: Session, caller: Caller, row: CloseOut) -> CloseOutRow:
    """One close-out as an answer."""
    session.flush()
    statement = close_out_select(caller).where(col(CloseOut.id) == row.id)
    found = session.connection().execute(statement).mappings().one_or_none()
    if found is None:
        raise NOT_FOUND.problem()
    return CloseOutRow(**found)
