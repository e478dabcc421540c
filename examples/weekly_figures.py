#!/usr/bin/env python3
"""县里的周报数字 / A county clerk's weekly figures, as a table for Excel. Standard library only.

    TOILET_URL=https://… TOILET_USERNAME=… TOILET_PASSWORD=… examples/weekly_figures.py [周报.csv]

One row for each township, one for the county: surveyed, problems by state, overdue. What is overdue is listed besides,
walked page by page.
"""

import csv
import json
import os
import sys
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

API = os.environ["TOILET_URL"].rstrip("/") + "/api/v1"
COLUMNS = {
    "households": "农户",
    "households_surveyed": "已摸排农户",
    "problem_toilets": "问题厕所",
    "found": "发现问题",
    "open": "待整改",
    "in_work": "整改中",
    "accepted": "已验收",
    "closed": "已销号",
    "overdue": "逾期",
}


def call(path: str, token: str = "", form: dict[str, str] | None = None, **query: str) -> Any:
    """The body of an answer. Whoever is refused is told why, by which rule, and what to do."""
    url = f"{API}{path}?{urlencode(query)}" if query else f"{API}{path}"
    request = Request(url, urlencode(form).encode() if form else None)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except HTTPError as error:
        problem = json.load(error)
        print(problem["title"], problem.get("detail") or "", problem.get("remedy") or "", file=sys.stderr)
        print("request_id:", problem["request_id"], file=sys.stderr)
        raise SystemExit(5 if error.code in (401, 403) else 3) from None


def pages(path: str, token: str, **query: str) -> Iterator[dict[str, Any]]:
    """Every row of a list, however long it is."""
    cursor = None
    while True:
        page = call(path, token, limit="1000", **query, **({"cursor": cursor} if cursor else {}))
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def row(name: str, counts: dict[str, Any]) -> list[Any]:
    """A line of the table."""
    return [name, *({**counts["survey"], **counts["ledger"]}[column] for column in COLUMNS)]


def main() -> None:
    """Write the table, and tell what is overdue."""
    form = {
        "grant_type": "password",
        "username": os.environ["TOILET_USERNAME"],
        "password": os.environ["TOILET_PASSWORD"],
    }
    token = call("/auth/token", form=form)["access_token"]
    campaign = next(pages("/campaigns", token, state="open"), None)
    if campaign is None:
        raise SystemExit("没有进行中的摸排行动 / no campaign is open")
    summary = call(f"/campaigns/{campaign['id']}/summary", token)
    target = sys.argv[1] if len(sys.argv) > 1 else "周报.csv"
    with open(target, "w", encoding="utf-8-sig", newline="") as file:  # Excel needs the mark at the beginning
        table = csv.writer(file)
        table.writerow([summary["campaign_name"], summary["as_of"]])
        table.writerow(["区划", *COLUMNS.values()])
        for division in summary["divisions"]:
            table.writerow(row(division["name"] or division["division_code"], division))
        table.writerow(row("合计", summary))
    for problem in pages("/problems", token, campaign_id=campaign["id"], overdue="true", sort="deadline"):
        place = f"{problem['township_name']} {problem['village_name'] or ''}"
        print(f"逾期 {problem['deadline']} {place} {problem['type_zh']} {problem['id']}")
    print(f"{target}: {len(summary['divisions'])} 个区划 / divisions")


if __name__ == "__main__":
    main()
