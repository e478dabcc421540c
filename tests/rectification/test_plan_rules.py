"""The pure rules of plans: properties that hold for whatever problem and plan."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as some

from toilet_api.kernel.fields import new_id
from toilet_api.rectification.plan_print import yuan
from toilet_api.rectification.plan_rules import (
    DONE_STATES,
    PlanText,
    Standing,
    dropped,
    gaps,
    too_late,
    undated,
    unverified,
    why_not,
)
from toilet_api.rectification.rules import TASK
from toilet_api.survey.rules import PROBLEM, verified_by

CAMPAIGN, TOWNSHIP = new_id(), "360423208"
DAYS = some.none() | some.dates(date(2026, 1, 1), date(2028, 12, 31))
STANDINGS = some.builds(
    Standing,
    problem_id=some.uuids(),
    place=some.sampled_from(["360423208202", "360423208", "360423500001"]),
    campaign_id=some.sampled_from([CAMPAIGN, UUID(int=1)]),
    state=some.sampled_from(PROBLEM.states),
    deadline=DAYS,
    from_visit=some.booleans(),
    visit_state=some.sampled_from([None, "submitted", "township_verified", "county_verified"]),
    task_state=some.sampled_from([None, *TASK.states]),
    taken=some.booleans(),
    elsewhere=some.booleans(),
    carried=some.booleans(),
)


@given(STANDINGS)
def test_only_what_is_of_here_and_free_can_be_planned(one: Standing) -> None:
    fault = why_not(one, TOWNSHIP, CAMPAIGN)
    if fault is None:
        assert one.place.startswith(TOWNSHIP)
        assert one.campaign_id == CAMPAIGN
        assert not one.taken
        assert not one.elsewhere
        assert one.state == "open" or one.charged or (one.carried and one.state in DONE_STATES)
    else:
        assert fault.rule
        assert all(fault.message)
        assert fault.pointer == ""


@given(STANDINGS)
def test_a_fresh_open_problem_of_the_township_can_always_be_planned(one: Standing) -> None:
    free = replace(
        one, place="360423208202", campaign_id=CAMPAIGN, state="open", taken=False, elsewhere=False, task_state=None
    )
    assert why_not(free, TOWNSHIP, CAMPAIGN) is None


@given(DAYS, DAYS)
def test_a_plan_never_moves_a_deadline_back(due_on: date | None, deadline: date | None) -> None:
    fault = too_late(due_on, deadline)
    assert (fault is not None) == (due_on is not None and deadline is not None and due_on > deadline)


@given(DAYS, some.sampled_from([None, "", "2028 年"]), DAYS)
def test_every_problem_has_a_day_or_a_timetable(due_on: date | None, timetable: str | None, limit: date | None) -> None:
    assert (undated(due_on, timetable, limit) is None) == bool(due_on or timetable or limit)


@given(STANDINGS, some.sampled_from([[], ["township"], ["township", "county"]]))
def test_the_survey_is_verified_by_each_level_that_is_named(one: Standing, levels: list[str]) -> None:
    fault = unverified(one, levels)
    if one.from_visit and not one.charged and not one.done:
        assert (fault is None) == set(levels).issubset(verified_by(one.visit_state))
    else:
        assert fault is None


@given(STANDINGS)
def test_what_was_begun_is_not_dropped(one: Standing) -> None:
    begun = one.task_state in ("in_work", "submitted") or one.state in DONE_STATES
    assert (dropped(one) is not None) == begun


TEXTS = some.none() | some.just("") | some.just("写明")


@given(TEXTS, TEXTS, TEXTS, DAYS, some.integers(0, 2), some.integers(0, 2), some.integers(0, 5))
def test_each_gap_is_named_once(
    points: str | None, route: str | None, force: str | None, due: date | None, funds: int, problems: int, cost: int
) -> None:
    found = gaps(PlanText(points, route, force, due, funds, problems, cost))
    named = {one.pointer for one in found}
    assert len(named) == len(found)
    wanted = {"/key_points": points, "/technical_route": route, "/workforce": force, "/due_on": due, "/items": problems}
    assert named - {"/funds"} == {pointer for pointer, value in wanted.items() if not value}
    assert ("/funds" in named) == (not funds and cost > 0)


@given(some.integers(0, 10**12))
def test_yuan_are_exact(fen: int) -> None:
    whole, cents = yuan(fen).replace(",", "").split(".")
    assert int(whole) * 100 + int(cents) == fen
    assert len(cents) == 2
