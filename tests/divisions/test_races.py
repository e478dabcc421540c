"""Writers of records and changes of the tree at the same time."""

import threading
import time
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.divisions.made import COUNTY, OTHER_TOWNSHIP, SIBLING, TOWNSHIP, VILLAGE, step
from tests.registry.made import household
from toilet_api.divisions import lookup, recoding, reform, schemas
from toilet_api.kernel.database import Database
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.scope import Scope

As = Callable[[str], TestClient]
MERGE = schemas.DivisionMerge(into=SIBLING, reason="撤并")


def merge(database: Database) -> None:
    with database.transaction((COUNTY,)) as session:
        scope = Scope((COUNTY,))
        reform.merge(session, scope, recoding.hold(session, scope, VILLAGE), MERGE)


def test_a_merge_waits_for_a_writer(database: Database) -> None:
    thread = threading.Thread(target=merge, args=(database,))
    with database.transaction((COUNTY,)) as session:
        assert lookup.resolve_for_write(session, VILLAGE).code == VILLAGE
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(10)
    assert not thread.is_alive()
    with database.transaction((COUNTY,)) as session:
        assert lookup.resolve_for_write(session, VILLAGE).code == SIBLING


@pytest.mark.parametrize("scope", [(COUNTY,), (TOWNSHIP,)])
def test_a_writer_waits_for_a_merge_and_finds_the_successor(database: Database, scope: tuple[str, ...]) -> None:
    found: list[str] = []

    def write() -> None:
        with database.transaction(scope) as session:
            found.append(lookup.resolve_for_write(session, VILLAGE).code)
            found.append(lookup.lock_for_write(session, [VILLAGE, SIBLING])[VILLAGE].code)

    thread = threading.Thread(target=write)
    whole = Scope((COUNTY,))
    with database.transaction((COUNTY,)) as session:
        reform.merge(session, whole, recoding.hold(session, whole, VILLAGE), MERGE)
        thread.start()
        time.sleep(0.3)
        assert found == []
    thread.join(10)
    assert found == [SIBLING, SIBLING]


def test_a_writer_whose_village_has_left_the_scope_is_told(database: Database, as_: As) -> None:
    step(as_("county_admin"), VILLAGE, "move", new_parent=OTHER_TOWNSHIP)
    with database.transaction((TOWNSHIP,)) as session, pytest.raises(Problem) as refused:
        lookup.resolve_for_write(session, VILLAGE)
    assert refused.value.type.code == "out_of_scope"
    with database.transaction((TOWNSHIP,)) as session:
        assert lookup.lock_for_write(session, [VILLAGE, SIBLING, "999999999999"]).keys() == {SIBLING}


def test_row_level_security_stands_behind(database: Database) -> None:
    """A change outside of the transaction's scope alters nothing, whatever the code above believes."""
    with database.transaction((TOWNSHIP,)) as session:
        recoding.end(session, [OTHER_TOWNSHIP], recoding.checked_date(None))
    with database.transaction((COUNTY,)) as session:
        division = lookup.find(session, OTHER_TOWNSHIP)
        assert division is not None
        assert not division.has_ended


def test_two_moves_at_once_end_in_one_order(as_: As, database: Database) -> None:
    made = household(as_("county_admin"))
    results: list[int] = []

    def move(parent: str) -> None:
        answer = as_("county_admin").post(
            f"/api/v1/divisions/{VILLAGE}/move", json={"new_parent": parent, "reason": "调整"}
        )
        results.append(answer.status_code)

    as_("county_admin")
    threads = [threading.Thread(target=move, args=(parent,)) for parent in (OTHER_TOWNSHIP, "360423201")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(results) == [200, 409]
    place = as_("county_admin").get(f"/api/v1/households/{made['id']}").json()["division_code"]
    with database.transaction((COUNTY,)) as session:
        found = lookup.resolve(session, VILLAGE)
        assert found is not None
        assert found.code == place
