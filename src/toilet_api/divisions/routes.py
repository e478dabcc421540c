"""Divisions over HTTP. The tree is public to whoever may log in; it is changed where `division.manage` is held."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import StringConstraints
from sqlmodel import Session, col

from toilet_api.divisions import recoding, reform, schemas, views
from toilet_api.divisions.problems import (
    DIVISION_CODE_TAKEN,
    DIVISION_ENDED,
    DIVISION_NAME_TAKEN,
    DIVISION_NOT_EMPTY,
    NO_FREE_CODE,
    RECORDS_IN_CONFLICT,
    UNKNOWN_DIVISION,
    WRONG_DIVISION_LEVEL,
)
from toilet_api.divisions.tables import Division
from toilet_api.divisions.views import DivisionCaller
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import (
    BAD_CURSOR,
    FORBIDDEN,
    IDEMPOTENCY_MISMATCH,
    INVALID,
    MATCH_REQUIRED,
    NOT_FOUND,
    OUT_OF_SCOPE,
    STALE,
    UNAUTHENTICATED,
    UNKNOWN_PARAMETER,
    problems,
)
from toilet_api.kernel.fields import Day, DivisionCode
from toilet_api.kernel.paging import PageRequest, Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, optional_match, require_match, set_etag
from toilet_api.kernel.requests import Room

_READ = (UNAUTHENTICATED, FORBIDDEN, UNKNOWN_PARAMETER, INVALID)
_LIST = (*_READ, BAD_CURSOR, NOT_FOUND)
_WRITE = (*_READ, OUT_OF_SCOPE, NOT_FOUND, UNKNOWN_DIVISION, WRONG_DIVISION_LEVEL, DIVISION_ENDED, STALE)
_RECODE = (*_WRITE, DIVISION_NAME_TAKEN, DIVISION_CODE_TAKEN, NO_FREE_CODE, RECORDS_IN_CONFLICT)

Search = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=50),
    Query(
        title="查找",
        description="名称的一部分，或代码的开头；单个字只按开头查找 / Part of the name, or the beginning of the code; "
        "a single character is sought at the beginning only",
        examples=["石渡"],
    ),
]
At = Annotated[Day | None, Query(title="日期", description="某日有效的区划 / As in force on that day")]
IncludeEnded = Annotated[bool, Query(title="含已撤销", description="含已撤销的区划 / Ended divisions as well")]


def build_router(reader: Any, manager: Any) -> APIRouter:
    """The routes. `reader` and `manager` are the dependencies that ask for `division.read` and `division.manage`.

    They are handed in because accounts, which has them, stands a floor higher.
    """
    router = Room(tags=["divisions"])
    _add_reading(router, reader)
    _add_changes(router, manager)
    return router


def _add_reading(router: APIRouter, reader: Any) -> None:
    @router.get(
        "/divisions",
        operation_id="list_divisions",
        dependencies=[reader],
        summary="查找区划 / Search and list divisions",
        response_model=None,
        responses={200: page_schema(schemas.DivisionRow, "code", "name", "level", "relevance"), **problems(*_LIST)},
    )
    def list_divisions(
        request: Request,
        session: Transaction,
        paging: Paging,
        search: Search | None = None,
        parent: Annotated[
            DivisionCode | None, Query(title="上级代码", description="只列直接下级 / Direct children only")
        ] = None,
        level: Annotated[schemas.Level | None, Query()] = None,
        under: Annotated[
            DivisionCode | None, Query(title="范围", description="该区划及其下 / That division and all below it")
        ] = None,
        at: At = None,
        include_ended: IncludeEnded = False,
    ) -> Response:
        """查找时先列全等、次列开头相同者；`sort`：relevance（无 search 时同 code）、code、name、level。

        旧代码自动转为现代码。

        Exact matches first, then those that begin so. Old codes are followed to what has become of them.
        """
        statement = views.rows()
        if not include_ended or at is not None:
            statement = statement.where(views.in_force(at))
        if parent is not None:
            statement = statement.where(col(Division.parent_code) == views.place(session, parent, at))
        if under is not None:
            statement = statement.where(views.under(views.place(session, under, at)))
        if level is not None:
            statement = statement.where(col(Division.level) == level)
        sorts: dict[str, list[Any]] = {"code": [], "name": [col(Division.name)], "level": [col(Division.level)]}
        sorts["relevance"] = []
        if search is not None:
            statement = statement.where(views.matching(session, search))
            sorts["relevance"] = [views.relevance(search), col(Division.level)]
        return _page(session, request, paging, statement, sorts, "code" if search is None else "relevance")

    @router.get(
        "/divisions/{code}",
        operation_id="get_division",
        summary="一个区划 / One division",
        responses=problems(*_READ, NOT_FOUND),
    )
    def get_division(
        response: Response,
        session: Transaction,
        caller: Annotated[DivisionCaller, reader],
        code: DivisionCode,
        resolve: Annotated[
            bool, Query(title="转为现代码", description="false：照旧码原样答复 / false: the ended division itself")
        ] = True,
    ) -> schemas.DivisionView:
        """旧代码答复其继承者，并给出 `resolved_from`。/ An old code answers what succeeds it, with `resolved_from`."""
        view = views.show(session, caller, code, follow=resolve)
        set_etag(response, view.version)
        return view

    @router.get(
        "/divisions/{code}/children",
        operation_id="list_division_children",
        dependencies=[reader],
        summary="下级区划 / Divisions below",
        response_model=None,
        responses={200: page_schema(schemas.DivisionRow, "code", "name"), **problems(*_LIST)},
    )
    def list_division_children(
        request: Request,
        session: Transaction,
        paging: Paging,
        code: DivisionCode,
        at: At = None,
        include_ended: IncludeEnded = False,
    ) -> Response:
        """直接下级，按代码排序。/ The divisions directly below, by code."""
        statement = views.rows().where(col(Division.parent_code) == views.place(session, code, at))
        if not include_ended or at is not None:
            statement = statement.where(views.in_force(at))
        return _page(session, request, paging, statement, {"code": [], "name": [col(Division.name)]}, "code")

    @router.get(
        "/divisions/{code}/ancestors",
        operation_id="list_division_ancestors",
        dependencies=[reader],
        summary="上级区划 / Divisions above",
        responses=problems(*_READ, NOT_FOUND),
    )
    def list_division_ancestors(session: Transaction, code: DivisionCode) -> schemas.DivisionList:
        """由省至直接上级。/ From the province down to the parent."""
        return schemas.DivisionList.model_validate({"items": views.ancestors(session, code)})

    @router.get(
        "/divisions/{code}/history",
        operation_id="list_division_history",
        dependencies=[reader],
        summary="区划沿革 / What became of a division",
        responses=problems(*_READ, NOT_FOUND),
    )
    def list_division_history(session: Transaction, code: DivisionCode) -> schemas.DivisionHistory:
        """该代码的由来与去向：改名、合并、拆分、迁移。/ Where it came from and what it became."""
        return schemas.DivisionHistory.model_validate({"items": views.history(session, code)})


def _add_changes(router: APIRouter, manager: Any) -> None:
    @router.post(
        "/divisions",
        operation_id="create_division",
        summary="新增区划 / Create a division",
        status_code=201,
        responses=problems(*_WRITE, DIVISION_NAME_TAKEN, DIVISION_CODE_TAKEN, NO_FREE_CODE, IDEMPOTENCY_MISMATCH),
    )
    def create_division(
        response: Response,
        session: Transaction,
        caller: Annotated[DivisionCaller, manager],
        body: schemas.DivisionCreate,
    ) -> schemas.DivisionView:
        """村级代码自 2024 年 10 月起不再统一公布，由县级自行维护。

        Village codes are no longer published since October 2024; the county keeps them.
        """
        view = views.show(session, caller, reform.create(session, caller.scope, body))
        set_etag(response, view.version)
        response.headers["Location"] = f"/api/v1/divisions/{view.code}"
        return view

    @router.patch(
        "/divisions/{code}",
        operation_id="rename_division",
        summary="区划改名 / Rename a division",
        responses=problems(*_WRITE, MATCH_REQUIRED, DIVISION_NAME_TAKEN),
    )
    def rename_division(
        response: Response,
        session: Transaction,
        caller: Annotated[DivisionCaller, manager],
        code: DivisionCode,
        body: schemas.DivisionPatch,
        if_match: IfMatch = None,
    ) -> schemas.DivisionView:
        """代码不变；原名称仍可用于导入。/ The code stays; the old name is still understood in uploads."""
        division = recoding.hold(session, caller.scope, code)
        require_match(if_match, division.version, lambda: views.show(session, caller, code))
        if "name" in body.model_fields_set:
            reform.rename(session, division, body.name, body.reason)
        view = views.show(session, caller, code)
        set_etag(response, view.version)
        return view

    def change(
        session: Session,
        caller: DivisionCaller,
        code: str,
        if_match: str | None,
        step: Callable[[Division], reform.Done],
        response: Response,
    ) -> schemas.DivisionChange:
        division = recoding.hold(session, caller.scope, code)
        optional_match(if_match, division.version, lambda: views.show(session, caller, code))
        done = step(division)
        session.expire_all()
        view = views.show(session, caller, done.code, follow=False)
        set_etag(response, view.version)
        return schemas.DivisionChange(
            division=view,
            recoded=[schemas.Recoded(old_code=old, new_code=new) for old, new in done.recoded.items()],
            records=done.records,
        )

    @router.post(
        "/divisions/{code}/merge",
        operation_id="merge_division",
        summary="并入另一区划 / Merge into another division",
        responses=problems(*_RECODE),
    )
    def merge_division(
        response: Response,
        session: Transaction,
        caller: Annotated[DivisionCaller, manager],
        code: DivisionCode,
        body: schemas.DivisionMerge,
        if_match: IfMatch = None,
    ) -> schemas.DivisionChange:
        """记录、授权、下级区划随之转移；旧代码仍可解析。

        Records, grants and the divisions below follow; the old code resolves.
        """
        return change(
            session, caller, code, if_match, lambda it: reform.merge(session, caller.scope, it, body), response
        )

    @router.post(
        "/divisions/{code}/split",
        operation_id="split_division",
        summary="拆分村 / Split a village",
        responses=problems(*_RECODE),
    )
    def split_division(
        response: Response,
        session: Transaction,
        caller: Annotated[DivisionCaller, manager],
        code: DivisionCode,
        body: schemas.DivisionSplit,
        if_match: IfMatch = None,
    ) -> schemas.DivisionChange:
        """按农户划分；其余留在原村，或按 `rest` 划入新村。/ By household; the others stay, or go where `rest` says."""
        return change(
            session, caller, code, if_match, lambda it: reform.split(session, caller.scope, it, body), response
        )

    @router.post(
        "/divisions/{code}/move",
        operation_id="move_division",
        summary="移到另一上级 / Move below another parent",
        responses=problems(*_RECODE),
    )
    def move_division(
        response: Response,
        session: Transaction,
        caller: Annotated[DivisionCaller, manager],
        code: DivisionCode,
        body: schemas.DivisionMove,
        if_match: IfMatch = None,
    ) -> schemas.DivisionChange:
        """连同全部下级换码，记录与授权随之转移。/ All codes below change, records and grants follow."""
        return change(
            session, caller, code, if_match, lambda it: reform.move(session, caller.scope, it, body), response
        )

    @router.post(
        "/divisions/{code}/close",
        operation_id="close_division",
        summary="撤销空区划 / Close an empty division",
        responses=problems(*_WRITE, DIVISION_NOT_EMPTY),
    )
    def close_division(
        response: Response,
        session: Transaction,
        caller: Annotated[DivisionCaller, manager],
        code: DivisionCode,
        body: schemas.DivisionClose,
        if_match: IfMatch = None,
    ) -> schemas.DivisionChange:
        """仅当其下没有记录与下级区划。/ Only when no record and no division is left in it."""
        return change(session, caller, code, if_match, lambda it: reform.close(session, it, body), response)


def _page(
    session: Session, request: Request, paging: PageRequest, statement: Any, sorts: dict[str, list[Any]], default: str
) -> Response:
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=schemas.DivisionRow,
        sorts=sorts,
        default_sort=default,
        key=col(Division.code),
    )
