"""One row of a ledger: read by the header's columns, normalised, judged. Pure: the register isn't known here."""

from dataclasses import dataclass, field
from datetime import date

from toilet_api.exchange.ledgers.carrying import PLACES, Carrying
from toilet_api.exchange.ledgers.circumstance_rules import read_dwelling_state, read_family_size, read_leader
from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.header_search import Column, Header
from toilet_api.exchange.ledgers.identity_rules import is_cut_id, read_id, read_name
from toilet_api.exchange.ledgers.mode_rules import read_modes, read_ticks
from toilet_api.exchange.ledgers.money_rules import read_money
from toilet_api.exchange.ledgers.phone_rules import read_phones, without_remarks
from toilet_api.exchange.ledgers.sheets import Cell, Sheet
from toilet_api.exchange.ledgers.text_rules import clean, says_nothing
from toilet_api.exchange.ledgers.villages import Places
from toilet_api.exchange.ledgers.year_rules import read_year
from toilet_api.registry.people import Person
from toilet_api.registry.rules import PHONES_AT_MOST

ADDRESS_MAX = 200
NOTE_MAX = 4000


@dataclass(frozen=True, slots=True)
class Toilet:
    """A toilet as a row tells of it."""

    mode: str
    year: int | None
    month: int | None
    led_by: str | None
    subsidy_fen: int | None


@dataclass(slots=True)
class Row:
    """A row that was judged. `person` and `village` are None where a fault stands."""

    sheet: str
    number: int
    findings: Findings
    village: str | None = None
    person: Person | None = None
    toilets: tuple[Toilet, ...] = ()
    family_size: int | None = None
    dwelling_state: str | None = None
    note: str | None = None
    given: frozenset[str] = field(default_factory=frozenset)
    """The fields that have a column in the file: only those can differ from what is registered."""

    @property
    def is_taken(self) -> bool:
        return not self.findings.faults


class RowReader:
    """Reads the rows of one sheet. Keeps what merged cells and ditto marks refer to; otherwise rows are independent."""

    def __init__(
        self,
        sheet: Sheet,
        header: Header,
        places: Places,
        today: date,
        *,
        separated: bool,
        village: str | None = None,
    ) -> None:
        """`separated`: a stray separator shifts cells. `village`: of the whole sheet, where no column names one."""
        self._sheet, self._header, self._places, self._today = sheet, header, places, today
        self._separated = separated
        self.village = village
        self.by_address = False
        self._hamlet = ""  # of the row at hand, where it stands behind the village's name
        self._last = max(column.index for column in header.columns)
        self._columns: dict[str, list[Column]] = {name: header.of(name) for name in header.fields}
        self._given = frozenset(self._columns)
        self.carrying = Carrying(sheet, header)
        id_columns = {column.index for column in header.of("id")}
        self._column_was_cut = any(
            is_cut_id(cell)
            for number, cells in sheet.rows
            if number > header.last_row
            for index, cell in enumerate(cells)
            if index in id_columns
        )

    def read(self, number: int, cells: list[Cell]) -> Row:
        """The row's report is complete: every fault of it is found, not only the first."""
        findings = Findings()
        row = Row(self._sheet.name, number, findings, given=self._given)
        self._refuse_formulas(findings, number)
        if self._separated and any(cell is not None and str(cell).strip() for cell in cells[self._last + 1 :]):
            findings.reject(
                Place("row"),
                "shifted_columns",
                str(len(cells)),
                (
                    f"{self._last + 1} 列；含逗号的单元格要加引号",
                    f"{self._last + 1} columns; quote cells that hold the separator",
                ),
            )
        row.village = self._read_village(findings, number, cells)
        self._read_person(row, number, cells)
        self._read_toilets(row, number, cells)
        if number in self._sheet.valueless_formulas:
            findings.keep_formulas()
        return row

    def _refuse_formulas(self, findings: Findings, number: int) -> None:
        for index in self._sheet.valueless_formulas.get(number, ()):
            column = next((one for one in self._header.columns if one.index == index and one.field), None)
            if column is not None:
                findings.reject(
                    self._place(column, number),
                    "formula_without_value",
                    "",
                    (
                        "数值：在 Excel 中打开并保存一次，或粘贴为数值",
                        "a value: open and save the file in Excel, or paste values",
                    ),
                )

    def _place(self, column: Column, number: int) -> Place:
        name = "village" if column.field == "village_code" else column.field or ""
        return Place(name, column.heading, f"{column.letter}{number}")

    def _cell(self, column: Column, cells: list[Cell]) -> Cell:
        return cells[column.index] if column.index < len(cells) else None

    def _one(self, findings: Findings, name: str, number: int, cells: list[Cell]) -> tuple[Place, Cell]:
        """Place and value of a field that has one column at most; what stands above counts where a rule carries it."""
        columns = self._columns.get(name)
        if not columns:
            return Place("village" if name == "village_code" else name), None
        place, column = self._place(columns[0], number), columns[0]
        return place, self.carrying.value(findings, place, column, number, self._cell(column, cells))

    def _text(self, findings: Findings, name: str, number: int, cells: list[Cell]) -> tuple[Place, str]:
        place, cell = self._one(findings, name, number, cells)
        return place, clean(findings, place, cell)

    def _read_village(self, findings: Findings, number: int, cells: list[Cell]) -> str | None:
        named = {name: self._text(findings, name, number, cells) for name in PLACES if name in self._columns}
        self._hamlet = ""
        place, text = named.get("village", (Place("village"), ""))
        parts = self._places.village_and_group(text)
        if parts is not None:
            findings.correct(place, "village_group", text, " ".join(parts))
            named["village"], self._hamlet = (place, parts[0]), parts[1]
        if self.by_address:
            address, written = self._text(findings, "address", number, cells)
            village = self._places.written_in(written)
            if village is not None:
                findings.correct(address, "address_village", written, village)
                return None if self._places.contradicted(findings, village, named) else village
        stated = self.village or self._places.only
        has_column = bool({"village", "village_code"} & named.keys())
        said = any(named[name][1] for name in ("village", "village_code") if name in named)
        if said or stated is None or (has_column and self.village is None):
            return self._places.find(findings, named)
        if self._places.contradicted(findings, stated, named):
            return None
        findings.correct(place, "sheet_village" if self.village else "default_village", "", stated)
        return stated

    def _read_person(self, row: Row, number: int, cells: list[Cell]) -> None:
        findings = row.findings
        name, remark = read_name(findings, *self._one(findings, "name", number, cells))
        place, cell = self._one(findings, "id", number, cells)
        id_number = read_id(findings, place, cell, self._today, column_was_cut=self._column_was_cut)
        address = self._read_address(findings, number, cells)
        remarks = [remark] if remark else []
        phones = self._read_phones(findings, number, cells, remarks)
        row.note = self._read_note(findings, number, cells, remarks)
        row.family_size = read_family_size(findings, *self._one(findings, "family_size", number, cells))
        row.dwelling_state = read_dwelling_state(findings, *self._one(findings, "dwelling_state", number, cells))
        if id_number is None and name is not None and not findings.has_fault("id"):
            if address or phones:
                findings.correct(place, "no_id_number", "", "")
            else:
                findings.reject(
                    place,
                    "id_missing",
                    "",
                    ("身份证号码；或姓名加住址、电话", "an ID number; or name with address or phone"),
                )
        if name is not None:
            row.person = Person(name, id_number, phones, address)

    def _read_address(self, findings: Findings, number: int, cells: list[Cell]) -> str | None:
        _, group = self._text(findings, "group", number, cells)
        place, cell = self._one(findings, "address", number, cells)
        text = clean(findings, place, cell)
        if says_nothing(text):
            findings.correct(place, "none_as_empty", text, "")
            text = ""
        group = "" if says_nothing(group) else f"{group}组" if group.isdigit() else group
        group = group if self._hamlet in group else self._hamlet + group
        if group and not text.startswith(group):
            joined = group + text
            if text:
                findings.correct(place, "address_joined", text, joined)
            text = joined
        if len(text) > ADDRESS_MAX:
            findings.reject(
                place, "text_too_long", text, (f"最多 {ADDRESS_MAX} 个字", f"{ADDRESS_MAX} characters at most")
            )
        return text or None

    def _read_phones(self, findings: Findings, number: int, cells: list[Cell], remarks: list[str]) -> tuple[str, ...]:
        """Words beside a phone go to `remarks`, if the phone can be read without them."""
        phones: dict[str, None] = {}
        for column in self._columns.get("phone", ()):
            place, cell = self._place(column, number), self._cell(column, cells)
            tried = Findings()
            read = read_phones(tried, place, cell)
            rest, remark = without_remarks(cell) if tried.faults and isinstance(cell, str) else ("", "")
            if remark:
                again = Findings()
                again.correct(place, "phone_remark", str(cell), rest)
                found = read_phones(again, place, rest)
                if not again.faults:
                    tried, read = again, found
                    remarks.append(f"电话：{remark}")
            findings.corrections += tried.corrections
            findings.faults += tried.faults
            phones |= dict.fromkeys(read)
        if len(phones) > PHONES_AT_MOST:
            findings.reject(
                Place("phone"),
                "bad_phone",
                "、".join(phones),
                (f"最多 {PHONES_AT_MOST} 个", f"{PHONES_AT_MOST} at most"),
            )
        return tuple(phones)

    def _read_note(self, findings: Findings, number: int, cells: list[Cell], remarks: list[str]) -> str | None:
        columns = self._columns.get("note", [])
        texts = [
            (column, clean(findings, self._place(column, number), self._cell(column, cells))) for column in columns
        ]
        parts = [text for _, text in texts if text]
        if len(parts) > 1:
            findings.correct(self._place(columns[0], number), "note_joined", parts[0], "；".join(parts))
        parts += [f"（{remark}）" for remark in remarks]
        note = "；".join(parts)
        if len(note) > NOTE_MAX:
            findings.reject(
                Place("note"), "text_too_long", note, (f"最多 {NOTE_MAX} 个字", f"{NOTE_MAX} characters at most")
            )
        return note or None

    def _read_toilets(self, row: Row, number: int, cells: list[Cell]) -> None:
        findings = row.findings
        ticks = [column for column in self._columns.get("mode", ()) if column.mode]
        if ticks:
            given = [(column.mode or "", self._place(column, number), self._cell(column, cells)) for column in ticks]
            modes = read_ticks(findings, given)
        else:
            modes = read_modes(findings, *self._one(findings, "mode", number, cells))
        year, month = read_year(findings, *self._one(findings, "year", number, cells), self._today)
        led_by = read_leader(findings, *self._one(findings, "led_by", number, cells))
        unit = next((column.unit for column in self._columns.get("subsidy", ())), None)
        subsidy = read_money(findings, *self._one(findings, "subsidy", number, cells), unit)
        # One amount and two toilets: it was paid once, so it stands with the first.
        row.toilets = tuple(
            Toilet(mode, year, month, led_by, subsidy if index == 0 else None) for index, mode in enumerate(modes)
        )
