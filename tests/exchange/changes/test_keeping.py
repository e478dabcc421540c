"""How long changes are kept, and what becomes of cursors that would need what is kept no more."""

from collections.abc import Callable
from uuid import UUID, uuid4

from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.exchange.changes.walking import API, Reader, as_owner, here, refusal, walk, write
from tests.registry import made as registry
from toilet_api.exchange.changes.housekeeping import forget
from toilet_api.kernel import feed, jobs
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

As = Callable[[str], TestClient]


def _month(database: Database, name: str, first: str, after: str, ids: list[UUID]) -> None:
    """A month of long ago, with an entry for each of these records, in a transaction of now."""
    with as_owner(database) as connection:
        connection.execute(
            text(f"create table {name} partition of change_entry for values from ('{first}') to ('{after}')")
        )
        connection.execute(
            text(
                "insert into change_entry (at, subject_type, subject_id, division_code, version, op)"
                " select cast(:at as timestamptz), 'household', id, '360423208202', 1, 'create'"
                " from unnest(cast(:ids as uuid[])) as made (id)"
            ),
            {"at": f"{first} 12:00:00+08", "ids": ids},
        )


def test_whole_months_go_and_no_cursor_skips_over_them(as_: As, settings: Settings, database: Database) -> None:
    surveyor = as_("village_surveyor")
    before, from_before = here(surveyor), Reader(database)
    gone, straddling, kept = [uuid4(), uuid4()], uuid4(), uuid4()
    _month(database, "change_entry_202001", "2020-01-01", "2020-02-01", gone)
    halfway = Reader(database, from_before.position)
    with database.transaction(EVERYWHERE) as session:
        halfway.position = feed.read(session, halfway.position, limit=1).position
    with database.transaction(EVERYWHERE) as session:
        write(session, straddling, 1)
    behind, after = Reader(database), here(surveyor)
    assert [one for one, _ in Reader(database, from_before.position).read()] == [*gone, straddling]

    context = jobs.Context(database, Vault(settings), ObjectStore(settings), settings)
    forget(context)
    with database.transaction(EVERYWHERE) as session:
        write(session, kept, 1)
        months = "select count(*) from change_entry where at < '2021-01-01'"
        assert session.connection().execute(text(months)).scalar_one() == 0
    answer = surveyor.get(API, params={"since": before})
    assert (answer.status_code, answer.json()["code"]) == (410, "change_cursor_expired")
    assert "POST /exports" in answer.json()["remedy"]
    for late in (from_before, halfway):
        with database.transaction(EVERYWHERE) as session:
            try:
                feed.read(session, late.position)
            except feed.ExpiredError:
                continue
            raise AssertionError("a gap was passed over in silence")
    assert [one for one, _ in behind.read()] == [kept]
    assert walk(surveyor, after)[0][0]["id"] == str(kept)
    # Without a cursor: all of which nothing is missing.
    assert [one["id"] for one in walk(surveyor)[0]] == [str(straddling), str(kept)]
    home = registry.household(surveyor)
    assert walk(surveyor, after)[0][-1]["id"] == home["id"]
    assert refusal(surveyor, before) == (410, "change_cursor_expired")


def test_recent_months_stay_and_a_busy_table_is_left_for_the_next_hour(settings: Settings, database: Database) -> None:
    reader, ids = Reader(database), [uuid4()]
    _month(database, "change_entry_202002", "2020-02-01", "2020-03-01", ids)
    context = jobs.Context(database, Vault(settings), ObjectStore(settings), settings)
    with as_owner(database) as connection:
        connection.execute(text("alter function change_forget(int) set lock_timeout = '50ms'"))
    with database.transaction(EVERYWHERE) as session:
        write(session, uuid4(), 1)
        forget(context)
    assert len(reader.read()) == 2
    with as_owner(database) as connection:
        days = (connection.execute(text("select current_date - date '2020-03-01'")).scalar_one()) + 5
        assert connection.execute(text("select change_forget(:days)"), {"days": days}).scalar_one() == 0
        assert connection.execute(text("select change_forget(:days)"), {"days": days - 10}).scalar_one() == 1
