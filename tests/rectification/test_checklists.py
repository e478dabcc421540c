"""Checklists over HTTP: the common ones, a county's own, and which of them applies."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.accounts.logins import at_once
from tests.rectification import made
from tests.rectification.made import API, refused
from tests.survey import made as survey
from tests.survey.made import ok
from toilet_api.kernel.database import Database
from toilet_api.kernel.fields import new_id
from toilet_api.rectification import checklists
from toilet_api.rectification.checklist_seed import SEED
from toilet_api.registry.codes import TOILET_MODES
from toilet_api.registry.tables import Toilet

As = Callable[[str], TestClient]
COUNTY = "360423"
EXTRA = {"code": "door_locks", "zh": "门能锁", "en": "The door locks", "kind": "check", "source": "本县要求"}


def common(client: TestClient, use: str = "three_compartment") -> dict[str, Any]:
    """The common list of a use."""
    shown = ok(client.get(f"{API}/checklists", params={"applies_to": use}))["items"]
    found: dict[str, Any] = next(one for one in shown if one["division_code"] is None)
    return found


def own_body(base: dict[str, Any], **changed: dict[str, Any]) -> dict[str, Any]:
    """A county's edition of a list. `changed`: code -> members of that item."""
    items = [{**item, **changed.get(item["code"], {})} for item in base["items"]]
    return {"division_code": COUNTY, "applies_to": base["applies_to"], "zh": "本县清单", "en": "Own", "items": items}


def create(client: TestClient, body: dict[str, Any]) -> Any:
    return client.post(f"{API}/checklists", json=body)


def test_the_common_lists_are_read_by_everyone(as_: As) -> None:
    for role in ("village_surveyor", "province_inspector", "auditor", "province_client"):
        shown = ok(as_(role).get(f"{API}/checklists"))["items"]
        assert {one["applies_to"] for one in shown} == {entry.applies_to for entry in SEED}
        assert {(one["division_code"], one["edition"], one["version"]) for one in shown} == {(None, 1, 1)}
    one = common(as_("village_surveyor"))
    answer = as_("village_surveyor").get(f"{API}/checklists/{one['id']}")
    # Of one moment Postgres writes fewer digits than pydantic does where they are noughts.
    moments = {"created_at", "updated_at"}
    assert {**ok(answer), **{name: one[name] for name in moments & one.keys()}} == one
    assert answer.headers["etag"] == '"1"'
    assert {item["source"].split(" ")[0] for item in one["items"]} >= {"GB/T", "GB"}


def test_a_county_tightens_and_adds_and_the_next_edition_retires_the_one_before(as_: As) -> None:
    admin, surveyor = as_("county_admin"), as_("village_surveyor")
    base = common(admin)
    body = own_body(base, effective_volume={"min": 2.0, "max": 10.0}, works_normally={"veto": True})
    body["items"].append(EXTRA)
    first = ok(create(admin, body), 201)
    assert (first["edition"], first["based_on_id"], first["division_code"]) == (1, base["id"], COUNTY)
    # Tighter than the common list, though easier than the county's own before it: that is the county's to decide.
    second = ok(create(admin, own_body(base)), 201)
    assert second["edition"] == 2
    listed = ok(
        surveyor.get(f"{API}/checklists", params={"division": survey.VILLAGE, "applies_to": "three_compartment"})
    )
    assert {one["id"] for one in listed["items"]} == {base["id"], second["id"]}
    everything = ok(
        surveyor.get(
            f"{API}/checklists", params={"applies_to": "three_compartment", "retired": True, "sort": "updated_at"}
        )
    )
    retired = next(one for one in everything["items"] if one["id"] == first["id"])
    assert retired["retired_at"] is not None
    assert retired["items"] == first["items"]
    assert ok(surveyor.get(f"{API}/checklists/{first['id']}"))["retired_at"]
    # Nobody of another county sees it.
    assert {one["division_code"] for one in everything["items"]} == {None, COUNTY}


def test_nothing_is_dropped_or_loosened(as_: As) -> None:
    admin = as_("county_admin")
    base = common(admin)
    body = own_body(
        base,
        effective_volume={"min": 1.4},
        retention_1={"unit": "h"},
        household_satisfied={"veto": False},
        no_exposed_faeces={"required": False},
        chamber_ratio={"kind": "measure", "unit": "%", "min": 1.0},
    )
    dropped = next(item for item in body["items"] if item["code"] == "water_tight")
    body["items"].remove(dropped)
    answer = refused(create(admin, body), 422, "checklist_loosened")
    places = {item["code"]: place for place, item in enumerate(body["items"])}
    assert {(error["pointer"], error["code"]) for error in answer["errors"]} == {
        (f"/items/{places['effective_volume']}/min", "item_loosened"),
        (f"/items/{places['retention_1']}/unit", "item_loosened"),
        (f"/items/{places['household_satisfied']}/veto", "item_loosened"),
        (f"/items/{places['no_exposed_faeces']}/required", "item_loosened"),
        (f"/items/{places['chamber_ratio']}/kind", "item_loosened"),
        (f"/items/{places['chamber_ratio']}/unit", "item_loosened"),
        ("/items", "item_dropped"),
    }
    assert answer["based_on_id"] == base["id"]
    assert all(error["rule"] for error in answer["errors"])
    english = admin.post(f"{API}/checklists", json=body, headers={"Accept-Language": "en"}).json()
    assert english["remedy"].isascii()
    twice = own_body(base)
    twice["items"].append(twice["items"][0])
    assert create(admin, twice).json()["errors"][0]["code"] == "item_repeated"
    # A mode without a common list of its own is measured by that of any toilet.
    anyone = common(admin, "any_toilet")
    bucket = {**own_body(anyone), "applies_to": "bucket"}
    assert ok(create(admin, bucket), 201)["based_on_id"] == anyone["id"]
    bucket["items"] = bucket["items"][1:]
    assert refused(create(admin, bucket), 422, "checklist_loosened")["based_on_id"] == anyone["id"]


def test_sent_again_it_is_the_same_edition(as_: As) -> None:
    admin = as_("county_admin")
    body = {**own_body(common(admin)), "id": str(new_id())}
    first = ok(create(admin, body), 201)
    assert ok(create(admin, body))["id"] == first["id"]
    second = ok(create(admin, own_body(common(admin))), 201)
    again = ok(
        create(admin, body)
    )  # later than the next edition: still the record that it made, and nothing is retired
    assert (again["id"], again["retired_at"] is not None) == (first["id"], True)
    assert ok(admin.get(f"{API}/checklists/{second['id']}"))["retired_at"] is None
    answer = create(admin, {**body, "zh": "另一份"})
    assert (answer.status_code, answer.json()["code"]) == (409, "id_taken")


def test_a_county_retires_its_own_and_never_a_common_one(as_: As) -> None:
    admin = as_("county_admin")
    base = common(admin)
    url = f"{API}/checklists/{base['id']}/retire"
    refused(admin.post(url, json={"reason": "不用"}), 403, "checklist_seeded")
    own = ok(create(admin, own_body(base)), 201)
    url = f"{API}/checklists/{own['id']}/retire"
    assert admin.post(url).status_code == 422
    stale = admin.post(url, json={"reason": "x"}, headers={"If-Match": '"9"'})
    assert (stale.status_code, stale.json()["current"]["id"]) == (412, own["id"])
    gone = ok(admin.post(url, json={"reason": "改用通用清单"}, headers={"If-Match": '"1"'}))
    assert (gone["version"], gone["retired_at"] is not None) == (2, True)
    refused(admin.post(url, json={"reason": "再次"}), 409, "checklist_retired")
    shown = ok(admin.get(f"{API}/checklists", params={"applies_to": "three_compartment"}))["items"]
    assert [one["id"] for one in shown] == [base["id"]]
    assert ok(create(admin, own_body(base)), 201)["edition"] == 2


@pytest.mark.parametrize(
    "role", ["county_reviewer", "township_manager", "village_surveyor", "auditor", "province_inspector"]
)
def test_only_the_county_s_administrator_keeps_them(as_: As, role: str) -> None:
    admin = as_("county_admin")
    own = ok(create(admin, own_body(common(admin))), 201)
    refused(create(as_(role), own_body(common(admin))), 403, "forbidden")
    refused(as_(role).post(f"{API}/checklists/{own['id']}/retire", json={"reason": "x"}), 403, "forbidden")
    assert ok(as_(role).get(f"{API}/checklists/{own['id']}"))["id"] == own["id"]


def test_elsewhere_a_county_makes_none(as_: As) -> None:
    body = {**own_body(common(as_("county_admin"))), "division_code": "360424"}
    assert create(as_("county_admin"), body).json()["code"] in ("out_of_scope", "unknown_division")


def test_two_editions_at_once_follow_each_other(as_: As) -> None:
    admin = as_("county_admin")
    base = common(admin)
    answers = at_once(3, lambda _: create(admin, own_body(base)))
    assert sorted(ok(answer, 201)["edition"] for answer in answers) == [1, 2, 3]
    shown = ok(admin.get(f"{API}/checklists", params={"applies_to": "three_compartment"}))["items"]
    assert sorted((one["division_code"] or "", one["edition"]) for one in shown) == [("", 1), (COUNTY, 3)]


def test_which_list_applies(as_: As, database: Database) -> None:
    admin, surveyor = as_("county_admin"), as_("village_surveyor")
    toilet = survey.home(surveyor)["toilets"][0]["id"]

    def applies(mode: str) -> tuple[str, str]:
        with database.transaction((survey.VILLAGE,)) as session:
            session.get_one(Toilet, toilet).mode = mode
            found = checklists.applying(session, survey.VILLAGE, toilet, "toilet")
            return found.division_code, found.applies_to

    listed = {entry.applies_to for entry in SEED}
    for mode in TOILET_MODES:
        assert applies(mode.code) == ("", mode.code if mode.code in listed else "any_toilet")
    for use in ("any_toilet", "three_compartment"):
        ok(create(admin, own_body(common(admin, use))), 201)
    assert applies("three_compartment") == (COUNTY, "three_compartment")
    assert applies("double_urn") == ("", "double_urn")  # the standard's list before the county's for any toilet
    assert applies("bucket") == (COUNTY, "any_toilet")
    with database.transaction((survey.VILLAGE,)) as session:
        assert checklists.applying(session, survey.VILLAGE, None, "toilet").applies_to == "any_toilet"
        assert checklists.applying(session, survey.TOWNSHIP, None, "work").applies_to == "work"


def test_a_toilet_without_a_list_of_its_own_is_checked_by_that_of_any(as_: As, database: Database) -> None:
    survey.campaign(as_("county_admin"), verification_levels=[])
    surveyor, manager, reviewer = as_("village_surveyor"), as_("township_manager"), as_("county_reviewer")
    household = survey.home(surveyor, mode="open_pit")
    problems = made.found(surveyor, "no_door", household=household)
    made.done_work(database, problems, made.me(surveyor))
    one = made.acceptance(manager, problems, manager, reviewer)
    assert "effective_volume" not in {item["code"] for item in one["results"]}
    assert "household_satisfied" in {item["code"] for item in one["results"]}
