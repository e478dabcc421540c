"""Corrections that hold for any cell: invisible characters, full width, blanks; and words that mean “nothing”."""

import re

from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.sheets import INVISIBLE, Cell, as_text

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_VISIBLE_BLANKS = " \t\r\n\v\f\u00a0\u3000"
_ZERO_WIDTH = {ord(character): None for character in INVISIBLE if character not in _VISIBLE_BLANKS}
_EXCEL_TEXT = re.compile(r'^="([^"]*)"$')
_BLANKS = {ord(character): " " for character in "\t\r\n\v\f\u00a0\u3000"}

_BLANKS_BUT_LINES = {code: blank for code, blank in _BLANKS.items() if code != ord("\n")}
_GUARDED = re.compile(r"'[=+\-@]")

# Most cells hold none of this: no outer blanks, nothing full-width or without a width, no ="…".
_UNCLEAN = re.compile(rf"^[ =]|^'[=+\-@]| $|[{re.escape(''.join(set(INVISIBLE) - {' '}))}\uff01-\uff5e]")

NOTHING = frozenset(
    {
        "无",
        "—",
        "-",
        "--",
        "——",
        "/",
        "\\",
        "空",
        "没有",
        "不详",
        "未知",
        "n/a",
        "na",
        "null",
        "none",
        "暂无",
        "无。",
        "#n/a",
    }
)
"""What clerks write where there is nothing. A zero is a value and not in it."""

YES = frozenset(["是", "√", "✓", "✔", "☑", "1", "y", "yes", "对"])
NO = frozenset(["否", "×", "✗", "✘", "x", "0", "n", "no", "不是"])
"""What clerks tick and cross, in small letters."""


def half_width(text: str) -> str:
    """Full-width letters, digits and signs in half width; nothing else is changed, rare characters least of all."""
    return text.translate(_FULL_WIDTH)


def clean(findings: Findings, place: Place, cell: Cell) -> str:
    """The text of a cell without what can't be seen, half-width where its field is one of letters and digits.

    Outer blanks go without a word, as any spreadsheet's do; what else changes is reported.
    """
    if cell is None:
        return ""
    raw = as_text(cell)
    if not _UNCLEAN.search(raw):
        return raw
    if place.column == "note":
        # The one text that may have several lines.
        text = raw.replace("\r\n", "\n").translate(_ZERO_WIDTH).translate(_BLANKS_BUT_LINES)
    else:
        text = raw.translate(_ZERO_WIDTH).translate(_BLANKS)
    if place.column == "id" and text.strip() != text:
        # A blank behind an ID number makes it another number to every program that compares: worth a line.
        stripped = text.strip()
        if not _has_inner_blank(stripped) and stripped:
            findings.correct(place, "id_spaces", raw, stripped)
    text = text.strip()
    if raw.translate(_ZERO_WIDTH) != raw or "\u00a0" in raw:
        findings.correct(place, "invisible", raw, text)
    if (match := _EXCEL_TEXT.match(text)) is not None:
        findings.correct(place, "excel_text", text, match[1])
        text = match[1].strip()
    if _GUARDED.match(text):
        findings.correct(place, "formula_guard", text, text[1:])
        text = text[1:]
    if place.column in _NARROW:
        narrow = half_width(text)
        if narrow != text:
            findings.correct(place, "full_width", text, narrow)
            text = narrow
    return text


def _has_inner_blank(text: str) -> bool:
    return " " in text


_NARROW = frozenset(
    {"id", "phone", "year", "mode", "subsidy", "family_size", "village_code", "address", "group", "village"}
)


def says_nothing(text: str) -> bool:
    """Whether the text stands for an empty cell."""
    return text.lower() in NOTHING
