"""What the grouped report of an import answers."""

from uuid import UUID

from pydantic import Field

from toilet_api.exchange.imports.schemas import Outcome, Rule, State
from toilet_api.kernel.fields import Schema
from toilet_api.survey.schemas import ID


class FaultExample(Schema):
    """一处错误的例子 / One of the faults."""

    sheet: str | None = Field(title="工作表", examples=["台账"])
    row: int = Field(title="行号", examples=[17])
    cell: str | None = Field(title="单元格", examples=["F17"])
    value: str | None = Field(title="原值（脱敏）", examples=["360423********9481"])
    expected: str | None = Field(title="应为", examples=["18 位身份证号码，以文本格式保存"])
    expected_en: str | None = Field(title="应为（英文）", examples=["an ID number of 18 characters, kept as text"])


class FaultGroup(Schema):
    """同一字段的同一种错误 / The faults of one kind in one field."""

    field: str | None = Field(title="字段", examples=["id"])
    reason: str = Field(
        title="原因",
        description="代码表 import_reason，或错误目录 / A code of import_reason, or an error's",
        examples=["id_check"],
    )
    message: str | None = Field(title="说明", examples=["身份证号码校验不通过（GB 11643）"])
    count: int = Field(title="处数", examples=[28])
    rows: int = Field(title="行数", description="有这种错误的行 / Rows that have it", examples=[28])
    examples: list[FaultExample] = Field(
        title="例", description="最多五处，按文件中的顺序 / Five at most, in the order of the file"
    )


class CorrectionExample(Schema):
    """一次更正的例子 / One of the corrections."""

    sheet: str | None = Field(title="工作表", examples=["台账"])
    row: int = Field(title="行号", examples=[17])
    cell: str | None = Field(title="单元格", examples=["F17"])
    before: str | None = Field(alias="from", title="原值（脱敏）", examples=["360423********0174"])
    after: str | None = Field(alias="to", title="新值（脱敏）", examples=["360423********0174"])


class CorrectionGroup(Schema):
    """同一字段的同一种更正 / The corrections by one rule in one field."""

    field: str | None = Field(title="字段", examples=["id"])
    rule: Rule
    message: str = Field(title="说明", examples=["去掉身份证号码中的空格"])
    count: int = Field(title="处数", examples=[6])
    rows: int = Field(title="行数", examples=[6])
    examples: list[CorrectionExample] = Field(title="例", description="最多五处 / Five at most")


class OutcomeGroup(Schema):
    """同一结果的行数 / Rows by outcome."""

    outcome: Outcome
    rows: int = Field(title="行数", examples=[272])


class VillageGroup(Schema):
    """一个村的行数；村不明的为 null / The rows of a village; null where it isn't known."""

    village_code: str | None = Field(title="村代码", examples=["360423208202"])
    village: str | None = Field(title="村", examples=["安乐村委会"])
    rows: int = Field(title="行数", examples=[30])
    outcomes: dict[str, int] = Field(title="按结果", examples=[{"created": 27, "rejected": 3}])


class ImportSummary(Schema):
    """一次导入的分组报告 / The report of an import, grouped."""

    id: UUID = Field(title="导入任务编号", examples=[ID])
    state: State
    rows: int = Field(title="有结果的行数", examples=[300])
    outcomes: list[OutcomeGroup] = Field(title="按结果")
    errors: list[FaultGroup] = Field(title="错误", description="处数多的在前 / The most frequent first")
    corrections: list[CorrectionGroup] = Field(title="更正", description="处数多的在前 / The most frequent first")
    villages: list[VillageGroup] = Field(title="按村")
