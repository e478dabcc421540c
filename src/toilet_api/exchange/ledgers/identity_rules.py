"""Names and ID numbers of heads of household (GB 11643)."""

import re
from datetime import date

from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.sheets import Cell
from toilet_api.exchange.ledgers.text_rules import NOTHING, clean, says_nothing
from toilet_api.registry.rules import IdNumberFault, check_id_number, id_check_character

_ID_EXPECTED = ("18 位身份证号码，以文本格式保存", "an ID number of 18 characters, kept as text")
_FLOAT_EXPECTED = (
    "18 位身份证号码：请先把该列设为“文本”再重新录入，Excel 已丢失后几位",
    "an ID number of 18 characters: set the column to text and enter it again; Excel lost its last digits",
)
_FLOAT = re.compile(r"^\d(\.\d+)?E\+?0*1[4-9]$", re.IGNORECASE)
_CUT = re.compile(r"^\d{15}000(\.0+)?$")
_PLAIN_ID = re.compile(r"[0-9]{17}[0-9X]\Z(?<!000)")
_APOSTROPHES = "'`’‘＇\"“”"
_NAME = re.compile(r"^[\u3400-\u9fff\U00020000-\U0003ffff\uf900-\ufaff〇○·A-Za-z.\-']+$")
_PLAIN_NAME = re.compile(r"[\u4e00-\u9fff]{2,6}\Z")
_REMARK = re.compile(r"^(.+?)\s*[（(【\[]([^（）()【】\[\]]+)[）)】\]]$")
# What stands in the column of names where a house, and no person, is meant.
_NO_PERSON = re.compile(
    r"(村委会|居委会|村民委员会|敬老院|养老院|卫生室|村部|学校|小学|中学|祠堂|合作社|公司)$"
    r"|^(户主|姓名|农户|空户|空心户|五保户|低保户|贫困户|脱贫户|危房|老房子|(已|房屋|房子)?(拆除|搬迁|迁出|销户|死亡|去世))$"
)
_NAME_EXPECTED = ("户主姓名，2 至 50 个汉字或字母", "a name of 2 to 50 characters or letters")
NAME_MAX = 50


def is_cut_id(cell: Cell) -> bool:
    """Whether a text ends in the three zeros that Excel leaves of a number, and fails the check.

    Excel keeps 15 digits. A text of 18 that ends in 000 may be right (one number in a thousand is); it is when its
    check character fits.
    """
    return (
        isinstance(cell, str)
        and _CUT.match(cell.strip()) is not None
        and check_id_number(cell.strip()[:18]) is not None
    )


def read_id(findings: Findings, place: Place, cell: Cell, today: date, *, column_was_cut: bool) -> str | None:
    """The ID number, or None with a fault, or None for a blank cell.

    `column_was_cut`: other texts of the column end in 000 and fail the check, so that Excel has cut the column and one
    that fits isn't trusted either (of eleven cut numbers one fits by chance).
    """
    # Most are as they should be; a number that ends in 000 may have been cut, and goes the long way.
    if isinstance(cell, str) and _PLAIN_ID.match(cell) and check_id_number(cell, today) is None:
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if not abs(cell) < 1e15 or cell != int(cell):
            findings.reject(place, "id_float", repr(cell), _FLOAT_EXPECTED)
            return None
        cell = str(int(cell))
    text = clean(findings, place, cell)
    if not text or says_nothing(text):
        return None
    if _FLOAT.match(text) or (_CUT.match(text) and (column_was_cut or is_cut_id(text))):
        findings.reject(place, "id_float", text, _FLOAT_EXPECTED)
        return None
    text = _tidy(findings, place, text)
    if len(text) == 15 and text.isascii() and text.isdigit():
        longer = f"{text[:6]}19{text[6:]}"
        longer += id_check_character(longer)
        if check_id_number(longer, today) is None:
            findings.correct(place, "id_15_to_18", text, longer)
            return longer
        findings.reject(place, "id_check", text, _ID_EXPECTED, detail=IdNumberFault.BIRTH_DATE.message[0])
        return None
    fault = check_id_number(text, today)
    if fault is not None:
        findings.reject(place, "id_check", text, _ID_EXPECTED, detail=fault.message[0])
        return None
    return text


def _tidy(findings: Findings, place: Place, text: str) -> str:
    """Apostrophe, blanks, hyphens, small x: each by its own rule."""
    stripped = text.strip(_APOSTROPHES)
    if stripped != text:
        findings.correct(place, "id_apostrophe", text, stripped)
        text = stripped
    joined = "".join(text.split())
    if joined != text:
        findings.correct(place, "id_spaces", text, joined)
        text = joined
    joined = re.sub(r"(?<=\d)[-_.·](?=[\dXx])", "", text.rstrip(",.;。、；，")) if len(text) > 18 else text
    if joined != text:
        findings.correct(place, "id_separators", text, joined)
        text = joined
    upper = text[:-1] + text[-1:].replace("x", "X").replace("×", "X").replace("х", "X").replace("Х", "X")
    if upper != text:
        findings.correct(place, "id_lower_x", text, upper)
        text = upper
    return text


def read_name(findings: Findings, place: Place, cell: Cell) -> tuple[str | None, str | None]:
    """Name and the remark that stood in brackets behind it. Missing or absurd: a fault."""
    if isinstance(cell, str) and _PLAIN_NAME.match(cell) and not (cell in NOTHING or _NO_PERSON.search(cell)):
        return cell, None
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        findings.reject(place, "bad_name", str(cell), _NAME_EXPECTED)
        return None, None
    text = clean(findings, place, cell)
    if not text or says_nothing(text):
        findings.reject(place, "no_name", text, _NAME_EXPECTED)
        return None, None
    remark = None
    if match := _REMARK.match(text):
        remark = match[2].strip()
        findings.correct(place, "name_remark", text, match[1])
        text = match[1].strip()
    joined = "".join(text.split())
    if not re.search(r"[A-Za-z]", text) and joined != text:
        findings.correct(place, "name_spaces", text, joined)
        text = joined
    dotted = re.sub(r"[•・‧∙⋅．]|(?<=[\u3400-\u9fff])\.(?=[\u3400-\u9fff])", "·", text)
    if dotted != text:
        findings.correct(place, "name_dot", text, dotted)
        text = dotted
    if _NO_PERSON.search(text) or len(text) < 2 or len(text) > NAME_MAX or not _NAME.match(text.replace(" ", "")):
        findings.reject(place, "bad_name", text, _NAME_EXPECTED)
        return None, None
    return text, remark
