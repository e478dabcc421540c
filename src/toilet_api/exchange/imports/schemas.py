"""What the import endpoints answer."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import Field

from toilet_api.exchange.imports import catalogue
from toilet_api.exchange.ledgers.catalogue import CORRECTIONS, REASONS
from toilet_api.kernel.codes import field
from toilet_api.kernel.fields import DivisionCode, Schema

if TYPE_CHECKING:
    State = str
    Outcome = str
    OnConflict = str
    ImportKind = str
    ImportMode = str
    Rule = str
    ReasonCode = str
else:
    State = field(catalogue.IMPORT_STATES)
    Outcome = field(catalogue.ROW_OUTCOMES)
    OnConflict = field(catalogue.ON_CONFLICT)
    ImportKind = field(catalogue.IMPORT_KINDS)
    ImportMode = field(catalogue.IMPORT_MODES)
    Rule = field(CORRECTIONS)
    ReasonCode = field(REASONS)


class MappedColumn(Schema):
    """一列如何对应 / What one column was taken for."""

    letter: str = Field(title="列", examples=["F"])
    heading: str = Field(title="表头原文", examples=["户主信息/身份证号码"])
    column: str | None = Field(title="对应字段", description="null 即未采用 / null: not taken", examples=["id"])
    matched_by: str = Field(
        title="对应方式",
        description=(
            "heading 按表头，explicit 按 mapping，synonym 按本县的表头词，tick 每种方式（问题）一列、打勾，"
            "not_read 认识但不取，unmapped 不认识，not_used 另有一列更合适，ignored 由 mapping 略去"
        ),
        examples=["heading"],
    )
    unit: str | None = Field(None, title="单位", examples=["元"])


class MappedSheet(Schema):
    """一张工作表的表头 / The header of one sheet."""

    sheet: str | None = Field(title="工作表", description="CSV 为 null / null for CSV", examples=["台账"])
    header_row: int = Field(title="表头所在行", description="多级表头的末行 / Its last row", examples=[3])
    header_first_row: int = Field(title="表头首行", examples=[3])
    village_code: DivisionCode | None = Field(
        None,
        title="整表的村",
        description="没有村列时，由工作表名或标题得到 / Without a village column: from the sheet's name or its title",
        examples=[None],
    )
    columns: list[MappedColumn] = Field(title="列")


class SkippedSheet(Schema):
    """未读取的工作表 / A sheet that was not read."""

    sheet: str = Field(title="工作表", examples=["填表说明"])
    rows: int = Field(title="行数", examples=[12])
    hidden: bool = Field(title="隐藏")


class IgnoredRow(Schema):
    """不计入的行 / A row that is no household."""

    sheet: str | None = Field(title="工作表", examples=["台账"])
    row: int = Field(title="行号", examples=[304])
    rule: str = Field(title="规则", description="代码表 import_ignored / See the code list", examples=["total"])


class ImportFile(Schema):
    """上传的文件 / The file."""

    name: str = Field(title="文件名", examples=["石渡乡改厕台账.xlsx"])
    sha256: str = Field(
        title="内容的 SHA-256", examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]
    )
    bytes: int = Field(title="字节数", examples=[28153])
    format: str | None = Field(title="格式", description="按内容判定 / Decided by content", examples=["xlsx"])
    encoding: str | None = Field(title="编码", examples=["gb18030"])
    delimiter: str | None = Field(title="分隔符", examples=[","])


class ImportCounts(Schema):
    """行数：rows_in = created + updated + unchanged + rejected / Every row is accounted for."""

    rows_in: int = Field(title="台账行数", examples=[300])
    created: int = Field(title="新增", examples=[272])
    updated: int = Field(title="更新", examples=[0])
    unchanged: int = Field(title="无变化", examples=[0])
    rejected: int = Field(title="拒绝", examples=[28])
    ignored: dict[str, int] = Field(
        title="不计入的行", description="按规则 / By rule", examples=[{"title": 2, "header": 1, "total": 1}]
    )
    corrections: dict[str, int] = Field(title="更正次数", description="按规则 / By rule", examples=[{"id_spaces": 6}])
    reasons: dict[str, int] = Field(title="拒绝原因", description="按原因 / By reason", examples=[{"id_check": 3}])


class Import(Schema):
    """导入任务 / An import."""

    id: UUID = Field(title="编号")
    division_code: str = Field(title="导入范围", description="区划代码 / Division", examples=["360423208"])
    state: State
    phase: str = Field(title="阶段", description="queued, reading, writing, done", examples=["done"])
    progress: float = Field(title="进度", description="0 至 1 / From 0 to 1", examples=[1.0])
    rows_total: int | None = Field(title="表头以下行数", examples=[302])
    rows_done: int = Field(title="已读行数", examples=[302])
    kind: ImportKind
    mode: ImportMode
    dry_run: bool = Field(title="试运行", description="只出报告，不写入 / A report only; nothing is written")
    on_conflict: OnConflict
    written: bool = Field(
        title="是否写入", description="试运行、没有变化或未写入时为 false / Whether it changed anything"
    )
    file: ImportFile = Field(title="文件")
    counts: ImportCounts = Field(title="行数")
    sheets: list[MappedSheet] = Field(title="工作表与列的对应")
    skipped_sheets: list[SkippedSheet] = Field(title="未读取的工作表")
    ignored_rows: list[IgnoredRow] = Field(
        title="不计入的行",
        description="空行、标题、表头以外，列出前 1,000 行，全部计入 counts.ignored"
        " / Other than blanks, titles, header: the first 1,000; counts.ignored counts them all",
    )
    problem: dict[str, Any] | None = Field(
        title="失败原因", description="problem+json，state 为 failed 时 / When failed"
    )
    created_at: datetime = Field(title="上传时间")
    created_by: UUID | None = Field(title="上传人编号")
    created_by_name: str = Field(title="上传人", examples=["township_manager"])
    started_at: datetime | None = Field(title="开始时间")
    finished_at: datetime | None = Field(title="结束时间")
    allowed_actions: list[str] = Field(title="可执行操作", examples=[["cancel"]])


class Correction(Schema):
    """一次更正 / One correction. 个人信息脱敏 / Personal values are masked."""

    column: str = Field(title="字段", examples=["id"])
    heading: str | None = Field(title="表头", examples=["身份证号码"])
    cell: str | None = Field(title="单元格", examples=["F17"])
    rule: Rule
    before: str = Field(alias="from", title="原值", examples=["360423********0174"])
    after: str = Field(alias="to", title="新值", examples=["360423********0174"])


class RowError(Schema):
    """一处错误 / One fault of a row."""

    column: str = Field(title="字段", examples=["id"])
    heading: str | None = Field(title="表头", examples=["身份证号码"])
    cell: str | None = Field(title="单元格", examples=["F3"])
    reason: ReasonCode
    message: str = Field("", title="说明", examples=["身份证号码校验不通过（GB 11643）"])
    value: str | None = Field(title="原值（脱敏）", examples=["360423********9481"])
    expected: str = Field(title="应为", examples=["18 位身份证号码，以文本格式保存"])
    expected_en: str = Field(title="应为（英文）", examples=["an ID number of 18 characters, kept as text"])
    detail: str | None = Field(None, title="细节", examples=["身份证号码的校验码不符（GB 11643）"])
    first_row: int | None = Field(None, title="首次出现的行", examples=[12])
    first_sheet: str | None = Field(None, title="首次出现的工作表")
    household_id: UUID | None = Field(None, title="已登记的农户")


class RowChange(Schema):
    """更新了什么 / What an update changed, masked."""

    column: str = Field(title="字段", examples=["mode"])
    before: Any = Field(alias="from", title="原值", examples=["bucket"])
    after: Any = Field(alias="to", title="新值", examples=["three_compartment"])


class ImportRowReport(Schema):
    """一行的处理结果 / What became of one row."""

    position: int = Field(title="顺序", examples=[1])
    sheet: str | None = Field(title="工作表", examples=["台账"])
    row: int = Field(title="行号", description="文件中的行号 / Its number in the file", examples=[4])
    outcome: Outcome
    village_code: str | None = Field(title="村代码", examples=["360423208202"])
    name_masked: str | None = Field(title="户主姓名（脱敏）", examples=["张**"])
    household_id: UUID | None = Field(title="农户编号")
    record_type: str | None = Field(
        title="记录类型",
        description="household、visit、problem、close_out、user、division / What the row is of",
        examples=["household"],
    )
    record_id: UUID | None = Field(title="记录编号", description="未写入的新记录为 null / null for what wasn't written")
    corrections: list[Correction] = Field(title="更正")
    errors: list[RowError] = Field(title="错误", description="一行的全部错误 / All faults of the row")
    changes: list[RowChange] = Field(title="更新内容")
