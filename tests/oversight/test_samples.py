"""Reviews and spot checks: planned, drawn, followed, completed, cancelled; and seen from no level below."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.accounts.logins import at_once
from tests.divisions import made as divisions
from tests.oversight import made
from tests.oversight.made import refusal, step
from tests.survey.made import API, VILLAGE, ok
from toilet_api.kernel.database import Database
from toilet_api.kernel.fields import new_id, now
from toilet_api.oversight import strata

As = Callable[[str], TestClient]
SECOND = "360423500001"


@pytest.fixture
def province(as_: As) -> TestClient:
    return as_("province_inspector")


def spread(database: Database) -> None:
    """24 closed problems: two townships, two modes and the work, two contractors and none."""
    made.close(database, 12)
    made.close(database, 5, mode="double_urn", contractor="乙|公司")
    made.close(database, 4, village=SECOND, contractor=None)
    made.close(database, 3, village=SECOND, work=True)


def test_a_planned_sample_is_changed_and_keeps_its_history(province: TestClient) -> None:
    sample = made.planned(province, seed="public-draw.0417")
    assert sample["state"] == "planned"
    assert sample["allowed_actions"] == ["edit", "draw", "cancel"]
    assert (sample["seed"], sample["seed_given"]) == ("public-draw.0417", True)
    assert sample["progress"] == sample["strata"] == []
    url, tag = f"{API}/samples/{sample['id']}", {"If-Match": '"1"'}
    size = {"kind": "precision", "margin": 0.05}
    changed = ok(province.patch(url, json={"size": size, "seed": None, "name": "改名"}, headers=tag))
    assert changed["size"] == {"kind": "precision", "confidence": 0.95, "margin": 0.05, "expected": 0.5}
    assert (changed["seed"], changed["seed_given"], changed["version"]) == (None, False, 2)
    assert ok(province.patch(url, json={"name": "改名"}, headers={"If-Match": '"2"'}))["version"] == 2
    stale = province.patch(url, json={"name": "又改"}, headers=tag)
    assert (stale.status_code, stale.json()["current"]["name"]) == (412, "改名")
    assert province.patch(url, json={"name": "又改"}).status_code == 428
    history = ok(province.get(f"{url}/history"))["items"]
    assert [one["action"] for one in history] == ["sample.created", "sample.updated"]
    assert history[1]["before"]["name"] == "三季度抽查"


def test_the_same_body_with_its_id_makes_one(province: TestClient) -> None:
    body = {"id": str(new_id()), **made.body()}
    first, again = (province.post(f"{API}/samples", json=body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = province.post(f"{API}/samples", json={**body, "name": "另一个"})
    assert (other.status_code, other.json()["code"]) == (409, "id_taken")


CONTRADICTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"division_code": "3604"}, "/division_code", "not_own_level"),
    ({"kind": "full_review"}, "/size/kind", "size_contradicts"),
    ({"size": {"kind": "all"}}, "/size/kind", "size_contradicts"),
    ({"frame": {"division": "11"}}, "/frame/division", "outside_holder"),
    ({"frame": {"campaign_id": str(new_id())}}, "/frame/campaign_id", "campaign_unknown"),
]


def test_what_contradicts_the_rules_is_refused(province: TestClient) -> None:
    for members, pointer, code in CONTRADICTIONS:
        shown = refusal(province.post(f"{API}/samples", json=made.body(**members)), 422, "invalid")
        assert [(one["pointer"], one["code"]) for one in shown["errors"]] == [(pointer, code)]
        assert shown["errors"][0]["rule"]


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"division_code": "11"}, 403, "out_of_scope"),
    ({"division_code": "360423208"}, 422, "invalid"),
    ({"frame": {"division": "369999"}}, 422, "unknown_division"),
    ({"frame": {"closed_from": "2026-09-01", "closed_to": "2026-08-01"}}, 422, "invalid"),
    ({"size": {"kind": "precision", "margin": 0}}, 422, "invalid"),
    ({"size": {"kind": "number", "number": 0}}, 422, "invalid"),
    ({"seed": "短"}, 422, "invalid"),
]


def test_bad_input_is_refused(province: TestClient) -> None:
    for members, status, code in BAD:
        answer = province.post(f"{API}/samples", json=made.body(**members))
        assert (answer.status_code, answer.json()["code"]) == (status, code), members


def test_only_inspectors_hold_samples_and_lower_levels_see_none_of_it(as_: As, database: Database) -> None:
    made.close(database, 6)
    sample = made.drawn(as_("province_inspector"))
    url = f"{API}/samples/{sample['id']}"
    unit = made.units(as_("province_inspector"), sample)[0]
    for name in ("county_admin", "county_reviewer", "city_inspector"):
        below = as_(name)
        assert ok(below.get(f"{API}/samples"))["items"] == []
        for path in ("", "/units", "/estimate", "/redraw", "/history"):
            assert below.get(url + path).status_code == 404, path
        assert below.post(f"{url}/draw").status_code == 404
        assert below.post(f"{url}/cancel", json={"reason": "x"}).status_code == 404
        assert below.patch(url, json={"name": "x"}, headers={"If-Match": "*"}).status_code == 404
        assert made.check(below, unit, made.upheld()).status_code == 404
    for name in ("township_manager", "village_surveyor", "province_client"):
        refusal(as_(name).get(f"{API}/samples"), 403, "forbidden")
        refusal(as_(name).post(f"{API}/samples", json=made.body()), 403, "forbidden")
    refusal(as_("auditor").post(f"{API}/samples", json=made.body(division_code="360423")), 403, "forbidden")


def test_an_auditor_reads_the_county_s_own_and_the_province_those_below(as_: As, database: Database) -> None:
    made.close(database, 2)
    sample = made.drawn(as_("county_reviewer"), division_code="360423", kind="full_review", size={"kind": "all"})
    shown = ok(as_("auditor").get(f"{API}/samples/{sample['id']}"))
    assert shown["allowed_actions"] == []
    assert "check" in ok(as_("province_inspector").get(f"{API}/samples/{sample['id']}"))["allowed_actions"]
    found = ok(as_("province_inspector").get(f"{API}/samples", params={"division": "3604", "kind": "full_review"}))
    assert [one["id"] for one in found["items"]] == [sample["id"]]
    assert ok(as_("province_inspector").get(f"{API}/samples", params={"state": "planned"}))["items"] == []


def test_a_draw_covers_everything_and_can_be_drawn_again(province: TestClient, database: Database) -> None:
    spread(database)
    sample = made.drawn(province, size={"kind": "number", "number": 8})
    assert (sample["state"], sample["frame_size"], sample["sample_size"]) == ("drawn", 24, 8)
    assert sample["method"] == strata.METHOD
    assert len(sample["seed"]) == 32
    assert sample["raised_from"] is None
    assert not sample["seed_given"]
    assert {(one["mode"], one["contractor"], one["population"]) for one in sample["strata"]} == {
        ("three_compartment", "甲公司", 12),
        ("double_urn", "乙|公司", 5),
        ("three_compartment", "", 4),
        ("work", "甲公司", 3),
    }
    assert all(1 <= one["sample"] <= one["population"] for one in sample["strata"])
    assert all(one["township_name"] for one in sample["strata"])
    frame, chosen = made.units(province, sample, selected="any"), made.units(province, sample)
    assert len(frame) == 24
    assert len(chosen) == 8
    assert len(made.units(province, sample, selected="false")) == 16
    keys = [one["draw_key"] for one in chosen]
    assert keys == sorted(keys)
    # By hand, from what anybody with the list can see.
    for one in frame:
        assert one["draw_key"] == strata.draw_key(sample["seed"], one["problem_id"])
    for stratum in sample["strata"]:
        mine = [one for one in frame if (one["mode"], one["contractor"]) == (stratum["mode"], stratum["contractor"])]
        mine.sort(key=lambda one: one["draw_key"])
        assert [one["selected"] for one in mine] == [
            place < stratum["sample"] for place in range(stratum["population"])
        ]
    again = ok(province.get(f"{API}/samples/{sample['id']}/redraw"))
    assert again["same"] is True
    assert again["frame_digest"] == sample["frame_digest"] == strata.digest_of(one["problem_id"] for one in frame)
    assert again["selected_digest"] == strata.digest_of(one["problem_id"] for one in chosen)
    assert "SHA-256" in again["how"]


def test_a_tampered_selection_shows(province: TestClient, database: Database) -> None:
    made.close(database, 20)
    sample = made.drawn(province)
    frame = made.units(province, sample, selected="any")
    with database.transaction(("36",)) as session:
        out, into = (next(one["id"] for one in frame if one["selected"] is state) for state in (True, False))
        for unit, state in ((out, False), (into, True)):
            session.connection().exec_driver_sql("update sample_unit set selected = %s where id = %s", (state, unit))
    assert ok(province.get(f"{API}/samples/{sample['id']}/redraw"))["same"] is False


def test_the_frame_narrows(province: TestClient, database: Database) -> None:
    spread(database)
    made.close(database, 2, days_ago=90)
    for frame, size in (
        ({}, 24),
        ({"division": "360423500"}, 7),
        ({"division": VILLAGE}, 17),
        ({"modes": ["work"]}, 3),
        ({"modes": ["double_urn", "work"]}, 8),
        ({"contractors": ["甲公司"]}, 15),
        ({"contractors": ["", "乙|公司"]}, 9),
        ({"closed_from": (now() - timedelta(days=120)).date().isoformat()}, 26),
    ):
        sample = made.drawn(province, frame=frame, size={"kind": "number", "number": 1000})
        assert (sample["frame_size"], sample["sample_size"]) == (size, size), frame
    campaign = ok(province.get(f"{API}/campaigns"))["items"][0]["id"]
    sample = made.planned(province, frame={"campaign_id": campaign})
    found = ok(province.get(f"{API}/samples", params={"campaign_id": campaign}))["items"]
    assert [one["id"] for one in found] == [sample["id"]]


def test_the_day_is_that_of_shanghai(province: TestClient, database: Database) -> None:
    [problem] = made.close(database, 1)
    today = now().date()
    yesterday = (today - timedelta(days=1)).isoformat()
    hit = made.drawn(province, frame={"closed_from": yesterday, "closed_to": yesterday})
    assert [one["problem_id"] for one in made.units(province, hit)] == [problem]
    missed = made.planned(province, frame={"closed_from": today.isoformat(), "closed_to": today.isoformat()})
    refusal(province.post(f"{API}/samples/{missed['id']}/draw"), 409, "frame_empty")


def test_too_few_are_raised_until_everything_is_covered(province: TestClient, database: Database) -> None:
    spread(database)
    sample = made.drawn(province, size={"kind": "number", "number": 1})
    assert sample["raised_from"] == 1
    taken = [one for one in sample["strata"] if one["sample"]]
    assert sample["sample_size"] == sum(one["sample"] for one in taken)
    for part in ("township", "mode", "contractor"):
        assert {one[part] for one in taken} == {one[part] for one in sample["strata"]}


def test_an_empty_frame_is_refused_and_leaves_it_planned(province: TestClient) -> None:
    sample = made.planned(province)
    refusal(province.post(f"{API}/samples/{sample['id']}/draw"), 409, "frame_empty")
    assert ok(province.get(f"{API}/samples/{sample['id']}"))["state"] == "planned"
    for path in ("estimate", "redraw"):
        refusal(province.get(f"{API}/samples/{sample['id']}/{path}"), 409, "sample_not_drawn")


def test_it_is_drawn_once_whoever_is_first(province: TestClient, database: Database) -> None:
    made.close(database, 10)
    sample = made.planned(province)
    answers = at_once(3, lambda _: province.post(f"{API}/samples/{sample['id']}/draw"))
    assert sorted(one.status_code for one in answers) == [200, 409, 409]
    assert len(made.units(province, sample, selected="any")) == 10
    refusal(province.post(f"{API}/samples/{sample['id']}/draw"), 409, "wrong_state")
    tag = {"If-Match": '"1"'}
    assert province.post(f"{API}/samples/{sample['id']}/cancel", json={"reason": "x"}, headers=tag).status_code == 412
    edit = province.patch(f"{API}/samples/{sample['id']}", json={"seed": "another-seed"}, headers={"If-Match": "*"})
    refusal(edit, 409, "wrong_state")


def test_a_cancelled_draw_stays_to_be_seen(province: TestClient, database: Database) -> None:
    made.close(database, 10)
    sample = made.drawn(province)
    before = made.units(province, sample)
    assert province.post(f"{API}/samples/{sample['id']}/cancel", json={}).status_code == 422
    gone = step(province, sample, "cancel", reason="时间冲突")
    assert (gone["state"], gone["cancel_reason"], gone["allowed_actions"]) == ("cancelled", "时间冲突", [])
    after = made.units(province, sample)
    assert [one["id"] for one in after] == [one["id"] for one in before]
    assert ok(province.get(f"{API}/samples/{sample['id']}/redraw"))["same"] is True
    refusal(made.check(province, before[0], made.upheld()), 409, "wrong_state")
    assert all(one["allowed_actions"] == [] for one in after)


def test_a_full_review_shows_its_progress_by_township_and_freezes_its_estimate(as_: As, database: Database) -> None:
    reviewer = as_("county_reviewer")
    made.close(database, 3)
    made.close(database, 2, village=SECOND)
    sample = made.drawn(reviewer, division_code="360423", kind="full_review", size={"kind": "all"})
    assert (sample["sample_size"], sample["frame_size"]) == (5, 5)
    assert ok(reviewer.get(f"{API}/samples/{sample['id']}/redraw"))["same"] is True
    units = made.units(reviewer, sample, township="360423208")
    assert len(units) == 3
    for unit, body in zip(units, (made.upheld(), made.upheld(), made.failed()), strict=True):
        ok(made.check(reviewer, unit, body))
    url = f"{API}/samples/{sample['id']}"
    shown = ok(reviewer.get(url))
    assert [(one["township"], one["selected"], one["checked"], one["failed"]) for one in shown["progress"]] == [
        ("360423208", 3, 3, 1),
        ("360423500", 2, 0, 0),
    ]
    assert (shown["checked"], shown["failed"]) == (3, 1)
    assert "complete" not in shown["allowed_actions"]
    left = refusal(reviewer.post(f"{url}/complete"), 409, "units_unchecked")
    assert left["unchecked"] == 2
    for unit in made.units(reviewer, sample, checked="false"):
        ok(made.check(reviewer, unit, made.upheld()))
    assert "complete" in ok(reviewer.get(url))["allowed_actions"]
    done = step(reviewer, sample, "complete")
    assert (done["state"], done["allowed_actions"]) == ("completed", [])
    estimate = done["estimate"]
    assert (estimate["rate"], estimate["low"], estimate["high"]) == (0.8, 0.8, 0.8)
    assert estimate["faults"] == {"survey_untrue": 0, "not_rectified": 1, "not_justified": 1}
    assert [(one["key"], one["rate"]) for one in estimate["by_township"]] == [
        ("360423208", pytest.approx(2 / 3, abs=1e-6)),
        ("360423500", 1.0),
    ]
    assert ok(reviewer.get(f"{url}/estimate")) == estimate
    assert ok(reviewer.get(f"{url}/estimate", params={"confidence": 0.8}))["confidence"] == 0.8
    refusal(made.check(reviewer, units[0], made.upheld(recheck=True, reason="x")), 409, "wrong_state")


def test_the_estimate_narrows_with_the_confidence_and_tells_the_parts(province: TestClient, database: Database) -> None:
    made.close(database, 60)
    made.close(database, 20, mode="double_urn", contractor="乙公司")
    size = {"kind": "precision", "confidence": 0.9, "margin": 0.15}
    sample = made.drawn(province, size=size)
    assert sample["sample_size"] == strata.size_for(80, 0.9, 0.15, 0.5)
    url = f"{API}/samples/{sample['id']}/estimate"
    assert ok(province.get(url))["rate"] is None
    units = made.units(province, sample)
    bodies = [made.failed() if place < 3 else made.upheld() for place in range(10)]
    bodies.append({"result": "not_checkable", "note": "户主外出"})
    for unit, body in zip(units, bodies, strict=False):
        ok(made.check(province, unit, body))
    shown = ok(province.get(url))
    assert (shown["confidence"], shown["n"], shown["population"]) == (0.9, sample["sample_size"], 80)
    assert (shown["checked"], shown["upheld"], shown["failed"], shown["not_checkable"]) == (11, 7, 3, 1)
    assert 0 < shown["low"] < shown["rate"] < shown["high"] < 1
    assert [one["rate"] for one in shown["by_township"]] == [shown["rate"]]
    wider = ok(province.get(url, params={"confidence": 0.99}))
    assert wider["low"] < shown["low"]
    assert shown["high"] < wider["high"]
    assert sum(one["checked"] for one in shown["by_mode"]) == 11
    assert {one["key"] for one in shown["by_contractor"]} == {"甲公司", "乙公司"}
    assert {one["name"] for one in shown["by_mode"]} == {"三格化粪池式", "双瓮漏斗式"}
    assert province.get(url, params={"confidence": 0.5}).status_code == 422


def test_the_list_of_units_filters_and_sorts(province: TestClient, database: Database) -> None:
    spread(database)
    sample = made.drawn(province, size={"kind": "number", "number": 1000})
    assert len(made.units(province, sample)) == 24
    for params, number in (
        ({"township": "360423500"}, 7),
        ({"division": "360423500"}, 7),
        ({"mode": "work"}, 3),
        ({"contractor": "乙|公司"}, 5),
        ({"contractor": ""}, 4),
        ({"result": "failed"}, 0),
        ({"checked": "false"}, 24),
    ):
        assert len(made.units(province, sample, **params)) == number, params
    codes = [one["division_code"] for one in made.units(province, sample, sort="division_code")]
    assert codes == sorted(codes)
    one = made.units(province, sample, mode="double_urn")[0]
    assert (one["head_masked"], one["contractor"], one["problem_state"]) == ("张**", "乙|公司", "closed")
    assert one["closed_at"]
    assert one["village_name"]
    assert one["allowed_actions"] == ["check"]
    csv = province.get(f"{API}/samples/{sample['id']}/units", headers={"Accept": "text/csv"})
    assert len(csv.text.splitlines()) == 25


def test_what_is_drawn_follows_its_villages_but_keeps_its_strata(
    as_: As, province: TestClient, database: Database
) -> None:
    """A township is merged after the draw: the units lie at the new codes, the draw stays what it was."""
    made.close(database, 4)
    sample = made.drawn(province, size={"kind": "number", "number": 2})
    divisions.step(as_("county_admin"), "360423208", "merge", into="360423500")
    units = made.units(province, sample)
    assert {one["township"] for one in units} == {"360423208"}
    assert {one["division_code"][:9] for one in units} == {"360423500"}
    assert {one["township_name"] for one in units} == {divisions.get(province, "360423500")["name"]}
    assert ok(province.get(f"{API}/samples/{sample['id']}/redraw"))["same"] is True
    for unit in units:
        shown = ok(made.check(province, unit, made.failed(falsification={"statement": "虚报"})))
        assert shown["problem_state"] == "open"
    recorded = ok(province.get(f"{API}/falsifications", params={"division": "360423500"}))["items"]
    assert {one["division_code"] for one in recorded} == {one["division_code"] for one in units}
    done = step(province, sample, "complete")
    assert [one["key"] for one in done["estimate"]["by_township"]] == ["360423208"]


def test_a_frame_that_names_a_merged_place_means_its_successor(
    as_: As, province: TestClient, database: Database
) -> None:
    made.close(database, 3)
    sample = made.planned(province, frame={"division": "360423208"})
    divisions.step(as_("county_admin"), "360423208", "merge", into="360423500")
    assert step(province, sample, "draw")["frame_size"] == 3


def test_a_frame_changed_at_the_moment_of_the_draw_is_never_drawn_in_part(
    province: TestClient, database: Database
) -> None:
    spread(database)
    sample = made.planned(province, frame={"division": "360423500"}, size={"kind": "number", "number": 1000})
    url = f"{API}/samples/{sample['id']}"
    wider = {"frame": made.body()["frame"]}

    def act(place: int) -> Any:
        return province.patch(url, json=wider, headers={"If-Match": "*"}) if place else province.post(f"{url}/draw")

    drawn, changed = at_once(2, act)
    assert drawn.status_code in (200, 412), drawn.text
    assert changed.status_code in (200, 409), changed.text
    if drawn.status_code == 200:
        assert ok(province.get(url))["frame_size"] == (24 if changed.status_code == 200 else 7)


def test_what_is_not_drawn_is_neither_checked_nor_completed(province: TestClient) -> None:
    sample = made.planned(province)
    refusal(province.post(f"{API}/samples/{sample['id']}/complete"), 409, "wrong_state")
    unit = {"sample_id": sample["id"], "id": str(new_id())}
    assert made.check(province, unit, made.upheld()).status_code == 404


def test_hundreds_are_drawn_in_a_moment(province: TestClient, database: Database) -> None:
    made.close(database, 250)
    sample = made.drawn(province, size={"kind": "precision", "margin": 0.05})
    assert sample["sample_size"] == strata.size_for(250, 0.95, 0.05, 0.5) == 152
    assert ok(province.get(f"{API}/samples/{sample['id']}/redraw"))["same"] is True
