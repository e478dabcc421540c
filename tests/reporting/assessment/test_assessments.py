"""Formulas and assessments from draft to correction, over HTTP, and who sees what of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.oversight import made as closed
from tests.oversight.made import refusal
from tests.reporting.assessment import made
from tests.reporting.assessment.made import COUNTY, FIRST, SECOND, SECOND_VILLAGE, part, step, unit
from tests.reporting.reports.made import it_is
from tests.scenes import scene
from tests.survey.made import API, campaign, ok
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id, now
from toilet_api.reporting.assessment.assessment_views import newest_published

As = Callable[[str], TestClient]
WEIGHTS = {
    "completeness": 20,
    "reports_on_time": 0,
    "deadlines_met": 20,
    "close_out": 40,
    "first_pass": 10,
    "review": 5,
    "falsification": 5,
    "satisfaction": 0,
    "upkeep": 0,
}


@pytest.fixture
def county(as_: As) -> TestClient:
    return as_("county_admin")


@pytest.fixture
@scene
def worked(database: Database, county: TestClient) -> str:
    """The county's campaign: 12 of 12 closed in the first township, 6 of 12 in the second, the others overdue."""
    closed.close(database, 12)
    made.reopen(database, closed.close(database, 12, village=SECOND_VILLAGE)[:6])
    return str(ok(county.get(f"{API}/campaigns"))["items"][0]["id"])


def preview(client: TestClient, **params: Any) -> Any:
    """The answer to a preview."""
    return client.get(f"{API}/assessments/preview", params={"division": COUNTY, **params})


def test_the_whole_way_from_a_formula_to_a_published_ranking(as_: As, county: TestClient, worked: str) -> None:
    township = as_("township_manager")
    start = ok(county.get(f"{API}/assessment-formulas/default"))
    assert sum(start["weights"].values()) == 100
    assert "不是规定" in start["source"]
    seen = ok(preview(county, campaign_id=worked))
    assert seen["formula_id"] is None
    formula = made.drafted(county, worked, weights=WEIGHTS)
    assert (formula["state"], formula["number"]) == ("draft", None)
    assert formula["allowed_actions"] == ["edit", "publish", "withdraw"]
    assert formula["shrinkage"] == start["shrinkage"]
    mine = f"{API}/assessment-formulas/{formula['id']}"
    assert township.get(mine).status_code == 404
    refusal(county.post(f"{API}/assessments", json=made.body(worked)), 409, "formula_missing")
    formula = step(county, "assessment-formulas", formula, "publish")
    assert (formula["state"], formula["number"], formula["allowed_actions"]) == ("published", 1, [])
    assert ok(township.get(mine))["weights"] == WEIGHTS

    drawn = made.drawn(county, worked)
    assert (drawn["state"], drawn["formula_number"], drawn["ranked"]) == ("draft", 1, 2)
    best, second = drawn["units"][:2]
    assert [best["division_code"], second["division_code"]] == [FIRST, SECOND]
    assert (best["rank"], second["rank"]) == (1, 2)
    close_out = part(drawn, SECOND, "close_out")
    assert (close_out["numerator"], close_out["denominator"], close_out["raw_rate"]) == (6, 12, 0.5)
    assert close_out["rate"] == pytest.approx((6 + 30 * 0.75) / 42, abs=1e-6)
    assert close_out["low"] < close_out["rate"] < close_out["high"]
    assert [one["division_code"] for one in drawn["red_list"]] == [SECOND]
    assert drawn["red_list"][0]["reasons"][0]["text"] == "逾期 6 个，占 12 个问题的 50.0%，高于 30.0%"
    assert all(one["reasons"][0]["kind"] == "no_records" for one in drawn["yellow_list"])
    used = {one["part"]: one["weight_used"] for one in drawn["parts"] if one["weight_used"]}
    assert sum(used.values()) == pytest.approx(100, abs=0.05)
    assert "review" not in used  # nobody has checked anything

    address = f"{API}/assessments/{drawn['id']}"
    assert township.get(address).status_code == 404
    assert ok(township.get(f"{API}/assessments"))["items"] == []
    shown = step(county, "assessments", drawn, "publish")
    assert shown["published_by_name"]
    theirs = ok(township.get(address))
    assert theirs["units"] == shown["units"] == drawn["units"]
    assert theirs["allowed_actions"] == []
    assert [one["id"] for one in ok(township.get(f"{API}/assessments", params={"division": COUNTY}))["items"]] == [
        drawn["id"]
    ]
    refusal(county.post(f"{address}/publish"), 409, "wrong_state")
    history = ok(county.get(f"{address}/history"))["items"]
    assert [one["action"] for one in history] == ["assessment.created", "assessment.published"]


def test_what_is_published_is_frozen_whoever_tries(county: TestClient, database: Database, worked: str) -> None:
    made.published_formula(county, worked)
    made.published(county, worked)
    for table, change in (
        ("assessment", "units = '[]'"),
        ("assessment", "state = 'draft', published_at = null"),
        ("assessment_formula", "weights = '{}'"),
    ):
        with pytest.raises(IntegrityError, match="frozen"), database.transaction(EVERYWHERE) as session:
            session.connection().execute(text(f"update {table} set {change}"))
    with database.transaction(EVERYWHERE) as session:  # but its place may get another code
        session.connection().execute(text("update assessment set division_code = '360424'"))


def test_a_new_formula_supersedes_and_a_draft_drawn_by_the_old_one_cant_be_published(
    county: TestClient, worked: str
) -> None:
    first = made.published_formula(county, worked)
    drawn = made.drawn(county, worked)
    second = made.published_formula(county, worked, weights=WEIGHTS)
    assert second["number"] == 2
    first = ok(county.get(f"{API}/assessment-formulas/{first['id']}"))
    assert (first["state"], first["superseded_by_id"]) == ("superseded", second["id"])
    address = f"{API}/assessments/{drawn['id']}"
    refusal(county.post(f"{address}/publish"), 409, "formula_changed")
    gone = ok(county.post(f"{address}/withdraw", json={"reason": "办法已更新"}))
    assert (gone["state"], gone["withdrawn_reason"]) == ("withdrawn", "办法已更新")
    assert made.published(county, worked)["formula_number"] == 2


def test_a_correction_names_the_earlier_one_and_supersedes_it(
    as_: As, county: TestClient, database: Database, worked: str
) -> None:
    made.published_formula(county, worked)
    first = made.published(county, worked)
    reason = {"corrects_id": first["id"], "correction_reason": "补录销号"}
    unexplained = county.post(f"{API}/assessments", json=made.body(worked, corrects_id=first["id"]))
    assert refusal(unexplained, 422, "invalid")["errors"][0]["code"] == "correction_unexplained"
    drafts = [made.drawn(county, worked, **reason) for _ in range(2)]
    assert ok(county.get(f"{API}/assessments/{first['id']}"))["state"] == "published"
    second = step(county, "assessments", drafts[0], "publish")
    refusal(county.post(f"{API}/assessments/{drafts[1]['id']}/publish"), 409, "assessment_not_correctable")
    refusal(county.post(f"{API}/assessments", json=made.body(worked, **reason)), 409, "assessment_not_correctable")
    township = as_("township_manager")
    earlier = ok(township.get(f"{API}/assessments/{first['id']}"))
    assert (earlier["state"], earlier["superseded_by_id"]) == ("superseded", second["id"])
    assert earlier["units"] == first["units"]
    unknown = {"corrects_id": str(new_id()), "correction_reason": "x"}
    refused = refusal(county.post(f"{API}/assessments", json=made.body(worked, **unknown)), 422, "invalid")
    assert refused["errors"][0]["code"] == "assessment_unknown"
    with database.transaction((COUNTY,)) as session:
        newest = newest_published(session, UUID(worked))
        assert newest is not None
        assert (str(newest.id), newest.allowed_actions, newest.units[0].rank) == (second["id"], [], 1)
        assert newest_published(session, new_id()) is None


def test_a_division_stays_on_a_list_since_the_first_time(
    app: FastAPI, county: TestClient, database: Database, worked: str
) -> None:
    made.published_formula(county, worked)
    begun = now()
    with it_is(app, begun):
        first = made.published(county, worked)
    with it_is(app, begun + timedelta(days=7)):
        second = made.published(county, worked)
    since = [unit(one, SECOND)["listed_since"] for one in (first, second)]
    assert since[0] == since[1] == first["as_of"]
    assert unit(second, SECOND)["reasons"][0]["since"] == first["as_of"]
    assert second["as_of"] != first["as_of"]
    late = [one["id"] for one in ok(county.get(f"{API}/problems", params={"overdue": True}))["items"]]
    made.change_problems(database, late, deadline=None)
    with it_is(app, begun + timedelta(days=14)):
        third = made.published(county, worked)
    assert [one["list"] for one in unit(third, SECOND)["reasons"]] == ["yellow"]  # half of them closed, none late
    assert unit(third, SECOND)["listed_since"] == third["as_of"]


def test_a_preview_tries_a_draft_and_is_for_its_level_and_above(as_: As, county: TestClient, worked: str) -> None:
    draft = made.drafted(county, worked, weights=WEIGHTS)
    seen = ok(preview(county, campaign_id=worked, formula_id=draft["id"]))
    assert seen["formula_id"] == draft["id"]
    assert {one["part"]: one["weight"] for one in seen["parts"]} == WEIGHTS
    for name in ("city_inspector", "province_inspector", "auditor", "province_client"):
        again = ok(preview(as_(name), campaign_id=worked, formula_id=draft["id"]))
        assert [(one["score"], one["parts"]) for one in again["units"]] == [
            (one["score"], one["parts"]) for one in seen["units"]
        ]
    estimated = made.drafted(county, worked, shrinkage={"kind": "moments", "least": 12, "most": 90})
    parts = ok(preview(county, campaign_id=worked, formula_id=estimated["id"]))["parts"]
    strengths = {one["part"]: one["prior_strength"] for one in parts if one["prior_strength"] is not None}
    assert strengths["completeness"] == 90  # all have surveyed all: no spread beyond chance
    assert strengths["close_out"] == 12  # 12 of 12 and 6 of 12 lie far apart
    assert preview(as_("township_manager"), campaign_id=worked).status_code == 404
    assert preview(county, campaign_id=worked, formula_id=str(new_id())).status_code == 404
    refusal(preview(county), 422, "invalid")
    refused = refusal(preview(county, campaign_id=str(new_id())), 422, "invalid")
    assert refused["errors"][0]["code"] == "campaign_unknown"


def test_another_weighting_is_tried_beside_the_published_one(as_: As, county: TestClient, worked: str) -> None:
    made.published_formula(county, worked)
    shown = made.published(county, worked)
    turned = {**dict.fromkeys(WEIGHTS, 0), "completeness": 50, "first_pass": 50}
    address = f"{API}/assessments/simulate"
    township = as_("township_manager")
    tried = ok(township.post(address, json={"assessment_id": shown["id"], "weights": turned}))
    assert tried["as_of"] == shown["as_of"]
    ranks = {one["division_code"]: one for one in tried["units"]}
    assert (ranks[SECOND]["rank"], ranks[SECOND]["simulated_rank"], ranks[SECOND]["moved"]) == (2, 1, 1)
    assert ranks[FIRST]["simulated_rank"] == 1  # both have surveyed all
    published = {one["division_code"]: (one["rank"], one["score"]) for one in shown["units"]}
    assert {code: (one["rank"], one["score"]) for code, one in ranks.items()} == published
    live = ok(county.post(address, json={"division_code": COUNTY, "campaign_id": worked, "weights": turned}))
    assert [one["simulated_score"] for one in live["units"]] == [one["simulated_score"] for one in tried["units"]]
    assert len(ok(county.get(f"{API}/assessments"))["items"]) == 1
    theirs = {"division_code": COUNTY, "campaign_id": worked, "weights": turned}
    assert township.post(address, json=theirs).status_code == 404
    unclear = refusal(county.post(address, json={"weights": turned}), 422, "invalid")
    assert unclear["errors"][0]["code"] == "source_unclear"


def test_a_city_ranks_its_counties_by_the_same_code(as_: As, county: TestClient, worked: str) -> None:
    city = as_("city_inspector")
    body = {"division_code": "3604", "name": "市级考核办法", "source": "市方案"}
    other = refusal(city.post(f"{API}/assessment-formulas", json={**body, "campaign_id": worked}), 422, "invalid")
    assert other["errors"][0]["code"] == "not_for_this_level"
    formula = ok(city.post(f"{API}/assessment-formulas", json=body), 201)
    step(city, "assessment-formulas", formula, "publish")
    drawn = ok(city.post(f"{API}/assessments", json={"division_code": "3604", "name": "市级考核"}), 201)
    assert drawn["campaign_ids"] == [worked]
    first = drawn["units"][0]
    assert (first["division_code"], first["rank"], first["problems"]) == (COUNTY, 1, 24)
    assert all(one["rank"] is None for one in drawn["units"][1:])
    assert county.get(f"{API}/assessments/{drawn['id']}").status_code == 404
    step(city, "assessments", drawn, "publish")
    for name in ("county_admin", "township_manager", "village_surveyor"):
        assert ok(as_(name).get(f"{API}/assessments/{drawn['id']}"))["units"] == drawn["units"]
    assert county.post(f"{API}/assessments/{drawn['id']}/withdraw", json={"reason": "x"}).status_code == 404


def test_each_level_ranks_for_itself_only(as_: As, county: TestClient, worked: str) -> None:
    formula = made.drafted(county, worked)
    for name in ("city_inspector", "province_inspector"):
        above = as_(name)
        assert ok(above.get(f"{API}/assessment-formulas/{formula['id']}"))["allowed_actions"] == []
        refusal(above.post(f"{API}/assessment-formulas/{formula['id']}/publish"), 403, "not_own_level")
        refusal(above.post(f"{API}/assessment-formulas", json=made.formula_body(worked)), 403, "not_own_level")
        refusal(above.post(f"{API}/assessments", json=made.body(worked)), 403, "not_own_level")
    for name in ("township_manager", "village_surveyor", "county_reviewer", "auditor", "province_client"):
        refused = as_(name).post(f"{API}/assessments", json=made.body(worked))
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    outside = made.formula_body(worked, division_code="360424")
    refusal(county.post(f"{API}/assessment-formulas", json=outside), 403, "out_of_scope")


def test_a_formula_says_what_is_wrong_with_it(county: TestClient, worked: str) -> None:
    def fault(**members: Any) -> tuple[str, str]:
        answer = county.post(f"{API}/assessment-formulas", json=made.formula_body(worked, **members))
        error = refusal_of_input(answer)
        return error["pointer"], error["code"]

    assert fault(weights={**WEIGHTS, "upkeep": 1}) == ("/weights", "weights_not_100")
    assert fault(weights={**WEIGHTS, "luck": 0}) == ("/weights/luck", "extra_forbidden")
    assert fault(shrinkage={"kind": "moments", "least": 9, "most": 8}) == ("/shrinkage/moments", "limits_reversed")
    assert fault(lists=[{"kind": "last_share", "list": "blue", "share": 0.1}]) == (
        "/lists/0/last_share/list",
        "unknown_code",
    )
    for campaign_id, code in ((None, "missing"), (str(new_id()), "campaign_unknown")):
        body = {**made.formula_body(worked), "campaign_id": campaign_id}
        error = refusal_of_input(county.post(f"{API}/assessment-formulas", json=body))
        assert (error["pointer"], error["code"]) == ("/campaign_id", code)


def refusal_of_input(answer: Any) -> dict[str, Any]:
    """The first fault of a 422."""
    assert answer.status_code == 422, answer.text
    error: dict[str, Any] = answer.json()["errors"][0]
    return error


def test_a_draft_is_changed_with_if_match_and_no_more_once_published(county: TestClient, worked: str) -> None:
    formula = made.drafted(county, worked)
    url = f"{API}/assessment-formulas/{formula['id']}"
    assert county.patch(url, json={"name": "改名"}).status_code == 428
    changed = ok(county.patch(url, json={"weights": WEIGHTS, "name": "改名"}, headers={"If-Match": '"1"'}))
    assert (changed["weights"], changed["name"], changed["version"]) == (WEIGHTS, "改名", 2)
    assert county.patch(url, json={"name": "又改"}, headers={"If-Match": '"1"'}).status_code == 412
    step(county, "assessment-formulas", formula, "publish")
    refusal(county.patch(url, json={"name": "又改"}, headers={"If-Match": '"3"'}), 409, "wrong_state")
    other = made.drafted(county, worked)
    gone = step(county, "assessment-formulas", other, "withdraw", reason="重复")
    assert (gone["state"], gone["allowed_actions"]) == ("withdrawn", [])
    listed = ok(county.get(f"{API}/assessment-formulas", params={"state": "published"}))["items"]
    assert [one["id"] for one in listed] == [formula["id"]]


@pytest.mark.parametrize("gone", ["state = 'closed', closed_at = now()", "removed_at = now(), removed_reason = 'x'"])
def test_nothing_is_ranked_before_anything_is_recorded(
    as_: As, county: TestClient, database: Database, gone: str
) -> None:
    one = campaign(county)["id"]
    made.published_formula(county, one)
    refusal(county.post(f"{API}/assessments", json=made.body(one)), 409, "nothing_to_rank")
    seen = ok(preview(county, campaign_id=one))
    assert {(line["rank"], line["listed"]) for line in seen["units"]} == {(None, "yellow")}
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(text(f"update campaign set {gone}"))
    of_city = {"params": {"division": "3604"}}
    refusal(as_("city_inspector").get(f"{API}/assessments/preview", **of_city), 409, "no_campaign_to_assess")
    assert ok(as_("city_inspector").get(f"{API}/statistics", **of_city))["campaign_ids"] == []
    assert preview(county, campaign_id=one).status_code == (422 if "removed" in gone else 200)


def test_the_same_body_with_its_id_makes_one(as_: As, county: TestClient, worked: str) -> None:
    made.published_formula(county, worked)
    body = {"id": str(new_id()), **made.body(worked)}
    first, again = (county.post(f"{API}/assessments", json=body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    refusal(county.post(f"{API}/assessments", json={**body, "name": "另一次"}), 409, "id_taken")
    formula = {"id": str(new_id()), **made.formula_body(worked)}
    first, again = (county.post(f"{API}/assessment-formulas", json=formula) for _ in range(2))
    assert (first.status_code, again.status_code, first.json()) == (201, 200, again.json())
