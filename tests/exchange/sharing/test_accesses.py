"""Who pulled what: every pull of a system leaves a record, seen by those whose data it was."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import insert

from tests.contract.served import serving
from tests.exchange.exporting import download, exported
from tests.exchange.sharing.made import (
    FIELDS,
    OTHER_COUNTY,
    As,
    granted,
    other_admin,
    person,
    read,
    refused,
    system,
)
from tests.registry import made as registry
from tests.survey.made import API, TOWNSHIP, VILLAGE, ok
from tests.world import COUNTY
from toilet_api.kernel.database import Database
from toilet_api.kernel.fields import now
from toilet_api.settings import Settings

URL = f"{API}/dataset-accesses"
INSERT = "toilet_api.exchange.sharing.accesses.insert"


def pulls(reader: TestClient, **params: Any) -> list[dict[str, Any]]:
    """The records, in the order of the pulls."""
    items: list[dict[str, Any]] = ok(reader.get(URL, params={"sort": "at", **params}))["items"]
    return items


def test_each_pull_is_recorded_with_what_it_took(as_: As, drain_jobs: Any) -> None:
    client, admin = as_("province_client"), as_("county_admin")
    for _ in range(3):
        registry.household(admin, toilets=[registry.TOILET])
    listed = client.get(f"{API}/households", params={"division": TOWNSHIP, "limit": 2, "fields": "id,family_size"})
    denied = read(client)
    granted(as_)
    taken = read(client, division=VILLAGE, fields="mode")
    job = exported(client, drain_jobs, "households", division=COUNTY)
    file = download(client, job)
    unchanged = client.get(f"{API}/toilets", headers={"If-None-Match": "*"})
    found = pulls(admin)
    shown = [
        (one["operation"], one["dataset"], one["division_code"], one["fields"], one["records"], one["status"])
        for one in found
    ]
    assert shown == [
        ("list_households", "households", TOWNSHIP, ["id", "family_size"], 2, 200),
        ("list_dataset_records", "households", COUNTY, None, None, 403),
        ("list_dataset_records", "households", VILLAGE, ["id", "mode"], 3, 200),
        ("create_export", "households", COUNTY, None, None, 202),
        ("get_export_file", "households", COUNTY, None, 3, 200),
        ("list_toilets", "toilets", "36", None, 0, 304),
    ]
    for one, answer in zip(found, (listed, denied, taken, None, file, unchanged), strict=True):
        assert one["client_id"] == "province_client"
        if answer is not None:
            assert one["bytes"] == len(answer.content)
            assert one["request_id"] == answer.headers["x-request-id"]


def test_changes_searches_and_figures_are_pulls_too(as_: As) -> None:
    client, admin = as_("province_client"), as_("county_admin")
    registry.household(admin, person={"name": "张三丰"})
    changes = client.get(f"{API}/changes", params={"division": TOWNSHIP, "types": "household"})
    found = client.post(f"{API}/households/search", json={"name": "张三丰"})
    one = client.get(f"{API}/households/{ok(found)['items'][0]['id']}")
    figures = client.get(f"{API}/statistics", params={"division": COUNTY})
    ok(client.get(f"{API}/exports"))
    ok(client.get(f"{API}/me"))
    assert [(one["operation"], one["division_code"], one["records"], one["bytes"]) for one in pulls(admin)] == [
        ("get_changes", TOWNSHIP, len(ok(changes)["items"]), len(changes.content)),
        ("search_households", "36", 1, len(found.content)),
        ("get_household", "36", None, len(one.content)),
        ("get_statistics", COUNTY, None, len(figures.content)),
    ]


def test_people_leave_none(as_: As) -> None:
    for name in ("county_admin", "province_inspector", "township_manager"):
        ok(as_(name).get(f"{API}/households"))
    assert pulls(as_("county_admin")) == []


def test_a_county_sees_what_touched_it(as_: As, database: Database, settings: Settings) -> None:
    client, other = as_("province_client"), other_admin(as_, database, settings)
    ok(client.get(f"{API}/visits", params={"division": VILLAGE}))
    ok(client.get(f"{API}/problems"))
    refused(client.get(f"{API}/households", params={"division": "110101"}), 404, "not_found")
    assert [one["division_code"] for one in pulls(as_("county_admin"))] == [VILLAGE, "36", "36"]
    assert [one["operation"] for one in pulls(other)] == ["list_problems", "list_households"]
    assert [one["division_code"] for one in pulls(as_("auditor"), division=TOWNSHIP)] == [VILLAGE, "36", "36"]
    assert [one["division_code"] for one in pulls(as_("auditor"), division="360423500")] == ["36", "36"]
    refused(other.get(URL, params={"division": COUNTY}), 404, "not_found")
    for name in ("township_manager", "county_reviewer", "province_inspector", "province_client"):
        refused(as_(name).get(URL), 403, "forbidden")
        refused(as_(name).get(f"{URL}/by-day"), 403, "forbidden")


def test_by_day_a_pull_counts_once(as_: As, database: Database, settings: Settings) -> None:
    admin, today = as_("county_admin"), now().date().isoformat()
    registry.household(admin, toilets=[registry.TOILET])
    both = system(as_, database, settings, "both_counties", COUNTY, OTHER_COUNTY)
    taken = [both.get(f"{API}/toilets") for _ in range(2)]
    refused(read(both), 403, "dataset_not_granted")
    auditor = person(as_, database, settings, "auditor_36", "auditor", "36")
    rows = pulls(auditor)
    assert sorted(one["division_code"] for one in rows) == [COUNTY] * 3 + [OTHER_COUNTY] * 2
    assert len({one["pull_id"] for one in rows}) == 3
    for reader in (auditor, admin):
        days = ok(reader.get(f"{URL}/by-day", params={"client_id": "both_counties"}))["items"]
        found = [(one["day"], one["dataset"], one["pulls"], one["refused"], one["records"]) for one in days]
        assert sorted(found) == [(today, "households", 1, 1, None), (today, "toilets", 2, 0, 2)]
    assert {one["bytes"] for one in days if one["dataset"] == "toilets"} == {sum(len(one.content) for one in taken)}


def test_filters_by_client_dataset_and_day(as_: As, database: Database, settings: Settings) -> None:
    admin, day = as_("county_admin"), now().date().isoformat()
    platform = system(as_, database, settings, "platform", COUNTY)
    for client, path in ((platform, "toilets"), (platform, "visits"), (as_("province_client"), "toilets")):
        ok(client.get(f"{API}/{path}"))
    assert len(pulls(admin, client_id="platform")) == 2
    assert len(pulls(admin, client_id="platform", dataset="toilets", date_from=day, date_to=day)) == 1
    assert pulls(admin, date_to="2020-01-01") == pulls(admin, date_from="2999-01-01") == []
    assert len(pulls(admin, date_from="0001-01-01", date_to="9999-12-31")) == 3
    assert len(ok(admin.get(f"{URL}/by-day", params={"limit": 1}))["items"]) == 1


def test_records_can_not_be_altered(as_: As, database: Database) -> None:
    ok(as_("province_client").get(f"{API}/toilets"))
    for statement in ("update dataset_access set bytes = 0", "delete from dataset_access"):
        with pytest.raises(Exception, match="permission denied"), database.transaction(("",)) as session:
            session.connection().exec_driver_sql(statement)


@contextmanager
def slow_writing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def late(table: Any) -> Any:
        time.sleep(0.4)
        return insert(table)

    monkeypatch.setattr(INSERT, late)
    yield


def test_a_server_that_stops_writes_its_records_first(as_: As, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    token = as_("province_client").headers["Authorization"]
    with slow_writing(monkeypatch):
        with serving(app) as running:
            begun = time.monotonic()
            answer = httpx.get(
                f"{running.address}{API}/toilets", headers={"Authorization": token}, trust_env=False, timeout=10
            )
            took = time.monotonic() - begun
        assert answer.status_code == 200
        assert took < 0.4, "the answer doesn't wait for its record"
    assert [one["operation"] for one in pulls(as_("county_admin"))] == ["list_toilets"]


def test_what_can_not_be_recorded_is_told_to_the_log(
    as_: As, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(table: Any) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setattr(INSERT, broken)
    answer = as_("province_client").get(f"{API}/toilets")
    assert answer.status_code == 200
    assert answer.headers["x-request-id"] in caplog.text
    assert "secret" not in caplog.text


def test_what_was_granted_is_what_the_record_says(as_: As) -> None:
    registry.household(as_("county_admin"), toilets=[registry.TOILET])
    granted(as_)
    ok(read(as_("province_client")))
    (one,) = pulls(as_("county_admin"))
    assert (one["fields"], one["records"]) == (FIELDS, 1)
