"""The codes of periodic reports, with their Chinese labels."""

from typing import Any

from toilet_api.kernel import codes
from toilet_api.kernel.codes import Code, code_list

REPORT_KINDS = code_list(
    "report_kind",
    "报表周期",
    "How often a report is due",
    [
        Code("weekly", "周报", "Weekly"),
        Code("half_monthly", "半月报", "Half-monthly"),
        Code("monthly", "月报", "Monthly"),
    ],
)
REPORT_LEVELS = code_list(
    "report_level",
    "报表层级",
    "Whose figures a report holds",
    [
        Code("township", "乡镇", "Township"),
        Code("county", "县", "County"),
        Code("city", "市", "City"),
        Code("province", "省", "Province"),
    ],
)
REPORT_STATES = code_list(
    "report_state",
    "报表状态",
    "State of a report",
    [
        Code("opened", "待取数", "Opened, not drawn yet"),
        Code("drawn", "已取数，待核签", "Drawn, to be checked and signed"),
        Code("signed", "已核签", "Checked and signed"),
        Code("submitted", "已报送，待接收", "Submitted, to be received"),
        Code("received", "已接收", "Received"),
        Code("returned", "已退回", "Returned"),
    ],
)
EDITION_KINDS = code_list(
    "report_edition_kind",
    "版次由来",
    "Why an edition was drawn",
    [
        Code("first", "首次取数", "Drawn for the first time"),
        Code("redrawn", "报送前重新取数", "Drawn again before it was received"),
        Code("corrected", "接收后更正", "Corrected after it was received"),
    ],
)
REPORTED_TYPES = code_list(
    "reported_record_type",
    "定格记录类型",
    "Type of a record behind a figure",
    [
        Code("household", "农户", "Household"),
        Code("toilet", "户厕", "Toilet"),
        Code("problem", "问题", "Problem"),
        Code("problem_toilet", "问题厕所", "Toilet with a problem that is not dismissed"),
    ],
)
MEMBERSHIPS = code_list(
    "report_change",
    "变化",
    "Whether a record has joined a figure or left it",
    [Code("joined", "新增", "Joined"), Code("left", "减少", "Left")],
)
CUTOFF_MOVES = code_list(
    "cutoff_move",
    "截止日调整",
    "Whether the day of a cut-off was moved by holidays",
    [
        Code("none", "未调整", "Not moved"),
        Code("earlier", "提前至本周最后一个工作日", "To the last working day before it in that week"),
        Code("later", "顺延至下一个工作日", "To the next working day"),
    ],
)

# Each is a checked string type; the names are for annotations.
ReportKind: Any = codes.field(REPORT_KINDS)
ReportLevel: Any = codes.field(REPORT_LEVELS)
ReportState: Any = codes.field(REPORT_STATES)
EditionKind: Any = codes.field(EDITION_KINDS)
ReportedType: Any = codes.field(REPORTED_TYPES)
Membership: Any = codes.field(MEMBERSHIPS)
CutoffMove: Any = codes.field(CUTOFF_MOVES)
