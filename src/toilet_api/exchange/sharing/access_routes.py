"""Who pulled what, over HTTP: read by the county, never written by anyone."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from sqlalchemy import Select
from sqlmodel import col

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.sharing.access_schemas import DatasetAccessDay, DatasetAccessRow
from toilet_api.exchange.sharing.access_views import SORTS, access_select, day_select
from toilet_api.exchange.sharing.tables import DatasetAccess
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.fields import Day, DivisionCode
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.requests import Room
from toilet_api.survey.answers import listing

router = Room(tags=["exchange"])

Tracer = Annotated[Caller, may(Permission.DATASET_TRACE)]


def _pulls(
    session: Transaction,
    caller: Tracer,
    division: Annotated[
        DivisionCode | None, Query(description="涉及该区划的 / Pulls that touched that division")
    ] = None,
    client_id: Annotated[
        str | None, Query(min_length=1, max_length=100, title="客户端标识", examples=["province_client"])
    ] = None,
    dataset: Annotated[str | None, Query(min_length=1, max_length=60, title="数据集", examples=["households"])] = None,
    date_from: Annotated[Day | None, Query(title="日期起", description="含当日 / That day included")] = None,
    date_to: Annotated[Day | None, Query(title="日期止", description="含当日 / That day included")] = None,
) -> Select[Any]:
    return access_select(
        session,
        caller,
        division=division,
        client_id=client_id,
        dataset=dataset,
        date_from=date_from,
        date_to=date_to,
    )


Pulls = Annotated[Select[Any], Depends(_pulls)]


@router.get(
    "/dataset-accesses",
    operation_id="list_dataset_accesses",
    summary="数据访问记录 / Who pulled what",
    description=(
        "系统对本区划数据的每次访问：列表、单条记录、导出、文件、变更源、共享数据集；取上级全部数据的也在内。"
        "排序 / Each pull by a system of data of your division, or of all that lies around it: lists, records, exports,"
        " files, changes, datasets. Orders: `-at` (default), `at`."
    ),
    response_model=None,
    responses={200: page_schema(DatasetAccessRow, *SORTS), **listing()},
)
def list_dataset_accesses(request: Request, session: Transaction, paging: Paging, pulls: Pulls) -> Response:
    return answer_page(
        session,
        request,
        paging,
        pulls,
        schema=DatasetAccessRow,
        sorts=SORTS,
        default_sort="-at",
        key=col(DatasetAccess.id),
    )


@router.get(
    "/dataset-accesses/by-day",
    operation_id="list_dataset_access_days",
    summary="数据访问按日汇总 / Pulls by day",
    description=(
        "每个系统、每个数据集、每天一行；一次访问涉及几个区划的只计一次。排序 / A row for each system, dataset and day;"
        " a pull of several divisions counts once. Orders: `-day` (default), `day`."
    ),
    response_model=None,
    responses={200: page_schema(DatasetAccessDay, "-day", "day"), **listing()},
)
def list_dataset_access_days(request: Request, session: Transaction, paging: Paging, pulls: Pulls) -> Response:
    statement, day, key = day_select(pulls)
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=DatasetAccessDay,
        sorts={"-day": [day.desc()], "day": [day]},
        default_sort="-day",
        key=key,
    )
