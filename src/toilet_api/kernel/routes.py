"""Health, code lists and the error catalogue."""

from typing import Annotated

from fastapi import Query, Response
from pydantic import Field

from toilet_api.kernel.codes import CODE_LISTS
from toilet_api.kernel.dependencies import DatabaseDep
from toilet_api.kernel.errors import CATALOGUE, NOT_FOUND, UNAVAILABLE, problems
from toilet_api.kernel.fields import Schema
from toilet_api.kernel.migrations import applied, heads
from toilet_api.kernel.requests import Room

router = Room(tags=["reference"])
health = Room(tags=["health"])


class CodeEntry(Schema):
    """一个代码 / One code."""

    code: str = Field(title="代码", examples=["three_compartment"])
    label_zh: str = Field(title="中文名称", examples=["三格化粪池式"])
    label_en: str = Field(title="英文名称", examples=["Three-compartment septic tank"])
    order: int = Field(title="顺序", examples=[1])
    national: str | None = Field(None, title="国家标准代码")
    retired: bool = Field(False, title="已停用")


class CodeListAnswer(Schema):
    """代码表 / A code list."""

    name: str = Field(title="代码表", examples=["toilet_mode"])
    title_zh: str = Field(title="中文标题", examples=["改厕模式"])
    title_en: str = Field(title="英文标题", examples=["Technical mode"])
    codes: list[CodeEntry] = Field(title="代码")


class CodeLists(Schema):
    """全部代码表 / All code lists."""

    items: list[CodeListAnswer] = Field(title="代码表")


class CatalogueEntry(Schema):
    """一种错误 / One kind of error."""

    type: str = Field(title="类型", examples=["/problems-catalogue/not_found"])
    code: str = Field(title="代码", examples=["not_found"])
    status: int = Field(title="HTTP 状态码", examples=[404])
    title_zh: str = Field(title="中文标题", examples=["未找到"])
    title_en: str = Field(title="英文标题", examples=["Not found"])
    rule: str | None = Field(None, title="依据", examples=["工作方案 四（二）"])
    remedy_zh: str | None = Field(None, title="下一步", examples=["请重新读取记录后再办。"])
    remedy_en: str | None = Field(None, title="下一步（英文）", examples=["Read the record again."])


class Catalogue(Schema):
    """错误目录 / The error catalogue."""

    items: list[CatalogueEntry] = Field(title="错误类型")


class Health(Schema):
    """运行状态 / State of the service."""

    status: str = Field(title="状态", examples=["ok"])


class Readiness(Health):
    """就绪状态 / Readiness."""

    migration: str = Field(title="数据库版本", examples=["0006_exchange"])


@router.get("/code-lists", operation_id="list_code_lists", summary="代码表 / Code lists")
def list_code_lists(
    name: Annotated[str | None, Query(max_length=60, title="代码表名")] = None,
) -> CodeLists:
    """全部代码及其中文名称。客户端须容忍新代码。/ Every code with its labels. Clients must tolerate new codes."""
    chosen = [one for one in CODE_LISTS.values() if name is None or one.name == name]
    return CodeLists(
        items=[
            CodeListAnswer(
                name=one.name,
                title_zh=one.zh,
                title_en=one.en,
                codes=[
                    CodeEntry(
                        code=code.code,
                        label_zh=code.zh,
                        label_en=code.en,
                        order=order,
                        national=code.national,
                        retired=code.retired,
                    )
                    for order, code in enumerate(one.codes, 1)
                ],
            )
            for one in chosen
        ]
    )


@router.get("/error-catalogue", operation_id="list_error_catalogue", summary="错误目录 / Error catalogue")
def list_error_catalogue() -> Catalogue:
    """本接口可能答复的全部错误类型。/ Every kind of error that this API answers."""
    return Catalogue(items=[_entry(code) for code in sorted(CATALOGUE)])


problem_pages = Room(tags=["reference"])


@problem_pages.get(
    "/problems-catalogue/{code}",
    operation_id="get_error_type",
    summary="错误类型 / One kind of error",
    responses=problems(NOT_FOUND),
)
def get_error_type(code: str) -> CatalogueEntry:
    """`type` 所指的说明。/ What the `type` of an error points to."""
    if code not in CATALOGUE:
        raise NOT_FOUND.problem()
    return _entry(code)


def _entry(code: str) -> CatalogueEntry:
    kind = CATALOGUE[code]
    return CatalogueEntry(
        type=f"/problems-catalogue/{code}",
        code=code,
        status=kind.status,
        title_zh=kind.zh,
        title_en=kind.en,
        rule=kind.rule or None,
        remedy_zh=kind.remedy[0] or None,
        remedy_en=kind.remedy[1] or None,
    )


@health.get("/healthz", operation_id="get_health", summary="进程存活 / Process is alive")
def get_health() -> Health:
    """进程在运行即答复 200。/ 200 while the process runs."""
    return Health(status="ok")


@health.get(
    "/readyz",
    operation_id="get_readiness",
    summary="可否接收请求 / Ready to serve",
    responses=problems(UNAVAILABLE),
)
def get_readiness(response: Response, database: DatabaseDep) -> Readiness:
    """数据库可达且迁移齐全时答复 200，否则 503。/ 200 when the database answers and is migrated, else 503."""
    response.headers["Cache-Control"] = "no-store"
    try:
        found = applied(database.engine, database.settings.database_schema)
    except Exception as error:
        raise UNAVAILABLE.problem(("数据库不可用。", "The database is not available.")) from error
    if found != heads():
        raise UNAVAILABLE.problem(
            ("数据库迁移不完整，请运行 toilet-api migrate。", "Migrations are missing; run toilet-api migrate.")
        )
    return Readiness(status="ready", migration=", ".join(sorted(found)))
