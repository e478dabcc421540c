"""The pure rules of checklists: bounds, vetoes, what is tighter; for any list, not only for ours."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.errors import Problem
from toilet_api.rectification.acceptance_checks import failed, hindrances, judge, loosened, unmet_errors, within
from toilet_api.rectification.acceptance_schemas import ResultIn
from toilet_api.rectification.checklist_schemas import ChecklistItem, ChecklistNew
from toilet_api.rectification.checklist_seed import SEED
from toilet_api.rectification.codes import ACCEPTANCE_STATES
from toilet_api.rectification.rules import ACCEPTANCE, ON_PANEL

NUMBERS = st.integers(-100_000, 100_000).map(lambda number: number / 100)
CODES = st.sampled_from([f"item_{number}" for number in range(12)])
EASY = settings(max_examples=60, deadline=None)


@st.composite
def items(draw: st.DrawFn) -> ChecklistItem:
    """Any item."""
    members: dict[str, Any] = {"kind": "check"}
    if draw(st.booleans()):
        low, high = sorted((draw(NUMBERS), draw(NUMBERS)))
        which = draw(st.sampled_from(["min", "max", "both"]))
        members = {"kind": "measure", "unit": "mm"}
        members |= {"min": low} if which != "max" else {}
        members |= {"max": high} if which != "min" else {}
    return ChecklistItem(
        code=draw(CODES),
        zh="项",
        en="item",
        source="GB 0",
        veto=draw(st.booleans()),
        required=draw(st.booleans()),
        **members,
    )


LISTS = st.lists(items(), min_size=1, max_size=6, unique_by=lambda item: item.code)

ANY_RESULT = st.builds(
    ResultIn,
    code=st.sampled_from(["item_1", "item_2", "golden_tap"]),
    passed=st.none() | st.booleans(),
    value=st.none() | NUMBERS,
)


def inside(item: ChecklistItem) -> st.SearchStrategy[float]:
    """Values that keep the item's bounds, the bounds themselves among them."""
    low = -2000.0 if item.min is None else item.min
    high = 2000.0 if item.max is None else item.max
    return st.one_of(st.just(low), st.just(high), st.floats(low, high))


def outside(item: ChecklistItem) -> st.SearchStrategy[float]:
    """Values beyond a bound."""
    beyond = [] if item.min is None else [item.min - 0.01, item.min - 100]
    return st.sampled_from(beyond + ([] if item.max is None else [item.max + 0.01, item.max + 100]))


def met(draw: st.DrawFn, item: ChecklistItem) -> ResultIn:
    if item.kind == "check":
        return ResultIn(code=item.code, passed=True)
    return ResultIn(code=item.code, value=draw(inside(item)), passed=draw(st.sampled_from([None, True])))


def unmet(draw: st.DrawFn, item: ChecklistItem) -> ResultIn:
    if item.kind == "check":
        return ResultIn(code=item.code, passed=False)
    return ResultIn(code=item.code, value=draw(outside(item)), passed=draw(st.sampled_from([None, False])))


@EASY
@given(st.data(), LISTS)
def test_where_no_bound_is_broken_everything_may_pass(data: st.DataObject, listed: list[ChecklistItem]) -> None:
    results = [met(data.draw, item) for item in listed]
    judged, faults = judge(listed, results)
    assert faults == []
    assert [one.passed for one in judged] == [True] * len(listed)
    for decision in ("pass", "pass_partly", "fail"):
        assert hindrances(decision, judged) == ([], [])


@EASY
@given(st.data(), LISTS)
def test_a_veto_only_ever_fails_and_nothing_unmet_passes(data: st.DataObject, listed: list[ChecklistItem]) -> None:
    bad = {item.code for item in listed if data.draw(st.booleans())}
    results = [unmet(data.draw, item) if item.code in bad else met(data.draw, item) for item in listed]
    judged, faults = judge(listed, results)
    assert faults == []
    assert {one.item.code for one in failed(judged)} == bad
    vetoed = {item.code for item in listed if item.veto} & bad
    for decision in ("pass", "pass_partly"):
        vetoes, others = hindrances(decision, judged)
        assert {one.item.code for one in vetoes} == vetoed
        assert {one.item.code for one in others} == (bad - vetoed if decision == "pass" else set())
        assert {error.code for error in unmet_errors([*vetoes, *others])} <= {"veto_item_failed", "check_not_passed"}
    assert hindrances("fail", judged) == ([], [])


@EASY
@given(st.data(), LISTS)
def test_the_order_of_the_results_changes_nothing(data: st.DataObject, listed: list[ChecklistItem]) -> None:
    results = [data.draw(st.sampled_from([met, unmet]))(data.draw, item) for item in listed]
    shuffled = data.draw(st.permutations(results))
    assert judge(listed, results)[0] == judge(listed, shuffled)[0]
    assert [one.stored() for one in judge(listed, shuffled)[0]] == [one.stored() for one in judge(listed, results)[0]]


@EASY
@given(LISTS, st.lists(ANY_RESULT, max_size=5))
def test_whatever_is_sent_no_required_item_is_forgotten(listed: list[ChecklistItem], results: list[ResultIn]) -> None:
    judged, faults = judge(listed, results)
    assert [one.item.code for one in judged] == [item.code for item in listed]
    if not faults:
        assert all(one.passed is not None for one in judged if one.item.required)
        assert all(one.passed == within(one.item, one.value) for one in judged if one.value is not None)


@EASY
@given(st.data(), LISTS)
def test_a_tighter_list_is_taken(data: st.DataObject, common: list[ChecklistItem]) -> None:
    own = [tightened(data.draw, item) for item in common]
    known = {item.code for item in common}
    extra = [item for item in data.draw(LISTS) if item.code not in known]
    assert loosened(common, data.draw(st.permutations(own + extra))) == []


@EASY
@given(st.data(), LISTS)
def test_a_looser_list_never_is(data: st.DataObject, common: list[ChecklistItem]) -> None:
    place = data.draw(st.integers(0, len(common) - 1))
    looser = loosenings(common[place])
    own = list(common)
    wanted = data.draw(st.sampled_from(["drop", *looser]))
    if wanted == "drop":
        del own[place]
    else:
        own[place] = looser[wanted]
    faults = loosened(common, own)
    assert faults
    assert all(fault.rule == "GB 0" for fault in faults)
    if wanted in ("min", "max", "veto", "required"):
        assert [fault.pointer for fault in faults] == [f"/items/{place}/{wanted}"]


@EASY
@given(st.data(), items())
def test_what_meets_a_tighter_item_meets_the_common_one(data: st.DataObject, item: ChecklistItem) -> None:
    own = tightened(data.draw, item)
    if item.kind == "measure":
        assert within(item, data.draw(inside(own)))


def tightened(draw: st.DrawFn, item: ChecklistItem) -> ChecklistItem:
    """The item or a stricter one."""
    members = item.model_dump()
    if item.kind == "measure":
        low = draw(inside(item))
        high = draw(st.floats(low, 2000.0 if item.max is None else item.max))
        members["min"] = low if item.min is not None or draw(st.booleans()) else None
        members["max"] = high if item.max is not None or draw(st.booleans()) else None
        if members["min"] is None and members["max"] is None:
            members["min"] = low
    members["veto"] = item.veto or draw(st.booleans())
    members["required"] = item.required or draw(st.booleans())
    return ChecklistItem(**members)


def loosenings(item: ChecklistItem) -> dict[str, ChecklistItem]:
    """Member -> the item, easier in that member alone."""
    easier: dict[str, dict[str, Any]] = {}
    if item.min is not None:
        easier["min"] = {"min": item.min - 0.01}
    if item.max is not None:
        easier["max"] = {"max": item.max + 0.01}
    if item.veto:
        easier["veto"] = {"veto": False}
    if item.required:
        easier["required"] = {"required": False}
    easier["kind"] = (
        {"kind": "check", "unit": None, "min": None, "max": None}
        if item.kind == "measure"
        else {"kind": "measure", "unit": "mm", "min": 0.0}
    )
    if item.kind == "measure":
        easier["unit"] = {"unit": "km"}
    return {name: ChecklistItem(**{**item.model_dump(), **members}) for name, members in easier.items()}


@pytest.mark.parametrize("entry", SEED, ids=lambda entry: entry.applies_to)
def test_each_seeded_list_is_a_list(entry: Any) -> None:
    body = {"division_code": "360423", "applies_to": entry.applies_to, "zh": entry.zh, "en": entry.en}
    checked = ChecklistNew.model_validate({**body, "items": list(entry.items)}).items
    assert loosened(checked, checked) == []
    vetoes = {item.code for item in checked if item.veto}
    expected = {"household_satisfied", "usable_all_year", "well_sited", "no_leak_or_cross_flow"}
    assert vetoes == (set() if entry.applies_to == "work" else expected)
    assert all(item.source and (item.kind == "check" or "未与标准原文核对" in (item.note or "")) for item in checked)


def test_the_parameters_of_the_standard_are_those_of_the_domain() -> None:
    three = next(entry for entry in SEED if entry.applies_to == "three_compartment")
    assert {item["code"]: (item["min"], item["unit"]) for item in three.items if item["kind"] == "measure"} == {
        "effective_volume": (1.5, "m3"),
        "retention_1": (20, "d"),
        "retention_2": (10, "d"),
        "retention_3": (30, "d"),
        "effective_depth": (1, "m"),
        "lip_above_ground": (150, "mm"),
        "house_area": (1.2, "m2"),
        "floor_above_outside": (100, "mm"),
    }


@pytest.mark.parametrize(
    "members",
    [
        {"kind": "check", "unit": "mm"},
        {"kind": "check", "min": 1},
        {"kind": "measure", "unit": "mm"},
        {"kind": "measure", "min": 1},
        {"kind": "measure", "unit": "mm", "min": 2, "max": 1},
    ],
)
def test_an_item_that_contradicts_itself_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="contradicts itself"):
        ChecklistItem(code="aa", zh="项", en="item", source="GB 0", **members)


def test_the_steps_of_an_acceptance_are_these() -> None:
    """Written out a second time on purpose."""
    table = {"edit": "open", "pass": "passed", "pass_partly": "partial", "fail": "failed", "cancel": "cancelled"}
    assert set(ACCEPTANCE.states) == {entry.code for entry in ACCEPTANCE_STATES.codes}
    for state in ACCEPTANCE.states:
        for step, target in table.items():
            if state == "open":
                assert ACCEPTANCE.next(state, step) == target
            else:
                with pytest.raises(Problem, match="wrong_state"):
                    ACCEPTANCE.next(state, step)
    everything = {Permission.ACCEPTANCE_DECIDE}
    assert ACCEPTANCE.allowed("open", everything) == list(table)
    assert ACCEPTANCE.allowed("open", everything, [ON_PANEL]) == ["edit", "cancel"]
    assert ACCEPTANCE.allowed("open", set()) == ACCEPTANCE.allowed("passed", everything) == []
