"""A plan as a page to be printed, signed and filed: self-contained, A4, nothing loaded from elsewhere.

Everything that people entered is escaped where it enters the page, in `_text`; names of households are masked.
"""

import base64
import hashlib
import html
from collections.abc import Iterable, Sequence
from datetime import date
from importlib import resources
from itertools import groupby
from string import Template
from typing import Any

from sqlalchemy import RowMapping
from sqlmodel import Session, col

from toilet_api.rectification.codes import FUND_SOURCES, PLAN_KINDS, PLAN_STATES
from toilet_api.rectification.plan_schemas import FundLine, PlanOut
from toilet_api.rectification.plan_views import item_select
from toilet_api.rectification.tables import Plan, PlanItem
from toilet_api.registry.codes import TOILET_MODES

_FOLDER = resources.files("toilet_api.rectification")
_PAGE = Template((_FOLDER / "plan_print.html").read_text(encoding="utf-8"))
_STYLE = (_FOLDER / "plan_print.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
# No script, no image, no other host: only the page's own style, by its hash.
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_COLUMNS = 9
_TOWNSHIP_ITSELF = "乡镇本级"


def page(session: Session, plan: Plan, shown: PlanOut) -> str:
    """The page of a plan, `shown` as the caller sees it."""
    statement = item_select(plan).order_by(col(PlanItem.division_code), col(PlanItem.id))
    items = session.connection().execute(statement).mappings().all()
    filing = f"备案号：{shown.filing_number}" if shown.filing_number else ""
    approved = f"备案日期：{day(shown.approved_at.date())}" if shown.approved_at else ""
    under = [shown.township_name, shown.campaign_name, f"第 {shown.edition} 版", filing, approved]
    if shown.kind == "addendum":
        under.insert(2, PLAN_KINDS.label(shown.kind))
    draft = shown.state != "approved"
    return _PAGE.substitute(
        style=_STYLE,
        title=_text(shown.title),
        under=_text("　".join(one for one in under if one)),
        notice=f'<p class="notice">{_text(PLAN_STATES.label(shown.state))}，非备案文本</p>' if draft else "",
        key_points=_paragraph(shown.key_points),
        technical_route=_paragraph(shown.technical_route),
        workforce=_paragraph(shown.workforce),
        funds=_funds(shown.funds),
        funds_total=yuan(shown.funds_total_fen),
        due_on=_paragraph(day(shown.due_on) + "前完成整改。" if shown.due_on else None),
        count=len(items),
        cost_total=yuan(shown.cost_total_fen),
        items=_villages(items),
    )


def yuan(fen: int | None) -> str:
    """Money of the tables in yuan, with two decimals; nothing is rounded."""
    return "" if fen is None else f"{fen // 100:,}.{fen % 100:02d}"


def day(moment: date | None) -> str:
    """A day as official papers write it."""
    return "" if moment is None else f"{moment.year} 年 {moment.month} 月 {moment.day} 日"


def _text(value: object) -> str:
    return "" if value is None else html.escape(str(value))


def _paragraph(value: str | None) -> str:
    return f"<p>{_text(value or '（未填写）')}</p>"


def _row(cells: Iterable[object], money: int) -> str:
    """A row of the table; the cell at `money` is a sum."""
    made = (
        f'<td class="sum">{_text(value)}</td>' if place == money else f"<td>{_text(value)}</td>"
        for place, value in enumerate(cells)
    )
    return f"<tr>{''.join(made)}</tr>"


def _funds(lines: Sequence[FundLine]) -> str:
    return "\n".join(_row((FUND_SOURCES.label(one.source), yuan(one.amount_fen), one.note), money=1) for one in lines)


def _villages(items: Sequence[RowMapping]) -> str:
    """The problems village by village, numbered through."""
    numbers = iter(range(1, len(items) + 1))
    parts = []
    for _, group in groupby(items, key=lambda one: one["division_code"]):
        rows = list(group)
        name = _text(rows[0]["village_name"] or _TOWNSHIP_ITSELF)
        heading = f'<tr class="village"><th colspan="{_COLUMNS}">{name}（{len(rows)} 个）</th></tr>'
        lines = "\n".join(_row(_cells(next(numbers), one), money=_COLUMNS - 1) for one in rows)
        parts.append(f"<tbody>{heading}\n{lines}</tbody>")
    return "\n".join(parts)


def _cells(number: int, one: RowMapping) -> tuple[Any, ...]:
    mode = one["toilet_mode"]
    return (
        number,
        one["head_masked"],
        TOILET_MODES.label(mode) if mode else None,
        one["type_zh"],
        one["measure"],
        _together(one["responsible_person"], one["responsible_unit"]),
        one["contractor"],
        _together(day(one["due_on"] or one["deadline"]), one["timetable"]),
        yuan(one["cost_fen"]),
    )


def _together(*values: str | None) -> str:
    return "；".join(value for value in values if value)
