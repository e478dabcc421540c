"""Scores, ranks and lists, from counts alone."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.breadth import tries
from toilet_api.reporting.assessment.formula_schemas import Terms, Weights
from toilet_api.reporting.assessment.scoring import FALSIFICATION, RATES, Facts, Method, Rule, assess, spread
from toilet_api.reporting.assessment.shrinkage import Count, Fixed

EVEN = {**dict.fromkeys(RATES, 11), FALSIFICATION: 12}
METHOD = Method(EVEN, Fixed(30), 25)
COUNTS = st.integers(0, 300).flatmap(lambda n: st.integers(0, n).map(lambda x: Count(x, n)))
FACTS = st.builds(
    Facts,
    st.dictionaries(st.sampled_from(RATES), COUNTS),
    falsifications=st.integers(0, 6),
    live=st.integers(0, 50),
    overdue=st.just(0),
)
DIVISIONS = st.dictionaries(st.integers(1, 60).map(lambda n: f"360423{n:03}"), FACTS, min_size=1, max_size=7)
WEIGHTS = st.lists(st.integers(0, 30), min_size=9, max_size=9).filter(lambda found: sum(found[:8]) > 0)


def of(**counts: tuple[int, int]) -> Facts:
    """The facts of a division: part -> (counted, all)."""
    return Facts({part: Count(*count) for part, count in counts.items()}, live=counts.get("close_out", (0, 0))[1])


@settings(max_examples=tries("RANKING_CASES", 20, 100), deadline=None)
@given(DIVISIONS, WEIGHTS, st.randoms())
def test_ranks_share_ties_and_dont_depend_on_the_order(
    facts: dict[str, Facts], weights: list[int], chance: object
) -> None:
    method = replace(METHOD, weights=dict(zip((*RATES, FALSIFICATION), weights, strict=True)))
    found = assess(method, facts)
    codes = list(facts)
    chance.shuffle(codes)  # type: ignore[attr-defined]
    again = assess(method, {code: facts[code] for code in codes})
    assert found == again
    scored = {code: unit for code, unit in found.units.items() if unit.score is not None}
    for unit in scored.values():
        assert 0 <= unit.low <= unit.score <= unit.high <= 100  # type: ignore[operator]
        assert unit.rank == 1 + sum(other.score > unit.score for other in scored.values())  # type: ignore[operator]
    assert all(unit.rank is None for code, unit in found.units.items() if code not in scored)
    assert not found.used or sum(found.used.values()) == pytest.approx(100)


def test_the_weight_of_a_part_without_figures_goes_to_the_others_in_proportion() -> None:
    weights = {"completeness": 20, "close_out": 40, "satisfaction": 30, FALSIFICATION: 10}
    used = spread(weights, {"completeness", "close_out"})
    assert used == pytest.approx({"completeness": 200 / 7, "close_out": 400 / 7, FALSIFICATION: 100 / 7})
    assert spread(weights, set()) == {}
    assert spread({"completeness": 0, FALSIFICATION: 100}, {"completeness"}) == {}


def test_who_has_recorded_nothing_is_not_ranked_because_reports_were_due() -> None:
    """Drawn toward the average in all that it has not begun, it would stand before those who have."""
    facts = {
        "a": of(completeness=(0, 300), reports_on_time=(2, 2)),
        "b": of(completeness=(0, 0), reports_on_time=(0, 2)),
    }
    listing = Rule("no_records", "yellow")
    found = assess(replace(METHOD, rules=[listing]), facts)
    assert {code: (unit.rank, unit.colour) for code, unit in found.units.items()} == {
        "a": (1, None),
        "b": (None, "yellow"),
    }
    assert found.pools["reports_on_time"].total == Count(2, 2)


def test_a_score_is_the_weighted_sum_of_its_parts() -> None:
    weights = {**dict.fromkeys(RATES, 0), "completeness": 30, "close_out": 50, FALSIFICATION: 20}
    facts = {
        "360423001": replace(of(completeness=(90, 100), close_out=(80, 100)), falsifications=1),
        "360423002": of(completeness=(50, 100), close_out=(20, 100)),
    }
    found = assess(Method(weights, Fixed(100), 40), facts)
    # Pooled 0.7 and 0.5; with k = 100 each is half-way to it: 0.8 and 0.65.
    first = found.units["360423001"]
    assert first.parts["completeness"].score == pytest.approx(80)
    assert first.parts["close_out"].score == pytest.approx(65)
    assert first.parts[FALSIFICATION].score == 60
    assert first.score == pytest.approx(0.3 * 80 + 0.5 * 65 + 0.2 * 60)
    assert [found.units[code].rank for code in sorted(facts)] == [1, 2]


def test_a_part_that_a_division_has_no_cases_of_counts_as_the_pooled_rate() -> None:
    facts = {"360423001": of(completeness=(50, 100), review=(9, 10)), "360423002": of(completeness=(50, 100))}
    found = assess(METHOD, facts).units["360423002"].parts["review"]
    assert not found.own
    assert found.score == pytest.approx(90)


def test_what_has_no_records_is_not_ranked_but_listed() -> None:
    rules = [Rule("no_records", "yellow")]
    facts = {"360423001": of(completeness=(1, 100)), "360423002": of()}
    units = assess(replace(METHOD, rules=rules), facts).units
    assert (units["360423002"].rank, units["360423002"].score, units["360423002"].colour) == (None, None, "yellow")
    assert (units["360423001"].rank, units["360423001"].colour) == (1, None)


RULES = [
    (Rule("overdue_share_above", "red", 0.3, least_count=10), Facts({}, live=10, overdue=4), (0.4, 4, 10)),
    (Rule("overdue_share_above", "red", 0.3, least_count=10), Facts({}, live=10, overdue=3), None),
    (Rule("overdue_share_above", "red", 0.3, least_count=10), Facts({}, live=9, overdue=9), None),
    (Rule("part_below", "yellow", 0.6, "close_out", 10), of(close_out=(5, 10)), (0.5, 5, 10)),
    (Rule("part_below", "yellow", 0.6, "close_out", 10), of(close_out=(6, 10)), None),
    (Rule("part_below", "yellow", 0.6, "close_out", 10), of(close_out=(0, 9)), None),
    (Rule("falsifications_at_least", "red", 2), Facts({}, falsifications=2, live=1), (2, None, None)),
    (Rule("falsifications_at_least", "red", 2), Facts({}, falsifications=1, live=1), None),
]


@pytest.mark.parametrize(("rule", "facts", "expected"), RULES)
def test_a_rule_of_a_list_holds_the_counted_value_against_its_limit(
    rule: Rule, facts: Facts, expected: tuple[float, int | None, int | None] | None
) -> None:
    hits = assess(replace(METHOD, rules=[rule]), {"360423001": facts}).units["360423001"].hits
    assert [(hit.value, hit.numerator, hit.denominator) for hit in hits] == ([expected] if expected else [])


def test_red_goes_before_yellow_and_a_score_below_its_limit_is_listed() -> None:
    rules = [Rule("score_below", "yellow", 99), Rule("falsifications_at_least", "red", 1)]
    facts = {"360423001": replace(of(close_out=(1, 2)), falsifications=1), "360423002": of(close_out=(1, 2))}
    units = assess(replace(METHOD, rules=rules), facts).units
    assert [units[code].colour for code in sorted(units)] == ["red", "yellow"]


@pytest.mark.parametrize(
    ("closed", "share", "listed"),
    [
        ([9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 0.1, [9]),
        ([9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 0.2, [8, 9]),
        ([9, 8, 7, 6, 5, 4, 3, 2, 1], 0.1, []),  # a tenth of nine is none
        ([9, 8, 7, 6, 5, 4, 3, 2, 0, 0], 0.1, []),  # the two last are equal: one place, nobody to give it to
        ([9, 8, 7, 6, 5, 4, 3, 2, 0, 0], 0.2, [8, 9]),
    ],
)
def test_the_last_of_a_ranking(closed: list[int], share: float, listed: list[int]) -> None:
    facts = {f"36042300{place}": of(close_out=(x, 10)) for place, x in enumerate(closed)}
    units = assess(replace(METHOD, rules=[Rule("last_share", "yellow", share)]), facts).units
    assert [int(code[-1]) for code, unit in units.items() if unit.hits] == listed


def test_the_starting_point_has_weights_of_100_and_a_rule_for_each_colour() -> None:
    terms = Terms()
    assert sum(Weights().model_dump().values()) == 100
    assert {rule.colour for rule in terms.method().rules} == {"yellow", "red"}
    assert Terms.model_validate(terms.model_dump(mode="json")) == terms
