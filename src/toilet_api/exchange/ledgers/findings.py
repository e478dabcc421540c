"""What is found in a row: corrections by named rules, and faults. Personal values are masked before they are kept."""

import re
from dataclasses import dataclass, field
from typing import Any

from toilet_api.exchange.ledgers import limits
from toilet_api.exchange.ledgers.catalogue import REASONS
from toilet_api.kernel.masks import mask_address, mask_id_number, mask_name, mask_phone

Expected = tuple[str, str]
"""What would have been taken, in Chinese and English."""

_FLOAT = re.compile(r"^[+-]?\d(\.\d+)?[eE]\+?\d{1,3}$")
_DIVISION = re.compile(r"['’]?\d[\d ]{1,13}(\.0+)?")
_DIVISIONS = frozenset(
    {"village", "township", "county", "city", "province"} | {"division_code", "grant_divisions", "code", "parent_code"}
)
_RECORD_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONG_NUMBER = re.compile(r"\d{7,}[\dXx]?")


@dataclass(slots=True)
class Place:
    """A cell: the field that its column means, the heading as it stands in the file, the column's letter and the row.

    One place serves all rows of a column: what is found there notes it down at once.
    """

    column: str
    heading: str | None = None
    letter: str | None = None
    row: int = 0

    @property
    def cell(self) -> str | None:
        """As a spreadsheet names it (C7); None for what has no cell of its own."""
        return None if self.letter is None else f"{self.letter}{self.row}"


@dataclass(slots=True)
class Findings:
    """What a row's report says, built while the row is read. All faults of a row are kept, not only the first."""

    corrections: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)

    def correct(self, place: Place, rule: str, before: str, after: str) -> None:
        """A cell was changed by a rule."""
        self.corrections.append(
            {
                "column": place.column,
                "heading": place.heading,
                "cell": place.cell,
                "rule": rule,
                "from": masked(place.column, before),
                "to": masked(place.column, after),
            }
        )

    def reject(self, place: Place, reason: str, value: str, expected: Expected, **more: Any) -> None:
        """A cell can't be taken."""
        self.faults.append(
            {
                "column": place.column,
                "heading": place.heading,
                "cell": place.cell,
                "reason": reason,
                "message": REASONS.label(reason),
                "value": masked(place.column, value) or None,
                "expected": expected[0],
                "expected_en": expected[1],
                **more,
            }
        )

    def keep_formulas(self) -> None:
        """A cell whose formula has no result isn't also reported as empty."""
        formulas = {fault["cell"] for fault in self.faults if fault["reason"] == "formula_without_value"}
        self.faults = [
            fault
            for fault in self.faults
            if fault["reason"] == "formula_without_value" or fault["cell"] not in formulas
        ]

    def has_fault(self, column: str) -> bool:
        """Whether a cell of this column was refused already."""
        return any(fault["column"] == column for fault in self.faults)


def masked(column: str, value: str) -> str:
    """A value as a report may show it. Numbers that Excel destroyed hold nothing personal any more."""
    if not value or _FLOAT.match(value) or _RECORD_ID.fullmatch(value):
        return value
    if column in ("name", "witness_name"):
        return mask_name(value)
    if column == "id":
        return mask_id_number(value)
    if column == "phone":
        return " ".join(mask_phone(one) for one in re.split(r"[、;；,，/\s|]+", value) if one)
    if column in ("address", "group"):
        return mask_address(value)
    if _DIVISION.fullmatch(value) and column in _DIVISIONS:
        return value
    # A person's number may have slipped into any column.
    shown = _LONG_NUMBER.sub(lambda match: match[0][:2] + "*" * (len(match[0]) - 4) + match[0][-2:], value)
    if len(shown) > limits.FAULT_VALUE_MAX:
        return f"{shown[: limits.FAULT_VALUE_MAX]}…（{len(value)}）"
    return shown
