"""Which rows below the header are households, and by which rule the others are not counted."""

import re
from collections.abc import Sequence

from toilet_api.exchange.header_search import Header
from toilet_api.exchange.headings import normalise
from toilet_api.exchange.sheets import INVISIBLE, Cell, as_text

_TOTAL = re.compile(
    r"^(本页|本表|本村|本组|本乡|本镇|本街道|全村|全乡|全镇|全县|全组|.{1,8}(村|组|乡|镇|街道|社区))?(小计|合计|总计|共计|累计|总合计)"
)
_TOTAL_SPACED = re.compile(r"^(合|总|小|共)\s+计")
_SIGNATURE = re.compile(
    r"^(填表人|填报人|审核人|制表人|制表|经办人|单位负责人|负责人|主要负责人|分管领导|分管负责人|村书记|村主任|联系人|填报单位|填报日期|填表日期|"
    r"填报时间|填表时间|单位盖章|盖章|公章|签字|签名|审批人|复核人|调查人|摸排人|验收人|日期|制表日期|乡镇负责人|村负责人|统计人|统计负责人|"
    r"乡镇盖章|村委会盖章|单位公章|主管领导|监督人|领导签字|审核)(签字|签名|签章|盖章)?(\(.*?\))?[::]"
)
_SIGNATURE_BARE = re.compile(
    r"^(填表人|填报人|审核人|制表人|单位负责人|经办人|单位\(?盖章\)?|\(?盖章\)?|\(?公章\)?)(签字|签名)?$"
)
_NOTE = re.compile(r"^(注|备注|说明|填表说明|注释|附注|填报说明|注意|备 注)\d?[::、.]|^注\d|^[*※]|^\(?注[::]")
_COLUMN_NUMBER = re.compile(r"^[((]?(\d{1,2}|[甲乙丙丁戊己庚辛壬癸]|[A-Z])[))]?$")
_NUMBER = re.compile(r"^(?:No\.?|第)?[A-Za-z]?[\d.\-]{1,12}号?$")
_IDENTITY = ("id", "phone")


class RowKinds:
    """Judges the rows of one sheet. A row that might be a household is one: it is then taken or rejected in sight."""

    def __init__(self, header: Header, titles: Sequence[str]) -> None:
        self._header = header
        self._titles = {normalise(title) for title in titles if len(normalise(title)) > 5}
        self._columns = {name: header.of(name) for name in header.fields}
        self._serial = {column.index for column in header.of("serial")}
        self._header_texts = {text for text in header.texts if text}
        self._start = True

    def ignored_as(self, cells: Sequence[Cell]) -> str | None:
        """The code of the rule by which the row is no household, or None."""
        texts = [as_text(cell).strip(INVISIBLE) for cell in cells]
        filled = [(index, text) for index, text in enumerate(texts) if text]
        start, self._start = self._start, False
        if not filled:
            return "blank"
        if all(index in self._serial and _NUMBER.match(_plain(text)) for index, text in filled):
            return "serial_only"
        if self._repeats_header(filled):
            return "repeated_header"
        if start and len(filled) > 2 and all(_COLUMN_NUMBER.match(_plain(text)) for _, text in filled):
            return "column_numbers"
        if self._has_identity(texts):
            return None
        if len(filled) <= 2 and normalise(filled[0][1]) in self._titles:
            return "title"
        return self._closing(filled)

    def _closing(self, filled: list[tuple[int, str]]) -> str | None:
        first = _plain(filled[0][1])
        plains = [_plain(text) for _, text in filled]
        if any(
            _TOTAL.match(text) or _TOTAL_SPACED.match(raw)
            for text, (_, raw) in zip(plains[:4], filled[:4], strict=True)
        ):
            return "total"
        if any(_SIGNATURE.match(text) for text in plains) or _SIGNATURE_BARE.match(first):
            return "signature"
        if _NOTE.match(first) and len(filled) <= 3:
            return "note"
        return None

    def _repeats_header(self, filled: list[tuple[int, str]]) -> bool:
        hits = sum(1 for _, text in filled if normalise(text) in self._header_texts)
        return hits >= 3 and hits * 2 >= len(filled)

    def _has_identity(self, texts: list[str]) -> bool:
        """An ID number, a phone or a mode with a name: then it is a household, whatever else stands there."""
        for name in _IDENTITY:
            for column in self._columns.get(name, ()):
                if column.index < len(texts) and sum(character.isdigit() for character in texts[column.index]) >= 7:
                    return True
        return self._filled("name", texts) and self._filled("mode", texts) and self._filled("village", texts)

    def _filled(self, name: str, texts: list[str]) -> bool:
        return any(column.index < len(texts) and texts[column.index] for column in self._columns.get(name, ()))


def _plain(text: str) -> str:
    return "".join(text.split()).translate(_WIDTH)


_WIDTH = str.maketrans("：（）．＊", ":().*")
