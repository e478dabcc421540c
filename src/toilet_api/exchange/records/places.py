"""Which village or township a row of records names."""

from toilet_api.exchange.ledgers.findings import Place
from toilet_api.exchange.ledgers.headings import normalise
from toilet_api.exchange.ledgers.villages import Places
from toilet_api.exchange.records.rows import RecordRow

_EXPECTED = (
    "导入范围内的村或乡镇：名称，或 12 位、9 位代码",
    "a village or township within the scope of the import: its name, or its code of 12 or 9 digits",
)
_VILLAGE, _TOWNSHIP = 12, 9


def find_place(places: Places, row: RecordRow) -> str | None:
    """The code of the village, or else township, that a row names; None where it names none, or with a fault."""
    code = str(row.values.get("division_code", ""))
    named: dict[str, tuple[Place, str]] = {
        name: (row.place(name), str(row.values[name])) for name in ("township", "village") if name in row.values
    }
    if len(code) == _TOWNSHIP or (not code and "village" not in named and "township" in named):
        return _township(places, row, code or named["township"][1], "division_code" if code else "township")
    if code:
        named["village_code"] = (row.place("division_code"), code)
    if "village" not in named and not code:
        return None
    return places.find(row.findings, named)


def _township(places: Places, row: RecordRow, text: str, field: str) -> str | None:
    text = places.former.get(text, text)
    wanted = normalise(text)
    townships = {code: normalise(name) for code, name in places.names.items() if len(code) == _TOWNSHIP}
    found = [code for code, name in townships.items() if text == code or wanted == name]
    found = found or [code for code, name in townships.items() if len(wanted) > 1 and name.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    row.reject(field, "bad_division", _EXPECTED, text)
    return None
