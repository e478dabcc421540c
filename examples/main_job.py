#!/usr/bin/env python3
"""一个问题从发现到销号 / A problem from found to closed: survey, verification, plan, work, acceptance, close-out.

    TOILET_URL=https://… TOILET_PASSWORD=… examples/main_job.py VILLAGE NAME ADDRESS

Each step is taken only where `allowed_actions` offer it, by the demonstration's people (one password; name your own).
"""

import base64
import json
import os
import sys
from datetime import datetime
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

API = os.environ["TOILET_URL"].rstrip("/") + "/api/v1"
VILLAGE, NAME, ADDRESS = sys.argv[1:]
FORM, TOWNSHIP, COUNTY = "application/x-www-form-urlencoded", VILLAGE[:9], VILLAGE[:6]
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=="


class Person:
    """Somebody who is signed in."""

    def __init__(self, name: str) -> None:
        self.name, self.token = name, ""
        form = {"grant_type": "password", "username": name, "password": os.environ["TOILET_PASSWORD"]}
        self.token = self.ask("POST", "/auth/token", urlencode(form).encode(), FORM)["access_token"]
        self.id = self.ask("GET", "/me")["id"]

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json", match: int = 0) -> Any:
        """The answer; a refusal, with its remedy, ends it all. `match`: the version that a change is made to."""
        data = json.dumps(body).encode() if kind == "application/json" and body is not None else body
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        headers |= {"If-Match": f'"{match}"'} if match else {}
        try:
            with urlopen(Request(API + path, data, headers, method=method), timeout=60) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise SystemExit(f"{self.name} {method} {path}: {error.read().decode()}") from None

    def step(self, record: str, action: str, body: Any = None, path: str = "") -> Any:
        """Take a step that is offered. Its path is its name with hyphens, but for a few (`path`)."""
        now = self.ask("GET", record)
        if action not in now["allowed_actions"]:
            raise SystemExit(f"{self.name} may not {action} {record}; offered: {now['allowed_actions']}")
        done = self.ask("POST", f"{record}/{path or action.replace('_', '-')}", body, match=now["version"])
        print(f"{self.name}: {record.split('/')[1]} {action} -> {done.get('state', 'done')}")
        return done

    def image(self, kind: str, place: str) -> str:
        """The id of a photo or signature, uploaded as a form of several parts."""
        member = '--cut\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'.format
        head = member("kind", kind) + member("division_code", place) + member('file"; filename="x.png', "")
        body = head.encode().removesuffix(b"\r\n") + base64.b64decode(IMAGE) + b"\r\n--cut--\r\n"
        return str(self.ask("POST", "/attachments", body, "multipart/form-data; boundary=cut")["id"])


def met(item: dict[str, Any]) -> dict[str, Any]:
    """An item of a checklist as it should be: a yes, or a value at the bound."""
    bound = item["max"] if item["min"] is None else item["min"]
    return {"code": item["code"]} | ({"passed": True} if item["kind"] == "check" else {"value": bound})


surveyor, town, county = map(Person, ("village_surveyor", "township_manager", "county_reviewer"))
home = {"division_code": VILLAGE, "person": {"name": NAME, "address": ADDRESS}, "toilets": [{"mode": "double_urn"}]}
home, photo = surveyor.ask("POST", "/households", home), surveyor.image("photo", VILLAGE)
seen = {"household_id": home["id"], "toilet_id": home["toilets"][0]["id"], "usability": "not_usable"}
seen |= {"method": "ask_and_look", "presence": "at_home", "visited_at": datetime.now().astimezone().isoformat()}
seen["findings"] = [{"problem_type": "tank_cracked", "photo_ids": [photo]}]
seen["surveyor_signature_ids"] = [surveyor.image("signature", VILLAGE)]
surveyor.step(visit := f"/visits/{surveyor.ask('POST', '/visits', seen)['id']}", "submit")
town.step(visit, "verify_township", {"level": "township"}, "verify")
problem_id = county.step(visit, "verify_county", {"level": "county"}, "verify")["findings"][0]["problem_id"]

plans = town.ask("GET", f"/plans?division={TOWNSHIP}&state=approved")["items"]  # if it has one: an addendum
filed = next((one["id"] for one in plans if "supplement" in one["allowed_actions"]), None)
plan = town.step(f"/plans/{filed}", "supplement") if filed else town.ask("POST", "/plans", {"division_code": TOWNSHIP})
due = town.ask("GET", problem := f"/problems/{problem_id}")["deadline"]
texts = {"key_points": "先改不能用的", "technical_route": "双瓮漏斗式", "workforce": "专班 5 人", "due_on": due}
texts |= {"funds": [{"source": "county", "amount_fen": 500000}]}
town.ask("PATCH", draft := f"/plans/{plan['id']}", texts, match=plan["version"])
town.ask("POST", f"{draft}/items", {"items": [{"problem_id": problem_id, "measure": "更换瓮体", "cost_fen": 150000}]})
town.step(draft, "submit")
county.step(draft, "approve", {"filing_number": "演示备案"})

task = surveyor.ask("GET", f"/tasks?problem_id={problem_id}")["items"][0]["id"]
surveyor.step(task := f"/tasks/{task}", "start")
surveyor.step(task, "note", {"text": "已更换", "percent": 100, "stage": "after", "photo_ids": [photo]}, "notes")
surveyor.step(task, "submit", {"actual_cost_fen": 148000})
both = [(county, COUNTY), (town, TOWNSHIP)]
panel = {"level": "township", "problem_ids": [problem_id], "panel": [{"user_id": one.id} for one, _ in both]}
accepting = county.ask("POST", "/acceptances", panel)
items = county.ask("GET", f"/checklists/{accepting['checklist_id']}")["items"]  # of the toilet's mode
signed = [{"user_id": one.id, "attachment_id": one.image("signature", place)} for one, place in both]
county.step(f"/acceptances/{accepting['id']}", "pass", {"results": [*map(met, items)], "signatures": signed})
town.step(problem, "close", {"household_signature_ids": [town.image("signature", VILLAGE)]})
