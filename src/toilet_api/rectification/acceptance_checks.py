"""The rules of checklists and acceptances, pure: what is met, what a panel may decide, what is tighter than what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from toilet_api.kernel.errors import Bilingual, FieldError
from toilet_api.rectification.acceptance_schemas import ResultIn
from toilet_api.rectification.checklist_schemas import ChecklistItem

STANDARD = "工作方案 四（五）：严格按照国家标准整改到位"


@dataclass(frozen=True, slots=True)
class Judged:
    """An item of the checklist with what the panel found. `passed` is None where it doesn't apply."""

    item: ChecklistItem
    passed: bool | None
    value: float | None
    note: str | None
    place: int | None = field(compare=False)
    """Its place in the panel's own list."""

    def stored(self) -> dict[str, Any]:
        """As the acceptance keeps it."""
        return {"code": self.item.code, "passed": self.passed, "value": self.value, "note": self.note}


def within(item: ChecklistItem, value: float) -> bool:
    """Whether a measured value keeps the bounds, which are included."""
    return (item.min is None or value >= item.min) and (item.max is None or value <= item.max)


def judge(items: Sequence[ChecklistItem], results: Sequence[ResultIn]) -> tuple[list[Judged], list[FieldError]]:
    """(each item of the list in its order, what is wrong with the results). Bounds alone decide on a measure."""
    faults: list[FieldError] = []
    given: dict[str, tuple[int, ResultIn]] = {}
    known = {item.code for item in items}
    for place, one in enumerate(results):
        if one.code not in known:
            told = ("清单中没有该检查项", "the checklist has no such item")
            faults.append(_fault(place, "code", "item_unknown", told, one.code, rule=STANDARD))
        elif one.code in given:
            told = ("同一检查项只能填一次", "each item once")
            faults.append(_fault(place, "code", "item_repeated", told, one.code, rule=STANDARD))
        else:
            given[one.code] = (place, one)
    judged = [_judge(item, given.get(item.code, (None, None)), faults) for item in items]
    return judged, faults


def _judge(item: ChecklistItem, given: tuple[int, ResultIn] | tuple[None, None], faults: list[FieldError]) -> Judged:
    place, one = given
    passed, value = (None, None) if one is None else (one.passed, one.value)
    if item.kind == "measure" and value is not None:
        met = within(item, value)
        if passed is not None and passed != met:
            told = ("与测得值矛盾；测量项由限值判定", "it contradicts the value; the bounds decide on a measure")
            faults.append(_fault(place, "passed", "passed_contradicts_value", told, passed, met, item.source))
        passed = met
    elif item.kind == "measure" and passed is not None:
        told = (f"测量项须填测得值（{item.unit}）", f"a measure needs its value ({item.unit})")
        faults.append(_fault(place, "value", "value_missing", told, None, bounds(item), item.source))
        passed = None
    elif item.kind == "check" and value is not None:
        told = ("判断项没有测得值", "a check has no value")
        faults.append(_fault(place, "value", "value_unexpected", told, value, None, item.source))
        value = None
    elif passed is None and item.required:
        told = (f"缺必检项“{item.zh}”的结果", f"the required item “{item.en}” has no result")
        faults.append(_fault(place, None, "item_missing", told, None, item.code, item.source))
    return Judged(item, passed, value, None if one is None else one.note, place)


def failed(judged: Iterable[Judged]) -> list[Judged]:
    """The items that are not met."""
    return [one for one in judged if one.passed is False]


def hindrances(decision: str, judged: Sequence[Judged]) -> tuple[list[Judged], list[Judged]]:
    """(veto items, other items) that forbid the decision: `pass`, `pass_partly` or `fail`.

    A veto item that is not met leaves only `fail`; any other item that is not met forbids `pass`.
    """
    unmet = [] if decision == "fail" else failed(judged)
    vetoes = [one for one in unmet if one.item.veto]
    others = [one for one in unmet if not one.item.veto] if decision == "pass" else []
    return vetoes, others


def unmet_errors(unmet: Iterable[Judged]) -> list[FieldError]:
    """Each item that is not met, with its value, its bounds and its source."""
    return [
        _fault(
            one.place,
            None,
            "veto_item_failed" if one.item.veto else "check_not_passed",
            (f"“{one.item.zh}”不合格", f"“{one.item.en}” is not met"),
            one.value,
            bounds(one.item),
            one.item.source,
        )
        for one in unmet
    ]


def bounds(item: ChecklistItem) -> dict[str, Any] | None:
    """The bounds of a measure, as an error tells them."""
    if item.kind != "measure":
        return None
    return {"min": item.min, "max": item.max, "unit": item.unit}


def loosened(common: Sequence[ChecklistItem], own: Sequence[ChecklistItem]) -> list[FieldError]:
    """Where a county's list is not at least as strict as the common one: an item left out, or made easier."""
    here = {item.code: (place, item) for place, item in enumerate(own)}
    faults: list[FieldError] = []
    for item in common:
        if item.code not in here:
            told = (f"缺通用清单的检查项“{item.zh}”", f"the common item “{item.en}” is left out")
            faults.append(FieldError("/items", "item_dropped", told, None, item.code, item.source))
            continue
        place, mine = here[item.code]
        faults += [
            FieldError(f"/items/{place}/{name}", "item_loosened", told, getattr(mine, name), value, item.source)
            for name, told, value in _easier(item, mine)
        ]
    return faults


def _easier(item: ChecklistItem, mine: ChecklistItem) -> list[tuple[str, Bilingual, Any]]:
    """The members in which `mine` asks for less than `item`, with what the latter has."""
    found: list[tuple[str, Bilingual, Any]] = []
    if mine.kind != item.kind:
        found.append(("kind", ("不能改变检查项种类", "the kind can't be changed"), item.kind))
    if mine.unit != item.unit:
        found.append(("unit", ("不能改变单位", "the unit can't be changed"), item.unit))
    if item.min is not None and (mine.min is None or mine.min < item.min):
        found.append(("min", ("下限不能降低", "the lower bound can't be lowered"), item.min))
    if item.max is not None and (mine.max is None or mine.max > item.max):
        found.append(("max", ("上限不能提高", "the upper bound can't be raised"), item.max))
    if item.veto and not mine.veto:
        found.append(("veto", ("一票否决项不能改为一般项", "a veto item stays one"), True))
    if item.required and not mine.required:
        found.append(("required", ("必检项不能改为选检", "a required item stays one"), True))
    return found


def _fault(
    place: int | None,
    member: str | None,
    code: str,
    told: Bilingual,
    value: Any = None,
    expected: Any = None,
    rule: str = "",
) -> FieldError:
    pointer = "/results" if place is None else f"/results/{place}"
    return FieldError(pointer if member is None else f"{pointer}/{member}", code, told, value, expected, rule)
