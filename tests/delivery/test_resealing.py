"""After a rotation of the vault's keys everything is sealed anew: all of it, and it opens as before."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from tests.conftest import plain
from tests.delivery.running import Run
from tests.exchange.sync.phone import Phone, item
from tests.registry import made as registry
from tests.survey import made
from tests.survey.made import API, ok
from toilet_api.commands.resealing import SEALED, Resealed, reseal
from toilet_api.kernel.database import Database
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

As = Callable[[str], TestClient]
NEW = f"second:{b64encode(b'2' * 32).decode()}"
PLAIN = {
    *("origin_digest", "identity_index", "name_index", "token_hash"),
    *("login_attempt.key", "sync_item.digest", "idempotency_key.digest"),
    "idempotency_key.body",
}
"""Columns of bytes that aren't sealed: digests, and answers as they were sent."""


@contextmanager
def owning(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(plain(settings.database_url)) as connection:
        connection.execute("set search_path to toilet")
        yield connection


@pytest.fixture
def sealed(as_: As, settings: Settings) -> dict[str, int]:
    """Something in each of the tables, sealed with the first key. How much."""
    county, manager = as_("county_admin"), as_("township_manager")
    made.campaign(county)
    phone = Phone(as_("village_surveyor"))
    home = made.home(phone.client)
    for _ in range(2):
        made.home(phone.client)
    changes = {"family_size": 2, "person": {"address": "4组1号"}}
    ok(manager.patch(f"{API}/households/{home['id']}", json=changes, headers={"If-Match": "*"}))
    phone.send(item("household", "update", home["id"], {"family_size": 6, "person": {"address": "9号"}}, base=1))
    ok(county.post(f"{API}/webhooks", json={"url": "https://receiver.example/", "event_types": ["problem.*"]}), 201)
    witness, vault = new_id(), Vault(settings)
    with owning(settings) as connection:
        connection.execute("set session_replication_role = replica")  # a witness without the whole way to a close-out
        given = (witness, registry.VILLAGE, vault.seal({"name": "王见证"}, witness.bytes))
        connection.execute("insert into close_out_witness values (%s, %s, %s)", given)
    return {"signing_key": 1, "webhook": 1, "household_person": 3, "close_out_witness": 1, "sync_conflict": 1}


def turned(settings: Settings) -> Settings:
    """The settings after a new key was put first."""
    return settings.model_copy(update={"vault_keys": NEW})


def resealed(database: Database, settings: Settings, batch: int = 2) -> dict[str, Resealed]:
    told: list[tuple[str, int, int]] = []
    found = reseal(database, Vault(settings), lambda *step: told.append(step), batch)
    by_table = {one.table: one for one in found}
    assert all(done <= total for _, done, total in told)
    return by_table


def keys_of(settings: Settings, vault: Vault) -> dict[str, set[str]]:
    """Of each table the keys that seal it."""
    found = {}
    with owning(settings) as connection:
        for one in SEALED:
            rows = connection.execute(f"select {one.key}, sealed from {one.table}".encode()).fetchall()
            assert all(vault.open(value, one.owner(key)) for key, value in rows)
            found[one.table] = {vault.key_of(value) for _, value in rows}
    return found


def test_every_column_that_is_sealed_is_known(settings: Settings) -> None:
    """A column of bytes is sealed, or a digest that is named here; whoever adds one must say which."""
    with owning(settings) as connection:
        rows = connection.execute(
            "select table_name, column_name from information_schema.columns natural join information_schema.tables"
            " where table_schema = 'toilet' and data_type = 'bytea' and table_type = 'BASE TABLE'"
        ).fetchall()
    assert {table for table, column in rows if column == "sealed"} == {one.table for one in SEALED}
    assert not {f"{table}.{column}" for table, column in rows if column not in {"sealed", *PLAIN}} - PLAIN


def test_all_is_sealed_anew_and_a_second_run_finds_nothing(
    sealed: dict[str, int], database: Database, settings: Settings
) -> None:
    after, before = turned(settings), told_of(settings)
    done = resealed(database, after)
    assert {name: one.anew for name, one in done.items()} == sealed
    assert not any(one.left or one.closed for one in done.values())
    assert keys_of(settings, Vault(after)) == {name: {"second"} for name in sealed}
    assert not any(one.anew or one.left for one in resealed(database, after).values())
    assert told_of(settings) == before, "no record has changed"


def told_of(settings: Settings) -> list[Any]:
    """What the feed and the journal tell, and the versions of households."""
    with owning(settings) as connection:
        return connection.execute(
            "select (select count(*) from change_entry), (select count(*) from audit_entry),"
            " (select array_agg(version order by id) from household)"
        ).fetchall()


def test_what_cant_be_opened_is_told_and_the_rest_is_done(
    sealed: dict[str, int], database: Database, settings: Settings
) -> None:
    with owning(settings) as connection:
        (key,) = connection.execute(
            "update household_person set sealed = set_byte(sealed, 40, 255 - get_byte(sealed, 40))"
            " where household_id = (select min(household_id::text)::uuid from household_person) returning household_id"
        ).fetchone() or (None,)
    done = resealed(database, turned(settings), batch=1)["household_person"]
    assert (done.anew, done.left, set(done.closed)) == (sealed["household_person"] - 1, 1, {str(key)})
    assert "damaged" in done.closed[str(key)]


def test_what_others_hold_is_passed_over_and_found_by_the_next_run(
    sealed: dict[str, int], database: Database, settings: Settings
) -> None:
    after = turned(settings)
    with owning(settings) as holding:
        holding.execute("select from household_person order by household_id limit 1 for update")
        held = resealed(database, after)["household_person"]
        assert (held.anew, held.left, held.closed) == (sealed["household_person"] - 1, 1, {})
    assert resealed(database, after)["household_person"].anew == 1


def test_an_operator_is_told_what_came_of_it(sealed: dict[str, int], command: Run, settings: Settings) -> None:
    done = command("vault", "reseal", "--batch", "1", VAULT_KEYS=NEW)
    assert done.code == 0, done.err
    assert f"household_person: 重新加密 sealed anew {sealed['household_person']}, 剩余 left 0" in done.out
    assert "household_person: 3/3" in done.err
    assert "second" in done.out
    lost = command("vault", "reseal", VAULT_KEYS=f"third:{b64encode(b'3' * 32).decode()}")
    assert lost.code == 1, "the key that sealed it isn't there any more"
    assert "'second'" in lost.out
    assert keys_of(settings, Vault(turned(settings))) == {name: {"second"} for name in sealed}
