"""What the tests of cell rules share: a day, an ID number of nobody, and what was found."""

from datetime import date

from toilet_api.exchange.ledgers.findings import Findings
from toilet_api.registry.rules import id_check_character

TODAY = date(2026, 7, 1)
ID = "360423190101010012"
ID_X = next(
    first + "X"
    for first in (f"36042319010101{sequence:03}" for sequence in range(999))
    if id_check_character(first) == "X"
)


def reasons(findings: Findings) -> list[str]:
    return [one["reason"] for one in findings.faults]


def rules(findings: Findings) -> list[str]:
    return [one["rule"] for one in findings.corrections]
