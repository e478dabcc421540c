"""How a county shares each dataset: the catalogue's default, until the county sets its own."""

from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.divisions import lookup
from toilet_api.divisions.problems import WRONG_DIVISION_LEVEL
from toilet_api.divisions.rules import LEVEL_NAMES
from toilet_api.exchange.sharing.datasets import CATALOGUE, Shared
from toilet_api.exchange.sharing.rules import TYPE_RULE
from toilet_api.exchange.sharing.schemas import DatasetOut, DatasetPatch, DatasetRow, item_of
from toilet_api.exchange.sharing.tables import DatasetShare
from toilet_api.kernel import journal
from toilet_api.kernel.errors import INVALID, NOT_FOUND, FieldError
from toilet_api.kernel.preconditions import require_match
from toilet_api.registry.merging import difference
from toilet_api.survey.records import snapshot

_CONTENT = ("dataset", "sharing_type", "conditions", "legal_basis", "responsible_unit")
_ONE_AT_A_TIME = text(
    "select pg_advisory_xact_lock(hashtextextended(current_schema() || '.dataset_share.' || :place, 0))"
)


def shared(name: str) -> Shared:
    """The dataset of this name. Raises `not_found`."""
    found = CATALOGUE.get(name)
    if found is None:
        raise NOT_FOUND.problem()
    return found


def county_of(session: Session, caller: Caller, division: str | None) -> str | None:
    """The county whose settings are meant: that of the division asked for, or of the caller; None for several.

    Raises `not_found` for a division that neither lies in the caller's scope nor around it, 422 for one above counties.
    """
    if division is None:
        counties = {prefix[:6] for prefix in caller.scope.prefixes}
        only = next(iter(counties)) if len(counties) == 1 else ""
        return only if len(only) == 6 else None
    found = lookup.resolve(session, division)
    if found is None or caller.scope.within(found.code).is_empty:
        raise NOT_FOUND.problem()
    require_county(found.code, "/query/division", division)
    return found.code[:6]


def require_county(code: str, pointer: str, asked: str) -> None:
    """Raises `wrong_division_level` for a division above counties: it is they who share."""
    if len(code) < 6:
        zh, en = LEVEL_NAMES[3]
        told = (f"须为{zh}或以下", f"must be a {en} or below")
        raise WRONG_DIVISION_LEVEL.problem(errors=[FieldError(pointer, "wrong_division_level", told, asked, en)])


def rows_of(session: Session, county: str | None) -> dict[str, DatasetShare]:
    """What a county has set, by dataset."""
    if county is None:
        return {}
    rows = session.exec(
        select(DatasetShare)
        .where(DatasetShare.division_code == county, col(DatasetShare.removed_at).is_(None))
        .order_by(col(DatasetShare.updated_at), col(DatasetShare.id))
        .execution_options(populate_existing=True)
    )
    return {row.dataset: row for row in rows}


def standing(session: Session, dataset: Shared, county: str) -> DatasetRow:
    """How a county shares a dataset now."""
    return row_of(dataset, county, rows_of(session, county).get(dataset.name))


def row_of(dataset: Shared, county: str | None, row: DatasetShare | None) -> DatasetRow:
    """A dataset with the county's settings, or the catalogue's where it has none."""
    set_: Any = dataset if row is None else row
    return DatasetRow(
        dataset=dataset.name,
        title=dataset.zh,
        description=dataset.about[0],
        description_en=dataset.about[1],
        division_code=county,
        sharing_type=set_.sharing_type,
        conditions=set_.conditions,
        legal_basis=None if row is None else row.legal_basis,
        responsible_unit=(row.responsible_unit if row else None) or dataset.unit,
        update_frequency="real_time",
        version=0 if row is None else row.version,
        updated_at=None if row is None else row.updated_at,
    )


def out_of(dataset: Shared, row: DatasetRow) -> DatasetOut:
    """The same with the columns."""
    return DatasetOut(**row.model_dump(), items=[item_of(item) for item in dataset.items.values()])


def change(
    session: Session, caller: Caller, dataset: Shared, county: str, body: DatasetPatch, if_match: str | None
) -> DatasetRow:
    """Set how a county shares a dataset; the first time makes its setting.

    Raises `not_found` outside of the caller's scope, 412, 428, and 422 for what isn't shared without a legal basis.
    """
    if not caller.scope.covers(county):
        raise NOT_FOUND.problem()
    session.connection().execute(_ONE_AT_A_TIME, {"place": f"{county}.{dataset.name}"})
    row = rows_of(session, county).get(dataset.name)
    require_match(if_match, row.version if row else 0, lambda: out_of(dataset, row_of(dataset, county, row)))
    before = None if row is None else snapshot(row, _CONTENT)
    if row is None:
        row = DatasetShare(
            division_code=county,
            dataset=dataset.name,
            sharing_type=dataset.sharing_type,
            conditions=dataset.conditions,
            created_by=caller.id,
            updated_by=caller.id,
        )
    else:
        row.touch(caller.id)
    for name, value in body.changes().items():
        setattr(row, name, value)
    _check(row)
    session.add(row)
    _journal(session, row, before)
    return row_of(dataset, county, row)


def _check(row: DatasetShare) -> None:
    if row.sharing_type == "not_shared" and row.legal_basis is None:
        told = ("不予共享须写明依据", "what is not shared needs its legal basis")
        raise INVALID.problem(errors=[FieldError("/legal_basis", "missing", told, rule=TYPE_RULE)])


def _journal(session: Session, row: DatasetShare, before: dict[str, Any] | None) -> None:
    after = snapshot(row, _CONTENT)
    is_new = before is None
    if before is not None:
        before, after = difference(before, after)
    journal.record(
        session,
        action="dataset_share.created" if is_new else "dataset_share.updated",
        subject_type="dataset_share",
        subject_id=row.id,
        division_code=row.division_code,
        version=row.version,
        before=before,
        after=after,
        op="create" if is_new else "update",
    )
