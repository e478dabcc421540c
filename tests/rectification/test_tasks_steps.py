"""The machines of task and postponement against their tables, and that what is offered on a task is what works."""

import itertools
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.breadth import tries
from tests.rectification import made, passing
from tests.survey import made as survey
from tests.survey.made import API, ok
from toilet_api.kernel.database import Database
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.machines import MACHINES
from toilet_api.rectification.codes import POSTPONEMENT_STATES, TASK_STATES
from toilet_api.rectification.rules import ENDED_TASKS, TASK, is_overdue

As = Callable[[str], TestClient]

TASK_TABLE = {
    "pending": {
        "assign": "pending",
        "note": "pending",
        "postpone": "pending",
        "start": "in_work",
        "cancel": "cancelled",
    },
    "in_work": {
        "assign": "in_work",
        "note": "in_work",
        "postpone": "in_work",
        "submit": "submitted",
        "cancel": "cancelled",
    },
    "submitted": {"recall": "in_work", "accept": "accepted", "redo": "in_work", "cancel": "cancelled"},
    "accepted": {"redo": "in_work"},
    "cancelled": {},
}
TABLES: dict[str, dict[str, dict[str, str]]] = {
    "task": TASK_TABLE,
    "postponement": {
        "requested": {"grant": "granted", "refuse": "refused", "withdraw": "withdrawn"},
        **{state: {} for state in ("granted", "refused", "withdrawn")},
    },
}
"""What must hold, written out a second time on purpose."""
WORKERS = ("village_surveyor", "township_manager", "county_admin", "county_reviewer", "village_surveyor_2", "auditor")
STRAIGHT = (
    ("village_surveyor", "note"),
    ("township_manager", "assign"),
    ("village_surveyor", "start"),
    ("village_surveyor", "submit"),
    ("village_surveyor", "note_after"),
    ("township_manager", "postpone"),
    ("county_admin", "postpone"),
    ("village_surveyor", "submit"),
    ("village_surveyor", "recall"),
)


@pytest.mark.parametrize("name", TABLES)
def test_a_step_leads_where_the_table_says_or_nowhere(name: str) -> None:
    machine, table = MACHINES[name], TABLES[name]
    assert set(table) == set(machine.states)
    assert set(table) == {one.code for one in (TASK_STATES if name == "task" else POSTPONEMENT_STATES)}
    for state, step in itertools.product(machine.states, {row.name for row in machine.steps} | {"nonsense"}):
        if step in table[state]:
            assert machine.next(state, step) == table[state][step]
        else:
            with pytest.raises(Problem) as refused:
                machine.next(state, step)
            assert refused.value.type.code == "wrong_state"
            assert all(refused.value.remedy)


@given(st.none() | st.dates(), st.sampled_from(TASK.states), st.dates())
def test_overdue_is_past_and_live(due: date | None, state: str, today: date) -> None:
    late = is_overdue(due, state, today)
    assert late == (due is not None and today > due and state not in ENDED_TASKS)
    if late:
        assert is_overdue(due, state, max(today, date.max - timedelta(days=1)))
        assert not is_overdue(due, state, due or today)


class Site:
    """One task after another, and everybody who may try something with it."""

    def __init__(self, as_: As, database: Database) -> None:
        self.clients = {name: as_(name) for name in WORKERS}
        self.surveyor, self.database = self.clients["village_surveyor"], database
        self.photo = ok(survey.upload(self.surveyor), 201)["id"]

    def fresh(self) -> str:
        problem = made.found(self.surveyor, "tank_cracked")[0]
        return passing.charged(self.database, problem["id"])

    def look(self, name: str, task: str) -> dict[str, Any] | None:
        answer = self.clients[name].get(f"{API}/tasks/{task}")
        return None if answer.status_code == 404 else answer.json()

    def attempt(self, name: str, task: str, step: str) -> Any:
        """The step, asked for as well as it can be."""
        client, url = self.clients[name], f"{API}/tasks/{task}"
        if step == "assign":
            return client.patch(url, json={"contractor": "甲队"}, headers={"If-Match": "*"})
        if step == "note":
            return client.post(f"{url}/notes", json={"text": "看过"})
        if step == "note_after":
            return client.post(f"{url}/notes", json={"text": "完工", "stage": "after", "photo_ids": [self.photo]})
        if step == "postpone":
            return client.post(f"{url}/postponements", json={"to_due": "2039-12-31", "reason": "雨季"})
        return client.post(f"{url}/{step}")


def test_what_is_offered_is_exactly_what_works(as_: As, database: Database) -> None:
    """Any sequence of steps, asked for by anybody: it works if and only if it was offered; else nothing changes."""
    survey.campaign(as_("county_admin"), verification_levels=[])
    site = Site(as_, database)
    steps = ["assign", "note", "note_after", "start", "submit", "recall", "postpone"]
    attempts = st.tuples(st.sampled_from(WORKERS), st.sampled_from(steps))
    reached: set[str] = set()

    @settings(
        max_examples=tries("TASK_WALKS", 3, 20),
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(attempts, min_size=4, max_size=8))
    @example(list(STRAIGHT))
    def walk(sequence: list[tuple[str, str]]) -> None:
        task = site.fresh()
        for name, step in sequence:
            before = site.look("auditor", task)
            assert before is not None
            mine = site.look(name, task)
            wanted = step.partition("_")[0]
            answer = site.attempt(name, task, step)
            where = f"{name} {step} at {before['state']}: {answer.text}"
            if mine is not None and wanted in mine["allowed_actions"]:
                assert answer.status_code in (200, 201), where
                after = site.look("auditor", task)
                assert after is not None
                assert after["state"] == TASK_TABLE[before["state"]][wanted]
                reached.add(after["state"])
            else:
                assert answer.status_code in (403, 404, 409), where
                assert site.look("auditor", task) == before

    walk()
    assert reached == {"pending", "in_work", "submitted"}
