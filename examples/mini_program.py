#!/usr/bin/env python3
"""手机小程序的离线同步 / What a mini-program does in a village without signal. Standard library only.

TOILET_URL=https://… TOILET_USERNAME=… TOILET_PASSWORD=… examples/mini_program.py VILLAGE phone.json pull
… record NAME ADDRESS      a household with its toilet, a visit that found a cracked tank; without signal
… change HOUSEHOLD SIZE    another size of a family; without signal
… sync                     send what was done (again, after a lost answer), and fetch what others did
"""

import gzip
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from uuid import uuid4

API = os.environ["TOILET_URL"].rstrip("/") + "/api/v1"
VILLAGE, FILE, WHAT, *GIVEN = sys.argv[1:]
KEPT = ("households", "toilets", "visits", "problems", "tasks")
NOW = datetime.now(UTC).isoformat()


def ask(path: str, token: str = "", body: Any = None, form: dict[str, str] | None = None) -> Any:
    """The body of an answer, compressed on its way; None where the cursor is too old; else a refusal ends it."""
    data = urlencode(form).encode() if form else json.dumps(body).encode() if body else None
    request = Request(API + path, data, {"Accept-Encoding": "gzip", "Authorization": f"Bearer {token}"})
    request.add_header("Content-Type", "application/x-www-form-urlencoded" if form else "application/json")
    try:
        with urlopen(request, timeout=60) as answer:
            packed, content = answer.headers["Content-Encoding"] == "gzip", answer.read()
    except HTTPError as error:
        if error.code == 410:
            return None
        raise SystemExit(error.read().decode()) from None
    return json.loads(gzip.decompress(content) if packed else content)


def queue(phone: Any, kind: str, op: str, record: str, changes: Any, **more: Any) -> None:
    """Into the outbox, in the order of doing."""
    item = {"id": str(uuid4()), "type": kind, "op": op, "record_id": record, "changes": changes, "client_time": NOW}
    phone["outbox"].append({**item, **more})


def record(phone: Any, name: str, address: str) -> None:
    """A household with its toilet, and a visit that refers to both by ids of our own."""
    household, toilet, visit = (str(uuid4()) for _ in range(3))
    toilets = [{"id": toilet, "mode": "three_compartment", "built_year": 2024}]
    home = {"division_code": VILLAGE, "person": {"name": name, "address": address}, "toilets": toilets}
    queue(phone, "household", "create", household, home)
    seen = {"method": "use", "presence": "at_home", "usability": "not_usable", "visited_at": NOW}
    seen |= {"household_id": household, "toilet_id": toilet, "findings": [{"problem_type": "tank_cracked"}]}
    queue(phone, "visit", "create", visit, seen)


def pull(phone: Any, token: str) -> None:
    """The whole village, or what changed since the cursor; the whole again where the service can't tell."""
    more = True
    while more:
        query = {"division": VILLAGE} | ({"since": phone["cursor"]} if phone["cursor"] else {})
        page = ask(f"/sync/pull?{urlencode(query)}", token) or {"whole": True, "gone": [], "cursor": None, "more": True}
        gone = {one["id"] for one in page["gone"]}
        for kind in KEPT:
            known = {} if page["whole"] else phone[kind]
            known |= {one["id"]: one for one in page.get(kind, [])}
            phone[kind] = {key: one for key, one in known.items() if key not in gone}
        phone["cursor"], more = page["cursor"], page["more"]
    print("; ".join(f"{kind} {len(phone[kind])}" for kind in KEPT))


def push(phone: Any, token: str) -> None:
    """Send the outbox; whatever was answered leaves it, and what was not applied is shown and kept by the service."""
    while batch := phone["outbox"][:500]:
        results = ask("/sync", token, {"device_id": phone["device"], "device_time": NOW, "items": batch})["results"]
        for one in results:
            faults = [fault["message"] for fault in (one["problem"] or {}).get("errors") or []]
            told = ", ".join(faults or one["fields"])
            print(f"{one['type']} {one['state']} {told}".strip())
        phone["outbox"] = phone["outbox"][len(batch) :]


path = Path(FILE)
phone = json.loads(path.read_text()) if path.exists() else {"device": str(uuid4()), "outbox": [], "cursor": None}
if WHAT == "record":
    record(phone, *GIVEN)
elif WHAT == "change":
    version = phone["households"][GIVEN[0]]["version"]
    queue(phone, "household", "update", GIVEN[0], {"family_size": int(GIVEN[1])}, base_version=version)
else:
    login = {"username": os.environ["TOILET_USERNAME"], "password": os.environ["TOILET_PASSWORD"]}
    signed_in = ask("/auth/token", form={"grant_type": "password", **login})["access_token"]
    if WHAT == "sync":
        push(phone, signed_in)
    pull(phone, signed_in)
path.write_text(json.dumps(phone, ensure_ascii=False))
