"""Subsidies: yuan or units of 10,000 yuan in the file, fen in the register. Never rounded."""

import re
from decimal import Decimal, InvalidOperation

from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.sheets import Cell
from toilet_api.exchange.ledgers.text_rules import clean, says_nothing
from toilet_api.kernel.fields import yuan_to_fen

_EXPECTED = (
    "金额（元），不为负，最多两位小数，如 1500 或 1500.50",
    "an amount in yuan, not negative, two decimals at most",
)
_NUMBER = re.compile(
    r"^(?:¥|￥|RMB|人民币)?([\d,]+(?:\.\d+)?)(万元|万|元整|元|圆|块|RMB)?(?:/户|每户|/座)?$", re.IGNORECASE
)
_THOUSANDS = re.compile(r"^\d{1,3}(,\d{3})+(\.\d+)?$")
_NO_SUBSIDY = re.compile(r"^[无未没](有|获得?|享受?|得到?)?(补助|补贴|奖补|享受)?$")
MONEY_MAX_FEN = 10**8
"""A million yuan for one toilet: beyond it the heading has the wrong unit."""


def read_money(findings: Findings, place: Place, cell: Cell, unit: str | None) -> int | None:
    """Fen; None for a blank cell, for a word like 无, or with a fault. `unit` is the heading's: 元, 万元 or None."""
    if isinstance(cell, bool):
        cell = str(cell)
    if isinstance(cell, int | float):
        amount, text, in_cell = _decimal(repr(cell)), repr(cell), None
    else:
        text = clean(findings, place, cell)
        if not text:
            return None
        text = text.lstrip("'’‘")
        if says_nothing(text) or _NO_SUBSIDY.match(text):
            findings.correct(place, "money_none", text, "")
            return None
        amount, in_cell = _parse(text)
    if amount is None or amount < 0:
        findings.reject(place, "bad_money", text, _EXPECTED)
        return None
    ten_thousands = (in_cell or unit or "").startswith("万")
    yuan = amount * 10_000 if ten_thousands else amount
    try:
        fen = yuan_to_fen(yuan)
    except ValueError:
        findings.reject(place, "money_below_fen", text, _EXPECTED)
        return None
    if fen > MONEY_MAX_FEN:
        findings.reject(place, "bad_money", text, _EXPECTED)
        return None
    if ten_thousands:
        findings.correct(place, "money_ten_thousand", text, f"{yuan.normalize():f}")
    elif not isinstance(cell, int | float) and text != str(amount):
        findings.correct(place, "money_format", text, f"{amount:f}")
    return fen


def _parse(text: str) -> tuple[Decimal | None, str | None]:
    match = _NUMBER.match(text.replace(" ", ""))
    if match is None or ("," in match[1] and not _THOUSANDS.match(match[1])):
        return None, None
    return _decimal(match[1].replace(",", "")), match[2]


def _decimal(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
