"""Many people at once in a few households: they move, visit, mend, accept, close, merge and split, all by the API."""

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

from tests.exchange.sync.phone import Phone, item, new_visit
from tests.oversight import made as oversight
from tests.rectification import made as rectification
from tests.registry import made as registry
from tests.survey import made as survey
from tests.survey.made import API

As = Callable[[str], TestClient]
VILLAGES = (survey.VILLAGE, survey.OTHER_VILLAGE, "360423500001")
TYPES = ("blocked", "no_light", "tank_cracked", "freezes")
ANY = {"If-Match": "*"}


class Crowd:
    """Clients who know of the same households."""

    def __init__(self, as_: As, households: int) -> None:
        self.admin, self.province = as_("county_admin"), as_("province_inspector")
        self.surveyors = {survey.VILLAGE: as_("village_surveyor"), survey.OTHER_VILLAGE: as_("village_surveyor_2")}
        self.managers = {"360423208": as_("township_manager"), "360423500": as_("township_manager_2")}
        self.homes = [
            survey.home(self.admin, village=VILLAGES[number % len(VILLAGES)])["id"] for number in range(households)
        ]
        self.answers: Counter[tuple[str, int]] = Counter()
        self.faults: list[str] = []

    def ask(self, client: TestClient, step: str, method: str, path: str, **more: Any) -> Response:
        """The answer, counted. That somebody else was first, or somewhere else, is as it should be."""
        answer = client.request(method, f"{API}{path}", **more)
        self.answers[step, answer.status_code] += 1
        if answer.status_code >= 500:
            self.faults.append(f"{step}: {answer.status_code} {answer.text}")
        return answer


class Person:
    """One of them, whose steps are drawn from a seed."""

    def __init__(self, crowd: Crowd, seed: int) -> None:
        self.crowd, self.rolls = crowd, random.Random(seed)
        self.phone = Phone(crowd.surveyors[survey.VILLAGE])
        self._steps = [getattr(self, name) for name in dir(self) if name.startswith("to_")]

    def walk(self, until: float) -> None:
        while time.monotonic() < until:
            self.rolls.choice(self._steps)()

    def _do(self, step: str, method: str, path: str, client: TestClient | None = None, **more: Any) -> Any:
        answer = self.crowd.ask(client or self.crowd.admin, step, method, path, **more)
        return answer.json() if answer.is_success else None

    def _home(self) -> dict[str, Any]:
        while True:
            home = self._do("look", "GET", f"/households/{self.rolls.choice(self.crowd.homes)}")
            if home is not None:
                return dict(home)

    def _image(self, place: str, kind: str) -> list[str]:
        answer = survey.upload(self.crowd.admin, kind=kind, village=place)
        return [answer.json()["id"]] if answer.is_success else []

    def _problem(self, state: str) -> dict[str, Any] | None:
        """One in that state, if there is any."""
        found = self._do("look", "GET", "/problems", params={"state": state, "limit": 20})
        return self.rolls.choice(found["items"]) if found and found["items"] else None

    def to_move(self) -> None:
        body = {"division_code": self.rolls.choice(VILLAGES)}
        self._do("move", "PATCH", f"/households/{self.rolls.choice(self.crowd.homes)}", json=body, headers=ANY)

    def to_visit(self) -> None:
        home = self._home()
        signed = self._image(home["division_code"], "signature")
        toilets = self._do("look", "GET", f"/households/{home['id']}/toilets")["items"]
        body = survey.visit_body({**home, "toilets": toilets[:1]}, None, self.rolls.choice(TYPES))
        made = self._do("visit", "POST", "/visits", json={**body, "surveyor_signature_ids": signed})
        if made is None:
            return
        if self.rolls.random() < 0.3:
            more = {"findings": [{"problem_type": one} for one in TYPES[:2]]}
            self._do("change", "PATCH", f"/visits/{made['id']}", json=more, headers=ANY)
        self._do("submit", "POST", f"/visits/{made['id']}/submit")

    def to_sync(self) -> None:
        home = self.rolls.choice(self.crowd.homes)
        items = (new_visit(home, None, self.rolls.choice(TYPES)), item("household", "update", home, {"note": "x"}, 1))
        self._do("sync", "POST", "/sync", self.phone.client, json=self.phone.batch(*items))

    def to_verify(self) -> None:
        body = {"division_code": self.rolls.choice(VILLAGES), "level": "township", "decision": "verify"}
        self._do("verify", "POST", "/visits/bulk-verify", json=body)

    def to_add_a_toilet(self) -> None:
        home = self.rolls.choice(self.crowd.homes)
        self._do("toilet", "POST", "/toilets", json={"household_id": home, **registry.TOILET})

    def to_remove(self) -> None:
        home = self.rolls.choice(self.crowd.homes)
        for step in ("remove", "restore"):
            self._do(step, "POST", f"/households/{home}/{step}", json={"reason": "误登"})

    def to_mend(self) -> None:
        """By who may not be in the panel."""
        problem = self._problem("open")
        worker = None if problem is None else self.crowd.surveyors.get(problem["division_code"])
        if problem is None or worker is None:
            return
        path = f"/problems/{problem['id']}/rectify-at-once"
        made = self._do("mend", "POST", path, worker, json={"measure": "更换零件"})
        if made is not None:
            photos = {"text": "已换", "stage": "after", "photo_ids": self._image(made["division_code"], "photo")}
            self._do("note", "POST", f"/tasks/{made['id']}/notes", worker, json=photos)
            self._do("hand in", "POST", f"/tasks/{made['id']}/submit", worker)

    def to_dismiss(self) -> None:
        problem = self._problem("open")
        if problem is not None and self.rolls.random() < 0.3:
            self._do("dismiss", "POST", f"/problems/{problem['id']}/dismiss", json={"reason": "误登"})

    def to_plan(self) -> None:
        problem = self._problem("open")
        if problem is None:
            return
        body = {"division_code": problem["division_code"][:9], **rectification.PLAN_TEXTS}
        plan = self._do("plan", "POST", "/plans", json=body)
        if plan is not None:
            self._do("item", "POST", f"/plans/{plan['id']}/items", json={"items": [rectification.item(problem)]})

    def to_postpone(self) -> None:
        problem = self._problem("in_work")
        if problem is not None and problem["task_id"]:
            body = {"to_due": "2038-03-31", "reason": "雨季无法施工"}
            self._do("postpone", "POST", f"/tasks/{problem['task_id']}/postponements", json=body)

    def to_accept(self) -> None:
        found = self._do("look", "GET", "/tasks", params={"state": "submitted", "limit": 20})["items"]
        if not found:
            return
        task = self.rolls.choice(found)
        problem = {"id": task["problem_id"], "division_code": task["division_code"]}
        manager = self.crowd.managers[problem["division_code"][:9]]
        body = rectification.acceptance_body([problem], self.crowd.admin, manager)
        made = self._do("acceptance", "POST", "/acceptances", json=body)
        if made is not None:
            village = made["division_code"]
            signed = [
                {
                    "user_id": rectification.me(one),
                    "attachment_id": survey.upload(one, kind="signature", village=village),
                }
                for one in (self.crowd.admin, manager)
            ]
            if all(one["attachment_id"].is_success for one in signed):
                signatures = [{**one, "attachment_id": one["attachment_id"].json()["id"]} for one in signed]
                decision = {"results": rectification.results(made), "signatures": signatures}
                self._do("pass", "POST", f"/acceptances/{made['id']}/pass", manager, json=decision)

    def to_close(self) -> None:
        problem = self._problem("accepted")
        if problem is not None:
            signed = {"household_signature_ids": self._image(problem["division_code"], "signature")}
            self._do("close", "POST", f"/problems/{problem['id']}/close", json=signed)

    def to_check(self) -> None:
        if self.rolls.random() < 0.7:
            return
        sample = self._do("sample", "POST", "/samples", self.crowd.province, json=oversight.body())
        if sample is None or self._do("draw", "POST", f"/samples/{sample['id']}/draw", self.crowd.province) is None:
            return
        for unit in self._do("units", "GET", f"/samples/{sample['id']}/units", self.crowd.province)["items"]:
            path = f"/samples/{sample['id']}/units/{unit['id']}/check"
            self._do("check", "POST", path, self.crowd.province, json=oversight.failed())

    def to_merge(self) -> None:
        """A village comes and goes, with whoever has moved there meanwhile."""
        if self.rolls.random() < 0.5:
            return
        name = f"新村{self.rolls.random()}"
        made = self._do("village", "POST", "/divisions", json={"parent_code": "360423208", "name": name})
        if made is None:
            return
        for home in self.rolls.sample(self.crowd.homes, 3):
            self._do("move", "PATCH", f"/households/{home}", json={"division_code": made["code"]}, headers=ANY)
        if self.rolls.random() < 0.5:
            split = {"into": [{"name": f"{name}甲"}, {"name": f"{name}乙"}], "rest": 1, "reason": "分村"}
            self._do("split", "POST", f"/divisions/{made['code']}/split", json=split)
        into = {"into": self.rolls.choice(VILLAGES[:2]), "reason": "并村"}
        self._do("merge", "POST", f"/divisions/{made['code']}/merge", json=into)
