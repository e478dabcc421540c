"""The state machines against their tables: nothing unlisted is ever accepted, and what is offered is what works."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.breadth import tries
from tests.survey import made
from tests.survey.made import API, ok
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.machines import MACHINES, Machine
from toilet_api.survey.catalogue_seed import SEED
from toilet_api.survey.codes import CAMPAIGN_STATES, PROBLEM_STATES, VISIT_STATES
from toilet_api.survey.rules import VISIT

As = Callable[[str], TestClient]

VISIT_TABLE = {
    "draft": {"edit": "draft", "submit": "submitted"},
    "returned": {"edit": "returned", "submit": "submitted", "correct": "submitted"},
    "submitted": {"verify_township": "township_verified", "return_township": "returned", "correct": "submitted"},
    "township_verified": {
        "verify_county": "county_verified",
        "return_township": "returned",
        "return_county": "returned",
        "correct": "submitted",
    },
    "county_verified": {"return_county": "returned", "correct": "submitted"},
}
TABLES: dict[str, dict[str, dict[str, str]]] = {
    "visit": VISIT_TABLE,
    "campaign": {
        "planned": {"edit": "planned", "open": "open"},
        "open": {"edit": "open", "close": "closed"},
        "closed": {"open": "open"},
    },
    "problem": {
        "open": {"edit": "open", "dismiss": "dismissed", "rectify_at_once": "in_work", "start": "in_work"},
        "in_work": {"dismiss": "dismissed", "accept": "accepted"},
        "accepted": {"close": "closed", "send_back": "in_work"},
        "closed": {"reopen": "open"},
        "dismissed": {"reopen": "open"},
    },
}
DRIVEN = {"start", "accept", "send_back"}
"""Steps that the task or the acceptance of a problem takes along."""
"""What must hold, written out a second time on purpose."""
UPWARD = (
    ("village_surveyor", "submit"),
    ("village_surveyor", "verify_township"),
    ("township_manager", "verify_township"),
    ("county_reviewer", "verify_county"),
    ("county_reviewer", "return_county"),
    ("village_surveyor", "edit"),
    ("township_manager", "correct"),
    ("township_manager", "verify_township"),
)
CORRECTED = (
    ("village_surveyor", "submit"),
    ("township_manager", "verify_township"),
    ("township_manager", "correct"),  # whoever verified it becomes its surveyor
    ("township_manager", "verify_township"),
    ("village_surveyor", "correct"),
    ("township_manager", "verify_township"),
)
WORKERS = ("village_surveyor", "township_manager", "county_reviewer", "county_admin", "village_surveyor_2", "auditor")


def test_every_machine_of_the_survey_is_here() -> None:
    assert set(TABLES) <= set(MACHINES)
    for name, codes in (("visit", VISIT_STATES), ("campaign", CAMPAIGN_STATES), ("problem", PROBLEM_STATES)):
        assert {one.code for one in codes} == set(MACHINES[name].states) == set(TABLES[name])
    assert {row.name for row in MACHINES["problem"].steps if row.driven_by} == DRIVEN


@pytest.mark.parametrize("name", TABLES)
def test_a_step_leads_where_the_table_says_or_nowhere(name: str) -> None:
    machine, table = MACHINES[name], TABLES[name]
    steps = {row.name for row in machine.steps} | {"nonsense", ""}
    for state, step in itertools.product([*machine.states, "nonsense"], steps):
        if step in table.get(state, {}):
            assert machine.next(state, step) == table[state][step]
        else:
            with pytest.raises(Problem) as refused:
                machine.next(state, step)
            assert refused.value.type.code == "wrong_state"
            possible = sorted(set(table.get(state, {})) - DRIVEN)
            assert refused.value.extensions == {"state": state, "possible_steps": possible}
            assert all(refused.value.remedy)


@given(st.sampled_from(sorted(TABLES)), st.data())
def test_what_is_allowed_follows_from_table_and_permissions(name: str, data: st.DataObject) -> None:
    machine: Machine = MACHINES[name]
    held = data.draw(st.sets(st.sampled_from(sorted({row.permission for row in machine.steps}))))
    guards = sorted({guard for row in machine.steps for guard in row.guards}, key=lambda guard: guard.name)
    failing = data.draw(st.sets(st.sampled_from(guards))) if guards else set()
    for state in machine.states:
        wanted = {
            row.name
            for row in machine.steps
            if state in row.sources
            and row.permission in held
            and row.name not in DRIVEN
            and not failing & set(row.guards)
        }
        allowed = machine.allowed(state, held, failing)
        assert set(allowed) == wanted <= set(TABLES[name][state])
        assert len(allowed) == len(wanted)


@pytest.mark.parametrize("name", TABLES)
def test_the_diagram_shows_each_step(name: str) -> None:
    drawn = MACHINES[name].mermaid()
    for state, steps in TABLES[name].items():
        for step, target in steps.items():
            assert any(
                line.strip().startswith(f"{state} --> {target}:") and line.endswith(f" {step}")
                for line in drawn.splitlines()
            )


def test_the_page_of_the_survey_shows_the_machines_as_they_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "survey.md").read_text()
    for name in TABLES:
        assert f"```mermaid\n{MACHINES[name].mermaid()}\n```" in page, f"docs/survey.md: the diagram of {name} is old"
    assert f"{len(SEED)} types ship" in page


class Desk:
    """One visit, and everybody who may try something with it."""

    def __init__(self, as_: As) -> None:
        self.clients = {name: as_(name) for name in WORKERS}
        surveyor = self.clients["village_surveyor"]
        self.signatures = {
            name: made.signature(self.clients[name])
            for name in ("village_surveyor", "township_manager", "county_admin")
        }
        self.home = made.home(surveyor)
        self.surveyor = surveyor

    def fresh(self) -> str:
        body = made.visit_body(self.home, self.signatures["village_surveyor"], "blocked")
        return str(ok(self.surveyor.post(f"{API}/visits", json=body), 201)["id"])

    def look(self, visit: str) -> dict[str, Any]:
        shown: dict[str, Any] = ok(self.clients["auditor"].get(f"{API}/visits/{visit}"))
        return shown

    def offered(self, name: str, visit: str) -> list[str] | None:
        """What this person may do now; None where the visit isn't even seen."""
        answer = self.clients[name].get(f"{API}/visits/{visit}")
        return None if answer.status_code == 404 else answer.json()["allowed_actions"]

    def attempt(self, name: str, visit: str, step: str) -> Any:
        """The step, asked for as well as it can be."""
        client, url = self.clients[name], f"{API}/visits/{visit}"
        verb, _, level = step.partition("_")
        if step == "edit":
            return client.patch(url, json={"note": "看过"}, headers={"If-Match": "*"})
        if step == "submit":
            return client.post(f"{url}/submit")
        if step == "correct":
            signed = self.signatures.get(name, self.signatures["village_surveyor"])
            return client.post(f"{url}/correct", json={"reason": "更正", "surveyor_signature_ids": [signed]})
        return client.post(f"{url}/{verb}", json={"level": level, **({"reason": "x"} if verb == "return" else {})})


@pytest.fixture
def desk(as_: As) -> Desk:
    made.campaign(as_("county_admin"))
    admin = as_("county_admin")
    manager = ok(admin.get(f"{API}/users", params={"text": "township_manager"}))["items"][0]
    body = {"held_on": "2026-05-18", "course": "摸排培训", "trainer": "县卫健委", "hours": 4}
    ok(admin.post(f"{API}/users/{manager['id']}/trainings", json=body), 201)
    return Desk(as_)


def test_what_is_offered_is_exactly_what_works(desk: Desk) -> None:
    """Any sequence of steps, asked for by anybody: it works if and only if it was offered; else nothing changes."""
    steps = sorted({row.name for row in VISIT.steps})
    # (who, step, or instead the how-manieth of all that anybody is offered, so that the walk gets somewhere)
    attempts = st.tuples(st.sampled_from(WORKERS), st.sampled_from(steps), st.none() | st.integers(0, 11))
    reached: set[str] = set()

    @settings(
        max_examples=tries("VISIT_WALKS", 3, 20),
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],  # a failure says its step; shrinking would ask for minutes
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(attempts, min_size=4, max_size=9))
    @example([(who, step, None) for who, step in UPWARD])
    @example([(who, step, None) for who, step in CORRECTED])
    def walk(sequence: list[tuple[str, str, int | None]]) -> None:
        visit = desk.fresh()
        state = "draft"
        for who, wish, place in sequence:
            before = desk.look(visit)
            assert before["state"] == state
            name, step = who, wish
            if place is not None:
                choices = [(one, step) for one in WORKERS for step in desk.offered(one, visit) or []]
                name, step = choices[place % len(choices)]
            offered = desk.offered(name, visit)
            answer = desk.attempt(name, visit, step)
            if offered is not None and step in offered:
                assert answer.status_code == 200, f"{name} {step} at {state}: {answer.text}"
                state = VISIT_TABLE[state][step]
                assert answer.json()["state"] == state
                assert answer.json()["allowed_actions"] == desk.offered(name, visit)
                reached.add(state)
            else:
                assert answer.status_code in (403, 404, 409), f"{name} {step} at {state}: {answer.text}"
                assert desk.look(visit) == before

    walk()
    assert reached == {"draft", "submitted", "township_verified", "county_verified", "returned"}


def test_campaigns_and_problems_offer_what_works(as_: As) -> None:
    admin, surveyor = as_("county_admin"), as_("village_surveyor")
    campaign = made.campaign(admin, is_open=False)["id"]
    problem = ""
    for kind, sequence in (
        ("campaign", ["close", "edit", "open", "open", "edit", "close", "close", "edit", "open"]),
        ("problem", ["reopen", "edit", "dismiss", "dismiss", "edit", "reopen", "reopen", "dismiss"]),
    ):
        if kind == "problem":
            problem = made.submitted(surveyor, "blocked")["findings"][0]["problem_id"]
        url = f"{API}/campaigns/{campaign}" if kind == "campaign" else f"{API}/problems/{problem}"
        for step in sequence:
            before = ok(admin.get(url))
            assert set(before["allowed_actions"]) == set(TABLES[kind][before["state"]]) - DRIVEN
            assert set(ok(surveyor.get(url))["allowed_actions"]) <= {"rectify_at_once"}
            if step == "edit":
                change = {"name": step} if kind == "campaign" else {"description": step}
                answer = admin.patch(url, json=change, headers={"If-Match": "*"})
            else:
                answer = admin.post(f"{url}/{step}", json={"reason": "x"} if kind == "problem" else None)
            after = ok(admin.get(url))
            if step in before["allowed_actions"]:
                assert answer.status_code == 200, answer.text
                assert after["state"] == TABLES[kind][before["state"]][step]
            else:
                assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
                assert after == before
