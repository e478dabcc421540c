"""What a level drafts for those below it is told to them once it is published, and not before."""

from collections.abc import Callable

from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.exchange.changes.walking import here, told, walk
from tests.exchange.webhooks.made import subscribed
from tests.reporting.assessment import made
from tests.reporting.assessment.test_call_ins import held, planned
from tests.survey import made as survey
from tests.survey.made import API, ok
from toilet_api.exchange.webhooks import working
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

As = Callable[[str], TestClient]
CITY = {"division_code": "3604", "name": "市级考核办法", "source": "市方案"}


def test_a_draft_is_its_levels_own_and_what_is_published_is_told_below(as_: As) -> None:
    city, county, surveyor = as_("city_inspector"), as_("county_admin"), as_("village_surveyor")
    survey.campaign(county)
    since = {one: here(one) for one in (city, county, surveyor)}
    formula = ok(city.post(f"{API}/assessment-formulas", json=CITY), 201)
    types = {"types": "assessment_formula"}
    assert told(walk(city, since[city])[0]) == [("assessment_formula", "created", 1)]
    for below in (county, surveyor):
        assert walk(below, since[below])[0] == []
        assert walk(below, since[below], include="none")[0] == []
    made.step(city, "assessment-formulas", formula, "publish")
    for below in (county, surveyor):
        # What was a draft is now there to be seen, and every change of it says how it is now.
        items = walk(below, since[below], include="none")[0]
        assert {one["id"] for one in items} == {formula["id"]}
        last = walk(below, since[below])[0][-1]
        assert (last["op"], last["record"]["state"]) == ("updated", "published")
        listed = ok(below.get(f"{API}/assessment-formulas"))["items"]
        assert [one for one in listed if one["id"] == formula["id"]] == [last["record"]]
    assert county.get(f"{API}/changes", params={**types, "division": "360423"}).status_code == 200


def test_a_call_in_is_told_to_whom_it_calls_in(as_: As) -> None:
    county, township, village = as_("county_admin"), as_("township_manager"), as_("village_surveyor")
    other = as_("township_manager_2")
    survey.campaign(county)
    since = {one: here(one) for one in (township, village, other)}
    one = planned(county, division_code=made.FIRST)
    made.step(county, "call-ins", one, "hold", **held())
    items = walk(township, since[township])[0]
    assert told(items) == [("call_in", "created", 1), ("call_in", "updated", 2)]
    assert items[-1]["record"] == ok(township.get(f"{API}/call-ins"))["items"][0]
    assert [walk(two, since[two])[0] for two in (village, other)] == [[], []]


def test_webhooks_tell_of_it_by_the_same_rule(as_: As, database: Database, settings: Settings) -> None:
    city, county = as_("city_inspector"), as_("county_admin")
    survey.campaign(county)
    subscribed(county, "https://example.org/hook", "assessment_formula.*")
    formula = ok(city.post(f"{API}/assessment-formulas", json=CITY), 201)
    made.step(city, "assessment-formulas", formula, "publish")
    made.drafted(county, ok(county.get(f"{API}/campaigns"))["items"][0]["id"])
    working.push_due(jobs.Context(database, Vault(settings), ObjectStore(settings), settings), None)
    with database.transaction(EVERYWHERE) as session:
        queued = session.connection().execute(text("select event_type from webhook_delivery order by seq")).scalars()
        assert list(queued) == ["assessment_formula.published", "assessment_formula.created"]
