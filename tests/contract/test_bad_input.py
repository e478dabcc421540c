"""Bad input, tried on every operation where it fits: a clear 4xx as problem+json, and nothing has changed.

With TESTS=broad each sort on each operation. By default, of the sorts that one and the same part of the code refuses
each operation gets its turn.
"""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.breadth import IS_BROAD, in_turn
from tests.contract.bad import nothing_changes, pointers, refused
from tests.contract.reading import COMMITTED, Json, is_list, operations, parameters, resolved
from tests.contract.served import Served
from tests.contract.wire import Wire
from toilet_api.kernel.limits import PART_MEDIA

pytestmark = pytest.mark.usefixtures("one_by_one")
DOCUMENT: Json = json.loads(COMMITTED.read_text())
JSON = {"Content-Type": "application/json"}
CODES = {"code": "360423208202"}
TURNS = 3


def calls(served: Served, **only: Any) -> Iterator[tuple[str, str, Json]]:
    """(method, address, operation) of every operation, at what stands in the county."""
    for path, method, operation in operations(DOCUMENT):
        address = path
        for name, parameter in parameters(operation).items():
            if parameter["in"] == "path":
                known = served.ids.get(name, ["stale" if "catalogue" in path else CODES["code"]])
                address = address.replace(f"{{{name}}}", known[0])
        yield method, address, operation


def media_of(operation: Json) -> str:
    """The content type that the operation takes; JSON where it takes nothing."""
    content: Json = operation.get("requestBody", {}).get("content", {})
    return PART_MEDIA if PART_MEDIA in content else JSON["Content-Type"]


def writing(served: Served) -> Iterator[tuple[str, str, Json, Json]]:
    """(method, address, the schema of the JSON body, an example of it)."""
    for method, address, operation in calls(served):
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            body = content["application/json"]
            yield method, address, resolved(DOCUMENT, body["schema"]), body["example"]


@pytest.fixture(scope="module", autouse=True)
def unchanged(served: Served) -> Iterator[None]:
    """Whatever is asked here changes nothing."""
    served.token("county_admin")
    with nothing_changes(served):
        yield


@pytest.fixture
def admin(served: Served) -> Iterator[httpx.Client]:
    """The county's administrator."""
    with served.client("county_admin") as client:
        client.headers["If-Match"] = "*"
        yield client


def test_an_unknown_query_parameter_is_refused_everywhere(served: Served, admin: httpx.Client) -> None:
    for method, address, _ in calls(served):
        body = refused(admin.request(method, address, params={"nonsense": "1"}), "unknown_parameter")
        assert pointers(body) == ["/query/nonsense"]


def test_nul_and_broken_utf8_in_the_query_are_refused_everywhere(served: Served, admin: httpx.Client) -> None:
    for turn, (method, address, operation) in enumerate(calls(served)):
        names = [name for name, one in parameters(operation).items() if one["in"] == "query"] or ["nonsense"]
        tried = [(name, value) for value in ("%00", "a%00b", "%ED%A0%80") for name in (names[0], names[-1])]
        for name, value in in_turn(tried, turn, len(tried)):
            answer = admin.request(method, f"{address}?{name}={value}")
            if value != "%ED%A0%80" or answer.status_code >= 400:
                refused(answer, "malformed", "unknown_parameter", "invalid", "bad_cursor", "not_found")


JUNK = ("%00", "x", "%ED%A0%80", "-1", "9" * 400, "%27%20or%201%3D1", "%F0%9F%98%80", "0" * 36, "%2e%2e%2f")


@pytest.mark.parametrize("junk", JUNK)
def test_junk_in_a_path_is_refused_everywhere(served: Served, admin: httpx.Client, junk: str) -> None:
    for path, method, operation in in_turn(operations(DOCUMENT), JUNK.index(junk), TURNS):
        for name in [name for name, one in parameters(operation).items() if one["in"] == "path"]:
            address = path.replace(f"{{{name}}}", junk)
            for other in parameters(operation):
                address = address.replace(f"{{{other}}}", str(UUID(int=1)))
            headers = {"Content-Type": media_of(operation)}
            answer = admin.request(method, address, content=b"{}" if method != "get" else None, headers=headers)
            refused(answer, "malformed", "invalid", "not_found", "method_not_allowed", "out_of_scope")


NOT_JSON = {
    "truncated": (b'{"id": "0199f2c4', "malformed"),
    "no JSON": (b"name=x", "malformed"),
    "two values": (b"{} {}", "malformed"),
    "broken UTF-8": (b'{"note": "\xff\xfe"}', "malformed"),
    "GB18030": ('{"note": "问题"}'.encode("gb18030"), "malformed"),
    "UTF-16": ('{"note": "x"}'.encode("utf-16"), "malformed"),
    "a member twice": (b'{"reason": "a", "reason": "b"}', "malformed"),
    "nested": (b'{"a":' * 100 + b"1" + b"}" * 100, "malformed"),
    "nested without end": (b"[" * 100_000, "malformed"),
    "NaN": (b'{"note": NaN}', "malformed"),
    "Infinity": (b'{"note": -Infinity}', "malformed"),
    "a number of 5,000 digits": (b'{"version": ' + b"9" * 5000 + b"}", "malformed"),
    "NUL": (b'{"note": "a\\u0000b"}', "malformed"),
    "NUL in a name": (b'{"a\\u0000b": 1}', "malformed"),
    "a lone surrogate": (b'{"note": "\\ud800"}', "malformed"),
    "a lone surrogate, doubled": (b'{"note": "\\udc00\\ud800"}', "malformed"),
    "an array": (b"[]", "invalid"),
    "a text": (b'"x"', "invalid"),
    "a number": (b"1", "invalid"),
    "an unknown member": (b'{"nonsense": 1}', "invalid"),
    "an unknown member, deep": (b'{"nonsense": {"a": [1, {"b": 1e999}]}}', ""),
}


@pytest.mark.parametrize("kind", NOT_JSON)
def test_what_is_no_json_of_ours_is_refused_everywhere(served: Served, admin: httpx.Client, kind: str) -> None:
    content, code = NOT_JSON[kind]
    for method, address, _, _ in in_turn(writing(served), list(NOT_JSON).index(kind), TURNS):
        answer = admin.request(method, address, content=content, headers=JSON)
        refused(answer, *([code] if code else ["malformed", "invalid"]))


OTHER_MEDIA = ("text/plain", "application/xml", "application/x-www-form-urlencoded", "", "json")


@pytest.mark.parametrize("media", OTHER_MEDIA)
def test_another_content_type_is_refused_everywhere(served: Served, admin: httpx.Client, media: str) -> None:
    for method, address, _, example in in_turn(writing(served), OTHER_MEDIA.index(media), len(OTHER_MEDIA)):
        content = json.dumps(example).encode()
        refused(admin.request(method, address, content=content, headers={"Content-Type": media}), "unsupported_media")


def wrong_values(schema: Json) -> Iterator[Any]:
    """What a member of this schema may not hold."""
    one = resolved(DOCUMENT, schema)
    kinds = {resolved(DOCUMENT, part).get("type") for part in one.get("anyOf", [one])} | {
        part.get("format") for part in one.get("anyOf", [one])
    }
    if "null" not in kinds:
        yield None
    if kinds & {"string", "integer", "number", "boolean"}:
        yield from ({}, [], {"a": 1})
    if "string" in kinds and "number" not in kinds:
        yield from (1, True, 1.5)
        yield "长" * 5000
    if kinds & {"integer", "number"}:
        yield from ("x", 1e300, -(10**30))
    if "date" in kinds:
        yield from ("2026-02-31", "-0005-01-01", "10000-01-01", "2026/05/01", "yesterday", 20260501, "")
    if "date-time" in kinds:
        yield from ("2026-02-31T08:00:00+08:00", "2026-05-01T25:00:00+08:00", "2026-05-01T08:00:00", "-2026-05-01", 1)
    if "uuid" in kinds:
        yield from ("x", "0199f2c4", "g" * 36, "")
    if "array" in kinds:
        yield from ({}, "x", [{"a": [None]}], [[]])
    if "object" in kinds:
        yield from ([], "x", 1)


def test_every_field_of_every_body_is_checked(served: Served, admin: httpx.Client) -> None:
    """All fields at once hold what they can't, each something else in each round: 422 at the place of each."""
    tried = 0
    for turn, (method, address, schema, example) in enumerate(writing(served)):
        wrong = {name: list(wrong_values(described)) for name, described in schema["properties"].items()}
        rounds = max(map(len, wrong.values()), default=0)
        for number in in_turn(range(rounds), turn, min(rounds, TURNS)):
            bad = {name: values[number] for name, values in wrong.items() if number < len(values)}
            body = refused(admin.request(method, address, json={**example, **bad}), "invalid")
            told = {one.split("/")[1] for one in pointers(body)}
            assert told >= bad.keys(), f"{method} {address} {bad}: {body}"
            tried += len(bad)
    assert tried > (1500 if IS_BROAD else 500)


def test_dates_and_numbers_in_queries_are_checked(served: Served, admin: httpx.Client) -> None:
    tried, turns = 0, count()
    for method, address, operation in calls(served):
        for name, one in parameters(operation).items():
            schema = one["schema"]
            if one["in"] != "query" or name == "limit" or method != "get":
                continue
            wrong = {
                "date": ["2026-02-31", "-0001-01-01", "99999-01-01", "x"],
                "date-time": ["2026-02-31T00:00:00+08:00", "2026-01-01", "x", "-1"],
                "uuid": ["x", "1"],
            }.get(schema.get("format", ""), [])
            wrong += {"integer": ["x", "1.5", "-99999999999999999999", "1e9"], "boolean": ["maybe", "2"]}.get(
                schema.get("type", ""), []
            )
            wrong += ["no_such_code"] if "x-extensible-enum" in schema or "enum" in schema else []
            is_code = "[0-9]" in schema.get("pattern", "")
            wrong += ["36042", "36042320820", "x", "٣٦", "360423208202 "] if is_code else []
            wrong += ["no_such_code"] if name == "reason" else []
            for value in in_turn(wrong, next(turns), min(len(wrong), TURNS)) if wrong else ():
                body = refused(admin.get(address, params={name: value}), "invalid", "malformed")
                assert pointers(body) == [f"/query/{name}"], f"{name}={value}: {body}"
                tried += 1
    assert tried > 100


def test_a_division_that_does_not_exist_is_not_found(served: Served, admin: httpx.Client) -> None:
    nowhere = ("99", "999999", "360423999999", "360424")
    for turn, (method, address, operation) in enumerate(calls(served)):
        if "division" in parameters(operation) and method == "get":
            for code in in_turn(nowhere, turn, len(nowhere)):
                refused(admin.get(address, params={"division": code}), "not_found")


BAD_PAGES = [
    ({"limit": "0"}, "invalid"),
    ({"limit": "-1"}, "invalid"),
    ({"limit": "1001"}, "invalid"),
    ({"limit": "x"}, "invalid"),
    ({"limit": "9" * 50}, "invalid"),
    ({"limit": "1e2"}, "invalid"),
    ({"sort": "nonsense"}, "invalid"),
    ({"sort": "id;drop table visit"}, "invalid"),
    ({"fields": "nonsense"}, "invalid"),
    ({"fields": "id,person"}, "invalid"),
    ({"count": "all"}, "invalid"),
    ({"cursor": "x"}, "bad_cursor"),
    ({"cursor": ""}, "bad_cursor"),
    ({"cursor": "é"}, "bad_cursor"),
    ({"cursor": "A" * 300}, "bad_cursor"),
    ({"cursor": "A" * 5000}, "invalid"),
]


@pytest.mark.parametrize(("params", "code"), BAD_PAGES, ids=lambda one: str(one)[:40])
def test_every_list_checks_what_it_is_asked(
    served: Served, admin: httpx.Client, params: dict[str, str], code: str
) -> None:
    lists = (one for one in calls(served) if is_list(one[2]))
    for method, address, _ in in_turn(lists, BAD_PAGES.index((params, code)), TURNS):
        body = {"json": {"name": "赵六"}} if method == "post" else {}
        refused(admin.request(method, address, params=params, **body), code)


def test_every_list_refuses_a_format_that_it_does_not_have(served: Served, admin: httpx.Client) -> None:
    lists = [one for one in calls(served) if is_list(one[2])]
    formats = ("image/png", "application/pdf;q=1", "application/json;q=0", "text/html")
    for turn, (method, address, _) in enumerate(lists):
        body = {"json": {"name": "赵六"}} if method == "post" else {}
        for accept in in_turn(formats, turn, len(formats)):
            refused(admin.request(method, address, headers={"Accept": accept}, **body), "not_acceptable")


def test_every_operation_behind_the_door_needs_a_token(served: Served) -> None:
    offered: tuple[str | bytes | None, ...] = (None, "x", "Bearer", "Bearer a.b.c", "Basic eDp5", b"Bearer \xe9")
    with httpx.Client(base_url=served.address, transport=Wire()) as stranger:
        for turn, (method, address, operation) in enumerate(calls(served)):
            if not operation.get("security"):
                continue
            content = operation.get("requestBody", {}).get("content", {})
            sent: dict[str, Any] = {}
            if "application/json" in content:
                sent = {"json": content["application/json"]["example"]}
            elif PART_MEDIA in content:
                sent = {"content": b"x"}
            elif content:
                sent = {"data": {"kind": "photo", "division_code": "36"}, "files": {"file": ("x", b"x")}}
            for token in {None, *in_turn(offered, turn, len(offered))}:
                headers: dict[Any, Any] = {} if token is None else {"Authorization": token}
                headers |= {"Content-Type": PART_MEDIA} if "content" in sent else {}
                answer = stranger.request(method, address, headers=headers, **sent)
                refused(answer, "unauthenticated")
                assert answer.headers["www-authenticate"].startswith("Bearer")


def test_forms_are_checked(served: Served, admin: httpx.Client) -> None:
    api = "/api/v1"
    image = {"file": ("x.jpg", b"no image at all", "image/jpeg")}
    good = {"kind": "photo", "division_code": "360423208202"}
    refused(admin.post(f"{api}/attachments", json={}), "invalid", "unsupported_media")
    refused(admin.post(f"{api}/attachments", data=good), "invalid")
    refused(admin.post(f"{api}/attachments", data={**good, "kind": "film"}, files=image), "invalid")
    refused(admin.post(f"{api}/attachments", data={**good, "division_code": "36042"}, files=image), "invalid")
    refused(admin.post(f"{api}/attachments", data={**good, "id": "1"}, files=image), "invalid")
    refused(admin.post(f"{api}/attachments", data=good, files=image), "image_kind_refused")
    refused(admin.post(f"{api}/attachments", data=good, files={"file": ("x.jpg", b"")}), "image_kind_refused")
    refused(admin.post(f"{api}/attachments", data={**good, "file": "a text"}), "invalid")
    multipart = {"Content-Type": "multipart/form-data; boundary=x"}
    for content in (b"", b"--x\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--", b"\x00" * 100):
        for path in (f"{api}/attachments", f"{api}/imports"):
            refused(admin.post(path, content=content, headers=multipart), "invalid", "malformed")
    refused(admin.post(f"{api}/attachments", content=b"x", headers={"Content-Type": "multipart/form-data"}))
    refused(admin.post(f"{api}/auth/token", json={}), "bad_token_request")
    (missing,) = refused(admin.post(f"{api}/households"), "invalid")["errors"]
    assert (missing["pointer"], "请求体" in missing["message"]) == ("/", True)
    many = {f"field_{number}": "x" for number in range(2000)}
    refused(admin.post(f"{api}/attachments", data=many, files=image), "invalid", "malformed")


def test_refusals_speak_the_language_of_who_asks(served: Served, admin: httpx.Client) -> None:
    url = "/api/v1/visits"
    for accept, english in (
        ("en", True),
        ("en-GB,zh;q=0.5", True),
        ("zh-CN,en;q=0.9", False),
        ("fr", False),
        ("", False),
    ):
        refused(admin.get(url, params={"limit": "0"}, headers={"Accept-Language": accept}), english=english)
    body = refused(admin.get(url, params={"limit": "0"}, headers={"Accept-Language": "en"}), english=True)
    assert body["errors"][0]["message"].isascii()


def test_an_address_that_does_not_exist_is_refused_alike(served: Served, admin: httpx.Client) -> None:
    for path in ("/api/v1/nonsense", "/api/v2/visits", "/nonsense", "/api/v1/visits/", "/api/v1", "/%00", "/docs/x"):
        answer = admin.get(path)
        refused(answer, "not_found", "malformed")
        assert "/docs" in answer.json()["remedy"] or answer.status_code == 400, "no record is meant, and no scope"
    for method in ("PUT", "DELETE", "TRACE"):
        answer = admin.request(method, "/api/v1/visits")
        refused(answer, "method_not_allowed")


def test_an_address_that_lacks_a_method_tells_all_that_it_has(served: Served, admin: httpx.Client) -> None:
    by_path: dict[str, set[str]] = {}
    for method, address, _ in calls(served):
        by_path.setdefault(address.partition("?")[0], set()).add(method.upper())
    assert by_path["/api/v1/visits"] == {"GET", "POST"}
    assert by_path["/api/v1/visits/bulk-verify"] == {"POST"}
    for path, methods in by_path.items():
        for method in {"GET", "POST", "PATCH", "OPTIONS"} - methods:
            answer = admin.request(method, path)
            refused(answer, "method_not_allowed")
            assert set(answer.headers["allow"].split(", ")) == methods, f"{method} {path}"


LAX = [
    (f"/api/v1/divisions/{CODES['code']}/split", {"into": [{"name": "甲"}], "rest": False, "reason": "x"}, "/rest"),
    ("/api/v1/exports", {"dataset": "households", "format": "csv", "bom": "yes"}, "/bom"),
    (
        "/api/v1/exports",
        {"dataset": "households", "format": "csv", "filters": {"built_year_from": "2024"}},
        "/filters/b",
    ),
    (f"/api/v1/divisions/{CODES['code']}/close", None, "/"),
    (f"/api/v1/divisions/{CODES['code']}/close", {"reason": " " + "x" * 500}, "/reason"),
]


@pytest.mark.parametrize(("address", "body", "at"), LAX, ids=lambda one: str(one)[-20:])
def test_a_value_is_of_the_type_and_length_that_the_document_says(
    admin: httpx.Client, address: str, body: dict[str, Any] | None, at: str
) -> None:
    refusal = refused(admin.post(address, content=json.dumps(body), headers=JSON), "invalid")
    assert any(one.startswith(at) for one in pointers(refusal)), refusal


@pytest.mark.parametrize(
    "offered", ['"', "1", '"0"', 'W/"999"', ",,,", "", "é".encode("latin-1"), '"' + "9" * 4000 + '"']
)
def test_an_if_match_that_matches_nothing_is_412_with_the_record(served: Served, offered: Any) -> None:
    with served.client("county_admin") as admin:
        url = f"/api/v1/campaigns/{served.ids['campaign_id'][0]}"
        current = admin.get(url)
        answer = admin.patch(url, json={"name": "改名"}, headers={"If-Match": offered})
        body = refused(answer, "stale")
        assert body["current"] == current.json()
        assert answer.headers["etag"] == current.headers["etag"]
        refused(admin.patch(url, json={"name": "改名"}), "match_required")
