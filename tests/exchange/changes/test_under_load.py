"""Thirty-two writers at once, with delays, rollbacks and one transaction held open, and eight readers meanwhile.

FEED_HELD: seconds that the one transaction is held open, which is about how long all of it takes (default 0.5, broad
2). Twenty take the whole of it.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import Session

from tests.breadth import tries
from tests.exchange.changes.walking import Item, ask, here
from tests.registry import made as registry
from tests.registry.made import OTHER_TOWNSHIP, OTHER_VILLAGE, TOILET, VILLAGE
from toilet_api.kernel import journal
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id
from toilet_api.settings import Settings

As = Callable[[str], TestClient]
HELD = tries("FEED_HELD", 0.5, 2.0)
WRITERS = 32
READERS: list[tuple[str, dict[str, Any]]] = [
    ("county_admin", {"limit": 1000}),
    ("county_admin", {"limit": 10, "include": "none"}),
    ("county_admin", {"limit": 100, "types": "household", "wait": 1}),
    ("city_inspector", {"limit": 37, "types": "toilet"}),
    ("township_manager", {"limit": 3, "include": "none"}),
    ("township_manager_2", {"limit": 50}),
    ("village_surveyor", {"limit": 100, "wait": 1}),
    ("village_surveyor_2", {"limit": 7, "types": "household,toilet"}),
]
PLACES = {"county_admin": "", "city_inspector": "", "township_manager": "360423208", "township_manager_2": "360423500"}
PLACES |= {"village_surveyor": VILLAGE, "village_surveyor_2": OTHER_VILLAGE}


class Writers:
    """What they change: households and toilets that stand, by id."""

    def __init__(self, database: Database, records: dict[UUID, str]) -> None:
        self.database = database
        self.records = records
        self.ids = sorted(records)
        self.until = time.monotonic() + HELD
        self.committed = self.undone = 0
        self.lock = threading.Lock()

    def work(self, number: int) -> None:
        """Transactions until the time is over."""
        chance = random.Random(number)
        while time.monotonic() < self.until:
            done = self._one(chance)
            with self.lock:
                self.committed += done
                self.undone += not done

    def _one(self, chance: random.Random) -> bool:
        chosen = sorted(chance.sample(self.ids, chance.randint(1, 4)))
        with self.database.transaction(EVERYWHERE) as session:
            if chance.random() < 0.5:  # its id is older than what it changes
                session.connection().execute(text("select pg_current_xact_id()"))
                time.sleep(chance.random() * 0.02)
            for one in chosen:
                self.change(session, one, gone=chance.random() < 0.2)
                time.sleep(chance.random() * 0.005)
            if chance.random() < 0.3:
                self.add(session, chance)
            time.sleep(chance.random() * 0.03)
            if chance.random() < 0.25:
                session.rollback()
                return False
        return True

    def change(self, session: Session, record: UUID, *, gone: bool = False) -> None:
        """The next version of a record, removed or standing."""
        table = self.records[record]
        counted = ", counted = false" if table == "toilet" else ""
        found = session.connection().execute(
            text(
                f"update {table} set version = version + 1, removed_at = case when :gone then now() end,"
                f" removed_reason = case when :gone then 'x' end{counted}"
                " where id = :id returning version, division_code"
            ),
            {"id": record, "gone": gone},
        )
        version, place = found.one()
        self._tell(session, table, record, place, version, "remove" if gone else "update")

    def add(self, session: Session, chance: random.Random) -> None:
        """A toilet like another."""
        like = chance.choice([one for one in self.ids if self.records[one] == "toilet"])
        made = new_id()
        names = "household_id, division_code, mode, built_year, led_by"
        place = (
            session.connection()
            .execute(
                text(
                    f"insert into toilet (id, {names}, counted) select :id, {names}, false from toilet where id = :like"
                    " returning division_code"
                ),
                {"id": made, "like": like},
            )
            .scalar_one()
        )
        self._tell(session, "toilet", made, place, 1, "create")

    def _tell(self, session: Session, kind: str, record: UUID, place: str, version: int, op: journal.Operation) -> None:
        journal.record(
            session,
            action=f"{kind}.{op}",
            subject_type=kind,
            subject_id=record,
            division_code=place,
            version=version,
            op=op,
        )

    def hold(self) -> None:
        """Change a record that nobody else does at once, and commit at the very end."""
        with self.database.transaction(EVERYWHERE) as session:
            self.add(session, random.Random(0))
            time.sleep(HELD)


def _follow(client: TestClient, since: str, params: dict[str, Any], over: threading.Event) -> list[Item]:
    """Every item until the writers are done and all is read."""
    items: list[Item] = []
    while True:
        was_over = over.is_set()
        page = ask(client, since, **(params | {"wait": 0} if was_over else params))
        items += page["items"]
        since = page["next_cursor"]
        if was_over and not page["more"] and not page["items"]:
            return items


PAST = {"created": "create", "updated": "update", "removed": "remove"}


def test_readers_end_with_exactly_the_committed_state(as_: As, settings: Settings) -> None:
    admin = as_("county_admin")
    homes = [
        registry.household(admin, division_code=place, toilets=[TOILET])
        for place in (VILLAGE, OTHER_VILLAGE, OTHER_TOWNSHIP)
        for _ in range(4 if HELD < 5 else 20)
    ]
    records = {UUID(home["id"]): "household" for home in homes}
    records |= {UUID(toilet["id"]): "toilet" for home in homes for toilet in home["toilets"]}
    database = Database(settings.model_copy(update={"database_pool_size": WRITERS + 2}))
    starts = [here(as_(role), **_asked(params)) for role, params in READERS]
    with database.transaction(EVERYWHERE) as session:
        begun = session.connection().execute(text("select clock_timestamp()")).scalar_one()
    writers, over = Writers(database, records), threading.Event()
    with ThreadPoolExecutor(WRITERS + 1) as writing, ThreadPoolExecutor(len(READERS)) as reading:
        following = [
            reading.submit(_follow, as_(role), start, params, over)
            for (role, params), start in zip(READERS, starts, strict=True)
        ]
        writing_now = [writing.submit(writers.hold), *(writing.submit(writers.work, one) for one in range(WRITERS))]
        wait(writing_now)
        over.set()
        for done in writing_now:
            done.result()
        heard = [one.result() for one in following]
    assert writers.committed > WRITERS / 2
    assert writers.undone > 0
    with database.transaction(EVERYWHERE) as session:
        rows = session.connection().execute(
            text(
                "select subject_type, subject_id::text, version, op, division_code from change_entry"
                " where at > :begun order by seq"
            ),
            {"begun": begun},
        )
        entries = [tuple(row) for row in rows]
    database.dispose()
    for (role, params), items in zip(READERS, heard, strict=True):
        kinds = params.get("types", "household,toilet").split(",")
        wanted = Counter(
            (one, version, op)
            for kind, one, version, op, place in entries
            if kind in kinds and place.startswith(PLACES[role])
        )
        found = Counter((one["id"], one["version"], PAST[one["op"]]) for one in items)
        assert found == wanted, (role, params, len(found - wanted), len(wanted - found))
        versions: dict[str, int] = {}
        for one in items:
            before = versions.get(one["id"], one["version"] - 1)
            assert one["version"] == before + 1, (role, params, one["id"])
            versions[one["id"]] = one["version"]
    _hold_to_the_records(admin, heard[0])
    print(f"{writers.committed} committed, {writers.undone} rolled back, {len(entries)} entries")  # noqa: T201


def _asked(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name == "types"}


def _hold_to_the_records(admin: TestClient, items: list[Item]) -> None:
    """The copy that the feed makes is what the lists show."""
    copy: dict[str, dict[str, Any]] = {"household": {}, "toilet": {}}
    for one in items:
        kept = copy[one["type"]]
        if one["record"] is None:
            kept.pop(one["id"], None)
        else:
            kept[one["id"]] = one["record"]
    for kind, kept in copy.items():
        listed = {one["id"]: one for one in admin.get(f"/api/v1/{kind}s", params={"limit": 1000}).json()["items"]}
        assert kept
        assert {one: listed.get(one) for one in kept} == kept
