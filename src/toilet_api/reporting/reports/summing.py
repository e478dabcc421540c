"""Adding up the figures of reports, and telling two of them apart. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from toilet_api.kernel.codes import CODE_LISTS
from toilet_api.reporting.figures import Figures
from toilet_api.reporting.statistics.tallies import GRADES, share

KEYS = {"by_cause": "cause", "by_mode": "mode", "by_grade": "grade", "by_year": "built_year", "by_leader": "led_by"}
"""The lists of `Figures` that can be summed up, and by what their members are told apart."""
_LISTS = {"cause": "cause_class", "mode": "toilet_mode", "grade": "toilet_grade", "led_by": "led_by"}
_SHARES = ("sanitary_coverage", "harmless_coverage")


def completed(document: dict[str, Any]) -> Figures:
    """Counts as figures: with coverage, and each list in the order of the live statistics."""
    registry = document["registry"]
    shares = {
        "sanitary_coverage": share(registry["sanitary"], registry["base"]),
        "harmless_coverage": share(registry["harmless"], registry["base"]),
    }
    ordered = {
        name: sorted((one for one in document[name] if any(_numbers(one, key))), key=lambda one: _rank(one[key]))
        for name, key in KEYS.items()
    }
    return Figures.model_validate({**document, **ordered, "registry": {**registry, **shares}, "pace": []})


def _numbers(one: dict[str, Any], key: str) -> Iterator[int]:
    return (number for name, number in one.items() if name != key)


def _rank(value: Any) -> tuple[int, str]:
    return (GRADES.index(value) if value in GRADES else -1, "" if value is None else str(value))


def total(parts: Iterable[Figures]) -> Figures:
    """The sum of figures of places that have nothing in common; all zero of none. Shares are taken anew."""
    document = _zero()
    for part in parts:
        shown = part.model_dump()
        for name, value in document.items():
            if name in KEYS:
                _add_list(value, shown[name], KEYS[name])
            else:
                for member in value:
                    value[member] += shown[name][member]
    return completed(document)


def _zero() -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, field in Figures.model_fields.items():
        if name in KEYS:
            document[name] = []
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            document[name] = {member: 0 for member in field.annotation.model_fields if member not in _SHARES}
    return document


def _add_list(sums: list[dict[str, Any]], more: list[dict[str, Any]], key: str) -> None:
    known = {one[key]: one for one in sums}
    for one in more:
        if one[key] not in known:
            known[one[key]] = {name: value if name == key else 0 for name, value in one.items()}
            sums.append(known[one[key]])
        for name in one.keys() - {key}:
            known[one[key]][name] += one[name]


def flat(figures: Figures) -> dict[str, float | None]:
    """Every figure by its path: `problems.overdue`, `by_mode.double_urn.counted`, `by_year.unknown.toilets`."""
    found: dict[str, float | None] = {}
    for name, value in figures.model_dump().items():
        if name in KEYS:
            for one in value:
                key = one[KEYS[name]]
                for member in one.keys() - {KEYS[name]}:
                    found[f"{name}.{'unknown' if key is None else key}.{member}"] = one[member]
        elif isinstance(value, dict):
            found |= {f"{name}.{member}": number for member, number in value.items()}
    return found


def title(path: str) -> str:
    """The Chinese name of a figure, from the titles of the schema: 全部问题·逾期."""
    parts = path.split(".")
    field = Figures.model_fields[parts[0]]
    model: Any = get_args(field.annotation)[0] if get_origin(field.annotation) is list else field.annotation
    shown = [field.title or parts[0]]
    if len(parts) == 3:
        codes = _LISTS.get(KEYS[parts[0]])
        shown.append("不详" if parts[1] == "unknown" else CODE_LISTS[codes].label(parts[1]) if codes else parts[1])
    shown.append(model.model_fields[parts[-1]].title or parts[-1])
    return "·".join(shown)


__all__ = ["KEYS", "completed", "flat", "title", "total"]
