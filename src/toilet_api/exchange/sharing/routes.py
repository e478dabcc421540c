"""The catalogue, its settings, and the records of a dataset over HTTP."""

from typing import Annotated

from fastapi import Path, Query, Request, Response

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions.problems import WRONG_DIVISION_LEVEL
from toilet_api.exchange.sharing import records, shares
from toilet_api.exchange.sharing.datasets import CATALOGUE
from toilet_api.exchange.sharing.problems import (
    DATASET_FIELD_NOT_GRANTED,
    DATASET_GRANT_EXPIRED,
    DATASET_GRANT_REVOKED,
    DATASET_NOT_GRANTED,
    DATASET_NOT_SHARED,
)
from toilet_api.exchange.sharing.schemas import DatasetList, DatasetOut, DatasetPatch, DatasetRecord
from toilet_api.kernel import journal
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import (
    BAD_CURSOR,
    FORBIDDEN,
    INVALID,
    MALFORMED,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    UNAUTHENTICATED,
    UNKNOWN_PARAMETER,
    FieldError,
    problems,
)
from toilet_api.kernel.fields import DivisionCode, Moment
from toilet_api.kernel.paging import Page, Paging, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.survey.answers import changing
from toilet_api.survey.clock import Now
from toilet_api.survey.rules import shanghai_date

router = Room(tags=["exchange"])

_ALWAYS = (UNAUTHENTICATED, FORBIDDEN, UNKNOWN_PARAMETER, MALFORMED)
_READING = problems(*_ALWAYS, NOT_FOUND, INVALID, WRONG_DIVISION_LEVEL)

DatasetReader = Annotated[Caller, may(Permission.DATASET_READ)]
DatasetManager = Annotated[Caller, may(Permission.DATASET_MANAGE)]
DatasetName = Annotated[
    str,
    Path(
        title="数据集",
        description="GET /datasets 所列 / As GET /datasets lists them",
        max_length=60,
        examples=["households"],
    ),
]
County = Annotated[
    DivisionCode | None,
    Query(
        description=(
            "看哪个县的共享设置；可给其乡镇或村，不填为您的县"
            " / Whose settings: a county, or a place in one; left out: your own"
        )
    ),
]


@router.get(
    "/datasets",
    operation_id="list_datasets",
    summary="数据资源目录 / The catalogue of data",
    description=(
        "全部数据集及某县的共享类型；`division_code` 为空时是目录的默认设置。"
        " / Every dataset with its sharing type in one county; where `division_code` is null it is the catalogue's own."
    ),
    responses=_READING,
)
def list_datasets(session: Transaction, caller: DatasetReader, division: County = None) -> DatasetList:
    county = shares.county_of(session, caller, division)
    rows = shares.rows_of(session, county)
    return DatasetList(items=[shares.row_of(one, county, rows.get(one.name)) for one in CATALOGUE.values()])


@router.get(
    "/datasets/{dataset}",
    operation_id="get_dataset",
    summary="数据集 / A dataset",
    description="共享设置和数据项；敏感程度逐项列明。/ Its settings and columns, each with its sensitivity.",
    responses=_READING,
)
def get_dataset(
    response: Response, session: Transaction, caller: DatasetReader, dataset: DatasetName, division: County = None
) -> DatasetOut:
    one = shares.shared(dataset)
    county = shares.county_of(session, caller, division)
    shown = shares.row_of(one, county, shares.rows_of(session, county).get(one.name))
    set_etag(response, shown.version)
    return shares.out_of(one, shown)


@router.patch(
    "/datasets/{dataset}",
    operation_id="update_dataset",
    summary="设置本县的共享类型 / Set how the county shares a dataset",
    description=(
        'JSON Merge Patch，须带 If-Match（尚未设置时为 `"0"`）。不予共享须写明依据；即刻生效，已有授权随之停用。'
        ' / Needs If-Match (`"0"` before the first time). What is not shared needs its legal basis. It holds at once,'
        " for grants that were given as well."
    ),
    responses=changing(WRONG_DIVISION_LEVEL),
)
def update_dataset(
    response: Response,
    session: Transaction,
    caller: DatasetManager,
    dataset: DatasetName,
    body: DatasetPatch,
    division: County = None,
    if_match: IfMatch = None,
) -> DatasetOut:
    one = shares.shared(dataset)
    county = shares.county_of(session, caller, division)
    if county is None:
        told = ("请指明一个县", "name one county")
        raise INVALID.problem(errors=[FieldError("/query/division", "missing", told)])
    shown = shares.change(session, caller, one, county, body, if_match)
    set_etag(response, shown.version)
    return shares.out_of(one, shown)


@router.get(
    "/datasets/{dataset}/history",
    operation_id="list_dataset_history",
    summary="共享设置的历史 / The history of a dataset's settings",
    description="本县历次设置，先旧后新。/ Each change that the county made, the oldest first.",
    responses=_READING,
)
def list_dataset_history(
    session: Transaction, caller: DatasetManager, dataset: DatasetName, division: County = None
) -> Page[journal.HistoryEntry]:
    one = shares.shared(dataset)
    row = shares.rows_of(session, shares.county_of(session, caller, division)).get(one.name)
    changes = [] if row is None else journal.history(session, "dataset_share", row.id)
    return Page(items=changes, next_cursor=None)


@router.get(
    "/datasets/{dataset}/records",
    operation_id="list_dataset_records",
    summary="读取共享数据 / Read the records of a dataset",
    description=(
        "只含已授权的字段；无条件共享的数据集，不涉及个人的字段无须授权。个人信息总是脱敏。系统的每次读取均留痕。"
        "排序只有 `division_code`。"
        " / The fields that were granted; where a dataset is shared unconditionally, those that say nothing of a person"
        " need no grant. Personal data is masked always. Each pull by a system is recorded. One order: `division_code`."
    ),
    response_model=None,
    responses={
        200: page_schema(DatasetRecord, records.ORDER),
        **problems(
            *_ALWAYS,
            BAD_CURSOR,
            NOT_ACCEPTABLE,
            NOT_FOUND,
            INVALID,
            WRONG_DIVISION_LEVEL,
            DATASET_NOT_GRANTED,
            DATASET_FIELD_NOT_GRANTED,
            DATASET_GRANT_EXPIRED,
            DATASET_GRANT_REVOKED,
            DATASET_NOT_SHARED,
        ),
    },
)
def list_dataset_records(
    request: Request,
    session: Transaction,
    caller: DatasetReader,
    dataset: DatasetName,
    paging: Paging,
    now: Now,
    division: Annotated[
        DivisionCode | None,
        Query(
            description=(
                "县、乡镇或村，在您的管辖范围内；您的区划在县级以下时可不填"
                " / A county or below, within your own; may be left out where yours is such"
            )
        ),
    ] = None,
    updated_since: Annotated[
        Moment | None, Query(title="更新起", description="含此刻；区划等没有 / Changed at or after; not for all")
    ] = None,
) -> Response:
    one = shares.shared(dataset)
    return records.page(session, request, paging, caller, one, division, updated_since, shanghai_date(now))
