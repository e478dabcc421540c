"""Why a row that could be read is rejected all the same: in the words of the report, personal values masked."""

from typing import Any

from toilet_api.exchange.imports.judged import JudgedRow
from toilet_api.exchange.imports.matching import Difference, Registered, fault
from toilet_api.exchange.ledgers.catalogue import REASONS

Fault = dict[str, Any]


def ended(judged: JudgedRow) -> Fault:
    """Its village has ended or moved away since the row was read."""
    return fault("village", "bad_village", judged.row.village or "", ("现有的村", "a village of today"))


def unknown(judged: JudgedRow) -> Fault:
    """It names a household that there isn't."""
    expected = ("导入范围内的农户编号", "the id of a household within the scope of the import")
    exported = judged.row.exported
    return fault("household_id", "unknown_record", str(exported.household_id) if exported else "", expected)


def duplicate(judged: JudgedRow, first_row: int, first_sheet: str | None) -> Fault:
    """An earlier row of the file is of the same household."""
    where = f"{first_sheet} " if first_sheet else ""
    expected = (f"与{where}第 {first_row} 行是同一户，以先出现的为准", f"the same household as {where}row {first_row}")
    return fault(*_telling(judged, "dup"), expected, first_row=first_row, first_sheet=first_sheet)


def hidden(judged: JudgedRow) -> Fault:
    """The household is registered where the importer can't see: said without saying where."""
    expected = (
        "本县另一乡镇、村已登记该户，请联系县级处理",
        "already registered elsewhere in the county; ask the county",
    )
    return fault(*_telling(judged, "conflict"), expected)


def conflicts(there: Registered, difference: Difference) -> list[Fault]:
    """One fault for each thing that differs; the values were masked by the comparison."""
    faults = []
    for change in difference.changes:
        was = change["from"]
        shown = "、".join(was) if isinstance(was, list) else was
        faults.append(
            {
                "column": change["column"],
                "heading": None,
                "cell": None,
                "reason": "conflict",
                "message": REASONS.label("conflict"),
                "value": str(change["to"]),
                "expected": f"已登记为：{'空' if shown is None else shown}",
                "expected_en": f"registered as: {'nothing' if shown is None else shown}",
                "household_id": str(there.id),
            }
        )
    return faults


def _telling(judged: JudgedRow, reason: str) -> tuple[str, str, str]:
    """The column by which a row's household is told from others, the reason, and the column's value."""
    person = judged.row.person
    if person is None:
        return "name", reason, ""
    return ("id", reason, person.id_number) if person.id_number else ("name", reason, person.name)
