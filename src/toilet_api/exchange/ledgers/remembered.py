"""A rule's answers, remembered by cell: a ledger says three_compartment a hundred thousand times.

Only for cells that name no person.
"""

from collections.abc import Callable, Hashable
from typing import Concatenate, Generic, ParamSpec, TypeVar

from toilet_api.exchange.ledgers.findings import Findings

T = TypeVar("T")
P = ParamSpec("P")

_AT_MOST = 10_000
_Line = tuple[str, str | None, str | None, str, str, str]


class Remembered(Generic[T]):
    """What a rule gave for a cell, with its corrections. A cell with a fault is judged anew each time."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[T, list[_Line]]] = {}

    def get(
        self,
        findings: Findings,
        key: Hashable,
        row: int,
        judge: Callable[Concatenate[Findings, P], T],
        *told: P.args,
        **more: P.kwargs,
    ) -> T:
        """The value for `key`, which must tell all that the rule depends on; its corrections go to `findings`."""
        known = self._known.get(key)
        if known is None:
            tried = Findings()
            value = judge(tried, *told, **more)
            findings.corrections += tried.corrections
            if tried.faults:
                findings.faults += tried.faults
                return value
            if len(self._known) >= _AT_MOST:
                self._known.clear()
            self._known[key] = value, [_line(one) for one in tried.corrections]
            return value
        value, lines = known
        for column, heading, letter, rule, before, after in lines:
            findings.corrections.append(
                {
                    "column": column,
                    "heading": heading,
                    "cell": f"{letter}{row}" if letter else None,
                    "rule": rule,
                    "from": before,
                    "to": after,
                }
            )
        return value


def _line(correction: dict[str, str | None]) -> _Line:
    cell = correction["cell"]
    letter = cell.rstrip("0123456789") if cell else None
    return (
        correction["column"] or "",
        correction["heading"],
        letter,
        correction["rule"] or "",
        correction["from"] or "",
        correction["to"] or "",
    )
