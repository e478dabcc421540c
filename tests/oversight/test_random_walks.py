"""Random step sequences by random people against the live API, and two hundred conflicting steps at once.

RANDOM_WALKS: how many random sequences beside the scripted ones (default 1, broad 5).
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.breadth import tries
from tests.oversight.walking import ACTORS, MAY, TABLES, Case, Stage
from tests.survey import made
from tests.survey.made import API, ok

As = Callable[[str], TestClient]
WALKS = tries("RANDOM_WALKS", 1, 5)
STATES = ("open", "in_work", "accepted", "closed", "dismissed")
STEPS = [
    (kind, step)
    for kind, table in TABLES.items()
    for step in sorted({one for steps in table.values() for one in steps})
]
NEW = [("plans", "new"), ("acceptances", "new")]
ONWARD = {
    *[("problems", step) for step in ("rectify_at_once", "close")],
    *[("tasks", step) for step in ("start", "submit")],
    *[("plans", step) for step in ("submit", "approve")],
    ("acceptances", "pass"),
    ("acceptances", "new"),
    ("plans", "new"),
}
FOLLOWS = {"postpone": "postponements", "rectify_at_once": "tasks"}
"""A step that makes a record of another kind."""


AT_ONCE = (
    (0, "surveyor problems rectify_at_once, surveyor tasks submit, surveyor tasks note, surveyor tasks submit"),
    (0, "surveyor tasks recall, manager tasks submit, auditor acceptances new, reviewer acceptances new"),
    (0, "manager acceptances pass, colleague acceptances fail, surveyor tasks note, surveyor tasks submit"),
    (0, "reviewer acceptances new, reviewer acceptances pass, neighbour problems close, surveyor problems close"),
    (0, "manager problems close, admin problems dismiss, manager problems reopen, reviewer problems reopen"),
    (0, "manager problems rectify_at_once, surveyor tasks start, admin problems dismiss, surveyor tasks note"),
)
PLANNED = (
    (1, "surveyor problems rectify_at_once, surveyor plans new, manager plans new, manager plans submit"),
    (1, "manager plans approve, reviewer plans return, manager plans submit, reviewer plans approve"),
    (1, "manager tasks postpone, manager postponements grant, reviewer postponements grant, manager tasks start"),
    (1, "surveyor tasks note, surveyor tasks submit, reviewer acceptances new, colleague acceptances pass"),
    (1, "reviewer acceptances new, reviewer acceptances fail, manager problems close, surveyor tasks note"),
)
"""Ways to the end and back, with what must be refused on them: (which problem, who does what)."""


def said(script: tuple[tuple[int, str], ...]) -> list[tuple[str, tuple[str, str], int, str, int]]:
    """A script as the walk takes it."""
    return [
        (who, (kind, step), which, "said", 0)
        for which, line in script
        for who, kind, step in (one.split() for one in line.split(", "))
    ]


@pytest.fixture
def stage(as_: As, client: TestClient) -> Stage:
    return Stage(as_, client)


def test_no_illegal_step_is_taken_and_no_legal_one_refused(stage: Stage) -> None:
    """A step works if and only if it was offered; it leads where the table says; else nothing changes."""
    taken: Counter[str] = Counter()
    # (who, step, which problem, how: as it says, or the how-manieth of what is offered, or of what leads onward)
    how = st.sampled_from(("said", "offered", "onward", "onward"))
    attempts = st.tuples(
        st.sampled_from(ACTORS), st.sampled_from(STEPS + NEW), st.integers(0, 1), how, st.integers(0, 59)
    )

    @settings(
        max_examples=WALKS,
        derandomize=WALKS < 100,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(attempts, min_size=8, max_size=22))
    @example(said(AT_ONCE))
    @example(said(PLANNED))
    def walk(sequence: list[tuple[str, tuple[str, str], int, str, int]]) -> None:
        case = stage.fresh()
        for who, (kind, step), which, how, place in sequence:
            if how != "said":
                who, (kind, step) = offered(stage, case, which, place, how == "onward")
            taken[one_step(stage, case, who, kind, step, which)] += 1
        hold(stage, case)

    walk()
    counts = ok(stage.people["admin"].get(f"{API}/campaigns/{stage.campaign}/summary"))["ledger"]
    assert counts["found"] == stage.created == sum(counts[state] for state in STATES)
    assert taken.keys() >= {"start", "submit", "new", "pass", "fail", "close", "reopen", "dismiss", "refused"}, taken


def offered(stage: Stage, case: Case, which: int, place: int, onward: bool) -> tuple[str, tuple[str, str]]:
    """Something that one of those who have a part in it may do next, or that can be begun."""
    problem = stage.look("admin", "problems", case.problems[which]) or {}
    task = stage.look("admin", "tasks", problem["task_id"]) if problem["task_id"] else None
    if task and task["state"] == "in_work" and not task["photos_after"] and place % 2:
        return "surveyor", ("tasks", "note")
    checkable = problem["state"] == "accepted" or (task is not None and task["state"] == "submitted")
    if place % 3 and checkable and not stage.is_open(case, "acceptances", which):
        return "reviewer", NEW[1]
    if problem["state"] == "open" and task is None and not stage.is_open(case, "plans", which):
        return "manager", NEW[0]
    people = ("surveyor", "manager", "admin", "reviewer", "colleague")
    for number in range(len(people)):
        who = people[(place + number) % len(people)]
        # The colleague keeps away from the work, so that there is always somebody for the panel.
        kinds = ("acceptances",) if who == "colleague" else tuple(TABLES)
        found = [
            (kind, step)
            for kind in kinds
            if (record := case.record(kind, which)) is not None
            for step in (stage.look(who, kind, record) or {}).get("allowed_actions", [])
            if (kind, step) in (ONWARD if onward else STEPS)
        ]
        if found:
            return who, found[place % len(found)]
    return "auditor", STEPS[0]


def one_step(stage: Stage, case: Case, who: str, kind: str, step: str, which: int) -> str:
    """Take it, or see it refused; what was taken."""
    if step == "new":
        answer = stage.begin(who, kind, case, which)
        if answer.status_code == 201:
            case.records[kind, which] = answer.json()["id"]
            return "new"
        assert answer.status_code in (403, 404, 409, 422), answer.text
        return "refused"
    if who == "colleague" and kind != "acceptances":
        return "skipped"
    record = case.record(kind, which)
    if record is None:
        return "nothing"
    before, seen = stage.look("admin", kind, record), stage.look(who, kind, record)
    assert before is not None
    fits = stage.fits(case, kind, step, which)
    answer = stage.attempt(who, kind, record, step)
    if seen is not None and step in seen["allowed_actions"] and not fits:
        # It may be tried, but what it is about isn't as it must be: the answer says what, and nothing changes.
        assert answer.status_code in (409, 422), f"{who} {kind} {step} at {before['state']}: {answer.text}"
        assert answer.json()["errors"]
        assert stage.look("admin", kind, record) == before
        return "unfit"
    if seen is None or step not in seen["allowed_actions"]:
        assert answer.status_code in (403, 404, 409, 422), f"{who} {kind} {step} at {before['state']}: {answer.text}"
        assert answer.json()["remedy"], answer.text
        assert stage.look("admin", kind, record) == before
        return "refused"
    assert answer.status_code in (200, 201), f"{who} {kind} {step} at {before['state']}: {answer.text}"
    assert step not in MAY or who in MAY[step]
    after = stage.look("admin", kind, record)
    assert after is not None
    assert after["state"] == TABLES[kind][before["state"]][step]
    if step in FOLLOWS:
        case.records[FOLLOWS[step], which] = answer.json()["id"]
    task = stage.look("admin", "problems", case.problems[which])
    if task and task["task_id"]:
        case.records["tasks", which] = task["task_id"]
    return step


def hold(stage: Stage, case: Case) -> None:
    """Nothing is closed without acceptance and signature; each history is a way through the table."""
    admin = stage.people["admin"]
    for problem in case.problems:
        shown = ok(admin.get(f"{API}/problems/{problem}"))
        outs = ok(admin.get(f"{API}/close-outs", params={"problem_id": problem}))["items"]
        standing = [one for one in outs if one["reopened_at"] is None]
        assert len(standing) == (shown["state"] == "closed")
        assert all(one["signature_ids"] for one in outs)
        history = ok(admin.get(f"{API}/problems/{problem}/history"))["items"]
        legal(history, shown)
        accepted = [entry for entry in history if entry["action"].startswith("problem.accepted_by")]
        assert len(outs) <= len(accepted)


NEXT = {
    "open": {"in_work", "dismissed"},
    "in_work": {"accepted", "dismissed"},
    "accepted": {"closed", "in_work"},
    "closed": {"open"},
    "dismissed": {"open"},
}


def legal(history: list[dict[str, Any]], shown: dict[str, Any]) -> None:
    """Versions follow each other, and each change of state is one that the table knows."""
    assert [entry["version"] for entry in history] == list(range(1, shown["version"] + 1))
    state = "open"
    for entry in history[1:]:
        now = (entry["after"] or {}).get("state", state)
        assert now == state or now in NEXT[state], f"{state} -> {now} by {entry['action']}"
        state = now
    assert state == shown["state"]


def test_two_hundred_conflicting_steps_leave_each_record_in_one_legal_state(stage: Stage) -> None:
    """Everybody tries everything with eight problems at once; whoever comes second is told the state."""
    cases = [stage.fresh() for _ in range(4)]
    manager = stage.people["manager"]
    for case in cases:
        task = ok(manager.post(f"{API}/problems/{case.problems[0]}/rectify-at-once", json={"measure": "装灯"}), 201)
        case.records["tasks", 0] = task["id"]
        note = {"text": "完成", "stage": "after", "photo_ids": [stage.photo]}
        ok(stage.people["surveyor"].post(f"{API}/tasks/{task['id']}/notes", json=note), 201)
    steps = [
        *[("problems", step) for step in ("dismiss", "reopen", "rectify_at_once", "close")],
        *[("tasks", step) for step in ("submit", "recall", "postpone")],
        ("acceptances", "new"),
    ]
    wanted = [
        (case, which, who, kind, step)
        for kind, step in steps
        for case in cases
        for which in (0, 1)
        for who in ("surveyor", "manager", "admin", "reviewer")
    ][:200]

    def ask(one: tuple[Case, int, str, str, str]) -> Any:
        case, which, who, kind, step = one
        record = case.record(kind, which)
        if step == "new":
            return stage.begin(who, kind, case, which)
        return None if record is None else stage.attempt(who, kind, record, step)

    with ThreadPoolExecutor(8) as pool:
        answers = [one for one in pool.map(ask, wanted) if one is not None]
    assert len(answers) > 150
    assert {one.status_code for one in answers} <= {200, 201, 403, 404, 409, 422}, [
        one.text for one in answers if one.status_code >= 500
    ]
    for one in answers:
        if one.status_code == 409 and one.json()["code"] == "wrong_state":
            assert one.json()["state"]
            assert one.json()["rule"] or one.json()["remedy"]
    for case in cases:
        hold(stage, case)
    counts = ok(stage.people["admin"].get(f"{API}/campaigns/{stage.campaign}/summary"))["ledger"]
    assert counts["found"] == stage.created == sum(counts[state] for state in STATES)
    assert made.problems(stage.people["auditor"], limit=1000)
