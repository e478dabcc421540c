"""The machines of oversight against tables of their own, and what a check may say."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toilet_api.accounts.permissions import ROLES, Permission
from toilet_api.kernel.errors import CATALOGUE, Problem
from toilet_api.kernel.machines import Machine
from toilet_api.oversight.codes import FALSIFICATION_STATES, SAMPLE_STATES
from toilet_api.oversight.rules import (
    ALL_CHECKED,
    ASPECT_RULE,
    ASPECTS,
    BY_HOLDER,
    CHECKER_FREE,
    FALSIFICATION,
    NOT_ACCUSED,
    SAMPLE,
    CheckFacts,
    check_faults,
)

TABLES = [
    (
        SAMPLE,
        {
            "planned": {"edit": "planned", "draw": "drawn", "cancel": "cancelled"},
            "drawn": {"check": "drawn", "complete": "completed", "cancel": "cancelled"},
            "completed": {},
            "cancelled": {},
        },
        {state.code for state in SAMPLE_STATES},
    ),
    (FALSIFICATION, {"recorded": {"withdraw": "withdrawn"}, "withdrawn": {}}, {s.code for s in FALSIFICATION_STATES}),
]
GUARDS = {"complete": {ALL_CHECKED}, "check": {CHECKER_FREE}, "withdraw": {NOT_ACCUSED, BY_HOLDER}}


@pytest.mark.parametrize(("machine", "table", "codes"), TABLES)
def test_each_step_leads_where_the_table_says_and_nowhere_else(
    machine: Machine, table: dict[str, dict[str, str]], codes: set[str]
) -> None:
    assert set(machine.states) == set(table) == codes
    names = {step.name for step in machine.steps}
    for state, step in product(table, names):
        if step in table[state]:
            assert machine.next(state, step) == table[state][step]
            continue
        with pytest.raises(Problem) as refused:
            machine.next(state, step)
        shown = refused.value.document()
        assert (shown["code"], shown["state"]) == ("wrong_state", state)
        assert shown["possible_steps"] == sorted(table[state])
        assert shown["rule"]
        assert shown["remedy"]


@pytest.mark.parametrize(("machine", "table", "codes"), TABLES)
def test_what_is_allowed_follows_role_and_guards(
    machine: Machine, table: dict[str, dict[str, str]], codes: set[str]
) -> None:
    for state in codes:
        assert set(machine.allowed(state, {Permission.SAMPLE_MANAGE})) == set(table[state])
        assert machine.allowed(state, set(Permission) - {Permission.SAMPLE_MANAGE}) == []
        for step in table[state]:
            for guard in GUARDS.get(step, ()):
                assert step not in machine.allowed(state, {Permission.SAMPLE_MANAGE}, {guard})
    assert all(step.rule for step in machine.steps)


def test_only_levels_above_the_township_inspect() -> None:
    holders = {role for role, rule in ROLES.items() if Permission.SAMPLE_MANAGE in rule.permissions}
    assert holders == {"province_inspector", "city_inspector", "county_reviewer", "county_admin"}


def test_every_error_of_the_room_says_the_rule_and_what_to_do() -> None:
    for code in (
        *("frame_empty", "sample_not_drawn", "units_unchecked", "unit_not_selected", "already_checked"),
        *("checker_signed", "accused_yourself", "recorded_above"),
    ):
        assert CATALOGUE[code].rule
        assert all(CATALOGUE[code].remedy)


answers = st.sampled_from([True, False, None])


@given(st.sampled_from(["upheld", "failed", "not_checkable"]), answers, answers, answers, st.booleans(), st.booleans())
def test_a_check_is_taken_exactly_if_it_makes_sense(
    result: str, survey: bool | None, work: bool | None, closing: bool | None, noted: bool, accuses: bool
) -> None:
    aspects = dict(zip(ASPECTS, (survey, work, closing), strict=True))
    said = list(aspects.values())
    sensible = {
        "upheld": said == [True] * 3 and not accuses,
        "failed": False in said and noted,
        "not_checkable": said == [None] * 3 and noted and not accuses,
    }[result]
    faults = check_faults(CheckFacts(result, aspects, noted, accuses))
    assert (not faults) is sensible
    assert all(fault.rule and fault.message[0] and fault.message[1] for fault in faults)


@given(answers, answers, answers)
def test_what_is_upheld_answers_every_aspect_with_yes(
    survey: bool | None, work: bool | None, closing: bool | None
) -> None:
    aspects = dict(zip(ASPECTS, (survey, work, closing), strict=True))
    faults = check_faults(CheckFacts("upheld", aspects, has_note=False, accuses=False))
    codes = {None: "missing", False: "aspect_contradicts"}
    assert {fault.pointer: fault.code for fault in faults} == {
        f"/{name}": codes[holds] for name, holds in aspects.items() if not holds
    }
    assert {fault.rule for fault in faults} <= {ASPECT_RULE}
