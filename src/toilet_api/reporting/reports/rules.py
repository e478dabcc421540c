"""The rules of periodic reports, pure: who reports to whom, what is rolled up of what, the state machine."""

from dataclasses import dataclass

from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.machines import Guard, Machine, Step
from toilet_api.reporting.reports.periods import HALF_MONTHLY_RULE, MONTHLY_RULE, WEEKLY_RULE

LEVEL_OF_LENGTH = {9: "township", 6: "county", 4: "city", 2: "province"}
LENGTH_OF_LEVEL = {level: length for length, level in LEVEL_OF_LENGTH.items()}
MUNICIPALITIES = ("11", "12", "31", "50")
"""直辖市: their "cities" in the codes are headings (市辖区, 县), no offices."""
NO_CITY = "90"
"""The city digits of counties that stand directly under a province (GB/T 2260: 省、自治区直辖县级行政区划)."""


@dataclass(frozen=True, slots=True)
class Line:
    """A level that reports, how often, to whom, and of which reports its own is rolled up; None: drawn by itself.

    Without a receiver it is the level's own summary of what it has received (调度汇总).
    """

    kind: str
    level: str
    to: str | None
    of: tuple[tuple[str, str], ...] = ()
    """(kind, level) of the reports that it sums up."""
    rule: str = ""


LINES = (
    Line("weekly", "township", "county", rule=WEEKLY_RULE),
    Line("weekly", "county", None, (("weekly", "township"),), WEEKLY_RULE),
    Line("half_monthly", "county", "city", (("weekly", "township"),), HALF_MONTHLY_RULE),
    Line("half_monthly", "city", None, (("half_monthly", "county"),), HALF_MONTHLY_RULE),
    Line("monthly", "county", "province", (("weekly", "township"),), MONTHLY_RULE),
    Line("monthly", "city", "province", (("half_monthly", "county"),), MONTHLY_RULE),
    Line("monthly", "province", None, (("monthly", "city"), ("monthly", "county")), MONTHLY_RULE),
)
"""Monthly by a county: only where it stands directly under its province, see `stands_alone`."""


def stands_alone(code: str) -> bool:
    """Whether a county has no city above it: it reports to the province, and there is no report of its "city"."""
    return code[:2] in MUNICIPALITIES or code[2:4] == NO_CITY


def line_of(kind: str, code: str) -> Line:
    """The line by which a division reports."""
    return _line(kind, LEVEL_OF_LENGTH[len(code)])


def _line(kind: str, level: str) -> Line:
    return next(line for line in LINES if (line.kind, line.level) == (kind, level))


def receiving_days(line: Line) -> int:
    """How many working days after its cut-off a roll-up waits for its parts: one for each level that receives below."""
    return max((1 + receiving_days(_line(kind, level)) for kind, level in line.of), default=0)


def is_due_from(line: Line, code: str) -> bool:
    """Whether the division of `code`, which is of the line's level, has such a report at all."""
    if line.level == "city":
        return not stands_alone(code)
    if line.level == "county":
        return line.kind == "weekly" or stands_alone(code) == (line.kind == "monthly")
    return True


def receiver(kind: str, code: str) -> str | None:
    """Whom a division's report goes to; None for its own summary."""
    to = line_of(kind, code).to
    return None if to is None else code[: LENGTH_OF_LEVEL[to]]


OF_OWN = Guard("of_own_level", "限本级人员", "by the division itself")
BY_RECEIVER = Guard("by_receiver", "限接收单位人员", "by the division that receives it")
BY_ANOTHER = Guard("by_another_than_submitted", "不得为报送人本人", "by somebody else than who submitted it")
HAS_RECEIVER = Guard("has_receiver", "须报上级的报表", "a report to a level above, no summary of one's own")
ON_THE_DAY = Guard("from_cutoff_day", "截止当日起", "from the day of its cut-off on")

CHECK_RULE = "工作方案 四（二）3：谁摸排、谁签字、谁负责；四（五）：整改进展情况按时报送"
RECEIVE_RULE = "工作方案 四（四）：县级主抓部门定期调度掌握工作进展、问题和困难"
_SUBMIT, _RECEIVE = Permission.REPORT_SUBMIT, Permission.REPORT_RECEIVE
REPORT = Machine(
    "report",
    "定期报表",
    "opened",
    [
        Step(
            "draw",
            {"opened", "drawn", "signed", "returned"},
            "drawn",
            permission=_SUBMIT,
            zh="取数",
            guards=[OF_OWN, ON_THE_DAY],
            rule=WEEKLY_RULE,
        ),
        Step("edit", {"drawn"}, "drawn", permission=_SUBMIT, zh="填写说明", guards=[OF_OWN], rule=RECEIVE_RULE),
        Step("edit", {"returned"}, "returned", permission=_SUBMIT, zh="填写说明", guards=[OF_OWN], rule=RECEIVE_RULE),
        Step("sign", {"drawn", "returned"}, "signed", permission=_SUBMIT, zh="核签", guards=[OF_OWN], rule=CHECK_RULE),
        Step(
            "submit",
            {"signed"},
            "submitted",
            permission=_SUBMIT,
            zh="报送",
            guards=[OF_OWN, HAS_RECEIVER],
            rule=WEEKLY_RULE,
        ),
        Step(
            "receive",
            {"submitted"},
            "received",
            permission=_RECEIVE,
            zh="接收",
            guards=[BY_RECEIVER, BY_ANOTHER],
            rule=RECEIVE_RULE,
        ),
        Step(
            "return",
            {"submitted"},
            "returned",
            permission=_RECEIVE,
            zh="退回",
            guards=[BY_RECEIVER, BY_ANOTHER],
            rule=RECEIVE_RULE,
        ),
        Step(
            "correct",
            {"received"},
            "drawn",
            permission=_SUBMIT,
            zh="更正",
            guards=[OF_OWN],
            rule=CHECK_RULE,
        ),
    ],
)
UNSUBMITTED = ("opened", "drawn", "signed", "returned")
"""States in which the receiver still waits for it."""
