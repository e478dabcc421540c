"""The whole plan, played over HTTP by everyone whom it names; the ledger's counts are held after each stage."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.accounts.logins import GOOD, login, new_user
from tests.survey import made
from tests.survey.made import API, ok
from tests.talking import talking

As = Callable[[str], TestClient]
COUNTY = "360423"
TOWNSHIPS = {"360423208": "360423208202", "360423500": "360423500001", "360423100": "360423100200"}
"""The three townships, and the village that is surveyed in each."""
PHASES = [
    {"phase": "kickoff", "due_on": "2026-05-20"},
    {"phase": "survey", "due_on": "2026-07-31"},
    {"phase": "rectification", "due_on": "2099-08-31"},
    {"phase": "evaluation", "due_on": "2099-09-30"},
    {"phase": "consolidation"},
]
COURSE = {"held_on": "2026-05-18", "course": "改厕问题摸排培训", "trainer": "县卫健委", "hours": 8}
FINDINGS = ("tank_cracked", "no_light", "freezes_in_winter")
"""One to be mended by the campaign's date, one at once, one by a timetable of its own."""
STATES = ("open", "in_work", "accepted", "closed", "dismissed")


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    id: str
    client: TestClient


class Township:
    """A township with its manager, a colleague, and the surveyor of one village."""

    def __init__(
        self, code: str, village: str, manager: TestClient, surveyor: TestClient, colleague: TestClient
    ) -> None:
        self.code, self.village, self.manager, self.surveyor = code, village, manager, surveyor
        self.colleague = Person(ok(colleague.get(f"{API}/me"))["id"], colleague)
        self.signature = made.signature(surveyor, village)
        self.problems: dict[str, str] = {}
        """Problem type -> id."""


class County:
    """Everyone of the county, and those above."""

    def __init__(self, as_: As, client: TestClient, app: FastAPI) -> None:
        self.admin, self.reviewer = as_("county_admin"), as_("county_reviewer")
        self.city, self.province, self.platform = (
            as_("city_inspector"),
            as_("province_inspector"),
            as_("province_client"),
        )
        self.campaign = self._kick_off()
        self.townships = [self._township(as_, client, app, *pair) for pair in TOWNSHIPS.items()]
        self.reviewer_id = ok(self.reviewer.get(f"{API}/me"))["id"]

    def _kick_off(self) -> str:
        """四（一）: the campaign opens, with everything that has a date in it."""
        return str(
            made.campaign(
                self.admin,
                document_numbers=["农办社〔2026〕4号"],
                phases=PHASES,
                acceptance_shares={"township": 100, "county": 30},
            )["id"]
        )

    def _township(self, as_: As, client: TestClient, app: FastAPI, code: str, village: str) -> Township:
        """五（二）: people are charged and trained before they work."""
        people = []
        for name, role, place in (
            (f"manager_{code}", "township_manager", code),
            (f"s_{code}", "village_surveyor", village),
            (f"colleague_{code}", "township_manager", code),
        ):
            account = new_user(self.admin, name, role, place)
            ok(self.admin.post(f"{API}/users/{account['id']}/trainings", json=COURSE), 201)
            first = {
                "Authorization": f"Bearer {login(client, name, account['temporary_password']).json()['access_token']}"
            }
            change = {"current_password": account["temporary_password"], "new_password": GOOD}
            assert client.post(f"{API}/me/password", json=change, headers=first).status_code == 204
            assert client.portal
            person = talking(app, client.portal)
            person.headers["Authorization"] = f"Bearer {login(client, name, GOOD).json()['access_token']}"
            people.append(person)
        return Township(code, village, *people)

    def summary(self, reader: TestClient | None = None, **params: str) -> dict[str, Any]:
        shown: dict[str, Any] = ok(
            (reader or self.admin).get(f"{API}/campaigns/{self.campaign}/summary", params=params)
        )
        return shown

    def hold_counts(self, **expected: int) -> None:
        """Every level's figures are the ledger's own, and each state holds what it should."""
        whole = {state: expected.get(state, 0) for state in STATES}
        county = self.summary()["ledger"]
        assert {state: county[state] for state in STATES} == whole
        for reader in (self.admin, self.city, self.province, self.platform):
            assert self.summary(reader)["ledger"] == county
        rows = made.problems(self.admin, limit=1000)
        assert Counter(row["state"] for row in rows) == Counter({s: n for s, n in whole.items() if n})
        assert county["found"] == len(rows) == sum(whole.values())
        assert county["overdue"] == sum(row["overdue"] for row in rows)
        below = self.summary()["divisions"]
        for state in (*STATES, "found"):
            assert sum(one["ledger"][state] for one in below) == county[state]
        for township in self.townships:
            own = self.summary(township.manager)["ledger"]
            assert own == next(one["ledger"] for one in below if one["division_code"] == township.code)
            assert own["found"] == len(made.problems(township.manager, limit=1000))


def survey(county: County, township: Township) -> None:
    """四（二）: house by house; a household without problems is recorded too; verified upward."""
    for kinds in ((kind,) for kind in FINDINGS):
        found = made.submitted(township.surveyor, *kinds, village=township.village)
        township.problems[kinds[0]] = found["findings"][0]["problem_id"]
    made.submitted(township.surveyor, village=township.village)
    for client, level in ((township.manager, "township"), (county.reviewer, "county")):
        body = {"division_code": township.village, "level": level, "decision": "verify"}
        assert len(ok(client.post(f"{API}/visits/bulk-verify", json=body))["done"]) == 4
    body = {"division_code": township.code, "problem_type": "no_upkeep_mechanism", "description": "管护员未落实"}
    township.problems["work"] = ok(township.manager.post(f"{API}/problems", json=body), 201)["id"]


def photo(client: TestClient, village: str) -> str:
    return str(ok(made.upload(client, village=village), 201)["id"])


def plan_body(township: Township) -> dict[str, Any]:
    return {
        "division_code": township.code,
        "key_points": "优先整改不能使用的户厕",
        "technical_route": "三格化粪池式为主，高寒处改深坑防冻",
        "workforce": "乡镇专班 5 人，施工队 2 支",
        "funds": [{"source": "county", "amount_fen": 500_000}, {"source": "township", "amount_fen": 100_000}],
        "due_on": "2037-12-31",
    }


def work(township: Township, task: str, village: str | None) -> None:
    """A task from start to asking for acceptance; a problem in the work needs no photo."""
    doer = township.surveyor if village else township.manager
    url = f"{API}/tasks/{task}"
    if ok(doer.get(url))["state"] == "pending":
        ok(doer.post(f"{url}/start"))
    finish(doer, task, village)


def finish(doer: TestClient, task: str, village: str | None) -> None:
    note: dict[str, Any] = {"text": "整改完成", "percent": 100}
    if village:
        note |= {"stage": "after", "photo_ids": [photo(doer, village)]}
    ok(doer.post(f"{API}/tasks/{task}/notes", json=note), 201)
    ok(doer.post(f"{API}/tasks/{task}/submit", json={"actual_cost_fen": 30_000}))


def task_of(client: TestClient, problem: str) -> str:
    return str(ok(client.get(f"{API}/tasks", params={"problem_id": problem}))["items"][-1]["id"])


def acceptance(county: County, township: Township, level: str, *problems: str) -> str:
    """An acceptance by a reviewer of the county and the township's manager."""
    manager = ok(township.manager.get(f"{API}/me"))["id"]
    body = {
        "level": level,
        "problem_ids": list(problems),
        "panel": [{"user_id": county.reviewer_id}, {"user_id": manager}, {"name": "王工", "unit": "县爱卫办专家组"}],
    }
    return str(ok(county.reviewer.post(f"{API}/acceptances", json=body), 201)["id"])


def decision(county: County, township: Township, accepting: str, bad: str = "") -> dict[str, Any]:
    """What the panel found: every item met, but `bad`. Each member signs anew."""
    shown = ok(county.reviewer.get(f"{API}/acceptances/{accepting}"))
    checklist = ok(county.reviewer.get(f"{API}/checklists/{shown['checklist_id']}"))
    results: list[dict[str, Any]] = []
    for item in checklist["items"]:
        if item["kind"] == "measure":
            least = item["min"] if item["min"] is not None else 0
            value = least + 1 if item["max"] is None else item["max"]
            results.append({"code": item["code"], "value": value})
        else:
            results.append({"code": item["code"], "passed": item["code"] != bad})
    manager = ok(township.manager.get(f"{API}/me"))["id"]
    return {
        "results": results,
        "signatures": [
            {"user_id": county.reviewer_id, "attachment_id": made.signature(county.reviewer, COUNTY)},
            {"user_id": manager, "attachment_id": made.signature(township.manager, township.code)},
        ],
    }
