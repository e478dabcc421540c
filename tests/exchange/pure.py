"""A ledger read without a server: sheets of rows in, judged rows out."""

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from toilet_api.exchange.ledgers import reading
from toilet_api.exchange.ledgers.rows import Row
from toilet_api.exchange.ledgers.sheets import Ledger, Merge, Sheet, is_blank
from toilet_api.exchange.ledgers.villages import Places
from toilet_api.registry.rules import id_check_character

SUBSET = Path(__file__).parents[1] / "data" / "divisions_subset.csv"
TODAY = date(2026, 7, 1)
ANLE, FENGNIAN = "360423208202", "360423208206"


def places(scope: str = "360423208") -> Places:
    """The divisions within and above `scope`, from the tests' part of the real tree."""
    with SUBSET.open(encoding="utf-8", newline="") as file:
        names = {row[0]: row[1] for row in csv.reader(file) if row and row[0].isdigit()}
    within = {code: name for code, name in names.items() if code.startswith(scope)}
    above = {code: name for code, name in names.items() if scope.startswith(code)}
    return Places(above | within, only=scope if len(scope) == 12 else None)


def number(sequence: int) -> str:
    """An ID number of nobody."""
    first = f"360423190101{sequence % 28 + 1:02}{sequence % 1000:03}"
    return first + id_check_character(first)


def sheet(rows: Sequence[Sequence[Any]], name: str = "台账", merges: Sequence[Merge] = (), **more: Any) -> Sheet:
    """Rows as a reader gives them: numbered, blank ones left out."""
    kept = [(index, list(row)) for index, row in enumerate(rows, 1) if not all(map(is_blank, row))]
    return Sheet(name, kept, merges=list(merges), **more)


class Judged:
    """What became of a ledger: `rows` by number, `ignored` by rule, `why` for each ignored row."""

    def __init__(self, *sheets: Sheet, scope: str = "360423208", file_format: str = "xlsx", **mapping: Any) -> None:
        self.plan = reading.plan(Ledger(file_format, list(sheets)), mapping, places(scope))
        self.all: list[Row] = list(reading.judged_rows(self.plan, places(scope), TODAY))
        self.rows = {row.number: row for row in self.all}
        self.ignored: Counter[str] = Counter({rule: count for rule, count in self.plan.ignored.items() if count})
        self.why = {one["row"]: one["rule"] for one in self.plan.ignored_rows}

    def rules(self, row: int) -> list[tuple[str, str]]:
        return [(one["column"], one["rule"]) for one in self.rows[row].findings.corrections]

    def faults(self, row: int) -> list[tuple[str, str]]:
        return [(one["column"], one["reason"]) for one in self.rows[row].findings.faults]
