"""An export and the feed from its cursor are the live state, while others write all the time."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi.testclient import TestClient

from tests.exchange.changes.walking import walk
from tests.exchange.exporting import ask, content, objects, shown
from tests.registry import made as registry
from tests.registry.made import OTHER_TOWNSHIP, OTHER_VILLAGE, TOILET, VILLAGE
from tests.survey.made import ok

As = Callable[[str], TestClient]
Drain = Callable[[], None]


def _write(client: TestClient, village: str, over: threading.Event) -> int:
    """Register, change and remove, until it is over; answers how often."""
    count = 0
    homes: list[dict[str, Any]] = []
    while not over.is_set() or count < 4:
        home = registry.household(client, division_code=village, toilets=[TOILET])
        homes.append(home)
        url = f"/api/v1/households/{homes[count // 2]['id']}"
        if count % 3 == 2:
            client.post(f"{url}/remove", json={"reason": "重复登记"}, headers={"If-Match": "*"})
        else:
            client.patch(url, json={"note": f"第{count}次"}, headers={"If-Match": "*"})
        count += 1
    return count


def test_export_then_feed_is_the_live_state(as_: As, drain_jobs: Drain) -> None:
    admin = as_("county_admin")
    for village in (VILLAGE, OTHER_VILLAGE):
        registry.household(admin, division_code=village, toilets=[TOILET])
    over = threading.Event()
    with ThreadPoolExecutor() as pool:
        writing = [pool.submit(_write, admin, place, over) for place in (VILLAGE, OTHER_TOWNSHIP)]
        job = ask(admin, "households", "ndjson")
        try:
            drain_jobs()
        finally:
            over.set()
        assert all(one.result() for one in writing)
    job = shown(admin, job)
    assert job["state"] == "succeeded", job
    rows = objects(content(admin, job))
    items, _ = walk(admin, job["change_cursor"], types="household,toilet")
    assert items
    # A row of the export is a household with one of its toilets; versions tell which state it shows.
    homes: dict[str, int | None] = {one["id"]: None for one in rows}
    toilets = {one["toilet_id"]: one["id"] for one in rows if one["toilet_id"]}
    for one in items:
        copy: dict[str, Any] = homes if one["type"] == "household" else toilets
        if one["record"] is None:
            copy.pop(one["id"], None)
        else:
            copy[one["id"]] = one["record"]["version" if one["type"] == "household" else "household_id"]
    listed = ok(admin.get("/api/v1/households", params={"limit": 1000}))["items"]
    live = ok(admin.get("/api/v1/toilets", params={"limit": 1000}))["items"]
    assert {one["id"] for one in listed} == set(homes)
    assert {one["id"]: one["household_id"] for one in live} == toilets
    versions = {one["id"]: one["version"] for one in listed}
    assert {one: version for one, version in homes.items() if version is not None}.items() <= versions.items()
    # What the feed doesn't tell of is in the export as it is now.
    untold = {one["id"]: one for one in rows if homes.get(one["id"], 0) is None}
    notes = {one["id"]: one["note"] for one in listed}
    assert {one: row["note"] for one, row in untold.items()} == {one: notes[one] for one in untold}
