"""Marks put into workbooks as other programs write them; what isn't changed in place is said, and made anew."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment

from tests.exchange.pure import sheet
from toilet_api.exchange.imports import rebuilt_workbook, xlsx_marking
from toilet_api.exchange.imports.marks import AUTHOR, Mark, RowMarks, merged
from toilet_api.exchange.imports.xlsx_parts import UnpatchableError
from toilet_api.exchange.imports.xlsx_styles import CORRECTED_RGB, WRONG_RGB
from toilet_api.exchange.ledgers import reading
from toilet_api.exchange.ledgers.sheets import Ledger

ROWS = [["编号", "姓名"], ["甲", "张三"], ["乙", "李四"]]
MARKS: list[RowMarks] = [
    (2, [Mark(1, True, True, "错误：一")]),
    (3, [Mark(0, False, False, "二"), Mark(4, True, False, None)]),
]
SHEET = "xl/worksheets/sheet1.xml"


def written(folder: Path, change: Callable[[str], str] = str, comment: str | None = None) -> Path:
    """A workbook whose sheet's XML was changed."""
    book = openpyxl.Workbook()
    table = book.active
    table.title = "台账"
    for cells in ROWS:
        table.append(cells)
    table.auto_filter.ref = "A1:B3"
    if comment:
        table["B2"].comment = Comment(comment, "村干部")
    plain = io.BytesIO()
    book.save(plain)
    path = folder / "source.xlsx"
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content.decode()).encode() if name == SHEET else content)
    return path


def marked(folder: Path, source: Path, marks: list[RowMarks] = MARKS) -> Any:
    target = folder / "target.xlsx"
    xlsx_marking.mark(source, {"台账": marks}, target)
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert len(set(archive.namelist())) == len(archive.namelist())
    kept = [(one.name, list(one.rows)) for one in reading.open_ledger(source, 1000).sheets]
    assert [(one.name, list(one.rows)) for one in reading.open_ledger(target, 1000).sheets] == kept
    return openpyxl.load_workbook(target)["台账"]


def shown(table: Any) -> dict[str, str]:
    return {
        cell.coordinate: cell.fill.fgColor.rgb
        for row in table.iter_rows()
        for cell in row
        if cell.fill.fill_type == "solid"
    }


EXPECTED = {"B2": WRONG_RGB, "A3": CORRECTED_RGB, "E3": WRONG_RGB}


@pytest.mark.parametrize(
    "change",
    [
        str,
        lambda xml: re.sub(r'<row r="(\d)"', r'<row spans="1:2" r="\1" s="0"', xml),
        lambda xml: (
            xml.replace("<sheetData>", "<sheetData >").replace('<c r="B2"', '<c  t="inlineStr" r="B2"', 1)
            if 'r="B2" t=' not in xml
            else xml
        ),
        lambda xml: re.sub(r"<(/?)(\w+)", r"<\1x:\2", xml).replace("xmlns=", "xmlns:x="),
    ],
    ids=["plain", "spans", "attributes", "prefix"],
)
def test_marks_in_sheets_as_programs_write_them(change: Callable[[str], str], tmp_path: Path) -> None:
    table = marked(tmp_path, written(tmp_path, change))
    assert shown(table) == EXPECTED
    assert (table["B2"].comment.text, table["B2"].comment.author, table["B2"].number_format) == (
        "错误：一",
        AUTHOR,
        "@",
    )
    assert (table["A3"].comment.text, table["E3"].comment) == ("二", None)
    assert table.auto_filter.ref == "A1:B3"


def test_what_a_person_wrote_beside_stays(tmp_path: Path) -> None:
    table = marked(tmp_path, written(tmp_path, comment="门牌 <待核> & 复核"))
    assert table["B2"].comment.text == "错误：一\n门牌 <待核> & 复核"
    assert table["A3"].comment.text == "二"


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: xml.replace("<sheetData>", "<sheetData><!-- a <row r='2'> -->"),
        lambda xml: xml.replace('r="3"', 'r="1"', 1),
        lambda xml: xml.replace('<row r="2"', '<row r="7"').replace('<row r="3"', '<row r="8"'),
        lambda xml: re.sub(r'<c r="\w+"', "<c", xml),
        lambda xml: xml.replace("</sheetData>", ""),
        lambda xml: '<?xml version="1.0" encoding="gbk"?>' + xml,
    ],
    ids=["comment", "order", "missing", "no_reference", "no_end", "encoding"],
)
def test_what_is_written_in_an_unusual_way_is_not_guessed_at(change: Callable[[str], str], tmp_path: Path) -> None:
    with pytest.raises(UnpatchableError):
        xlsx_marking.mark(written(tmp_path, change), {"台账": MARKS}, tmp_path / "target.xlsx")


def test_a_sheet_that_is_not_there(tmp_path: Path) -> None:
    for name in ("另一张", None):
        with pytest.raises(UnpatchableError):
            xlsx_marking.mark(written(tmp_path), {name: MARKS}, tmp_path / "target.xlsx")


def test_two_records_of_one_row_have_their_marks_together() -> None:
    twice: list[RowMarks] = [
        (2, [Mark(1, False, False, "一")]),
        (2, [Mark(0, False, False, None), Mark(1, True, True, "二")]),
    ]
    assert list(merged(iter(twice))) == [(2, [Mark(0, False, False, None), Mark(1, True, True, "一\n二")])]


def test_a_workbook_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[list[Any]] = [
        ["标题"],
        [],
        ["编号", "姓名", "金额"],
        ["0012", "=1+1", 1.5],
        ["https://x", "-3", True],
        ["x" * 9, None, 2],
    ]
    target = tmp_path / "target.xlsx"
    ledger = Ledger("ods", [sheet(rows, "甲/乙", merges=[(1, 0, 1, 2)]), sheet([["别的"]], "别的", hidden=True)])
    rebuilt_workbook.rebuild(
        ledger, [], {"甲/乙": [(2, [Mark(1, True, False, None)]), (4, [Mark(0, True, True, "错")])]}, target
    )
    book = openpyxl.load_workbook(target)
    assert [(one.title, one.sheet_state) for one in book.worksheets] == [("甲_乙", "visible"), ("别的", "hidden")]
    table = book.worksheets[0]
    assert [str(one) for one in table.merged_cells.ranges] == ["A1:C1"]
    assert [[cell.value for cell in row] for row in table.iter_rows(4, 6)] == [
        ["0012", "=1+1", 1.5],
        ["https://x", "-3", True],
        ["x" * 9, None, 2],
    ]
    assert {cell.data_type for cell in (table["A4"], table["B4"], table["B5"])} == {"s"}
    assert shown(table) == {"B2": WRONG_RGB, "A4": WRONG_RGB}
    monkeypatch.setattr(rebuilt_workbook, "ROWS_MAX", 4)
    described: Any = [type("Described", (), {"sheet": None, "header_row": 3, "columns": []})]
    ledger = Ledger("csv", [sheet(rows, "")])
    rebuilt_workbook.rebuild(ledger, described, {None: [(6, [Mark(0, True, False, "错")])]}, target)
    parts = openpyxl.load_workbook(target).worksheets
    assert [one.title for one in parts] == ["台账", "台账(2)", "台账(3)"]
    assert [parts[2]["A3"].value, parts[2]["A4"].value, shown(parts[2])] == ["编号", "x" * 9, {"A4": WRONG_RGB}]
