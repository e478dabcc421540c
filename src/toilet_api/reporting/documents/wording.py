"""How official papers write figures: shares, differences, days, lists of names.

Numbers are those of the record. Only shares are rounded, to one decimal (half up), or to as many more as it takes that
what is not complete never reads 100% and what is not nothing never reads 0%.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from toilet_api.kernel.fields import SHANGHAI

_DIGITS = "〇一二三四五六七八九"
_DECIMALS_MAX = 12
# What XML 1.0 can't hold; a word processor would refuse the whole file.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NOTHING = "—"
"""What stands for a figure that can't be had: a share of nothing, a report that is missing."""


@dataclass(frozen=True, slots=True, order=False)
class Share:
    """`part` of `whole`, both counts. A share of nothing has no value."""

    part: int
    whole: int

    @property
    def value(self) -> Fraction | None:
        """From 0 upward; None without a whole."""
        return Fraction(self.part, self.whole) if self.whole else None

    @property
    def decimals(self) -> int:
        """How many decimals of a percentage it takes to tell it from none and all."""
        value = self.value
        if value is None or value in (0, 1):
            return 1
        for decimals in range(1, _DECIMALS_MAX):
            if _rounded(value, decimals) not in (0, 100 * 10**decimals):
                return decimals
        return _DECIMALS_MAX

    def __str__(self) -> str:
        value = self.value
        return NOTHING if value is None else f"{_decimal(_rounded(value, self.decimals), self.decimals)}%"


def _rounded(value: Fraction, decimals: int) -> int:
    """`value` in percent, in units of the last decimal; halves go up."""
    return int(value * 100 * 10**decimals + Fraction(1, 2))


def _decimal(units: int, decimals: int) -> str:
    return f"{units // 10**decimals}.{units % 10**decimals:0{decimals}d}"


def change(now: int, before: int) -> str:
    """A count beside an earlier one."""
    if now == before:
        return "持平"
    return f"增加{now - before}" if now > before else f"减少{before - now}"


def points(now: Share, before: Share) -> str:
    """A share beside an earlier one, in percentage points (百分点), rounded after the difference is taken."""
    if now.value is None or before.value is None:
        return "无可比数"
    difference = now.value - before.value
    if not difference:
        return "持平"
    distance = abs(difference)
    decimals = next((d for d in range(1, _DECIMALS_MAX) if _rounded(distance, d)), _DECIMALS_MAX)
    verb = "提高" if difference > 0 else "下降"
    return f"{verb}{_decimal(_rounded(distance, decimals), decimals)}个百分点"


def day(one: date) -> str:
    """2026年7月31日: Arabic numerals, months and days without a leading zero (GB/T 9704-2012, 7.3.5.4)."""
    return f"{one.year}年{one.month}月{one.day}日"


def minute(moment: datetime) -> str:
    """A moment in Shanghai, to the minute."""
    there = moment.astimezone(SHANGHAI)
    return f"{day(there.date())}{there.hour}时{there.minute:02d}分"


def yuan(fen: int) -> str:
    """Money in 万元 where it is a round sum of them, else in 元 with two decimals; nothing is rounded."""
    if fen and fen % 1_000_000 == 0:
        return f"{fen // 1_000_000}万元"
    return f"{fen // 100}元" if fen % 100 == 0 else f"{fen // 100}.{fen % 100:02d}元"


def legible(text: str) -> str:
    """Text without the control characters that no file format holds."""
    return _ILLEGAL.sub("", text)


def listed(names: Sequence[str]) -> str:
    """Names one after the other, all of them."""
    return "、".join(names)


def numeral(number: int) -> str:
    """1 to 99 as 一, 十, 十一, 二十一: the numbers of headings."""
    if not 1 <= number <= 99:
        raise ValueError("headings are numbered from 1 to 99")
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else _DIGITS[tens] + "十"
    return head + (_DIGITS[ones] if ones else "")
