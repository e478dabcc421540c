"""One row of a ledger: read by the header's columns, normalised, judged. Pure: the register isn't known here."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from toilet_api.exchange.ledgers import limits
from toilet_api.exchange.ledgers.carrying import CARRIED, Carrying
from toilet_api.exchange.ledgers.circumstance_rules import read_dwelling_state, read_family_size, read_leader
from toilet_api.exchange.ledgers.exported import Exported, is_masked, read_moment, read_record
from toilet_api.exchange.ledgers.facts import PLACES, SheetFacts
from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.header_search import Column, Header
from toilet_api.exchange.ledgers.headings import FIELDS
from toilet_api.exchange.ledgers.identity_rules import read_id, read_name
from toilet_api.exchange.ledgers.mode_rules import read_modes, read_ticks
from toilet_api.exchange.ledgers.money_rules import read_money
from toilet_api.exchange.ledgers.phone_rules import is_plain_mobile, read_phones, without_remarks
from toilet_api.exchange.ledgers.remembered import Remembered
from toilet_api.exchange.ledgers.sheets import Cell, Sheet, as_text, is_blank
from toilet_api.exchange.ledgers.text_rules import clean, says_nothing
from toilet_api.exchange.ledgers.villages import Places
from toilet_api.exchange.ledgers.year_rules import read_year
from toilet_api.registry.people import Person
from toilet_api.registry.rules import PHONES_AT_MOST

T = TypeVar("T")

ADDRESS_MAX = 200
NOTE_MAX = 4000
_NO_COLUMN = sys.maxsize


@dataclass(frozen=True, slots=True)
class Toilet:
    """A toilet as a row tells of it. The mode is empty where an exported row names the toilet and leaves it out."""

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
    findings: Findings = field(default_factory=Findings)
    village: str | None = None
    person: Person | None = None
    toilets: tuple[Toilet, ...] = ()
    family_size: int | None = None
    dwelling_state: str | None = None
    note: str | None = None
    exported: Exported | None = None
    """Of a row that was exported from the register."""
    masked: frozenset[str] = frozenset()
    """Fields of an exported row's `person` that stand there as a mask, or blank: name, id, phone, address."""

    @property
    def is_taken(self) -> bool:
        return not self.findings.faults


@dataclass(slots=True)
class PlannedSheet:
    """A sheet that will be read.

    `village` is the one that its name or title states, where it has no column of them; `blocks` are rows below the
    header that state it for what follows; `by_address`: each address names its own.
    """

    sheet: Sheet
    header: Header
    facts: SheetFacts
    village: str | None = None
    blocks: dict[int, str] = field(default_factory=dict)
    by_address: bool = False

    @property
    def titles(self) -> list[str]:
        """What stands above the header."""
        above = (
            cells for number, cells in self.sheet.head(limits.HEADER_WITHIN_ROWS) if number < self.header.first_row
        )
        return [as_text(cell) for cells in above for cell in cells if cell]


class RowReader:
    """Reads the rows of one sheet. Keeps what merged cells and ditto marks refer to; otherwise rows are independent."""

    def __init__(
        self,
        planned: PlannedSheet,
        places: Places,
        today: date,
        *,
        separated: bool,
    ) -> None:
        """`separated`: a stray separator shifts cells."""
        header, self._sheet = planned.header, planned.sheet
        self._header, self._places, self._today = header, places, today
        self._separated = separated
        self.village, self._by_address = planned.village, planned.by_address
        self._column_was_cut = planned.facts.id_was_cut
        self.carrying = Carrying(planned.facts)
        self._last = max(column.index for column in header.columns)
        self._columns: dict[str, list[Column]] = {name: header.of(name) for name in header.fields}
        self._spots: dict[str, list[tuple[Place, int]]] = {
            name: [
                (Place("village" if name == "village_code" else name, column.heading, column.letter), column.index)
                for column in columns
            ]
            for name, columns in self._columns.items()
        }
        self._every_place = [place for spots in self._spots.values() for place, _ in spots]
        self._nowhere = {name: Place("village" if name == "village_code" else name) for name in FIELDS}
        # Place, column and whether what stands above may count, of the fields that have one column at most.
        self._single = {
            name: (*self._spots[name][0], name in CARRIED) if name in self._spots else (place, _NO_COLUMN, False)
            for name, place in self._nowhere.items()
        }
        self._named_places = [name for name in PLACES if name in self._columns]
        self._unit = next((column.unit for column in self._columns.get("subsidy", ())), None)
        self._villages: Remembered[tuple[str | None, str]] = Remembered()
        self._memories: dict[str, Remembered[Any]] = {name: Remembered() for name in FIELDS}

    def read(self, number: int, cells: list[Cell]) -> Row:
        """The row's report is complete: every fault of it is found, not only the first."""
        findings = Findings()
        for place in self._every_place:
            place.row = number
        row = Row(self._sheet.name, number, findings)
        if number in self._sheet.valueless_formulas:
            self._refuse_formulas(findings, number)
        width = self._last + 1
        if (
            self._separated
            and len(cells) > width
            and any(cell is not None and str(cell).strip() for cell in cells[width:])
        ):
            findings.reject(
                Place("row"),
                "shifted_columns",
                str(len(cells)),
                (
                    f"{width} 列；含逗号的单元格要加引号",
                    f"{width} columns; quote cells that hold the separator",
                ),
            )
        if "household_id" in self._spots:
            row.exported = self._read_exported(findings, number, cells)
        row.village, hamlet = self._read_village(findings, number, cells)
        if row.exported is None:
            self._read_person(row, hamlet, number, cells)
        else:
            self._read_shown_person(row, hamlet, number, cells)
        self._read_toilets(row, number, cells)
        if number in self._sheet.valueless_formulas:
            findings.keep_formulas()
        return row

    def _refuse_formulas(self, findings: Findings, number: int) -> None:
        for index in self._sheet.valueless_formulas.get(number, ()):
            for place, at in (spot for spots in self._spots.values() for spot in spots):
                if at == index:
                    findings.reject(
                        place,
                        "formula_without_value",
                        "",
                        (
                            "数值：在 Excel 中打开并保存一次，或粘贴为数值",
                            "a value: open and save the file in Excel, or paste values",
                        ),
                    )

    def _one(self, findings: Findings, name: str, number: int, cells: list[Cell]) -> tuple[Place, Cell]:
        """Place and value of a field that has one column at most; what stands above counts where a rule carries it."""
        place, index, carried = self._single[name]
        cell = cells[index] if index < len(cells) else None
        if carried:
            cell = self.carrying.value(findings, place, index, number, cell)
        return place, cell

    def _text(self, findings: Findings, name: str, number: int, cells: list[Cell]) -> tuple[Place, str]:
        place, cell = self._one(findings, name, number, cells)
        return place, clean(findings, place, cell)

    def _known(
        self,
        findings: Findings,
        name: str,
        number: int,
        cells: list[Cell],
        rule: Callable[[Findings, Place, Cell], T],
    ) -> T:
        """The value of a field that repeats itself and says nothing of a person, by its rule, or from memory."""
        place, index, carried = self._single[name]
        cell = cells[index] if index < len(cells) else None
        if carried:
            cell = self.carrying.value(findings, place, index, number, cell)
        value: T = self._memories[name].get(findings, (cell.__class__, cell), number, rule, place, cell)
        return value

    def _read_village(self, findings: Findings, number: int, cells: list[Cell]) -> tuple[str | None, str]:
        """The village's code, and the group that stood behind its name."""
        carried = {name: self._one(findings, name, number, cells) for name in self._named_places}
        if self._by_address:
            address, written = self._text(findings, "address", number, cells)
            village = self._places.written_in(written)
            if village is not None:
                named, hamlet = self._named(findings, carried)
                findings.correct(address, "address_village", written, village)
                return None if self._places.contradicted(findings, village, named) else village, hamlet
        key = (self.village, *((cell.__class__, cell) for _, cell in carried.values()))
        return self._villages.get(findings, key, number, self._village_of, carried)

    def _named(
        self, findings: Findings, carried: dict[str, tuple[Place, Cell]]
    ) -> tuple[dict[str, tuple[Place, str]], str]:
        """The texts of the places, the group behind the village's name apart."""
        named = {name: (place, clean(findings, place, cell)) for name, (place, cell) in carried.items()}
        place, text = named.get("village", (self._nowhere["village"], ""))
        parts = self._places.village_and_group(text)
        if parts is None:
            return named, ""
        findings.correct(place, "village_group", text, " ".join(parts))
        named["village"] = place, parts[0]
        return named, parts[1]

    def _village_of(self, findings: Findings, carried: dict[str, tuple[Place, Cell]]) -> tuple[str | None, str]:
        named, hamlet = self._named(findings, carried)
        stated = self.village or self._places.only
        has_column = bool({"village", "village_code"} & named.keys())
        said = any(named[name][1] for name in ("village", "village_code") if name in named)
        if said or stated is None or (has_column and self.village is None):
            return self._places.find(findings, named), hamlet
        if self._places.contradicted(findings, stated, named):
            return None, hamlet
        place = named["village"][0] if "village" in named else self._nowhere["village"]
        findings.correct(place, "sheet_village" if self.village else "default_village", "", stated)
        return stated, hamlet

    def _read_person(self, row: Row, hamlet: str, number: int, cells: list[Cell]) -> None:
        findings = row.findings
        name, remark = read_name(findings, *self._one(findings, "name", number, cells))
        place, cell = self._one(findings, "id", number, cells)
        id_number = read_id(findings, place, cell, self._today, column_was_cut=self._column_was_cut)
        address = self._read_address(findings, hamlet, number, cells)
        remarks = [remark] if remark else []
        phones = self._read_phones(findings, cells, remarks)
        row.note = self._read_note(findings, cells, remarks)
        row.family_size = self._known(findings, "family_size", number, cells, read_family_size)
        row.dwelling_state = self._known(findings, "dwelling_state", number, cells, read_dwelling_state)
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

    def _read_exported(self, findings: Findings, number: int, cells: list[Cell]) -> Exported | None:
        household_id = read_record(findings, *self._one(findings, "household_id", number, cells))
        toilet_id = read_record(findings, *self._one(findings, "toilet_id", number, cells))
        _, updated = self._one(findings, "updated_at", number, cells)
        return Exported(household_id, toilet_id, read_moment(updated)) if household_id else None

    def _read_shown_person(self, row: Row, hamlet: str, number: int, cells: list[Cell]) -> None:
        """As `_read_person`, of a person whose data may be masked."""
        findings = row.findings
        shown = {name: self._one(findings, name, number, cells) for name in ("name", "id", "phone", "address")}
        masked = {name for name, (_, cell) in shown.items() if is_masked(cell)}
        row.masked = frozenset(masked)
        text = {name: as_text(cell).strip() for name, (_, cell) in shown.items()}
        name: str | None = text["name"]
        if "name" not in masked:
            name, _ = read_name(findings, *shown["name"])
        id_number: str | None = text["id"] or None
        if "id" not in masked:
            id_number = read_id(findings, *shown["id"], self._today, column_was_cut=self._column_was_cut)
        address: str | None = text["address"] or None
        if "address" not in masked:
            address = self._read_address(findings, hamlet, number, cells)
        phones: tuple[str, ...] = (text["phone"],) if text["phone"] else ()
        if "phone" not in masked:
            phones = self._read_phones(findings, cells, [])
        row.note = self._read_note(findings, cells, [])
        row.family_size = self._known(findings, "family_size", number, cells, read_family_size)
        row.dwelling_state = self._known(findings, "dwelling_state", number, cells, read_dwelling_state)
        if name is not None:
            row.person = Person(name, id_number, phones, address)

    def _read_address(self, findings: Findings, hamlet: str, number: int, cells: list[Cell]) -> str | None:
        _, group = self._text(findings, "group", number, cells)
        place, cell = self._one(findings, "address", number, cells)
        text = clean(findings, place, cell)
        if says_nothing(text):
            findings.correct(place, "none_as_empty", text, "")
            text = ""
        group = "" if says_nothing(group) else f"{group}组" if group.isdigit() else group
        group = group if hamlet in group else hamlet + group
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

    def _read_phones(self, findings: Findings, cells: list[Cell], remarks: list[str]) -> tuple[str, ...]:
        """Words beside a phone go to `remarks`, if the phone can be read without them."""
        phones: dict[str, None] = {}
        for place, index in self._spots.get("phone", ()):
            cell = cells[index] if index < len(cells) else None
            if cell is None:
                continue
            if isinstance(cell, str) and is_plain_mobile(cell):
                phones[cell] = None
                continue
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

    def _read_note(self, findings: Findings, cells: list[Cell], remarks: list[str]) -> str | None:
        parts = []
        for place, index in self._spots.get("note", ()):
            cell = cells[index] if index < len(cells) else None
            if cell is not None and (text := clean(findings, place, cell)):
                parts.append(text)
        if len(parts) > 1:
            findings.correct(self._spots["note"][0][0], "note_joined", parts[0], "；".join(parts))
        parts += [f"（{remark}）" for remark in remarks]
        note = "；".join(parts)
        if len(note) > NOTE_MAX:
            findings.reject(
                Place("note"), "text_too_long", note, (f"最多 {NOTE_MAX} 个字", f"{NOTE_MAX} characters at most")
            )
        return note or None

    def _read_toilets(self, row: Row, number: int, cells: list[Cell]) -> None:
        findings = row.findings
        if row.exported is not None and not self._says_anything("mode", cells):
            # A household without a toilet has a row, too; and of a toilet that is named its mode may be left out.
            if row.exported.toilet_id is None:
                return
            modes: tuple[str, ...] = ("",)
        else:
            modes = self._read_modes(findings, number, cells)
        year, month = self._known(findings, "year", number, cells, self._year)
        led_by = self._known(findings, "led_by", number, cells, read_leader)
        subsidy = self._known(findings, "subsidy", number, cells, self._money)
        # One amount and two toilets: it was paid once, so it stands with the first.
        row.toilets = tuple(
            Toilet(mode, year, month, led_by, subsidy if index == 0 else None) for index, mode in enumerate(modes)
        )

    def _says_anything(self, name: str, cells: list[Cell]) -> bool:
        return any(index < len(cells) and not is_blank(cells[index]) for _, index in self._spots.get(name, ()))

    def _read_modes(self, findings: Findings, number: int, cells: list[Cell]) -> tuple[str, ...]:
        ticks = [column for column in self._columns.get("mode", ()) if column.mode]
        if ticks:
            spots = zip(self._columns["mode"], self._spots["mode"], strict=True)
            given = [
                (column.mode or "", place, cells[index] if index < len(cells) else None)
                for column, (place, index) in spots
                if column.mode
            ]
            return read_ticks(findings, given)
        return self._known(findings, "mode", number, cells, read_modes)

    def _year(self, findings: Findings, place: Place, cell: Cell) -> tuple[int | None, int | None]:
        return read_year(findings, place, cell, self._today)

    def _money(self, findings: Findings, place: Place, cell: Cell) -> int | None:
        return read_money(findings, place, cell, self._unit)
