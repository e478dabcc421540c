"""The records of a dataset, page by page: the columns that the caller may read, of one division."""

from datetime import date, datetime
from functools import lru_cache
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel, create_model
from sqlalchemy import Select
from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.divisions import lookup
from toilet_api.exchange.exports.schemas import ExportFilters
from toilet_api.exchange.sharing import accesses, entitlement, shares
from toilet_api.exchange.sharing.datasets import Shared, value_of
from toilet_api.kernel.errors import INVALID, NOT_FOUND, FieldError
from toilet_api.kernel.paging import PageRequest, answer_page

ORDER = "division_code"
"""The only order: of places, and within a place that of the records' keys."""


def page(
    session: Session,
    request: Request,
    paging: PageRequest,
    caller: Caller,
    dataset: Shared,
    division: str | None,
    updated_since: datetime | None,
    today: date,
) -> Response:
    """One page. Raises `not_found` for a division outside of the caller's scope, and what `entitlement` raises."""
    code = _division(session, caller, division)
    accesses.tell(request, dataset=dataset.name, divisions=[code], fields=paging.fields or None)
    held = entitlement.readable(session, caller, dataset, code, today)
    entitlement.require_fields(dataset, held, paging.fields)
    if updated_since is not None and "updated_since" not in dataset.dataset.filters:
        told = ("该数据集没有这个筛选条件", "this dataset has no such filter")
        raise INVALID.problem(errors=[FieldError("/query/updated_since", "unknown_filter", told)])
    answer = answer_page(
        session,
        request,
        paging,
        _select(dataset, code, updated_since, today),
        schema=_model(tuple(held)),
        sorts={ORDER: dataset.order},
        default_sort=ORDER,
        key=dataset.key,
    )
    accesses.tell(request, fields=request.state.shown_fields)
    return answer


def _division(session: Session, caller: Caller, asked: str | None) -> str:
    """The division asked for, as it is today, or the caller's own: a county or below, inside of the caller's scope."""
    if asked is None:
        if len(caller.scope.prefixes) != 1 or len(caller.scope.prefixes[0]) < 6:
            told = ("请指明县、乡镇或村", "name a county, township or village")
            raise INVALID.problem(errors=[FieldError("/query/division", "missing", told)])
        return caller.scope.prefixes[0]
    found = lookup.resolve(session, asked)
    if found is None or not caller.scope.covers(found.code):
        raise NOT_FOUND.problem()
    shares.require_county(found.code, "/query/division", asked)
    return found.code


@lru_cache(maxsize=256)
def _select(dataset: Shared, code: str, updated_since: datetime | None, today: date) -> Select[Any]:
    """All columns of the rows of a division; the page shows those that may be read. Composing it takes a while."""
    source = dataset.source(code, ExportFilters(updated_since=updated_since), today)
    return source.rows.add_columns(*(value_of(column).label(column.key) for column in source.columns))


@lru_cache(maxsize=256)
def _model(names: tuple[str, ...]) -> type[BaseModel]:
    """The columns that a page may show."""
    members: dict[str, Any] = dict.fromkeys(names, (Any, None))
    return create_model("Readable", **members)
