#!/usr/bin/env python3
"""共享数据的使用方 / Has what a county shares with it: looks it up, asks for it, reads it once it is granted.

    TOILET_URL=https://… CLIENT_ID=… CLIENT_SECRET=… PURPOSE=… LEGAL_BASIS=… UNTIL=2027-12-31 \\
    examples/data_consumer.py DATASET COUNTY FIELD,FIELD,… [FILE.csv]

Run it every day. Exit codes: 0 FILE.csv is what there is today, 2 the county has not answered yet, 3 it said no (or has
taken back what it gave, or the time is over), 5 the service refuses. Standard library only; the system's own scopes
must have dataset.read and dataset.request. Each reading is recorded, and the county sees it.
"""

import base64
import csv
import json
import os
import sys
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from uuid import NAMESPACE_URL, uuid5

API = os.environ["TOILET_URL"].rstrip("/") + "/api/v1"
DATASET, COUNTY, FIELDS = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
FILE = sys.argv[4] if len(sys.argv) > 4 else f"{DATASET}.csv"
held = {"token": ""}


def ask(path: str, body: Any = None, **query: str) -> Any:
    """An answer's body. A refusal ends it, with why, by which rule, and what to do."""
    request = Request(f"{API}{path}?{urlencode(query)}", None if body is None else json.dumps(body).encode())
    request.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {held['token']}"}
    try:
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except HTTPError as error:
        problem = json.load(error)
        told = [problem["title"], problem["detail"], problem.get("rule") or "", problem.get("remedy") or ""]
        print(problem["code"], *told, "request_id:", problem.get("request_id"), file=sys.stderr)
        over = ("dataset_grant_expired", "dataset_grant_revoked", "dataset_not_shared")
        raise SystemExit(3 if problem["code"] in over else 5) from None


def sign_in() -> None:
    """A token for a quarter of an hour: longer than one run takes."""
    pair = f"{os.environ['CLIENT_ID']}:{os.environ['CLIENT_SECRET']}"
    request = Request(f"{API}/auth/token", urlencode({"grant_type": "client_credentials"}).encode())
    request.add_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    with urlopen(request, timeout=60) as answer:
        held["token"] = json.load(answer)["access_token"]


def pages(path: str, **query: str) -> Iterator[dict[str, Any]]:
    """Every row of a list, however long it is."""
    page = ask(path, limit="1000", **query)
    yield from page["items"]
    while page["next_cursor"]:
        page = ask(path, limit="1000", cursor=page["next_cursor"], **query)
        yield from page["items"]


def request_it() -> None:
    """Ask the county, once: the id is made of what is asked, so that the same again is no second request."""
    wanted = {name.lower(): os.environ[name] for name in ("PURPOSE", "LEGAL_BASIS", "UNTIL")}
    wanted |= {"dataset": DATASET, "division": COUNTY, "fields": FIELDS}
    name = json.dumps([os.environ["CLIENT_ID"], wanted], sort_keys=True)
    row = ask("/dataset-requests", {"id": str(uuid5(NAMESPACE_URL, name)), **wanted})
    print(f"已申请 / asked: {row['id']} {row['state']}，答复期限 / answer due {row['answer_due']}")
    if row["state"] == "refused":
        print(f"{row['decided_by_name']}: {row['decision_reason']}", file=sys.stderr)
    elif row["state"] == "approved":  # fewer fields than were asked for, or it is over
        grant = ask(f"/dataset-grants/{row['dataset_grant_id']}")
        told = grant["revoke_reason"] or ("有效 / in force" if grant["in_force"] else "到期 / over")
        print(f"{','.join(grant['fields'])}, {grant['until']}: {told}", file=sys.stderr)
    raise SystemExit(2 if row["state"] == "requested" else 3)


def main() -> None:
    """What is shared with everyone needs no grant; of all else, what is granted is read."""
    sign_in()
    shared = ask(f"/datasets/{DATASET}", division=COUNTY)
    sensitivity = {item["name"]: item["sensitivity"] for item in shared["items"]}
    if unknown := set(FIELDS) - sensitivity.keys():
        raise SystemExit(f"{unknown}: 没有 / none of {sorted(sensitivity)}")
    is_free = shared["sharing_type"] == "unconditional" and {sensitivity[one] for one in FIELDS} == {"general"}
    grants = pages("/dataset-grants", dataset=DATASET, in_force="true")
    granted = {field for one in grants if COUNTY.startswith(one["division_code"]) for field in one["fields"]}
    if not is_free and not granted >= set(FIELDS):
        request_it()
    with open(FILE, "w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, FIELDS)
        table.writeheader()
        table.writerows(pages(f"/datasets/{DATASET}/records", division=COUNTY, fields=",".join(FIELDS)))
    print(f"{FILE}: {shared['title']} / {shared['responsible_unit']}")


main()
