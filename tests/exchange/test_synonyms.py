"""Headings that a county adds: seen from below, the nearest wins, kept from a mapping, forgotten with a reason."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.exchange.pure import number, sheet
from tests.exchange.test_places import As, Drain
from tests.exchange.test_register import households, ledger
from tests.exchange.upload import finished, pages, rows_of, succeeded
from toilet_api.exchange.imports import synonyms
from toilet_api.exchange.ledgers.header_search import find_header
from toilet_api.exchange.ledgers.headings import normalise
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id

URL = "/api/v1/import-synonyms"
COUNTY, TOWNSHIP, SIBLING, VILLAGE = "360423", "360423208", "360423500", "360423208202"
WORD: dict[str, Any] = {"division_code": COUNTY, "heading": "当家人（签名）", "field": "name"}
HEADER = "村,当家人,身份证号码,门牌号,改厕方式,建档情况"
CONTENT = ledger(f"安乐村,张三丰,{number(1)},1号,三格,有", header=HEADER)


def added(client: TestClient, **more: Any) -> dict[str, Any]:
    answer = client.post(URL, json=WORD | more)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_countys_words_hold_in_its_townships_and_the_nearest_wins(as_: As, database: Database) -> None:
    county, township = as_("county_admin"), as_("township_manager")
    above = added(county)
    assert (above["kind"], above["heading"], above["field"]) == ("households", "当家人（签名）", "name")
    added(county, heading="档案", field="note")
    assert [one["id"] for one in pages(township, "/import-synonyms") if one["heading"] == WORD["heading"]] == [
        above["id"]
    ]
    own = added(township, division_code=TOWNSHIP, heading="档案", field=None)
    added(as_("township_manager_2"), division_code=SIBLING, heading="档案", field="address")
    added(county, heading="档案", kind="visits", field=None)
    with database.transaction(EVERYWHERE) as session:
        assert synonyms.words_for(session, COUNTY, "households") == {"当家人": "name", "档案": "note"}
        for place in (TOWNSHIP, VILLAGE):
            assert synonyms.words_for(session, place, "households") == {"当家人": "name", "档案": None}
        assert synonyms.words_for(session, SIBLING, "households") == {"当家人": "name", "档案": "address"}
        assert synonyms.words_for(session, "360424", "households") == {}
    listed = {one["division_code"] for one in pages(township, "/import-synonyms")}
    assert listed == {COUNTY, TOWNSHIP}
    assert {one["division_code"] for one in pages(county, "/import-synonyms", division=SIBLING)} == {COUNTY, SIBLING}
    assert [one["id"] for one in pages(county, "/import-synonyms", kind="households", division=TOWNSHIP)][-1]
    assert township.get(f"{URL}/{own['id']}").json() == own
    assert as_("township_manager_2").get(f"{URL}/{own['id']}").status_code == 404
    assert township.get(URL, params={"division": SIBLING}).status_code == 404


def test_a_word_is_changed_and_removed_where_it_belongs(as_: As) -> None:
    county, township = as_("county_admin"), as_("township_manager")
    made = added(county)
    path = f"{URL}/{made['id']}"
    assert township.patch(path, json={"field": None}, headers={"If-Match": '"1"'}).json()["code"] == "out_of_scope"
    assert township.post(f"{path}/remove", json={"reason": "不用"}).status_code == 403
    assert county.patch(path, json={"field": "note"}).status_code == 428
    wrong = county.patch(path, json={"field": "nonsense"}, headers={"If-Match": '"1"'})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/field")
    changed = county.patch(path, json={"field": None}, headers={"If-Match": '"1"'})
    assert (changed.json()["field"], changed.headers["ETag"]) == (None, '"2"')
    assert county.patch(path, json={"field": "name"}, headers={"If-Match": '"1"'}).status_code == 412
    assert county.post(f"{path}/remove", json={}).status_code == 422
    assert county.post(f"{path}/remove", json={"reason": "台账已统一"}).status_code == 200
    assert [county.get(path).status_code, county.post(f"{path}/remove", json={"reason": "x"}).status_code] == [404, 404]
    assert county.get(URL).json()["items"] == []
    assert added(county)["id"] != made["id"]


def test_refusals_and_retries(as_: As) -> None:
    county = as_("county_admin")
    body = WORD | {"id": str(new_id())}
    assert [county.post(URL, json=body).status_code for _ in range(2)] == [201, 200]
    for twin in ("当家人", " 当 家 人 ", "当家人：(本人)"):
        answer = county.post(URL, json=WORD | {"heading": twin, "field": "note"})
        assert (answer.status_code, answer.json()["code"]) == (409, "import_synonym_exists"), twin
        assert (answer.json()["existing_id"], answer.json()["field"]) == (body["id"], "name")
    bad: list[tuple[dict[str, Any], str]] = [
        ({"heading": "（）、"}, "/heading"),
        ({"heading": "长" * 201}, "/heading"),
        ({"field": "nonsense"}, "/"),
        ({"kind": "users", "field": "mode"}, "/"),
        ({"kind": "nonsense"}, "/kind"),
        ({"division_code": "3604"}, "/division_code"),
    ]
    for wrong, pointer in bad:
        answer = county.post(URL, json=WORD | wrong)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), wrong
    assert as_("township_manager").post(URL, json=WORD).json()["code"] == "out_of_scope"
    assert as_("village_surveyor").post(URL, json=WORD).status_code == 403


def test_words_of_a_county_in_the_header() -> None:
    words = {normalise(heading): field for heading, field in (("当家人", "name"), ("建档情况", None), ("村", "note"))}
    table = sheet([HEADER.split(","), ["安乐村", "张三丰", number(1), "1号", "三格", "有"]])
    found = find_header(table, {}, words)
    assert found is not None
    assert [(one.field, one.how) for one in found.columns] == [
        ("note", "synonym"),
        ("name", "synonym"),
        ("id", "heading"),
        ("address", "heading"),
        ("mode", "heading"),
        (None, "synonym"),
    ]
    found = find_header(table, {"当家人": None, "B:": "note"}, words)
    assert found is not None
    assert (found.columns[1].field, found.columns[1].how) == ("note", "explicit")
    # Better than a built-in word for the same field; the other column is shown as not used.
    twice = sheet(
        [["村", "户主姓名", "当家人", "身份证号码", "改厕方式"], ["安乐村", "张三丰", "李四光", number(1), "三格"]]
    )
    found = find_header(twice, {}, {"当家人": "name"})
    assert found is not None
    assert [(one.letter, one.how) for one in found.columns if one.how in ("synonym", "not_used")] == [
        ("B", "not_used"),
        ("C", "synonym"),
    ]


def test_an_import_understands_the_words_of_its_county(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    refused = client.post("/api/v1/imports", files={"file": ("ledger.csv", CONTENT)})
    assert (refused.status_code, refused.json()["code"]) == (422, "import_column_missing")
    added(as_("county_admin"))
    job = succeeded(client, drain_jobs, CONTENT)
    (planned,) = job["sheets"]
    assert {one["heading"]: one["matched_by"] for one in planned["columns"]}["当家人"] == "synonym"
    assert [row["outcome"] for row in rows_of(client, job).values()] == ["created"]


def test_a_mapping_is_remembered(as_: As, drain_jobs: Drain, database: Database) -> None:
    client = as_("township_manager")
    mapping = '{"当家人": "name", "建档情况": null}'
    job = finished(client, drain_jobs, CONTENT, mapping=mapping, remember_mapping="true")
    assert job["state"] == "succeeded"
    assert {(one["heading"], one["field"], one["division_code"]) for one in pages(client, "/import-synonyms")} == {
        ("当家人", "name", TOWNSHIP),
        ("建档情况", None, TOWNSHIP),
    }
    assert len(households(client)) == 1
    finished(client, drain_jobs, CONTENT, mapping='{"当家人": "name", "建档情况": "note"}', remember_mapping="true")
    with database.transaction(EVERYWHERE) as session:
        assert synonyms.words_for(session, TOWNSHIP, "households") == {"当家人": "name", "建档情况": "note"}
    assert len(list(pages(client, "/import-synonyms"))) == 2


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"mapping": '{"B:": "name"}'}, "import_bad_mapping"),
        ({"mapping": '{"当家人": "name"}', "dry_run": "true"}, "import_bad_form"),
        ({}, "import_bad_form"),
    ],
)
def test_what_can_not_be_remembered_is_refused(form: dict[str, str], code: str, as_: As) -> None:
    client = as_("township_manager")
    files = {"file": ("ledger.csv", CONTENT)}
    answer = client.post("/api/v1/imports", files=files, data={"remember_mapping": "true", **form})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert client.get(URL).json()["items"] == []
