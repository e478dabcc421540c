#!/usr/bin/env python3
"""大屏的数据 / What a dashboard shows, as one file of JSON: figures, trend, table, map, the records behind a number.

    TOILET_URL=https://… TOILET_USERNAME=… TOILET_PASSWORD=… examples/dashboard_data.py DIVISION [大屏.json]

Every number is counted by the service, and each can be followed to its records: a cell of a table by asking the list
with the same conditions, a figure of a frozen report by its path. Standard library only.
"""

import json
import os
import sys
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

API = os.environ["TOILET_URL"].rstrip("/") + "/api/v1"
DIVISION, FILE = sys.argv[1], (sys.argv[2:] or ["大屏.json"])[0]
held = {"token": ""}


def get(path: str, form: dict[str, str] | None = None, **query: Any) -> Any:
    """The body of an answer; a refusal is told with its remedy."""
    url = f"{API}{path}?{urlencode(query, doseq=True)}" if query else API + path
    headers = {"Authorization": f"Bearer {held['token']}"} if held["token"] else {}
    try:
        with urlopen(Request(url, urlencode(form).encode() if form else None, headers), timeout=60) as answer:
            return json.load(answer)
    except HTTPError as error:
        problem = json.load(error)
        raise SystemExit(f"{path}: {problem['detail']} {problem.get('remedy', '')}") from None


def labels(name: str) -> dict[str, str]:
    """Codes of a list in Chinese. New ones may come: who doesn't know one shows the code itself."""
    (found,) = get("/code-lists", name=name)["items"]
    return {code["code"]: code["label_zh"] for code in found["codes"]}


def by_cause_and_state() -> list[dict[str, Any]]:
    """A cross-table, each cell with the query that lists its records."""
    causes, states = labels("cause_class"), labels("problem_state")
    table = get("/statistics/table", subject="problems", group_by=["cause", "state"], division=DIVISION)
    cells = []
    for cell in table["cells"]:
        cause, state = cell["values"]
        query = {"division": DIVISION, "cause": cause, "state": state}
        names = {"cause": causes.get(cause, cause), "state": states.get(state, state)}
        cells.append({**names, "count": cell["count"], "records": f"/problems?{urlencode(query)}"})
    return cells


def frozen() -> dict[str, Any] | None:
    """The newest report that is drawn, and what stands behind one of its figures: as it was, whatever came later."""
    drawn = get("/reports", division=DIVISION, state=["drawn", "signed", "submitted", "received"], limit=1000)["items"]
    own = [one for one in drawn if one["division_code"] == DIVISION]
    if not own:
        return None
    report = get(f"/reports/{own[0]['id']}")
    overdue = get(f"/reports/{report['id']}/records", figure="problems.overdue", count="exact", limit=100)
    return {"period": report["period"], "figures": report["current"]["figures"], "overdue": overdue["items"]}


def main() -> None:
    """Ask, hold the sums against each other, write."""
    login = {"username": os.environ["TOILET_USERNAME"], "password": os.environ["TOILET_PASSWORD"]}
    held["token"] = get("/auth/token", {"grant_type": "password", **login})["access_token"]
    live = get("/statistics", division=DIVISION, children="true")
    problems = live["figures"]["problems"]
    data = {
        "as_of": live["as_of"],
        "figures": live["figures"],
        "below": [{"name": one["name"], **one["figures"]["problems"]} for one in live["children"]],
        "cells": by_cause_and_state(),
        "trend": get("/statistics/trend", division=DIVISION)["days"],
        "map": get("/statistics/map", division=DIVISION),  # GeoJSON, WGS 84
        "overdue": get("/problems", division=DIVISION, overdue="true", sort="deadline", limit=100)["items"],
        "report": frozen(),
    }
    with open(FILE, "w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False)
    below = sum(one["found"] for one in data["below"])
    print(f"{live['name']}: 发现 found {problems['found']}, 下级合计 below {below}, 逾期 overdue {problems['overdue']}")
    print(f"{FILE}: 定格报表 report {data['report'] and data['report']['period']}")


if __name__ == "__main__":
    main()
