"""Reading the tree over HTTP: search, children, ancestors, as of a day."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from tests.divisions.made import API, COUNTY, OTHER_TOWNSHIP, TOWNSHIP, VILLAGE, get, step
from toilet_api.kernel.fields import now

As = Callable[[str], TestClient]
ROLES = ("province_inspector", "county_admin", "village_surveyor", "auditor", "province_client")


def codes(client: TestClient, **query: object) -> list[str]:
    answer = client.get(API, params=query)
    assert answer.status_code == 200, answer.text
    return [one["code"] for one in answer.json()["items"]]


@pytest.mark.parametrize("role", ROLES)
def test_everyone_reads_the_whole_tree(as_: As, role: str) -> None:
    assert get(as_(role), "110101")["full_name"] == "北京市东城区"


def test_nobody_reads_without_a_login(client: TestClient) -> None:
    for path in ("", "/360423", "/360423/children", "/360423/ancestors", "/360423/history"):
        assert client.get(API + path).status_code == 401


def test_one_division(as_: As) -> None:
    answer = as_("auditor").get(f"{API}/{VILLAGE}")
    assert answer.headers["etag"] == '"1"'
    assert answer.json() == {
        "code": VILLAGE,
        "name": "安乐村委会",
        "full_name": "江西省九江市武宁县石渡乡安乐村委会",
        "level": 5,
        "parent_code": TOWNSHIP,
        "valid_from": None,
        "valid_to": None,
        "version": 1,
        "resolved_from": None,
        "allowed_actions": [],
    }
    again = as_("auditor").get(f"{API}/{VILLAGE}", headers={"If-None-Match": '"1"'})
    assert again.status_code == 304


def test_allowed_actions_are_the_callers(as_: As) -> None:
    county = as_("county_admin")
    assert get(county, VILLAGE)["allowed_actions"] == ["rename", "split", "merge", "move", "close"]
    assert get(county, TOWNSHIP)["allowed_actions"] == ["rename", "create", "merge", "move", "close"]
    assert get(county, COUNTY)["allowed_actions"] == ["rename", "create", "close"]
    assert get(county, "360424")["allowed_actions"] == []
    assert get(as_("township_manager"), VILLAGE)["allowed_actions"] == []


def test_search_puts_the_very_name_first(as_: As) -> None:
    client = as_("auditor")
    made = client.get(API, params={"search": "石渡"}).json()["items"]
    assert [one["name"] for one in made][:2] == ["石渡乡", "石渡村委会"]
    assert codes(client, search="安乐村委会", under=COUNTY)[0] == VILLAGE
    assert codes(client, search="乐村委", under=TOWNSHIP) == [VILLAGE]
    assert codes(client, search="武", level=3) == ["360423"]
    assert codes(client, search="宁", level=3) == []  # a single character is sought at the beginning
    assert codes(client, search="不存在的地方") == []
    assert codes(client, search="%_'\\") == []


def test_search_by_code(as_: As) -> None:
    client = as_("auditor")
    assert codes(client, search="360423208", limit=3)[0] == TOWNSHIP
    assert set(codes(client, search="360423208")) == set(codes(client, under=TOWNSHIP))


@pytest.mark.parametrize("sort", [None, "code", "name", "level", "relevance"])
def test_a_walk_in_pages_gives_each_row_once(as_: As, sort: str | None) -> None:
    client, seen, cursor = as_("auditor"), [], None
    while True:
        query = {"search": "委会", "under": COUNTY, "limit": 17, "sort": sort, "cursor": cursor}
        page = client.get(API, params={name: value for name, value in query.items() if value is not None}).json()
        seen += [one["code"] for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len(seen) == len(set(seen)) > 150
    assert set(seen) == set(codes(client, search="委会", under=COUNTY, limit=1000))


def test_children_and_ancestors(as_: As) -> None:
    client = as_("auditor")
    children = client.get(f"{API}/{TOWNSHIP}/children").json()["items"]
    assert [one["code"] for one in children] == codes(client, parent=TOWNSHIP)
    assert {one["level"] for one in children} == {5}
    above = client.get(f"{API}/{VILLAGE}/ancestors").json()["items"]
    assert [one["name"] for one in above] == ["江西省", "九江市", "武宁县", "石渡乡"]
    assert client.get(f"{API}/36/ancestors").json() == {"items": []}
    assert codes(client, level=1) == ["11", "36"]


def test_lists_come_as_csv_too(as_: As) -> None:
    answer = as_("auditor").get(API, params={"parent": "3604", "fields": "code,name"}, headers={"Accept": "text/csv"})
    assert answer.text.split("\r\n")[:2] == ["code,name", "360423,武宁县"]


def test_as_of_a_day(as_: As) -> None:
    client = as_("county_admin")
    yesterday = str(now().date() - timedelta(days=1))
    new = step(client, VILLAGE, "move", new_parent=OTHER_TOWNSHIP)["division"]["code"]
    assert VILLAGE not in codes(client, under=TOWNSHIP)
    assert VILLAGE in codes(client, under=TOWNSHIP, include_ended=True)
    assert VILLAGE in codes(client, under=TOWNSHIP, at=yesterday)
    assert new in codes(client, under=OTHER_TOWNSHIP)
    assert new not in codes(client, under=OTHER_TOWNSHIP, at=yesterday)
    assert codes(client, search=VILLAGE) == [new]
    assert codes(client, under=VILLAGE) == [new]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/999999", 404, "not_found"),
        ("/999999/children", 404, "not_found"),
        ("/999999/ancestors", 404, "not_found"),
        ("/999999/history", 404, "not_found"),
        ("?under=99", 404, "not_found"),
        ("?parent=99", 404, "not_found"),
        ("/12345", 422, "invalid"),
        ("/３６", 422, "invalid"),
        ("?search=", 422, "invalid"),
        ("?search=" + "长" * 51, 422, "invalid"),
        ("?search=a%00", 400, "malformed"),
        ("?level=6", 422, "invalid"),
        ("?at=2026-02-31", 422, "invalid"),
        ("?sort=no_such_order", 422, "invalid"),
        ("?nothing=1", 400, "unknown_parameter"),
        ("?cursor=xyz", 400, "bad_cursor"),
    ],
)
def test_bad_questions(as_: As, path: str, status: int, code: str) -> None:
    answer = as_("auditor").get(API + path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
