"""The same items by single requests, by sets and one by one leave the same register, history and feed."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.breadth import tries
from tests.exchange.sync.phone import Phone, item, new_household, new_toilet, new_visit
from tests.registry import made as registry
from tests.survey import made
from tests.survey.made import API, ok
from toilet_api.exchange.sync import applying
from toilet_api.exchange.sync.kinds import KINDS
from toilet_api.kernel.database import EVERYWHERE, Database

As = Callable[[str], TestClient]
Json = dict[str, Any]
HOMES, STORIES = 3, tries("SYNC_STORIES", 1, 4)

_BESIDE = "array['id', 'created_at', 'updated_at', 'origin_digest']"
_STATE = {
    **{one: f"select id, to_jsonb({one}) - {_BESIDE} from {one}" for one in ("household", "toilet", "visit")},
    "finding": """
        select visit_id, jsonb_build_object('type', type_id, 'place', place, 'note', note, 'photos', photo_ids,
               'gone', withdrawn_at is not null) from finding order by type_id""",
    "audit": """
        select subject_id, jsonb_build_object('action', action, 'version', version, 'before', before, 'after', after,
               'place', division_code, 'actor', actor_id, 'reason', reason)
        from audit_entry where subject_type in ('household', 'toilet', 'visit') order by version, at, id""",
    "feed": """
        select subject_id, jsonb_build_object('type', subject_type, 'version', version, 'op', op,
               'place', division_code) from change_entry
        where subject_type in ('household', 'toilet', 'visit') order by seq""",
}


def state_of(database: Database, names: dict[str, str]) -> dict[str, Any]:
    """Everything that stands, by what each record is called here: ids differ between the two ways."""
    found: dict[str, Any] = {}
    with database.transaction(EVERYWHERE) as session:
        for part, statement in _STATE.items():
            for record_id, row in session.connection().execute(text(statement)):
                if str(record_id) in names:
                    found.setdefault(names[str(record_id)], {}).setdefault(part, []).append(row)
        persons = session.connection().execute(text("select count(*) from household_person")).scalar_one()
    written = json.dumps(found, sort_keys=True, default=str, ensure_ascii=False)
    for record_id, name in names.items():
        written = written.replace(record_id, name)
    return {"records": json.loads(written), "persons": persons}


def story(seed: int) -> list[Json]:
    """Creations and changes of some households, toilets and visits: of each kind, valid and not."""
    chance = random.Random(seed)
    items: list[Json] = []
    for index in range(HOMES):
        home = new_household(
            person={"id_number": registry.id_number(5000 + 100 * seed + index)},
            toilets=[dict(registry.TOILET)] if index % 2 == 0 else [],
        )
        toilet = new_toilet(home["record_id"], mode=chance.choice(["three_compartment", "open_pit", "none"]))
        visit = new_visit(
            home["record_id"], toilet["record_id"], *chance.sample(["blocked", "no_light", "smell"], 2)[:1]
        )
        visit["changes"]["visited_at"] = "2026-06-30T09:30:00+08:00"
        later = [
            item("household", "update", home["record_id"], {"family_size": chance.randint(1, 9), "note": "改"}),
            item("household", "update", home["record_id"], {"person": {"phones": ["19900004321"]}}),
            item("household", "update", home["record_id"], {"person": {"name": "李四光"}}),
            item("household", "update", home["record_id"], {"dwelling_state": "demolished"}),
            item("toilet", "update", toilet["record_id"], {"mode": "full_sewer", "built_year": 2025}),
            item("toilet", "update", toilet["record_id"], {"built_year": None, "built_month": 3}),
            item("toilet", "update", toilet["record_id"], {"chambers": 3, "position": POSITION}),
            item("visit", "update", visit["record_id"], {"note": "复查", "findings": [{"problem_type": "blocked"}]}),
            item("visit", "update", visit["record_id"], {"usability": "demolished"}),
            item("visit", "update", visit["record_id"], {"findings": [], "usability": "usable_all_year"}),
            item("household", "update", home["record_id"], {"family_size": 99}),
        ]
        items += [home, toilet, visit, *chance.sample(later, 6)]
    return items


POSITION = {"longitude": 115.1, "latitude": 29.26, "system": "gcj02", "accuracy_m": 8.0}


def singly(client: TestClient, items: list[Json]) -> list[bool]:
    """Each by its own route, as a client that is online does it; gives which were done."""
    done = []
    for one in items:
        path = f"{API}/{one['type']}s"
        if one["op"] == "create":
            answer = client.post(path, json={"id": one["record_id"], **one["changes"]})
        else:
            tag = client.get(f"{path}/{one['record_id']}").headers.get("etag", '"0"')
            answer = client.patch(f"{path}/{one['record_id']}", json=one["changes"], headers={"If-Match": tag})
        done.append(answer.status_code < 300)
    return done


def named(items: list[Json]) -> dict[str, str]:
    """Record id -> what it is called, by its place among the creations."""
    created = [one for one in items if one["op"] == "create"]
    return {one["record_id"]: f"{one['type']} {place}" for place, one in enumerate(created)}


@pytest.mark.parametrize("seed", range(1, STORIES + 1))
def test_sets_and_single_requests_leave_the_same(as_: As, database: Database, seed: int, monkeypatch: Any) -> None:
    made.campaign(as_("county_admin"))
    surveyor = as_("village_surveyor")
    ways: dict[str, Any] = {}
    for way in ("single requests", "sets", "one by one"):
        items = story(seed)
        if way == "single requests":
            done = singly(surveyor, items)
        else:
            if way == "one by one":
                for kind in KINDS.values():
                    monkeypatch.setitem(applying.KINDS, (kind.type, kind.op), _without_sets(kind))
            done = [one["state"] == "applied" for one in Phone(surveyor).send(*items)]
        ways[way] = (done, state_of(database, named(items)))
        # The next way begins on an empty register.
        with database.transaction(EVERYWHERE) as session:
            session.connection().execute(text("update household set removed_at = now(), removed_reason = 'x'"))
    (done, left), *others = ways.values()
    assert 0 < sum(done) < len(done)
    for other_done, other_left in others:
        assert other_done == done
        for name, record in left["records"].items():
            assert other_left["records"][name] == record, name
        assert other_left["records"].keys() == left["records"].keys()


def _without_sets(kind: Any) -> Any:
    return replace(kind, many=None)


def test_what_sets_do_they_do_in_sets(as_: As, monkeypatch: Any) -> None:
    """None of the frequent operations goes one by one without need."""
    made.campaign(as_("county_admin"))
    phone = Phone(as_("village_surveyor"))

    def never(*_: Any) -> None:
        raise AssertionError("one by one")

    monkeypatch.setattr(applying, "_do_one", never)
    homes = [new_household() for _ in range(5)]
    toilets = [new_toilet(home["record_id"]) for home in homes]
    pairs = list(zip(homes, toilets, strict=True))
    visits = [new_visit(home["record_id"], toilet["record_id"]) for home, toilet in pairs]
    assert set(phone.states(*homes, *toilets, *visits)) == {"applied"}
    changes = [item("household", "update", one["record_id"], {"person": {"phones": ["19900001111"]}}) for one in homes]
    changes += [item("toilet", "update", one["record_id"], {"built_year": 2020}) for one in toilets]
    changes += [item("visit", "update", one["record_id"], {"note": "改"}) for one in visits]
    assert set(phone.states(*changes)) == {"applied"}
    ok(phone.client.get(f"{API}/visits"))


def test_what_is_taken_out_of_sight_costs_its_neighbours_little(as_: As, monkeypatch: Any) -> None:
    """A household of a village that the surveyor doesn't see has the ID number: only the database knows."""
    made.campaign(as_("county_admin"))
    number = registry.id_number()
    registry.household(as_("village_surveyor_2"), division_code=made.OTHER_VILLAGE, person={"id_number": number})
    singly: list[str] = []
    one_by_one = applying._do_one

    def counted(*given: Any) -> None:
        singly.append(given[-1].item.id)
        one_by_one(*given)

    monkeypatch.setattr(applying, "_do_one", counted)
    homes = [new_household() for _ in range(39)]
    homes.insert(17, new_household(person={"id_number": number}))
    results = Phone(as_("village_surveyor")).send(*homes)
    refused = [one for one in results if one["state"] != "applied"]
    assert [(one["id"], one["problem"]["code"]) for one in refused] == [(homes[17]["id"], "duplicate_id_number")]
    assert "existing_id" not in refused[0]["problem"]
    assert 0 < len(singly) <= applying.FEW
