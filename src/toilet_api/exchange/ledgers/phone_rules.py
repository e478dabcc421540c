"""Phones: mobile or landline, several in a cell, and what Excel does to them."""

import re

from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.sheets import Cell
from toilet_api.exchange.ledgers.text_rules import clean, says_nothing
from toilet_api.registry.rules import PHONES_AT_MOST, is_phone

_EXPECTED = (
    f"11 位手机号或 7 至 12 位固定电话，最多 {PHONES_AT_MOST} 个",
    f"a mobile number of 11 digits or a landline of 7 to 12, {PHONES_AT_MOST} at most",
)
_PLAIN_MOBILE = re.compile(r"1[3-9][0-9]{9}\Z")
_NO_PHONE = re.compile(r"^(0|[无没](有)?(电话|手机|联系方式))$")
_FLOAT = re.compile(r"^\d(\.\d+)?E\+?\d{1,2}$", re.IGNORECASE)
_STRONG = re.compile(r"[、;；,，/|\n]|或")
_FORMAT = re.compile(r"[\s\-—–－()（）.。·'`’‘]")
_COUNTRY = re.compile(r"^(?:\+|00)?86(?=1\d{10}$)")
_LABEL = re.compile(r"^(?:手机|电话|联系电话|座机|本人|家)[::]?(?=[\d+(])")
# Stricter than a form, where a person looks on: ten digits that begin with 1 are a mobile number that lost one.
_LIKELY = re.compile(r"^(?:1[3-9]\d{9}|[2-9]\d{6,7}|0\d{9,11}|[48]00\d{7})$")
_REMARK = re.compile(
    r"[（(]([^\d（）()]{1,12})[）)]|(?:^|(?<=[\s、,，;；/]))([\u4e00-\u9fff]{1,8})[:：\s]*(?=\d)"
    r"|(?<=\d)\s*([\u4e00-\u9fff]{1,8})(?=$|[\s、,，;；/。])"
)
_TWO_MOBILES = re.compile(r"^(1[3-9]\d{9})(1[3-9]\d{9})$")


def without_remarks(text: str) -> tuple[str, str]:
    """The text without the words beside its phones, 19900001234（儿子）, and these words."""
    remarks = [word for match in _REMARK.finditer(text) for word in match.groups() if word]
    return _REMARK.sub(" ", text).strip(), "、".join(remarks)


def is_plain_mobile(text: str) -> bool:
    """Whether a text is a mobile number and nothing else, as most are."""
    return _PLAIN_MOBILE.match(text) is not None


def read_phones(findings: Findings, place: Place, cell: Cell) -> tuple[str, ...]:
    """All phones of a cell; empty for a blank cell, or with a fault. None is ever dropped."""
    if isinstance(cell, str) and is_plain_mobile(cell):
        return (cell,)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if not abs(cell) < 1e15 or cell != int(cell):
            findings.reject(place, "phone_float", repr(cell), _EXPECTED)
            return ()
        cell = str(int(cell))
    text = clean(findings, place, cell)
    if not text:
        return ()
    if says_nothing(text) or _NO_PHONE.match(text):
        findings.correct(place, "phone_none", text, "")
        return ()
    if _FLOAT.match(text):
        findings.reject(place, "phone_float", text, _EXPECTED)
        return ()
    text = re.sub(r"^(\d{7,12})\.0+$", r"\1", text)
    pieces = _pieces(text)
    phones = tuple(dict.fromkeys(phone for piece in pieces if (phone := _plain(piece)) is not None))
    if any(_plain(piece) is None for piece in pieces) or not 1 <= len(phones) <= PHONES_AT_MOST:
        findings.reject(place, "bad_phone", text, _EXPECTED)
        return ()
    if len(pieces) > 1:
        findings.correct(place, "two_phones", text, "、".join(phones))
    elif phones[0] != text:
        findings.correct(place, "phone_format", text, phones[0])
    return phones


def _pieces(text: str) -> list[str]:
    """One number with blanks in it stays one; what only makes sense as several is split."""
    pieces: list[str] = []
    for piece in _STRONG.split(text):
        if not piece.strip():
            continue
        if _plain(piece) is not None:
            pieces.append(piece)
        elif (match := _TWO_MOBILES.match("".join(piece.split()))) is not None:
            pieces += [match[1], match[2]]
        else:
            pieces += piece.split()
    return pieces


def _plain(piece: str) -> str | None:
    """Digits alone if the piece is a phone."""
    digits = _COUNTRY.sub("", _FORMAT.sub("", _LABEL.sub("", piece.strip())).removeprefix("+"))
    return digits if is_phone(digits) and _LIKELY.match(digits) else None
