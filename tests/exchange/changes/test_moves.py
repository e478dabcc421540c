"""When a record or a division moves: who loses it, who gets it, and what each is told."""

from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.divisions.made import OTHER_TOWNSHIP, SIBLING, TOWNSHIP, VILLAGE, step
from tests.exchange.changes.walking import Item, ask, here, refusal, walk
from tests.registry import made as registry
from tests.registry.made import TOILET
from tests.survey import made as survey
from tests.survey.made import ok
from toilet_api.divisions import moves
from toilet_api.exchange.changes.subjects import SUBJECTS
from toilet_api.kernel.database import EVERYWHERE, Database

As = Callable[[str], TestClient]
TYPES = "household,toilet,visit,problem,attachment,task,task_note"


def _start(as_: As, *names: str) -> dict[str, str]:
    return {name: here(as_(name), types=TYPES) for name in names}


def _heard(as_: As, since: dict[str, str]) -> dict[str, list[Item]]:
    return {name: walk(as_(name), cursor, types=TYPES)[0] for name, cursor in since.items()}


def _ops(items: list[Item]) -> set[tuple[str, str]]:
    return {(one["type"], one["op"]) for one in items}


def _furnished(as_: As) -> dict[str, Any]:
    """A household of the village with a toilet, a submitted visit, a problem, and work noted on its task."""
    admin, surveyor = as_("county_admin"), as_("village_surveyor")
    survey.campaign(admin, verification_levels=[])
    home = survey.home(surveyor, built_year=2020)
    survey.submitted(surveyor, "no_door", household=home)
    (problem,) = survey.problems(surveyor)
    task = ok(admin.post(f"/api/v1/problems/{problem['id']}/rectify-at-once", json={"measure": "装上厕屋门"}), 201)
    ok(surveyor.post(f"/api/v1/tasks/{task['id']}/notes", json={"text": "已开工"}), 201)
    return home


def test_a_division_moves_to_another_township_with_all_that_is_in_it(as_: As) -> None:
    home = _furnished(as_)
    since = _start(as_, "township_manager", "township_manager_2", "county_admin")
    step(as_("county_admin"), VILLAGE, "move", new_parent=OTHER_TOWNSHIP)
    heard = _heard(as_, since)
    kinds = set(TYPES.split(","))
    assert _ops(heard["township_manager"]) == {(kind, "left_scope") for kind in kinds}
    assert _ops(heard["township_manager_2"]) == {(kind, "entered_scope") for kind in kinds}
    assert _ops(heard["county_admin"]) == {(kind, "moved") for kind in kinds}
    for one in heard["township_manager"]:
        assert (one["division_code"], one["from_division_code"], one["record"]) == (None, VILLAGE, None)
    for one in heard["township_manager_2"]:
        assert one["division_code"].startswith(OTHER_TOWNSHIP)
        assert one["from_division_code"] is None
        assert one["record"].get("division_code", one["division_code"]) == one["division_code"]  # a note has none
    for one in heard["county_admin"]:
        for shown in SUBJECTS[one["type"]].shown:
            shown.schema.model_validate(one["record"])
        assert (one["from_division_code"], one["record"]["id"]) == (VILLAGE, one["id"])
    assert {one["id"] for one in heard["township_manager"] if one["type"] == "household"} == {home["id"]}
    assert OTHER_TOWNSHIP not in str(heard["township_manager"])


def test_a_merged_village_is_new_to_its_neighbour(as_: As) -> None:
    home = registry.household(as_("village_surveyor"), toilets=[TOILET])
    since = _start(as_, "village_surveyor_2", "township_manager")
    gone = here(as_("village_surveyor"))
    step(as_("county_admin"), VILLAGE, "merge", into=SIBLING)
    heard = _heard(as_, since)
    assert _ops(heard["village_surveyor_2"]) == {("household", "entered_scope"), ("toilet", "entered_scope")}
    assert heard["village_surveyor_2"][0]["record"]["id"] == home["id"]
    assert _ops(heard["township_manager"]) == {("household", "moved"), ("toilet", "moved")}
    # Whose own grant went along has another scope now, with records that nobody has told him of.
    assert refusal(as_("village_surveyor"), gone) == (410, "change_cursor_scope_changed")


def test_households_of_a_split_village_leave_it(as_: As) -> None:
    surveyor, admin = as_("village_surveyor"), as_("county_admin")
    goes, stays = (registry.household(surveyor, toilets=[TOILET]) for _ in range(2))
    since = _start(as_, "village_surveyor", "township_manager")
    step(admin, VILLAGE, "split", into=[{"name": "新安村委会", "household_ids": [goes["id"]]}])
    heard = _heard(as_, since)
    assert _ops(heard["village_surveyor"]) == {("household", "left_scope"), ("toilet", "left_scope")}
    assert stays["id"] not in {one["id"] for one in heard["village_surveyor"]}
    assert _ops(heard["township_manager"]) == {("household", "moved"), ("toilet", "moved")}


def test_what_happened_before_a_record_left_is_told_without_its_content(as_: As) -> None:
    home = registry.household(as_("county_admin"))
    since = _start(as_, "township_manager")
    ok(as_("county_admin").patch(f"/api/v1/households/{home['id']}", json={"note": "改"}, headers={"If-Match": "*"}))
    step(as_("county_admin"), VILLAGE, "move", new_parent=OTHER_TOWNSHIP)
    items = _heard(as_, since)["township_manager"]
    assert [(one["op"], one["record"]) for one in items] == [("updated", None), ("left_scope", None)]


def test_the_tree_itself_says_what_has_become_of_a_division(as_: As) -> None:
    names = ("township_manager", "township_manager_2")
    since = {name: here(as_(name), types="division") for name in names}
    moved = step(as_("county_admin"), VILLAGE, "move", new_parent=OTHER_TOWNSHIP)["division"]["code"]
    (left,), (came,) = (walk(as_(name), since[name], types="division")[0] for name in names)
    assert (left["op"], left["division_code"], left["record"]) == ("removed", VILLAGE, None)
    assert (came["op"], came["division_code"], came["record"]["code"]) == ("created", moved, moved)


def test_an_account_that_moves_leaves_and_enters(as_: As) -> None:
    admin = as_("county_admin")
    since = {name: here(as_(name), types="principal") for name in ("township_manager", "township_manager_2")}
    (person, *_) = admin.get("/api/v1/users", params={"text": "village_surveyor_2"}).json()["items"]
    step(admin, SIBLING, "move", new_parent=OTHER_TOWNSHIP)
    (left,), (came,) = (walk(as_(name), cursor, types="principal")[0] for name, cursor in since.items())
    assert (left["op"], left["id"], left["record"]) == ("left_scope", person["id"], None)
    assert (came["op"], came["id"], came["record"]["username"]) == ("entered_scope", person["id"], "village_surveyor_2")


def test_every_record_that_follows_its_division_is_told_of(database: Database) -> None:
    with database.transaction(EVERYWHERE) as session:
        tables = {one.name: one for one in moves.scoped_tables(session)}
        parts = "select conrelid::regclass::text from pg_constraint where contype = 'f'"
        assert set(session.connection().execute(text(parts)).scalars())
    told = {name for name, one in tables.items() if one.is_record or name in moves.TOLD}
    untold = {"dataset_share", "dataset_request", "dataset_grant", "webhook", "sync_conflict"}
    assert told <= set(SUBJECTS) | untold
    assert set(SUBJECTS) - {"division"} <= told


def test_the_division_filter_tells_moves_across_its_border(as_: As) -> None:
    admin = as_("county_admin")
    registry.household(admin)
    inside, outside = ({"types": "household", "division": code} for code in (TOWNSHIP, OTHER_TOWNSHIP))
    since, there = here(admin, **inside), here(admin, **outside)
    step(admin, VILLAGE, "move", new_parent=OTHER_TOWNSHIP)
    assert [one["op"] for one in ask(admin, since, **inside)["items"]] == ["left_scope"]
    assert [one["op"] for one in ask(admin, there, **outside)["items"]] == ["entered_scope"]
