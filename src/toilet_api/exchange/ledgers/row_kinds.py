"""Which rows below the header are households, and by which rule the others are not counted."""

import re
from collections.abc import Sequence

from toilet_api.exchange.ledgers.header_search import Header
from toilet_api.exchange.ledgers.headings import normalise
from toilet_api.exchange.ledgers.problems import COLUMN_AMBIGUOUS
from toilet_api.exchange.ledgers.sheets import INVISIBLE, Cell, as_text

_TOTAL = re.compile(
    r"^(本页|本表|本村|本组|本乡|本镇|本街道|全村|全乡|全镇|全县|全组|.{1,8}(村|组|乡|镇|街道|社区))?(小计|合计|总计|共计|累计|总合计)"
)
_TOTAL_ALONE = re.compile(r"^(小计|合计|总计|共计|累计|总合计|本页小计|本村合计)[:]?$")
_WHO = (
    r"填表人|填报人|审核人|复核人|制表人|制表|填表|复核|审核|审批人|经办人|经手人|调查人|摸排人|验收人|统计人|统计负责人|监督人|联系人|"
    r"单位负责人|负责人|主要负责人|乡镇负责人|村负责人|分管领导|分管负责人|主管领导|村书记|村支书|支部书记|村主任|主任|驻村干部|包村干部|"
    r"填报单位|填报日期|填表日期|填报时间|填表时间|制表日期|日期"
)
_SIGNATURE = re.compile(
    rf"^(({_WHO}|领导|签字|签名|盖章|公章|单位盖章|乡镇盖章|村委会盖章|单位公章)(签字|签名|签章|盖章|公章)?(\(.*?\))?)[::]"
)
_SIGNATURE_ALONE = re.compile(rf"^({_WHO}|签字|签名|盖章|公章|单位盖章)(\(?(签字|签名|盖章|公章)\)?)?$")
_SEAL = re.compile(r"[(]?(盖章|公章|签章)[)]?[::]?$")
_DATE = re.compile(r"^(\d{4}|[ ]*)年(\d{1,2})?月(\d{1,2})?日$|^\d{4}-\d{2}-\d{2}$")
_PAGE = re.compile(r"^第\d+页[,、/]?(共\d+页)?$|^共\d+页[,、/]?(第\d+页)?$|^-\d+-$")
_NOTE = re.compile(r"^(注|备注|说明|填表说明|注释|附注|填报说明|注意|备 注)\d?[::、.]|^注\d|^[*※]|^\(?注[::]")
_COLUMN_NUMBER = re.compile(r"^[((]?(\d{1,2}|[甲乙丙丁戊己庚辛壬癸]|[A-Z])[))]?$")
_NUMBER = re.compile(r"^(?:No\.?|第)?[A-Za-z]?[\d.\-]{1,12}号?$")
_PLACES = ("province", "city", "county", "township", "village", "village_code", "group")


class RowKinds:
    """Judges the rows of one sheet. A row that might be a household is one: it is then taken or rejected in sight."""

    def __init__(self, header: Header, titles: Sequence[str]) -> None:
        self._titles = {normalise(title) for title in titles if len(normalise(title)) > 5}
        self._columns = {name: [column.index for column in header.of(name)] for name in header.fields}
        self._serial = set(self._columns.get("serial", ()))
        self._places = self._serial | {index for name in _PLACES for index in self._columns.get(name, ())}
        self._ids = [index for index in self._columns.get("id", ()) if index not in self._serial]
        self._texts = header.texts
        self._header_texts = {text for text in header.texts if text}
        self._start = True

    def ignored_as(self, cells: Sequence[Cell]) -> str | None:
        """The code of the rule by which the row is no household, or None."""
        if self._has_plain_id(cells):
            self._start = False
            return None
        texts = [as_text(cell).strip(INVISIBLE) for cell in cells]
        filled = [(index, text) for index, text in enumerate(texts) if text]
        start, self._start = self._start, False
        if not filled:
            return "blank"
        if all(index in self._serial and _NUMBER.match(_plain(text)) for index, text in filled):
            return "serial_only"
        if self._digits("id", texts) >= 7:
            return None
        if self._repeats_header(filled):
            self._refuse_another_header(filled)
            return "repeated_header"
        if start and len(filled) > 2 and all(_COLUMN_NUMBER.match(_plain(text)) for _, text in filled):
            return "column_numbers"
        plains = [_plain(text) for _, text in filled]
        return self._closing(filled, plains, texts) or self._empty(filled, plains)

    def _has_plain_id(self, cells: Sequence[Cell]) -> bool:
        """Whether a cell of ID numbers holds 18 characters that are one: no other kind of row has that."""
        for index in self._ids:
            cell = cells[index] if index < len(cells) else None
            if isinstance(cell, str) and len(cell) == 18 and cell[:17].isdigit():
                return True
        return False

    def _closing(self, filled: list[tuple[int, str]], plains: list[str], texts: list[str]) -> str | None:
        """Totals, signatures, notes and pages. A phone, or a name with a mode, takes more to be told away."""
        household = self._digits("phone", texts) >= 7 or all(
            self._filled(name, texts) for name in ("name", "mode", "village")
        )
        if any(map(_TOTAL_ALONE.match, plains[:4])) or (not household and any(map(_TOTAL.match, plains[:4]))):
            return "total"
        if not (household and self._filled("mode", texts)) and any(map(_SIGNATURE.match, plains)):
            return "signature"
        if household:
            return None
        if len(filled) <= 2 and normalise(filled[0][1]) in self._titles:
            return "title"
        if len(filled) <= 2 and any(map(_PAGE.match, plains)):
            return "page"
        if _SIGNATURE_ALONE.match(plains[0]) or (len(filled) <= 2 and any(map(_SEAL.search, plains))):
            return "signature"
        if len(filled) == 1 and _DATE.match(plains[0]) and filled[0][0] not in self._columns.get("year", ()):
            return "signature"
        if _NOTE.match(plains[0]) and len(filled) <= 3:
            return "note"
        return None

    def _empty(self, filled: list[tuple[int, str]], plains: list[str]) -> str | None:
        """A line of a form that was numbered and given its village in advance, and in which nobody was entered."""
        numbered = any(
            index in self._serial and _NUMBER.match(plain) for (index, _), plain in zip(filled, plains, strict=True)
        )
        return "empty_form" if numbered and all(index in self._places for index, _ in filled) else None

    def _repeats_header(self, filled: list[tuple[int, str]]) -> bool:
        hits = sum(1 for _, text in filled if normalise(text) in self._header_texts)
        return hits >= 3 and hits * 2 >= len(filled)

    def _refuse_another_header(self, filled: list[tuple[int, str]]) -> None:
        """Raises `import_column_ambiguous` for a second header with other columns: what follows would be misread."""
        moved = [
            text
            for index, text in filled
            if normalise(text) in self._header_texts
            and not (index < len(self._texts) and self._texts[index] == normalise(text))
        ]
        if len(moved) >= 2:
            shown = "、".join(" ".join(text.split()) for text in moved[:5])
            raise COLUMN_AMBIGUOUS.problem(
                (
                    f"表头在下方再次出现，但列的顺序不同（{shown}）；请分成两个工作表。",
                    f"The header comes again with its columns in other places ({shown}); make two sheets of it.",
                )
            )

    def _digits(self, name: str, texts: list[str]) -> int:
        """The most digits that a cell of the field holds."""
        cells = (texts[index] for index in self._columns.get(name, ()) if index < len(texts))
        return max((sum(map(str.isdigit, text)) for text in cells), default=0)

    def _filled(self, name: str, texts: list[str]) -> bool:
        return any(index < len(texts) and texts[index] for index in self._columns.get(name, ()))


def is_signed_or_summed(texts: Sequence[str]) -> bool:
    """Whether a line of these texts is a total or a signature, wherever it stands."""
    plains = [_plain(text) for text in texts]
    return any(_TOTAL.match(text) or _SIGNATURE.match(text) or _SEAL.search(text) for text in plains)


def _plain(text: str) -> str:
    return "".join(text.split()).translate(_WIDTH)


_WIDTH = str.maketrans("：（）．＊，－", ":().*,-")
