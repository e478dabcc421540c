"""Two problems of a toilet, everybody who may try something with them, and what must become of it."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from fastapi.testclient import TestClient

from tests.accounts.logins import GOOD, login, new_user
from tests.rectification import made as rectification
from tests.survey import made
from tests.survey.made import API, ok

PROBLEM = {
    "open": {"edit": "open", "dismiss": "dismissed", "rectify_at_once": "in_work"},
    "in_work": {"dismiss": "dismissed"},
    "accepted": {"close": "closed"},
    "closed": {"reopen": "open"},
    "dismissed": {"reopen": "open"},
}
TASK = {
    "pending": {"assign": "pending", "start": "in_work", "note": "pending", "postpone": "pending"},
    "in_work": {"assign": "in_work", "note": "in_work", "submit": "submitted", "postpone": "in_work"},
    "submitted": {"recall": "in_work"},
    "accepted": {},
    "cancelled": {},
}
PLAN = {
    "draft": {"submit": "submitted", "withdraw": "withdrawn"},
    "submitted": {"return": "returned", "approve": "approved"},
    "returned": {"submit": "submitted", "withdraw": "withdrawn"},
    "approved": {},
    "withdrawn": {},
}
ACCEPTANCE = {
    "open": {"pass": "passed", "fail": "failed", "cancel": "cancelled"},
    "passed": {},
    "failed": {},
    "cancelled": {},
}
POSTPONEMENT = {
    "requested": {"grant": "granted", "refuse": "refused", "withdraw": "withdrawn"},
    "granted": {},
    "refused": {},
    "withdrawn": {},
}
TABLES = {
    "problems": PROBLEM,
    "tasks": TASK,
    "plans": PLAN,
    "acceptances": ACCEPTANCE,
    "postponements": POSTPONEMENT,
}
"""What must hold, written out a second time on purpose: kind -> state -> step -> next state."""
MAY: dict[str, frozenset[str]] = {
    "edit": frozenset({"manager", "admin"}),
    "dismiss": frozenset({"admin"}),
    "rectify_at_once": frozenset({"surveyor", "manager", "admin"}),
    "close": frozenset({"manager", "admin", "colleague"}),
    "reopen": frozenset({"admin", "reviewer"}),
    "assign": frozenset({"manager", "admin", "colleague"}),
    "start": frozenset({"surveyor", "manager", "admin", "colleague"}),
    "note": frozenset({"surveyor", "manager", "admin", "colleague"}),
    "submit": frozenset({"surveyor", "manager", "admin", "colleague"}),
    "recall": frozenset({"surveyor", "manager", "admin", "colleague"}),
    "postpone": frozenset({"manager", "admin", "colleague"}),
    "grant": frozenset({"admin", "reviewer"}),
    "refuse": frozenset({"admin", "reviewer"}),
    "return": frozenset({"admin", "reviewer"}),
    "approve": frozenset({"admin", "reviewer"}),
    "pass": frozenset({"reviewer", "colleague"}),  # of a re-check, the reviewer alone
    "fail": frozenset({"reviewer", "colleague"}),
    "cancel": frozenset({"manager", "admin", "reviewer", "colleague"}),
}
"""Who may take a step at all, where they may it everywhere in the township: nobody else ever succeeds."""
ACTORS = ("surveyor", "manager", "admin", "reviewer", "colleague", "neighbour", "auditor")
"""The reviewer and the colleague are the panel; the colleague never does any work."""
WORKING = ("rectify_at_once", "start", "note", "submit", "recall", "assign")


@dataclass
class Case:
    """One walk: its two problems, and the newest record of each kind at each of them."""

    problems: list[str]
    records: dict[tuple[str, int], str] = field(default_factory=dict)

    def record(self, kind: str, which: int) -> str | None:
        return self.problems[which] if kind == "problems" else self.records.get((kind, which))


class Stage:
    """The township, its campaign with a plan in force, and everybody in it."""

    def __init__(self, as_: Any, client: TestClient) -> None:
        names = {"surveyor": "village_surveyor", "manager": "township_manager", "admin": "county_admin"}
        names |= {"reviewer": "county_reviewer", "neighbour": "village_surveyor_2", "auditor": "auditor"}
        self.people: dict[str, TestClient] = {name: as_(username) for name, username in names.items()}
        self.people["colleague"] = self._colleague(as_, client)
        admin, manager, surveyor = (self.people[name] for name in ("admin", "manager", "surveyor"))
        self.campaign = made.campaign(admin, verification_levels=[])["id"]
        body = {"division_code": made.TOWNSHIP, "problem_type": "no_trial"}
        first = ok(manager.post(f"{API}/problems", json=body), 201)
        self.plan = rectification.approved_plan(manager, self.people["reviewer"], [first])["id"]
        self.photo = ok(made.upload(surveyor), 201)["id"]
        self.signature = made.signature(surveyor)
        panel = [self.people[name] for name in ("reviewer", "colleague")]
        self.panel = rectification.panel(*panel)
        self.members = panel
        self.created = 1
        self.later = date(2099, 1, 1)

    def _colleague(self, as_: Any, client: TestClient) -> TestClient:
        account = new_user(self.people["admin"], "colleague", "township_manager", made.TOWNSHIP)
        token = login(client, "colleague", account["temporary_password"]).json()["access_token"]
        first = {"Authorization": f"Bearer {token}"}
        change = {"current_password": account["temporary_password"], "new_password": GOOD}
        assert client.post(f"{API}/me/password", json=change, headers=first).status_code == 204
        return as_("colleague")

    def fresh(self) -> Case:
        """Two new problems at a new toilet: one to be mended at once, one for a plan."""
        surveyor = self.people["surveyor"]
        body = made.visit_body(made.home(surveyor), self.signature, "no_light", "tank_cracked")
        visit = ok(surveyor.post(f"{API}/visits", json=body), 201)
        found = ok(surveyor.post(f"{API}/visits/{visit['id']}/submit"))["findings"]
        self.created += 2
        return Case([one["problem_id"] for one in found])

    def look(self, who: str, kind: str, record: str) -> dict[str, Any] | None:
        """The record as somebody sees it; None where they don't."""
        answer = self.people[who].get(f"{API}/{kind}/{record}")
        assert answer.status_code in (200, 404), answer.text
        return answer.json() if answer.status_code == 200 else None

    def is_open(self, case: Case, kind: str, which: int) -> bool:
        """Whether the problem is in a plan in preparation, or in an acceptance that waits."""
        record = case.record(kind, which)
        shown = None if record is None else self.look("admin", kind, record)
        return shown is not None and shown["state"] in ("draft", "submitted", "returned", "open")

    def fits(self, case: Case, kind: str, step: str, which: int) -> bool:
        """Whether the problem is as a step of its plan or acceptance needs it."""
        problem = self.look("admin", "problems", case.problems[which]) or {}
        if kind == "plans" and step in ("submit", "approve"):
            return problem["state"] == "open" and problem["task_id"] is None
        if kind == "acceptances" and step in ("pass", "fail"):
            shown = self.look("admin", kind, case.records[kind, which]) or {}
            task = self.look("admin", "tasks", problem["task_id"]) if problem["task_id"] else None
            if shown["level"] == "county":
                return problem["state"] == "accepted"
            return task is not None and task["state"] == "submitted"
        return True

    def attempt(self, who: str, kind: str, record: str, step: str) -> Any:
        """The step, asked for as well as it can be."""
        client, url = self.people[who], f"{API}/{kind}/{record}"
        match = {"If-Match": "*"}
        if step == "edit":
            return client.patch(url, json={"description": "补充"}, headers=match)
        if step == "assign":
            return client.patch(url, json={"contractor": "示例施工队"}, headers=match)
        if step == "note":
            return client.post(f"{url}/notes", json={"text": "整改后", "stage": "after", "photo_ids": [self.photo]})
        if step == "postpone":
            self.later += timedelta(days=1)
            return client.post(f"{url}/postponements", json={"to_due": str(self.later), "reason": "汛期"})
        if step == "close":
            return client.post(f"{url}/close", json={"household_signature_ids": [self._consent()]})
        bodies: dict[str, Any] = {
            "rectify_at_once": {"measure": "装上照明"},
            **{name: {"reason": "理由"} for name in ("dismiss", "reopen", "return", "refuse", "cancel")},
        }
        if step in ("pass", "fail"):
            shown = self.look("auditor", kind, record) or {}
            bodies[step] = {"results": rectification.results(shown), "signatures": self._signed()}
            bodies[step] |= {"reason": "不合格"} if step == "fail" else {}
        return client.post(f"{url}/{step.replace('_', '-')}", json=bodies.get(step))

    def _signed(self) -> list[dict[str, str]]:
        """Each member of the panel signs for this acceptance."""
        return rectification.signed(*self.members)

    def _consent(self) -> str:
        """The household signs for this close-out, not for one before it was reopened."""
        return made.signature(self.people["manager"])

    def begin(self, who: str, kind: str, case: Case, which: int) -> Any:
        """Make a new plan (an addendum with the problem) or acceptance."""
        problem = case.problems[which]
        if kind == "acceptances":
            state = (self.look("auditor", "problems", problem) or {})["state"]
            level = "county" if state == "accepted" else "township"
            body = {"level": level, "problem_ids": [problem], "panel": self.panel}
            return self.people[who].post(f"{API}/acceptances", json=body)
        made_plan = self.people[who].post(f"{API}/plans/{self.plan}/supplement", json={})
        if made_plan.status_code != 201:
            return made_plan
        url = f"{API}/plans/{made_plan.json()['id']}"
        texts = rectification.PLAN_TEXTS
        ok(self.people[who].patch(url, json=texts, headers={"If-Match": "*"}))
        items = {"items": [{"problem_id": problem, "measure": "更换化粪池", "cost_fen": 100}]}
        put = self.people[who].post(f"{url}/items", json=items)
        if put.status_code != 200:
            ok(self.people[who].post(f"{url}/withdraw", json={"reason": "不能列入"}))
            return put
        return made_plan
