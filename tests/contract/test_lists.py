"""Lists: walked while others write, the same in three formats, counted, and answered with 304 where unchanged."""

import csv
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import httpx
import pytest

from tests.breadth import IS_BROAD, in_turn
from tests.contract.reading import Json, is_list, operations, parameters
from tests.contract.served import Served, problem_type
from tests.registry import made as registry
from tests.survey.made import API, TOWNSHIP, VILLAGE, ok

ROWS = 24


@pytest.fixture(scope="module")
def admin(served: Served) -> Iterator[httpx.Client]:
    with served.client("county_admin") as client:
        yield client


@pytest.fixture(scope="module")
def homes(admin: httpx.Client) -> list[str]:
    """Enough households for several pages."""
    return [registry.household(admin, division_code=VILLAGE)["id"] for _ in range(ROWS)]  # type: ignore[arg-type]


def lists(document: Json, served: Served) -> Iterator[str]:
    """The address of every list."""
    for path, method, operation in operations(document):
        if is_list(operation) and method == "get":
            address = path.replace("{code}", "360423")
            for name, ids in served.ids.items():
                address = address.replace(f"{{{name}}}", ids[0])
            yield address


def walk(client: httpx.Client, url: str, **params: Any) -> Iterator[dict[str, Any]]:
    """Every row, page by page."""
    while True:
        page = ok(client.get(url, params=params))
        assert len(page["items"]) <= params["limit"]
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        params["cursor"] = page["next_cursor"]


@pytest.mark.parametrize("sort", ["division_code", "updated_at", "-updated_at"])
def test_a_walk_while_others_write_misses_and_repeats_nothing(
    served: Served, admin: httpx.Client, homes: list[str], sort: str
) -> None:
    """Half of the rows are changed and as many made anew between the pages; the others are seen once each."""
    still, moving = homes[::2], homes[1::2]
    over = Event()

    def write() -> int:
        written = 0
        with served.client("village_surveyor") as writer:
            while not over.is_set() and written < 60:
                url = f"{API}/households/{moving[written % len(moving)]}"
                ok(writer.patch(url, json={"family_size": written % 9 + 1}, headers={"If-Match": "*"}))
                registry.household(writer, division_code=VILLAGE)  # type: ignore[arg-type]
                written += 1
        return written

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        seen = [row["id"] for row in walk(admin, f"{API}/households", limit=3, sort=sort)]
        over.set()
        assert writing.result() > 0
    assert [one for one in seen if seen.count(one) > 1 and one not in moving] == []
    assert set(still) <= set(seen)
    if sort == "division_code":  # nothing that a write changes decides this order
        assert len(seen) == len(set(seen))
        assert set(homes) <= set(seen)


@pytest.mark.usefixtures("one_by_one")
def test_every_order_of_every_list_walks_through_all(document: Json, served: Served, admin: httpx.Client) -> None:
    """Several pages: the cursor holds in every order, whichever column it rests on."""
    for turn, address in enumerate(lists(document, served)):
        refusal = admin.get(address, params={"sort": "nonsense"}).json()
        orders = refusal["errors"][0]["expected"].split(", ")
        everything = ok(admin.get(address, params={"limit": 1000}))["items"]
        sensible = [one for one in orders if one != "relevance"] if len(everything) <= 60 else []
        for order in in_turn(sensible, turn, 4):
            rows = list(walk(admin, address, limit=max(1, len(everything) // 3), sort=order))
            assert len(rows) == len(everything), f"{address} by {order}"
            assert sorted(map(json.dumps, rows)) == sorted(map(json.dumps, everything)), f"{address} by {order}"
            backward = order[1:] if order.startswith("-") else f"-{order}"
            if backward in orders:
                keys = [row[order.lstrip("-")] for row in rows]
                others = [row[order.lstrip("-")] for row in walk(admin, address, limit=7, sort=backward)]
                assert keys == others[::-1], f"{address} by {order}"


@pytest.mark.usefixtures("one_by_one")
def test_the_three_formats_say_the_same(document: Json, served: Served, admin: httpx.Client) -> None:
    filled = 0
    for address in in_turn(lists(document, served), 0, 2):
        params: dict[str, Any] = {"limit": 5, "count": "exact"}
        page = admin.get(address, params=params)
        shown = page.json()
        lines = admin.get(address, params=params, headers={"Accept": "application/x-ndjson"})
        assert [json.loads(line) for line in lines.text.splitlines()] == shown["items"], address
        table = admin.get(address, params=params, headers={"Accept": "text/csv, application/json;q=0.5"})
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
        assert len(rows) == len(shown["items"]), address
        for row, item in zip(rows, shown["items"], strict=True):
            assert list(row) == list(item), address
            assert {name: written(value) for name, value in item.items()} == row, address
        for answer in (lines, table):
            assert answer.headers["next-cursor"] == (shown["next_cursor"] or ""), address
            assert answer.headers["total-count"] == str(shown["count"]), address
            assert ("link" in answer.headers) == (shown["next_cursor"] is not None)
        if shown["next_cursor"]:
            link = page.headers["link"]
            following = admin.get(link[link.index("<") + 1 : link.index(">")])
            assert following.json() == ok(admin.get(address, params={**params, "cursor": shown["next_cursor"]}))
        filled += bool(shown["items"])
    assert filled >= (9 if IS_BROAD else 5)


def written(value: Any) -> str:
    """A value as a cell."""
    if value is None:
        return ""
    if isinstance(value, bool | dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


@pytest.mark.usefixtures("one_by_one")
def test_counts_are_given_when_asked_for(document: Json, served: Served, admin: httpx.Client) -> None:
    for address in in_turn(lists(document, served), 1, 2):
        assert "count" not in ok(admin.get(address)), address
        exact = ok(admin.get(address, params={"count": "exact", "limit": 1}))["count"]
        assert exact == len(list(walk(admin, address, limit=1000))), address
        assert isinstance(ok(admin.get(address, params={"count": "estimated", "limit": 1}))["count"], int), address
    narrow = {"division": VILLAGE, "state": ["draft", "submitted"], "visited_from": "2020-01-01"}
    assert ok(admin.get(f"{API}/visits", params={**narrow, "count": "estimated"}))["count"] >= 0


@pytest.mark.usefixtures("one_by_one")
def test_fields_picks_columns_in_every_format(document: Json, served: Served, admin: httpx.Client) -> None:
    for address in in_turn(lists(document, served), 0, 2):
        whole = ok(admin.get(address, params={"limit": 2}))["items"]
        if not whole:
            continue
        names = list(whole[0])
        chosen = [one for one in names if one != "id"][:2]
        params = {"limit": 2, "fields": ",".join(reversed(chosen))}
        wanted = [one for one in names if one in chosen or one == "id"]
        assert [list(row) for row in ok(admin.get(address, params=params))["items"]] == [wanted] * len(whole), address
        table = admin.get(address, params=params, headers={"Accept": "text/csv"})
        assert table.text.splitlines()[0].split(",") == wanted, address


@pytest.mark.parametrize("danger", ["=1+1", "+8613800000000", "-2", "@SUM(A1)", "\t=1", '=HYPERLINK("x","y")'])
def test_no_cell_of_a_table_is_a_formula(admin: httpx.Client, served: Served, danger: str) -> None:
    url = f"{API}/problem-types/{served.ids['type_id'][0]}"
    ok(admin.patch(url, json={"en": f"{danger}"}, headers={"If-Match": "*"}))
    shown = ok(admin.get(url))["en"]
    params = {"fields": "en", "division": "360423", "limit": 1000}
    table = admin.get(f"{API}/problem-types", params=params, headers={"Accept": "text/csv"}).text
    cells = [row["en"] for row in csv.DictReader(io.StringIO(table, newline="")) if row["en"].endswith(shown)]
    assert cells == [f"'{shown}"]


@pytest.mark.usefixtures("one_by_one")
def test_whatever_is_read_again_unchanged_is_304(document: Json, served: Served, admin: httpx.Client) -> None:
    tried = 0
    tagged = [one for one in operations(document) if one[1] == "get" and "304" in one[2]["responses"]]
    for path, _, operation in in_turn(tagged, 1, 2):
        address = path.replace("{code}", "stale" if "catalogue" in path else VILLAGE)
        for name, ids in served.ids.items():
            address = address.replace(f"{{{name}}}", ids[0])
        asked = {"division": TOWNSHIP} if parameters(operation).get("division", {}).get("required") else {}
        first = admin.get(address, params=asked)
        assert first.status_code == 200, address
        tag = first.headers["etag"]
        others = (f'"x", {tag}', "*", tag.removeprefix("W/"))  # one of them for each, in turn
        for offered in (tag, others[tried % len(others)]):
            again = admin.get(address, params=asked, headers={"If-None-Match": offered})
            assert (again.status_code, again.content) == (304, b""), f"{address} {offered}"
            assert again.headers["etag"] == tag
        assert admin.get(address, params=asked, headers={"If-None-Match": '"x"'}).status_code == 200
        tried += 1
    assert tried > (60 if IS_BROAD else 30)


def test_tags_change_with_the_content_and_not_with_the_token(served: Served, admin: httpx.Client) -> None:
    form = {"grant_type": "password", "username": "county_admin", "password": "Demo-2026-Wuning"}
    token = ok(httpx.post(f"{served.address}{API}/auth/token", data=form, trust_env=False))["access_token"]
    other = {"Authorization": f"Bearer {token}"}
    kind = served.ids["type_id"][0]
    addresses = (f"{API}/problem-types?limit=3", f"{API}/problem-types/{kind}", f"{API}/campaigns")
    for address in addresses:
        assert admin.get(address).headers["etag"] == admin.get(address, headers=other).headers["etag"]
    # The same rows for two people have the same tag, though each has a cursor of his own.
    with served.client("auditor") as auditor, served.client("county_reviewer") as reviewer:
        pages = [one.get(f"{API}/divisions?under=360423&limit=3") for one in (auditor, reviewer)]
        assert pages[0].json()["items"] == pages[1].json()["items"]
        assert pages[0].json()["next_cursor"] != pages[1].json()["next_cursor"]
        assert pages[0].headers["etag"] == pages[1].headers["etag"]
    before = [admin.get(address).headers["etag"] for address in (addresses[1], f"{API}/problem-types?limit=1000")]
    ok(admin.patch(addresses[1], json={"zh": "名称已改"}, headers={"If-Match": before[0]}))
    after = [admin.get(address).headers["etag"] for address in (addresses[1], f"{API}/problem-types?limit=1000")]
    assert before[0] != after[0]
    assert before[1] != after[1]
    # A format of its own has a tag of its own.
    tags = {
        admin.get(addresses[0], headers={"Accept": accept}).headers["etag"]
        for accept in ("application/json", "text/csv", "application/x-ndjson")
    }
    assert len(tags) == 3


def test_a_new_row_changes_the_list(admin: httpx.Client) -> None:
    url = f"{API}/problem-types?sort=code&limit=1000"
    before = admin.get(url)
    ok(admin.post(f"{API}/problem-types", json=problem_type(code="a_new_row")), 201)
    after = admin.get(url, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert len(after.json()["items"]) == len(before.json()["items"]) + 1
