"""How fast a phone's 200 offline changes are taken in one batch, held to the same changes by single requests.

Both go over HTTP to `toilet-api serve`, by one client on one connection, as one surveyor, in interleaved rounds on
fresh records; both are answered with what became of each change. The single requests know each record's version
already, so that no GET is counted against them.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from tests.delivery.running import serving
from tests.exchange.sync.phone import Phone, item, new_household, new_toilet, new_visit
from tests.survey import made
from tests.world import PASSWORD

from benchmarks.entry import Entry, interleaved
from benchmarks.imports import _database, _furnish
from toilet_api.settings import Settings

CHANGES, ROUNDS, SECONDS = 200, 5, 900.0
_SECRET = "of the benchmark" * 4
_API = "/api/v1"

Json = dict[str, Any]


def run(url: str) -> list[Entry]:
    """The entry, on a database of its own."""
    address = _database(url, "bench_sync")
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(database_url=address, data_dir=Path(name), secret_key=_SECRET)
        _furnish(settings)
        variables = {"DATABASE_URL": address, "SECRET_KEY": _SECRET}
        with serving("--no-migrate", "--data-dir", Path(name), seconds=SECONDS, **variables) as served:
            with _signed_in(served.address, "county_admin") as admin:
                made.campaign(admin)  # type: ignore[arg-type]
            with _signed_in(served.address, "village_surveyor") as client:
                phone = Phone(client)  # type: ignore[arg-type]
                for contender in (_singly, _together):  # warm
                    contender(phone, _changes(phone))
                rates = interleaved(
                    {
                        "single": lambda: CHANGES / _timed(_singly, phone),
                        "sync": lambda: CHANGES / _timed(_together, phone),
                    },
                    rounds=ROUNDS,
                )
    name = f"sync of {CHANGES} changes, over HTTP"
    return [Entry.rate(name, rates["sync"], rates["single"], "changes/s", 10)]


def _signed_in(address: str, name: str) -> httpx.Client:
    form = {"grant_type": "password", "username": name, "password": PASSWORD}
    token = httpx.post(f"{address}{_API}/auth/token", data=form, trust_env=False).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=120)


def _changes(phone: Phone) -> list[Json]:
    """A day in a village: new households with a toilet each, visits, and changes of what was there before."""
    there = [new_household() for _ in range(CHANGES // 5)]
    toilets = [new_toilet(home["record_id"]) for home in there]
    assert set(phone.states(*there, *toilets)) == {"applied"}
    new = [new_household() for _ in range(CHANGES // 5)]
    beside = [new_toilet(home["record_id"]) for home in new]
    visits = [
        new_visit(home["record_id"], toilet["record_id"], "blocked") for home, toilet in zip(new, beside, strict=True)
    ]
    known = [item("household", "update", one["record_id"], _patch(index), base=1) for index, one in enumerate(there)]
    known += [
        item("toilet", "update", one["record_id"], {"built_year": 2020, "chambers": 3}, base=1) for one in toilets
    ]
    return [*new, *beside, *visits, *known]


def _patch(index: int) -> Json:
    return {"family_size": 1 + index % 9, "person": {"phones": ["19900004321"]}}


def _timed(way: Any, phone: Phone) -> float:
    changes = _changes(phone)
    assert len(changes) == CHANGES
    started = time.perf_counter()
    way(phone, changes)
    return time.perf_counter() - started


def _together(phone: Phone, changes: list[Json]) -> None:
    assert set(phone.states(*changes)) == {"applied"}


def _singly(phone: Phone, changes: list[Json]) -> None:
    for one in changes:
        path = f"{_API}/{one['type']}s"
        if one["op"] == "create":
            answer = phone.client.post(path, json={"id": one["record_id"], **one["changes"]})
        else:
            tag = {"If-Match": '"1"'}
            answer = phone.client.patch(f"{path}/{one['record_id']}", json=one["changes"], headers=tag)
        assert answer.status_code in (200, 201), answer.text
