"""The feed below HTTP: in whatever order transactions begin, write and end, nothing is missed or turned round."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.exchange.changes.walking import Held, Reader, as_owner, write
from toilet_api.kernel import feed, journal
from toilet_api.kernel.database import EVERYWHERE, Database


def test_a_record_changed_against_the_order_of_transaction_ids(database: Database) -> None:
    one, reader = uuid4(), Reader(database)
    first, second = Held(database).begin(), Held(database).begin()
    second.write(one, 2)
    second.commit()
    first.write(one, 3)
    first.commit()
    assert reader.read(limit=1) == [(one, 2), (one, 3)]


def test_a_long_writer_between_the_two_turns_nothing_round(database: Database) -> None:
    """Cut at the oldest running id, the later change would come first: its transaction is older than the long one."""
    one, other, reader = uuid4(), uuid4(), Reader(database)
    first, long, second = Held(database).begin(), Held(database).begin(), Held(database).begin()
    second.write(one, 2)
    second.commit()
    first.write(one, 3)
    first.commit()
    assert reader.read() == [(one, 2), (one, 3)]
    long.write(other, 1)
    long.commit()
    assert reader.read() == [(other, 1)]


def test_nobody_waits_for_a_long_writer_and_nothing_of_it_is_missed(database: Database) -> None:
    early, late, reader = uuid4(), uuid4(), Reader(database)
    long = Held(database)
    long.write(early, 1)
    for version in (1, 2):
        with database.transaction(EVERYWHERE) as session:
            write(session, late, version)
        assert reader.read() == [(late, version)]
    long.write(early, 2)
    assert reader.read() == []
    long.commit()
    assert reader.read(limit=1) == [(early, 1), (early, 2)]
    assert reader.read() == []


def test_what_is_rolled_back_never_comes(database: Database) -> None:
    reader = Reader(database)
    undone = Held(database)
    undone.write(uuid4(), 1)
    undone.session.rollback()
    assert reader.read() == []


def test_a_position_taken_by_a_writer_comes_before_all_that_it_writes(database: Database) -> None:
    one, other = uuid4(), uuid4()
    writer = Held(database)
    writer.write(one, 1)
    with database.transaction(
        EVERYWHERE
    ) as session:  # a later one ends, so that the snapshot reaches beyond the writer
        write(session, other, 1)
    reader = Reader(database, feed.now(writer.session))
    writer.write(one, 2)
    writer.commit()
    assert reader.read() == [(one, 1), (one, 2)]


def test_a_snapshot_and_the_feed_from_it_meet_without_seam(database: Database) -> None:
    before, open_then, after = uuid4(), uuid4(), uuid4()
    running = Held(database)
    running.write(open_then, 1)
    with database.transaction(EVERYWHERE) as session:
        write(session, before, 1)
    with database.snapshot(EVERYWHERE) as session:
        seen = set(session.connection().execute(text("select subject_id from change_entry")).scalars())
        with database.transaction(EVERYWHERE) as writer:
            write(writer, after, 1)
        running.commit()
        cursor = journal.cursor(session)
    assert before in seen
    assert {open_then, after}.isdisjoint(seen)
    assert Reader(database, feed.Position.decode(cursor)).read() == [(open_then, 1), (after, 1)]


def test_more_transactions_than_run_at_once_between_two_readings(database: Database) -> None:
    """Only the first thousand beyond the base are looked at, to find where its window begins."""
    early, reader_made = uuid4(), None
    long = Held(database)
    long.write(early, 1)
    reader_made = Reader(database)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(
            """
            do $$ begin
                for number in 1..1100 loop
                    insert into toilet.change_entry (subject_type, subject_id, division_code, version, op)
                    values ('household', gen_random_uuid(), '360423208202', number, 'create');
                    commit;
                end loop;
            end $$
            """
        )
    long.commit()
    found = reader_made.read()
    assert found[0] == (early, 1)
    assert [version for _, version in found[1:]] == list(range(1, 1101))
    assert reader_made.read() == []


def test_a_window_is_passed_over_in_steps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "STEP", 3)
    monkeypatch.setattr(feed, "SCANNED", 6)
    reader, ids = Reader(database), [uuid4() for _ in range(20)]
    with database.transaction(EVERYWHERE) as session:
        for one in ids:
            write(session, one, 1, place="360423208202" if one == ids[-1] else "360423208203")
    empty = 0
    with database.transaction(EVERYWHERE) as session:
        while not (batch := feed.read(session, reader.position, prefixes=["360423208202"])).entries:
            assert batch.more
            empty, reader.position = empty + 1, batch.position
    assert empty == 3
    assert [entry.subject_id for entry in batch.entries] == ids[-1:]


def test_what_is_above_is_found_for_types_that_are_read_from_below(database: Database) -> None:
    reader = Reader(database)
    with database.transaction(EVERYWHERE) as session:
        for place in ("360423", "360423208", "360424"):
            write(session, uuid4(), 1, place=place)
    with database.transaction(EVERYWHERE) as session:
        place = reader.position
        asked = feed.read(session, place, prefixes=["360423208"], above=["household"])
        assert [entry.division_code for entry in asked.entries] == ["360423", "360423208"]
        assert [one.division_code for one in feed.read(session, place, prefixes=["360423208"]).entries] == ["360423208"]
        assert feed.read(session, place, subjects=["toilet"]).entries == []


@pytest.mark.parametrize(
    "wrong",
    ["", "x", "MS4xLjA=", "Mi4xLjA", "MS45OTk5OTk5OTk5OTk5OTk5OTk5OTk5LjA", "MS4wLjA", "\u00e4", "MS4xLjAx"],
)
def test_other_texts_are_no_positions(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a position"):
        feed.Position.decode(wrong)


def test_positions_are_read_as_they_were_written(database: Database) -> None:
    goal = feed.Snapshot(100, 140, (100, 120, 139))
    inside = feed.Position(feed.Snapshot(90, 110, (95,)), goal, 7, 90, 80, "0a1b2c3d")
    for one in (inside, feed.Position.behind(goal, 80, "0a1b2c3d")):
        assert feed.Position.decode(one.encode()) == one
    old = feed.Position.decode("MS4xNTM4LjA")  # 1.1538.0, as exports carried it before
    assert (old.base, old.era) == (feed.Snapshot(1538, 1538), "")
    unsorted = str(inside).replace(":0,20,39", ":20,0,39")
    for wrong in (unsorted, str(inside).replace("100:40:", "0:40:"), str(inside).replace(":0,20,39", ":0,20,40")):
        with pytest.raises(ValueError, match="not a position"):
            feed.Position.of(wrong)


def test_an_old_cursor_of_an_export_still_leads_on(database: Database) -> None:
    with database.transaction() as session:
        xmin = session.connection().execute(text("select pg_snapshot_xmin(pg_current_snapshot())::text")).scalar_one()
    one = uuid4()
    with database.transaction(EVERYWHERE) as session:
        write(session, one, 1)
    reader = Reader(database, feed.Position.of(f"1.{xmin}.0"))
    assert reader.read() == [(one, 1)]
    assert reader.position.era


def test_another_life_of_the_database_refuses_cursors_of_this_one(database: Database) -> None:
    reader = Reader(database)
    ahead = feed.Snapshot(2**40, 2**40)
    with database.transaction(EVERYWHERE) as session:
        write(session, uuid4(), 1)
    with pytest.raises(feed.ExpiredError):
        Reader(database, feed.Position.behind(ahead, 0, reader.position.era)).read()
    with as_owner(database) as connection:
        connection.execute(text("update change_horizon set life = gen_random_uuid()"))
    with pytest.raises(feed.ExpiredError):
        reader.read()


def test_a_backup_restored_into_another_cluster_begins_anew(database: Database) -> None:
    reader, before, after = Reader(database), uuid4(), uuid4()
    with database.transaction(EVERYWHERE) as session:
        write(session, before, 1)
    with as_owner(database) as connection:
        connection.execute(text("update change_horizon set system = system + 1"))
    with pytest.raises(feed.ExpiredError):
        reader.read()
    with database.transaction(EVERYWHERE) as session:
        begun = feed.start(session)
    with database.transaction(EVERYWHERE) as session:
        write(session, after, 1)
    assert Reader(database, begun).read() == [(after, 1)]
    with pytest.raises(feed.ExpiredError):
        reader.read()
