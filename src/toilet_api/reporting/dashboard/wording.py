"""How figures are written: filters of the templates. A share is never rounded to all or nothing."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from toilet_api.kernel.codes import CODE_LISTS
from toilet_api.kernel.fields import SHANGHAI

NONE = "—"
_WEEKDAYS = "一二三四五六日"


def share(part: float, whole: float) -> float | None:
    """`part` of `whole`, from 0 to 1; None of nothing."""
    return part / whole if whole else None


def percent(ratio: float | None) -> str:
    """With one decimal; 100% is all and 0% is none, nothing less."""
    if ratio is None:
        return NONE
    if ratio in (0, 1):
        return f"{ratio:.0%}"
    tenths = min(max(round(ratio * 1000), 1), 999) if 0 < ratio < 1 else round(ratio * 1000)
    return f"{tenths / 10:.1f}%"


def bar(ratio: float | None) -> str:
    """The width of a bar, as an attribute of SVG."""
    return f"{min(max(ratio or 0, 0), 1) * 100:.2f}%"


def whole(value: float | None) -> str:
    """With separators of thousands; one decimal where it isn't whole."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def day(value: date | None) -> str:
    """2026年5月15日."""
    return NONE if value is None else f"{value.year}年{value.month}月{value.day}日"


def moment(value: datetime) -> str:
    """2026年5月15日（星期五）14:30, in Shanghai."""
    local = value.astimezone(SHANGHAI)
    return f"{day(local.date())}（星期{_WEEKDAYS[local.weekday()]}）{local:%H:%M}"


def label(code: str, name: str) -> str:
    """The Chinese label of a code."""
    return CODE_LISTS[name].label(code)


STEPS = {
    "submitted_to_township_verified": "提交摸排 → 乡镇审核",
    "township_verified_to_county_verified": "乡镇审核 → 县级审核",
    "work_started_to_submitted": "开工 → 提交验收",
    "work_submitted_to_accepted": "提交验收 → 验收",
    "found_to_accepted": "登记 → 验收",
    "accepted_to_closed": "验收 → 销号",
    "found_to_closed": "登记 → 销号",
}
"""The steps of `PaceFigures`, as they are called on a page."""

FILTERS: dict[str, Callable[..., Any]] = {
    "ratio": share,
    "percent": percent,
    "bar": bar,
    "whole": whole,
    "day": day,
    "moment": moment,
    "label": label,
}
