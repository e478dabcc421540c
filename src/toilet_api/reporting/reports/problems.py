"""The errors of periodic reports. Each names the paragraph behind it, and what to do next."""

from toilet_api.kernel.errors import ProblemType
from toilet_api.reporting.reports.periods import WEEKLY_RULE
from toilet_api.reporting.reports.rules import CHECK_RULE, RECEIVE_RULE

NOT_OWN_REPORT = ProblemType(
    "not_own_report",
    403,
    "报表由本级核签报送，上级不能代办",
    "A report is drawn, signed and submitted by its own level; no level above does it instead",
    CHECK_RULE,
    (
        "请由该单位人员办理；上级可以接收或退回。",
        "Leave it to that division; the level above may receive or return it.",
    ),
)
NOT_REPORT_RECEIVER = ProblemType(
    "not_report_receiver",
    403,
    "报表由接收单位接收或退回",
    "A report is received or returned by the division that it goes to",
    RECEIVE_RULE,
    ("接收单位见 reports_to。", "See `reports_to` for who that is."),
)
SUBMITTED_BY_YOURSELF = ProblemType(
    "report_submitted_by_yourself",
    403,
    "报送人不能接收或退回本人报送的报表",
    "Who submitted a report can't receive or return it",
    RECEIVE_RULE,
    ("请由接收单位其他人员办理。", "Leave it to another of the division that receives it."),
)
NO_RECEIVER = ProblemType(
    "report_without_receiver",
    409,
    "本级汇总不报送",
    "A level's own summary goes to nobody",
    RECEIVE_RULE,
    ("核签后即可使用（通报、文书）。", "Once it is signed it is ready for bulletins and documents."),
)
DRAW_TOO_EARLY = ProblemType(
    "draw_too_early",
    409,
    "未到截止当日，不能取数",
    "A report is drawn from the day of its cut-off on",
    WEEKLY_RULE,
    (
        "请在截止当日办理；实时数字见 GET /statistics。",
        "Do it on the day of the cut-off; live figures: GET /statistics.",
    ),
)
REASON_NEEDED = ProblemType(
    "redraw_reason_needed",
    422,
    "重新取数须说明理由",
    "Drawing again needs a reason",
    CHECK_RULE,
    ("请在 reason 写明理由，原版次留存。", "Give the reason; the edition before is kept."),
)
NO_EARLIER_REPORT = ProblemType(
    "no_earlier_report",
    409,
    "没有可比较的上期报表",
    "There is no earlier report to compare with",
    WEEKLY_RULE,
    ("请用 to 指明另一报表，或用 to_edition 指明版次。", "Name another report by `to`, or an edition by `to_edition`."),
)
NOT_DRAWN = ProblemType(
    "report_not_drawn",
    409,
    "尚未取数",
    "The report is not drawn yet",
    WEEKLY_RULE,
    ("请先取数（draw），或等到截止时自动取数。", "Draw it, or wait for its cut-off."),
)
