"""Many phones edit overlapping villages offline: lost answers, resends, other orders. Nothing is lost or doubled.

`PHONES=50 ROUNDS=6` is the full run; `PHONES_SEED` another story.
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.breadth import tries
from tests.exchange.sync.phone import Phone, item, new_household, new_toilet
from tests.survey import made
from tests.survey.made import API, OTHER_VILLAGE, VILLAGE, ok
from toilet_api.kernel.database import EVERYWHERE, Database

As = Callable[[str], TestClient]
Json = dict[str, Any]
PHONES, ROUNDS = tries("PHONES", 6, 12), tries("ROUNDS", 2, 3)
SEED = int(os.environ.get("PHONES_SEED", "1"))
HOMES = 4
"""Households of each village at the beginning: few, so that the phones meet."""
PEOPLE = (("village_surveyor", VILLAGE), ("township_manager", VILLAGE), ("township_manager", OTHER_VILLAGE))
_MADE = "select id, record_id, version, state from sync_item"
_HISTORY = """
    select subject_id, version, before, after from audit_entry
    where subject_type in ('household', 'toilet') and action like '%.updated'
"""


class Roaming(Phone):
    """A phone on the way: what it knows, what it has yet to send, what it was told."""

    def __init__(self, client: TestClient, village: str, seed: int) -> None:
        super().__init__(client)
        self.village, self.chance = village, random.Random(seed)
        self.known: dict[tuple[str, str], Json] = {}
        self.outbox: list[Json] = []
        self.sent: dict[str, Json] = {}
        self.told: dict[str, Json] = {}
        self.cursor = ""

    def fetch(self) -> None:
        """Bring what is known up to date."""
        more = True
        while more:
            found = self.pull(self.village, **({"since": self.cursor} if self.cursor else {}))
            if found["whole"]:
                self.known.clear()
            for kind in ("household", "toilet"):
                self.known.update({(kind, one["id"]): one for one in found[f"{kind}s"]})
            for gone in found["gone"]:
                self.known.pop((gone["type"], gone["id"]), None)
            self.cursor, more = found["cursor"], found["more"]

    def work(self) -> None:
        """Some edits without signal."""
        for _ in range(self.chance.randint(3, 6)):
            self.outbox.append(self._edit())

    def _edit(self) -> Json:
        if self.chance.random() < 0.25 or not self.known:
            home = new_household(division_code=self.village)
            self.outbox.append(home)
            return new_toilet(home["record_id"])
        (kind, record_id), seen = self.chance.choice(sorted(self.known.items(), key=lambda one: one[0]))
        size = self.chance.randint(1, 9)
        edits: dict[str, list[Json]] = {
            "household": [
                {"family_size": size},
                {"note": f"{self.device_id[-4:]} {self.chance.random()}"},
                {"dwelling_state": self.chance.choice(["occupied", "vacant"])},
                {"person": {"phones": [f"1990000{1000 + size}"]}},
            ],
            "toilet": [
                {"chambers": size},
                {"built_by": f"队{size}", "volume_litres": 1000 + size},
                {"mode": "open_pit"},
            ],
        }
        return item(kind, "update", record_id, self.chance.choice(edits[kind]), base=seen["version"])

    def sync(self) -> None:
        """Send what waits; many answers are lost on the way, and then all is sent again in another order."""
        while self.outbox:
            size = self.chance.randint(1, len(self.outbox))
            some = self._reordered(self.outbox[:size])
            answer = self.client.post(f"{API}/sync", json=self.batch(*some))
            self.sent |= {one["id"]: one for one in some}
            if answer.status_code == 503 or self.chance.random() < 0.4:
                continue
            for result in ok(answer)["results"]:
                assert result["id"] not in self.told
                self.told[result["id"]] = result
            self.outbox = self.outbox[size:]

    def _reordered(self, items: list[Json]) -> list[Json]:
        """Another order, in which the changes of each record stay as they were made."""
        places = {record: self.chance.random() for record in sorted({one["record_id"] for one in items})}
        return sorted(items, key=lambda one: places[one["record_id"]])


@pytest.mark.slow
def test_phones_and_server_agree_and_no_edit_is_lost(as_: As, database: Database) -> None:
    made.campaign(as_("county_admin"))
    manager = as_("township_manager")
    for village in (VILLAGE, OTHER_VILLAGE):
        for _ in range(HOMES):
            made.home(manager, village=village)
    phones = [
        Roaming(as_(name), village, SEED * 1000 + index)
        for index, (name, village) in enumerate((PEOPLE * PHONES)[:PHONES])
    ]
    with ThreadPoolExecutor(4) as pool:
        for phone in phones:
            phone.fetch()
        for _ in range(ROUNDS):
            for phone in phones:
                phone.work()
            list(pool.map(Roaming.sync, phones))
            for phone in phones:
                if phone.chance.random() < 0.7:  # some stay away for longer
                    phone.fetch()
    for phone in phones:
        phone.fetch()
    _agree(phones)
    states = _account_for(phones, manager, database)
    assert states["applied"] + states["already_applied"] > 0
    assert states["conflict"] > 0
    if PHONES > 20:
        print(f"\n{PHONES} phones, {ROUNDS} rounds: {dict(states)}")  # noqa: T201 - figures of the full run


def _agree(phones: list[Roaming]) -> None:
    """What each phone has come to by increments is what a new one is given."""
    for phone in phones:
        new = Roaming(phone.client, phone.village, 0)
        new.fetch()
        assert phone.known == new.known


def _account_for(phones: list[Roaming], manager: TestClient, database: Database) -> Counter[str]:
    kept: set[str] = set()
    cursor = None
    while True:
        params = {"limit": 1000, **({"cursor": cursor} if cursor else {})}
        page = ok(manager.get(f"{API}/sync-conflicts", params=params))
        kept |= {one["item_id"] for one in page["items"]}
        cursor = page["next_cursor"]
        if cursor is None:
            break
    with database.transaction(EVERYWHERE) as session:
        stored = {str(row.id): row for row in session.connection().execute(text(_MADE))}
        history: dict[str, dict[int, Any]] = {}
        for row in session.connection().execute(text(_HISTORY)):
            assert row.version not in history.setdefault(str(row.subject_id), {})
            history[str(row.subject_id)][row.version] = row
        homes = session.connection().execute(text("select count(*) from household")).scalar_one()
        toilets = session.connection().execute(text("select count(*) from toilet")).scalar_one()
    states: Counter[str] = Counter()
    for phone in phones:
        assert phone.told.keys() == phone.sent.keys()
        own = {(str(stored[one].record_id), stored[one].version) for one in phone.sent}
        for item_id, sent in phone.sent.items():
            states[phone.told[item_id]["state"]] += 1
            refused = phone.told[item_id]["state"] in ("conflict", "rejected")
            assert refused == (item_id in kept) == (stored[item_id].state in ("conflict", "rejected"))
            if not refused and sent["op"] == "update":
                _stands(sent, stored[item_id].version, history.get(sent["record_id"], {}), own)
    creations = [one for phone in phones for one in phone.sent.values() if one["op"] == "create"]
    assert homes == 2 * HOMES + sum(one["type"] == "household" for one in creations)
    assert toilets == 2 * HOMES + sum(one["type"] == "toilet" for one in creations)
    return states


def _stands(sent: Json, version: int | None, history: dict[int, Any], own: set[tuple[str, int | None]]) -> None:
    """An applied edit stands in the history as it was made, and wrote over nothing that its maker hadn't seen."""
    if version is None:
        return
    written = history[version].after
    for name, value in sent["changes"].items():
        changed = "changed_personal_fields" if name == "person" else name
        if changed not in written:
            continue
        assert name == "person" or written[name] == value
        for between in range(sent["base_version"] + 1, version):
            foreign = (sent["record_id"], between) not in own
            assert not (foreign and between in history and changed in history[between].after)
