"""Excel workbooks of any length in constant memory: XlsxWriter makes the workbook, the rows are streamed into it.

XlsxWriter alone writes some 5,000 rows of 22 cells a second, the streamed rows come ten times as fast. All that has
a meaning of its own in a workbook (styles, names, printing) is still XlsxWriter's; here are only `<row>` and `<c>`.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from toilet_api.exchange.exports.columns import Column
from toilet_api.exchange.exports.copying import NULL
from toilet_api.exchange.exports.problems import EXPORT_CELL_TOO_LONG
from toilet_api.exchange.exports.reading import Reading
from toilet_api.kernel.ahead import Ahead

ROWS_A_SHEET = 1_048_575
"""Rows of data in one sheet: what Excel can hold, less the heading. More go to further sheets with the same heading."""
CELL_MAX = 32_767
_AT_ONCE = 500
_NUMBERS = frozenset({"whole", "yuan"})
# Control characters, and what Excel would read as the escape of one.
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\r]|_(?=x[0-9A-Fa-f]{4}_)")
_ROW = "\x00"


@dataclass(frozen=True, slots=True)
class _Frame:
    """A sheet without its rows: what stands before and behind them, and the style of each column."""

    before: str
    behind: str
    styles: tuple[str, ...]


def write(reading: Reading, path: Path, title: str, about: dict[str, str]) -> int:
    """Write the workbook; gives how many sheets it has. `about` goes into its custom properties.

    Raises `export_cell_too_long` rather than cut a value off.
    """
    columns = reading.columns
    pattern = _members(_workbook(columns, title, [1, 1], {}))
    frames = [_frame(pattern[f"xl/worksheets/sheet{number}.xml"].decode(), columns) for number in (1, 2)]
    rows = reading.shown_rows()
    counts: list[int] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        first: list[str] | None = next(rows, None)
        while first is not None or not counts:
            name = f"xl/worksheets/sheet{len(counts) + 1}.xml"
            count, first = _sheet(package, name, frames[bool(counts)], columns, first, rows)
            counts.append(count)
        for name, content in _members(_workbook(columns, title, counts, about)).items():
            if not name.startswith("xl/worksheets/sheet"):
                package.writestr(name, content)
    return len(counts)


def _sheet(
    package: zipfile.ZipFile,
    name: str,
    frame: _Frame,
    columns: Sequence[Column],
    first: list[str] | None,
    rows: Iterator[list[str]],
) -> tuple[int, list[str] | None]:
    """Write one sheet; gives its rows, and the first row of the next where this one is full."""
    body = _Body(frame, columns, first, rows)
    # Rows are put into XML by a thread of their own while what came before is deflated, which needs no interpreter.
    with package.open(name, "w", force_zip64=True) as out, Ahead(body.blocks()) as blocks:
        out.write(frame.before.encode())
        for block in blocks:
            out.write(block)
        out.write(frame.behind.replace("{last}", str(max(body.count, 1) + 1)).encode())
    return body.count, body.following


class _Body:
    """The rows of one sheet as XML, and what is left of them when it is full."""

    def __init__(
        self, frame: _Frame, columns: Sequence[Column], first: list[str] | None, rows: Iterator[list[str]]
    ) -> None:
        self._templates = _Templates(columns, frame.styles)
        self._rows = rows
        self.following = first
        self.count = 0

    def blocks(self) -> Iterator[bytes]:
        """As it comes."""
        batch: list[str] = []
        while self.following is not None and self.count < ROWS_A_SHEET:
            self.count += 1
            batch.append(self._templates.row(self.count + 1, self.following))
            if len(batch) == _AT_ONCE:
                yield "".join(batch).encode()
                batch = []
            self.following = next(self._rows, None)
        yield "".join(batch).encode()


class _Templates:
    """Rows as XML. Which cells of a row are blank decides its template; few patterns occur, so each is made once."""

    def __init__(self, columns: Sequence[Column], styles: Sequence[str]) -> None:
        self._columns, self._styles = columns, styles
        self._known: dict[tuple[tuple[bool, ...], bool], str] = {}

    def row(self, number: int, cells: list[str]) -> str:
        given = tuple([cell != NULL for cell in cells])
        values = [cell for cell in cells if cell != NULL]
        is_special = _is_special(values)
        if is_special:
            values = [_escaped(value) for value in values]
        template = self._known.get((given, is_special))
        if template is None:
            template = self._known.setdefault((given, is_special), self._make(given, is_special))
        return template.replace(_ROW, str(number)) % tuple(values)

    def _make(self, given: Sequence[bool], is_special: bool) -> str:
        cells = []
        text = '<t xml:space="preserve">' if is_special else "<t>"
        for index, (column, style, is_given) in enumerate(zip(self._columns, self._styles, given, strict=True)):
            if is_given:
                start = f'<c r="{xl_col_to_name(index)}{_ROW}"{style}'
                cells.append(
                    f"{start}><v>%s</v></c>"
                    if column.kind in _NUMBERS
                    else f'{start} t="inlineStr"><is>{text}%s</t></is></c>'
                )
        return f'<row r="{_ROW}">{"".join(cells)}</row>'


def _is_special(values: list[str]) -> bool:
    """Whether a row holds what can't stand in a cell as it is: markup, control characters, blanks at the ends, length.

    It may say so without need. One search by a regular expression for all of it takes ten times as long.
    """
    plain, apart = "".join(values), "\t".join(values)
    return (
        "&" in plain
        or "<" in plain
        or ">" in plain
        or "_x" in plain
        or not plain.isprintable()
        or " \t" in apart
        or "\t " in apart
        or plain[:1] == " "
        or plain[-1:] == " "
        or len(plain) > CELL_MAX
    )


def _escaped(value: str) -> str:
    """A text as a cell holds it. Raises `export_cell_too_long`."""
    if len(value) > CELL_MAX:
        raise EXPORT_CELL_TOO_LONG.problem(longest=CELL_MAX)
    text = _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", value)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _frame(sheet: str, columns: Sequence[Column]) -> _Frame:
    """Split what XlsxWriter made with one row of blanks below the heading."""
    before, row, behind = re.split(r'(<row r="2".*?</row>)', sheet, maxsplit=1, flags=re.DOTALL)
    styles = dict(re.findall(r'<c r="([A-Z]+)2"( s="\d+")?/>', row))
    return _Frame(
        re.sub(r"<dimension [^>]*/>", "", before),
        re.sub(r'(<autoFilter ref="A1:[A-Z]+)2"', r'\g<1>{last}"', behind),
        tuple(styles.get(xl_col_to_name(index), "") for index in range(len(columns))),
    )


def _workbook(columns: Sequence[Column], title: str, counts: Sequence[int], about: dict[str, str]) -> bytes:
    """The workbook with its headings, and one row of blanks in each sheet to tell the styles by."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        for name, value in about.items():
            book.set_custom_property(name, value)
        heading = book.add_format(
            {"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True, "valign": "vcenter"}
        )
        as_text = book.add_format({"num_format": "@"})
        as_number = book.add_format({"num_format": "General"})
        for number, count in enumerate(counts, 1):
            sheet = book.add_worksheet(title if len(counts) == 1 else f"{title}{number}")
            for index, column in enumerate(columns):
                form = as_number if column.kind in _NUMBERS else as_text
                sheet.set_column(index, index, column.width, form)
                sheet.write_string(0, index, column.zh, heading)
                sheet.write_blank(1, index, None, form)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, max(count, 1), len(columns) - 1)
            sheet.set_landscape()
            sheet.set_paper(9)
            sheet.fit_to_pages(1, 0)
            sheet.repeat_rows(0)
            sheet.set_footer("&C第 &P 页，共 &N 页")
    return out.getvalue()


def _members(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}
