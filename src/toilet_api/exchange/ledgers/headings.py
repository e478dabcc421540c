"""Headings of real ledgers and the fields that they mean.

A heading is compared without blanks, line breaks, brackets and punctuation. Each field lists its headings best first:
where two columns claim one field, the better heading wins and the other is shown as not used.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from toilet_api.exchange.ledgers.heading_words import SYNONYMS
from toilet_api.exchange.ledgers.sheets import INVISIBLE

FIELDS: dict[str, tuple[str, str]] = {
    "serial": ("序号", "serial number, not kept"),
    "province": ("省", "province"),
    "city": ("市", "city"),
    "county": ("县", "county"),
    "township": ("乡镇", "township"),
    "village": ("村", "village, name or 12-digit code"),
    "village_code": ("村代码", "12-digit code of the village"),
    "group": ("组、自然村", "group or hamlet; part of the address"),
    "name": ("户主姓名", "head of household"),
    "id": ("身份证号码", "ID number"),
    "address": ("门牌号、住址", "house number or address"),
    "phone": ("联系电话", "phone"),
    "family_size": ("家庭人口", "people in the family"),
    "dwelling_state": ("住房状态", "state of the dwelling"),
    "mode": ("改厕方式", "mode of the toilet"),
    "year": ("改厕年份", "year built"),
    "led_by": ("牵头部门", "who led the rebuild"),
    "subsidy": ("补助金额", "subsidy"),
    "note": ("备注", "note"),
    "household_id": ("农户编号", "id of a registered household; exports have it"),
    "toilet_id": ("厕所编号", "id of a registered toilet; exports have it"),
    "updated_at": ("更新时间", "when the record was last changed; exports have it"),
}

SEVERAL = frozenset({"phone", "note", "serial"})
"""Fields to which more than one column may go; all are kept."""

_LOOKUP: dict[str, tuple[str, int]] = {}
for _field, _text in SYNONYMS.items():
    for _rank, _heading in enumerate(_text.split()):
        _LOOKUP.setdefault(_heading, (_field, _rank))
for _field in FIELDS:
    _LOOKUP.setdefault(_field.replace("_", ""), (_field, 0))

# Above a 姓名 or 电话, these say that it is somebody else's. 负责人 and the like never are heads of household.
_OTHER_PEOPLE = re.compile(
    r"管护|施工|验收|摸排|调查|填表|填报|审核|村干部|包保|负责人|监督|配偶|成员|包村|帮扶|建设队|联系人|经办|抽查|核查|改厕员|代理|监护|技术员"
)
_BEFORE = re.compile(r"(改造|改厕|整改|改建|改)前|^原")
_BRACKETS = re.compile(r"[(\[{【〔<《「][^)\]}】〕>》」]*[)\]}】〕>》」]")
_UNIT_IN_TEXT = re.compile(r"万元|元|人|年|个|户")
_PUNCTUATION = re.compile(r"[\W_]+")
_PEOPLE_FIELDS = frozenset({"name", "id", "phone", "address"})


_PARENT_NOISE = re.compile(r"(基本)?(信息|情况)$")


@dataclass(frozen=True, slots=True)
class Recognised:
    """A heading that is understood. `unit` is what stands in its brackets: 元, 万元."""

    field: str
    rank: int
    unit: str | None = None


@lru_cache(maxsize=4096)
def normalise(heading: str) -> str:
    """The form in which headings are compared: half-width, lower case, no blanks, no punctuation, no brackets."""
    text = unicodedata.normalize("NFKC", heading).lower()
    text = "".join(character for character in text if character not in INVISIBLE)
    return _PUNCTUATION.sub("", _BRACKETS.sub("", text))


def _with_brackets(heading: str) -> str:
    """As `normalise`, with what stands in brackets: 所在乡（镇） is 所在乡镇."""
    text = unicodedata.normalize("NFKC", heading).lower()
    return _PUNCTUATION.sub("", "".join(character for character in text if character not in INVISIBLE))


def unit_of(heading: str) -> str | None:
    """The unit of money that a heading names: `万元`, `元`, or None."""
    text = unicodedata.normalize("NFKC", heading).replace(" ", "")
    if "万元" in text or "单位:万" in text:
        return "万元"
    return "元" if "元" in text else None


@lru_cache(maxsize=4096)
def recognise(heading: str, above: str = "") -> Recognised | None:
    """What a heading means, given the heading above it in a header of two levels."""
    text = normalise(heading)
    if not text:
        return None
    parent = normalise(above)
    for candidate in (text, parent + text, _PARENT_NOISE.sub("", parent) + text, _with_brackets(heading)):
        found = _LOOKUP.get(candidate) or _LOOKUP.get(_without_unit(candidate)) or _numbered(candidate)
        if found is not None:
            field, rank = found
            if field in _PEOPLE_FIELDS and _OTHER_PEOPLE.search(parent):
                return None
            if field == "mode" and _BEFORE.search(parent):
                return None
            return Recognised(field, rank, unit_of(above + heading) if field == "subsidy" else None)
    if parent and _UNIT_IN_TEXT.fullmatch(text):
        # 补助金额 over 元, 改厕时间 over 年.
        found = _LOOKUP.get(parent)
        if found is not None and not (found[0] == "year" and text != "年"):
            return Recognised(*found, unit_of(heading) if found[0] == "subsidy" else None)
    return None


def _numbered(text: str) -> tuple[str, int] | None:
    """备注1, 联系电话二: of the fields that may have several columns."""
    found = _LOOKUP.get(re.sub(r"[\d一二三]$", "", text))
    return found if found is not None and found[0] in ("phone", "note") else None


def _without_unit(text: str) -> str:
    return re.sub(r"(万元|元|人|户)$", "", text)
