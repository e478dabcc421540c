"""Lists: keyset cursors, and pages that Postgres serializes.

A route hands over a select whose labelled columns are the fields of its schema. Postgres turns each row into JSON and
the bytes go through as they are: several times faster than building objects. Tests hold the bytes to the schema.
"""

import base64
import csv
import hmac
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Executable, Select, Text, and_, cast, func, literal, literal_column, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ClauseElement, UnaryExpression
from sqlalchemy.sql.operators import desc_op
from sqlmodel import Session

from toilet_api.kernel.database import actor_of
from toilet_api.kernel.errors import BAD_CURSOR, INVALID, NOT_ACCEPTABLE, FieldError
from toilet_api.kernel.preconditions import weak_etag

M = TypeVar("M", bound=BaseModel)
_JSON, _CSV, _NDJSON = "application/json", "text/csv", "application/x-ndjson"


class Page(BaseModel, Generic[M]):
    """一页记录 / One page of a list."""

    items: list[M] = Field(title="记录")
    next_cursor: str | None = Field(title="下一页游标", description="为空即已到末页 / null at the end")
    count: int | None = Field(None, title="总数", description="仅在要求 count 时给出 / only when asked for")


@dataclass(frozen=True)
class PageRequest:
    """The list parameters of a request."""

    limit: int
    cursor: str | None
    count: Literal["exact", "estimated"] | None
    sort: str | None
    fields: tuple[str, ...]


async def _paging(
    limit: Annotated[int, Query(ge=1, le=1000, title="每页条数", description="每页条数 / Rows per page")] = 100,
    cursor: Annotated[
        str | None,
        Query(max_length=4000, title="游标", description="上一页的 next_cursor / next_cursor of the page before"),
    ] = None,
    count: Annotated[
        Literal["exact", "estimated"] | None,
        Query(title="计数", description="要求总数：精确或估计 / Ask for the total, exact or estimated"),
    ] = None,
    sort: Annotated[
        str | None, Query(max_length=60, title="排序", description="排序方式，见各列表 / One of the listed orders")
    ] = None,
    fields: Annotated[
        str | None,
        Query(
            max_length=2000,
            title="字段",
            description="逗号分隔的字段名；每行只含这些和 id，schema 写的是整行 / "
            "Comma-separated; rows hold these and the id alone, while the schema tells of whole ones",
        ),
    ] = None,
) -> PageRequest:
    names = tuple(dict.fromkeys(name.strip() for name in (fields or "").split(",") if name.strip()))
    return PageRequest(limit, cursor, count, sort, names)


Paging = Annotated[PageRequest, Depends(_paging)]


def page_schema(model: type[BaseModel], *sorts: str) -> dict[str, Any]:
    """The documentation of a list answer in its three formats, for `responses={200: page_schema(Model, *_SORTS)}`.

    `sorts` names the orders on offer, which the document says at the parameter.
    """
    return {
        "x-sorts": sorts,
        "model": Page[model],  # type: ignore[valid-type]
        "description": "一页记录 / One page",
        "content": {
            _CSV: {"schema": {"type": "string"}},
            _NDJSON: {"schema": {"type": "string"}},
        },
    }


def answer_page(
    session: Session,
    request: Request,
    paging: PageRequest,
    statement: Select[Any],
    *,
    schema: type[BaseModel],
    sorts: Mapping[str, Sequence[Any]],
    default_sort: str,
    key: Any,
) -> Response:
    """One page of `statement` in the format that the client accepts.

    `sorts` names the orders on offer, each a list of columns (`column` or `column.desc()`); `key` is the unique
    column that ends each of them. Order columns mustn't be NULL: coalesce them. A cursor is bound to the user, the
    path, the filters and the order; any other is a 400.
    """
    order_name = paging.sort or default_sort
    if order_name not in sorts:
        raise _bad_parameter("sort", order_name, ", ".join(sorts))
    order = [*sorts[order_name], key]
    columns = [_bare(one) for one in order]
    descending = [_is_descending(one) for one in order]
    binding = _binding(session, request, order_name)
    secret: bytes = request.app.state.cursor_secret
    names = _chosen_fields(paging.fields, schema)
    limited = statement
    if paging.cursor is not None:
        values = _open_cursor(paging.cursor, secret, binding, columns)
        limited = limited.where(_after(columns, descending, values))
    limited = limited.order_by(None).order_by(*order).limit(paging.limit + 1)
    inner = limited.add_columns(
        *(cast(column, Text).label(f"_key{index}") for index, column in enumerate(columns))
    ).subquery("page_row")
    # Named as text: a proxy of each column of the inner select would take longer to make than the page to read.
    built = ", ".join(f"'{name}', page_row.\"{name}\"" for name in names)
    shown = [f"json_build_object({built})::text", *(f"page_row._key{index}" for index in range(len(columns)))]
    columns_shown: list[Any] = [literal_column(one) for one in shown]
    page: Any = select(*columns_shown).select_from(inner)
    rows = session.connection().execute(page).all()
    more = len(rows) > paging.limit
    rows = rows[: paging.limit]
    next_cursor = _seal_cursor(list(rows[-1][1:]), secret, binding) if more and rows else None
    total = _count(session, statement, paging.count)
    request.state.shown_rows, request.state.shown_fields = len(rows), names
    return _render(request, [row[0] for row in rows], names, next_cursor, total)


def _render(
    request: Request, rows: list[str], names: Sequence[str], next_cursor: str | None, total: int | None
) -> Response:
    media = negotiate(request.headers.get("accept", "*/*"))
    headers = {}
    if next_cursor:
        following = request.url.include_query_params(cursor=next_cursor)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'  # relative: a proxy may rename the host
    if media != _JSON:
        headers["Next-Cursor"] = next_cursor or ""
        if total is not None:
            headers["Total-Count"] = str(total)
    if media == _NDJSON:
        content = "".join(row + "\n" for row in rows).encode()
    elif media == _CSV:
        content = as_csv(rows, names)
        media = "text/csv; charset=utf-8"
    else:
        tail = json.dumps(next_cursor)
        counted = "" if total is None else f',"count":{total}'
        content = f'{{"items":[{",".join(rows)}],"next_cursor":{tail}{counted}}}'.encode()
    # Of what is shown, not of the cursor, which is sealed for one user: the same rows have the same tag for everyone.
    shown = json.dumps([media, names, total, next_cursor is not None]).encode() + "\n".join(rows).encode()
    headers["ETag"] = weak_etag(shown)
    return Response(content, media_type=media, headers=headers)


def negotiate(accept: str, offered: Sequence[str] = (_JSON, _CSV, _NDJSON)) -> str:
    """The list format for an Accept header: JSON unless another is preferred. 406 when none fits."""
    offers: list[tuple[float, int, str]] = []
    unwanted: set[str] = set()
    for index, part in enumerate(accept.split(",")):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if match := re.fullmatch(r"q=([01](?:\.\d{0,3})?)", parameter):
                quality = float(match[1])
        if quality == 0:
            unwanted.add(media)
        else:
            offers += [
                (-quality, index, known) for known in offered if media in (known, known.split("/")[0] + "/*", "*/*", "")
            ]
    offers = [offer for offer in offers if offer[2] not in unwanted]
    if not offers:
        raise NOT_ACCEPTABLE.problem(expected=list(offered))
    return min(offers, key=lambda offer: offer[:2])[2]


def as_csv(rows: Sequence[str], names: Sequence[str]) -> bytes:
    """Rows, given as JSON objects, as CSV. Without BOM: programs would take it for a part of the first heading."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    for row in rows:
        members = json.loads(row)
        writer.writerow([csv_cell(members[name]) for name in names])
    return out.getvalue().encode()


def csv_cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float)):
        return str(value)
    written = str(value)
    return "'" + written if written[:1] in ("=", "+", "-", "@", "\t", "\r") else written


def _chosen_fields(fields: tuple[str, ...], schema: type[BaseModel]) -> list[str]:
    known = list(schema.model_fields)
    unknown = [name for name in fields if name not in known]
    if unknown:
        raise _bad_parameter("fields", ",".join(unknown), ", ".join(known))
    return [name for name in known if not fields or name in fields or name == "id"]


def _bad_parameter(name: str, value: str, expected: str) -> Exception:
    return INVALID.problem(
        errors=[FieldError(f"/query/{name}", "unknown_value", ("不支持的取值", "unsupported value"), value, expected)]
    )


def _bare(column: Any) -> ColumnElement[Any]:
    return column.element if isinstance(column, UnaryExpression) and column.modifier else column


def _is_descending(column: Any) -> bool:
    return isinstance(column, UnaryExpression) and column.modifier is desc_op


def _after(columns: Sequence[ColumnElement[Any]], descending: list[bool], values: list[Any]) -> ColumnElement[bool]:
    """The rows behind the cursor. Orders that run one way use a row comparison, which an index serves."""
    cases = []
    for index, column in enumerate(columns):
        beyond = column < values[index] if descending[index] else column > values[index]
        cases.append(and_(*(columns[i] == values[i] for i in range(index)), beyond))
    first = columns[0] <= values[0] if descending[0] else columns[0] >= values[0]
    return and_(first, or_(*cases))


def _binding(session: Session, request: Request, order_name: str) -> str:
    filters = sorted(
        (name, value)
        for name, value in request.query_params.multi_items()
        if name not in ("cursor", "limit", "count", "fields", "sort")
    )
    body = getattr(request.state, "cursor_filters", "")
    return json.dumps([str(actor_of(session).id), request.method, request.url.path, filters, order_name, body])


def _seal_cursor(values: list[Any], secret: bytes, binding: str) -> str:
    payload = json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()
    tag = hmac.digest(secret, binding.encode() + b"\0" + payload, "sha256")[:12]
    return base64.urlsafe_b64encode(tag + payload).rstrip(b"=").decode()


def _open_cursor(cursor: str, secret: bytes, binding: str, columns: Sequence[ColumnElement[Any]]) -> list[Any]:
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise BAD_CURSOR.problem() from None
    if base64.urlsafe_b64encode(sealed).rstrip(b"=").decode() != cursor:  # another spelling of the same bytes
        raise BAD_CURSOR.problem()
    tag, payload = sealed[:12], sealed[12:]
    if not hmac.compare_digest(tag, hmac.digest(secret, binding.encode() + b"\0" + payload, "sha256")[:12]):
        raise BAD_CURSOR.problem()
    return [_typed(value, column) for value, column in zip(json.loads(payload), columns, strict=True)]


def _typed(value: str, column: ColumnElement[Any]) -> Any:
    """A key value, sent as text, in the type of its column. The text came from Postgres itself and is signed."""
    kinds: dict[type, Callable[[str], Any]] = {
        int: int,
        UUID: UUID,
        datetime: datetime.fromisoformat,
        date: date.fromisoformat,
        str: str,
    }
    try:
        convert = kinds.get(column.type.python_type)
    except NotImplementedError:
        convert = None
    if convert is None:
        return cast(literal(value, Text), column.type)
    return literal(convert(value), column.type)


def _count(session: Session, statement: Select[Any], how: str | None) -> int | None:
    if how is None:
        return None
    bare = statement.order_by(None)
    if how == "exact":
        total: int = session.connection().execute(select(func.count()).select_from(bare.subquery())).scalar_one()
        return total
    plan = session.connection().execute(_Explained(bare)).scalar_one()
    return int(plan[0]["Plan"]["Plan Rows"])


class _Explained(Executable, ClauseElement):
    """EXPLAIN of a select, with its parameters bound as they are in the select itself."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(_Explained, "postgresql")
def _compile_explained(element: _Explained, compiler: Any, **options: Any) -> str:
    return "EXPLAIN (FORMAT JSON) " + str(compiler.process(element.statement, **options))
