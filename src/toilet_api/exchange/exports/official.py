"""The official tables as workbooks to be printed and signed: a summary, then a sheet for each village or township.

《农村户厕问题摸排调查表》 is summed up village by village (工作方案 四（二）3、4：以村为单位，县、乡、村三级逐级汇总),
the ledgers of problems and of their rectification township by township in a county, village by village in a township.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import xlsxwriter
from sqlalchemy import or_, select
from sqlmodel import col

from toilet_api.divisions.tables import Division
from toilet_api.exchange.exports.columns import Column
from toilet_api.exchange.exports.copying import NULL
from toilet_api.exchange.exports.printing import A3, A4, Heading, Sheet, Styles
from toilet_api.exchange.exports.problems import EXPORT_TOO_WIDE
from toilet_api.exchange.exports.reading import Reading
from toilet_api.kernel.codes import CodeList
from toilet_api.kernel.scope import prefix_range
from toilet_api.survey.codes import PROBLEM_STATES, USABILITY
from toilet_api.survey.tables import Campaign

SHEETS_MAX = 600
"""Each sheet keeps a file open while it is written."""
_HIDDEN = frozenset({"household_id", "place"})
_SHORT = frozenset({"code", "day", "flag", "plain"})

Row = dict[str, str | None]


@dataclass(frozen=True)
class Form:
    """What is particular to one official table."""

    title: str
    paper: int
    counts: tuple[str, ...]
    """The headings of the summary's counts."""
    tally: Callable[[Row, "Group"], None]
    by_village: bool = False
    """Always a sheet for each village; else for each township of a county."""


@dataclass
class Group:
    """The rows of one village or township, as they are counted."""

    code: str
    name: str
    counts: Counter[str] = field(default_factory=Counter)
    households: str | None = None
    """The household of the row before: a household's rows follow each other."""


def _tally_survey(row: Row, group: Group) -> None:
    if row["household_id"] != group.households:
        group.households = row["household_id"]
        group.counts["户数"] += 1
    group.counts["厕所数"] += row["mode"] not in (None, "无厕")
    if row["visited_on"] is None:
        group.counts["未摸排"] += 1
        return
    group.counts["已摸排"] += 1
    if row["usability"]:
        group.counts[row["usability"]] += 1
    group.counts["有问题"] += row["findings"] is not None


def _tally_problem(row: Row, group: Group) -> None:
    group.counts["问题数"] += 1
    group.counts[row["state"] or ""] += 1
    group.counts["逾期"] += row["overdue"] == "是"


def _labels(codes: CodeList, *left_out: str) -> tuple[str, ...]:
    return tuple(one.zh for one in codes.codes if one.code not in left_out)


_OF_PROBLEMS = ("问题数", *_labels(PROBLEM_STATES, "dismissed"), "逾期")
FORMS = {
    "survey_form": Form(
        "农村户厕问题摸排调查表",
        A3,
        ("户数", "厕所数", "已摸排", "未摸排", *_labels(USABILITY), "有问题"),
        _tally_survey,
        by_village=True,
    ),
    "problem_ledger": Form("农村户厕问题台账", A4, _OF_PROBLEMS, _tally_problem),
    "rectification_ledger": Form("农村户厕问题整改台账", A3, _OF_PROBLEMS, _tally_problem),
}


def write(reading: Reading, path: Path, about: dict[str, str]) -> None:
    """Write the workbook. Raises `export_too_wide` for more sheets than a workbook should have."""
    with xlsxwriter.Workbook(path, {"constant_memory": True, "tmpdir": str(path.parent)}) as book:
        for name, value in about.items():
            book.set_custom_property(name, value)
        _Tables(reading, book).write()


class _Tables:
    """The sheets of one workbook."""

    def __init__(self, reading: Reading, book: xlsxwriter.Workbook) -> None:
        self._reading, self._book, self._form = reading, book, FORMS[reading.dataset.name]
        self._styles = Styles(book)
        self._names = _names(reading)
        is_by_village = self._form.by_village or len(reading.division_code) >= 9
        self._length, self._level = (12, "村") if is_by_village else (9, "乡镇")
        self._groups = {
            code: Group(code, name)
            for code, (name, stands) in self._names.items()
            if len(code) == self._length and stands and code.startswith(reading.division_code)
        }
        if len(self._groups) > SHEETS_MAX:
            zh, en = f"须分成 {SHEETS_MAX} 张以上的表。", f"This would take more than {SHEETS_MAX} sheets."
            raise EXPORT_TOO_WIDE.problem((zh, en), sheets_max=SHEETS_MAX)
        self._period = _period(reading)
        self._taken = {"汇总"}

    def write(self) -> None:
        """The summary comes first, and is filled in last."""
        form, columns = self._form, self._reading.columns
        summary = self._sheet(
            "汇总",
            [Heading(self._level, 22), *(Heading(name, 11, is_number=True) for name in form.counts)],
            self._reading.division_code,
            f"{form.title}（汇总）",
            A4,
        )
        printed = [column for column in columns if column.key not in _HIDDEN]
        headings = [Heading("序号", 5, is_number=True), *map(_heading, printed)]
        sheet: Sheet | None = None
        group: Group | None = None
        for cells in self._reading.shown_rows():
            row: Row = {
                column.key: None if cell in (NULL, "") else cell for column, cell in zip(columns, cells, strict=True)
            }
            there = self._group_of(row["place"] or "")
            if sheet is None or there is not group:
                if sheet is not None:
                    sheet.finish(_total(headings, sheet.rows))
                group = there
                sheet = self._sheet(self._sheet_name(there), headings, there.code, form.title, form.paper)
            sheet.add([str(sheet.rows + 1), *(row[column.key] for column in printed)])
            form.tally(row, there)
        if sheet is not None:
            sheet.finish(_total(headings, sheet.rows))
        self._summarise(summary)

    def _summarise(self, summary: Sheet) -> None:
        total: Counter[str] = Counter()
        for _, group in sorted(self._groups.items()):
            total.update(group.counts)
            summary.add([group.name, *(str(group.counts[name]) for name in self._form.counts)])
        summary.finish(["合计", *(total[name] for name in self._form.counts)])

    def _sheet(self, name: str, headings: Sequence[Heading], code: str, title: str, paper: int) -> Sheet:
        return Sheet(
            self._book,
            self._styles,
            name,
            headings,
            title=title,
            unit="".join(self._names[code[:length]][0] for length in (6, 9, 12) if len(code) >= length),
            period=self._period,
            paper=paper,
        )

    def _group_of(self, code: str) -> Group:
        """What stands at a place above the groups (a problem in a township's work) has a group of its own."""
        key = code[: self._length]
        if key not in self._groups:
            name = self._names[key][0]
            self._groups[key] = Group(key, name if len(key) == self._length else f"{name}（本级）")
        return self._groups[key]

    def _sheet_name(self, group: Group) -> str:
        """The name of the place, with its township's where two are called alike; Excel allows 31 characters."""
        name = re.sub(r"[\[\]:*?/\\']", "", group.name)[:31]
        if name.casefold() in self._taken or not name:
            name = f"{name[:18]}{group.code}"
        self._taken.add(name.casefold())
        return name


def _heading(column: Column) -> Heading:
    return Heading(column.zh, column.width, column.kind in ("whole", "yuan"), column.kind in _SHORT)


def _total(headings: Sequence[Heading], rows: int) -> list[object]:
    return ["合计", rows, *[None] * (len(headings) - 2)]


def _names(reading: Reading) -> dict[str, tuple[str, bool]]:
    """Code -> name, and whether it stands today: of the division, what lies below it and above it."""
    code = col(Division.code)
    above = [reading.division_code[:length] for length in (6, 9, 12)]
    found = reading.session.connection().execute(
        select(code, col(Division.name), col(Division.valid_to).is_(None))
        .where(or_(prefix_range(code, reading.division_code), code.in_(above)))
        .order_by(code)
    )
    return {one: (name, stands) for one, name, stands in found}


def _period(reading: Reading) -> str:
    """What time the figures are of: of a campaign from its first day, else only until when."""
    until = _day(reading.as_of.date())
    if reading.filters.campaign_id is None:
        return f"截至：{until}"
    campaign = reading.session.connection().execute(
        select(col(Campaign.name), col(Campaign.starts_on)).where(col(Campaign.id) == reading.filters.campaign_id)
    )
    found = campaign.one_or_none()
    return f"截至：{until}" if found is None else f"{found.name}　时段：{_day(found.starts_on)}至{until}"


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
