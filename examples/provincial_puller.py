#!/usr/bin/env python3
"""省级平台的同步 / Keeps a copy of the problem ledger up to date: a snapshot once, then changes. Standard library only.

    TOILET_URL=https://… CLIENT_ID=… CLIENT_SECRET=… examples/provincial_puller.py [ledger.sqlite] [--follow]

The copy and the cursor are committed together, so that it may be stopped at any moment and goes on where it was.
"""

import base64
import json
import os
import sqlite3
import sys
import time
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

API = os.environ["TOILET_URL"].rstrip("/") + "/api/v1"
FOLLOW = "--follow" in sys.argv
held = {"token": ""}


def ask(path: str, body: Any = None) -> Any:
    """An answer to be read. A token lasts a quarter of an hour: when it is refused, sign in and ask again."""
    request = Request(API + path, None if body is None else json.dumps(body).encode())
    request.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {held['token']}"}
    try:
        return urlopen(request, timeout=90)
    except HTTPError as error:
        if error.code != 401 or not sign_in():
            raise
        return ask(path, body)


def sign_in() -> bool:
    """Whether there is another token now than before."""
    pair, before = f"{os.environ['CLIENT_ID']}:{os.environ['CLIENT_SECRET']}", held["token"]
    request = Request(f"{API}/auth/token", urlencode({"grant_type": "client_credentials"}).encode())
    request.add_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    with urlopen(request, timeout=60) as answer:
        held["token"] = json.load(answer)["access_token"]
    return bool(held["token"] != before)


def start(copy: sqlite3.Connection) -> str:
    """The whole ledger as of one moment, and the cursor of that moment."""
    export = json.load(ask("/exports", {"dataset": "problems", "format": "ndjson"}))
    while export["state"] in ("queued", "running"):
        time.sleep(0.3)
        export = json.load(ask(f"/exports/{export['id']}"))
    if export["state"] != "succeeded":
        raise SystemExit(f"export {export['state']}: {export['problem']}")
    with copy, ask(f"/exports/{export['id']}/file") as file:
        copy.execute("delete from problem")
        for line in file:
            put(copy, json.loads(line))
        copy.execute("insert or replace into position values (1, ?)", (export["change_cursor"],))
    print(f"snapshot: {export['rows']} problems as of {export['as_of']}", flush=True)
    return str(export["change_cursor"])


def follow(copy: sqlite3.Connection, cursor: str) -> None:
    """Change after change, until there is none (`--follow`: for ever, told within moments of a commit)."""
    more = True
    while more or FOLLOW:
        query = {"since": cursor, "types": "problem", "limit": "1000", "wait": "30" if FOLLOW else "0"}
        page = json.load(ask(f"/changes?{urlencode(query)}"))
        cursor, more = page["next_cursor"], page["more"]
        with copy:
            for item in page["items"]:
                if item["record"] is None:  # removed, or moved to where this caller may not look
                    copy.execute("delete from problem where id = ?", (item["id"],))
                else:
                    put(copy, item["record"])
            copy.execute("insert or replace into position values (1, ?)", (cursor,))
        print(f"changes: {len(page['items'])}", flush=True)


def put(copy: sqlite3.Connection, row: dict[str, Any]) -> None:
    """The record as it is now."""
    copy.execute("insert or replace into problem values (:id, :division_code, :state, :deadline, :version)", row)


def main() -> None:
    """Go on from where the copy is; begin anew where the service says that it can't tell what changed since."""
    copy = sqlite3.connect(next((one for one in sys.argv[1:] if not one.startswith("--")), "ledger.sqlite"))
    copy.execute("create table if not exists problem (id primary key, division_code, state, deadline, version)")
    copy.execute("create table if not exists position (one integer primary key, cursor)")
    position = copy.execute("select cursor from position").fetchone()
    try:
        follow(copy, position[0] if position else start(copy))
    except HTTPError as error:
        if error.code != 410:
            raise SystemExit(error.read().decode()) from None
        follow(copy, start(copy))


main()
