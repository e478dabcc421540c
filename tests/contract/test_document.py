"""The committed document is what the app generates, and each operation is described as the contract asks: the lint."""

import csv
import io
import json
import re

import pytest

from tests.contract.reading import (
    COMMITTED,
    Json,
    faults,
    is_list,
    nodes,
    operations,
    parameters,
    resolved,
    successes,
)
from toilet_api.kernel.codes import CODE_LISTS
from toilet_api.kernel.errors import CATALOGUE
from toilet_api.openapi import CLOSED, NEVER_STORED, TAGS

CHINESE = re.compile("[\u4e00-\u9fff]")
VERBS = {
    *("list", "get", "search", "create", "record", "update", "rename", "change", "remove", "restore", "reveal"),
    *("open", "close", "retire", "submit", "correct", "verify", "return", "bulk", "dismiss", "reopen", "cancel"),
    *("lock", "unlock", "reset", "revoke", "rotate", "merge", "split", "move"),
    *("approve", "withdraw", "revise", "supplement", "put", "fill", "print"),
    *("rectify", "start", "recall", "request", "grant", "refuse"),
    *("pass", "fail"),
    *("draw", "check", "complete"),
    *("sign", "receive"),
    "continue",
    *("sync", "pull", "resolve"),
    *("pause", "resume", "test", "replay", "redeliver"),
    *("publish", "simulate", "hold", "follow"),
}
PAGING = {"limit", "cursor", "count", "sort", "fields"}


def test_the_committed_document_is_fresh(document: Json) -> None:
    assert json.loads(COMMITTED.read_text()) == document, "run `make openapi` and commit what it writes"


def test_every_operation_is_named_and_described(document: Json) -> None:
    seen = set()
    for _, _, operation in operations(document):
        name = operation["operationId"]
        assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", name), name
        assert name.split("_")[0] in VERBS, name
        assert name not in seen
        seen.add(name)
        assert " / " in operation["summary"], f"{name}: summary in Chinese / English"
        assert CHINESE.search(operation["description"]), name
        assert re.search("[A-Za-z]{3}", operation["description"]), name


def test_every_operation_has_the_tag_of_its_room(document: Json) -> None:
    rooms = [name for name, _ in TAGS]
    assert [tag["name"] for tag in document["tags"]] == rooms
    assert all(CHINESE.search(tag["description"]) for tag in document["tags"])
    used = {tuple(operation["tags"]) for _, _, operation in operations(document)}
    assert used == {(room,) for room in rooms}


def test_titles_are_chinese_and_descriptions_too(document: Json) -> None:
    untitled = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if "$ref" not in described and not re.search("[\u4e00-\u9fff]|HTTP|SHA", described.get("title", ""))
    ]
    untitled += [
        f"{operation['operationId']}: {name}"
        for _, _, operation in operations(document)
        for name, parameter in parameters(operation).items()
        if not CHINESE.search(parameter["schema"].get("title", ""))
    ]
    untitled += [
        name
        for name, schema in document["components"]["schemas"].items()
        if not CHINESE.search(schema.get("description", ""))
    ]
    assert not untitled


def test_every_body_has_an_example_that_is_what_its_schema_says(document: Json) -> None:
    wrong = []
    for _, _, operation in operations(document):
        name = operation["operationId"]
        bodies = [("request", operation.get("requestBody", {})), *successes(operation)]
        for which, body in bodies:
            for media, content in body.get("content", {}).items():
                is_file = "contentMediaType" in content["schema"] or content["schema"].get("format") == "binary"
                if is_file or media.startswith(("multipart/", "image/")) or name == "get_import_report":
                    continue
                example = content.get("example")
                if media == "text/csv":
                    heading, *rows = csv.reader(io.StringIO(example))
                    wrong += [f"{name} {media}"] if len(rows) != 1 or len(heading) != len(rows[0]) else []
                elif media == "application/x-ndjson":
                    wrong += [f"{name} {media}"] if "id" not in example and "code" not in example else []
                else:
                    wrong += [f"{name} {which} {fault}" for fault in faults(document, content["schema"], example)]
    assert not wrong


def test_every_field_that_holds_a_text_or_number_shows_one(document: Json) -> None:
    """From these the examples are composed; a file is shown by nothing, a null is an example of itself."""
    stated = {"examples", "example", "const", "default", "enum", "x-extensible-enum", "format", "contentMediaType"}
    without = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if described.get("type") in ("string", "integer", "number") and not stated & set(described)
    ]
    assert not without


def test_every_answer_is_described_with_its_headers(document: Json) -> None:
    for _, _, operation in operations(document):
        name = operation["operationId"]
        assert {"4XX", "5XX"} <= set(operation["responses"]), name
        for status, response in operation["responses"].items():
            assert CHINESE.search(response["description"]), f"{name} {status}"
            assert response["headers"]["X-Request-Id"] == {"$ref": "#/components/headers/X-Request-Id"}
            if status[0] in "45":
                assert set(response["content"]) == {"application/problem+json"}, f"{name} {status}"
        if operation["responses"].keys() & {"304"}:
            assert "If-None-Match" in parameters(operation)
            assert "ETag" in operation["responses"]["200"]["headers"], name


def test_every_operation_says_how_its_form_may_be_refused(document: Json) -> None:
    for path, method, operation in operations(document):
        told: set[str] = set()
        for response in operation["responses"].values():
            told |= set(response.get("content", {}).get("application/problem+json", {}).get("examples", {}))
        bodies = operation.get("requestBody", {}).get("content", {})
        expected = {"unknown_parameter", "malformed"}
        expected |= {"invalid"} if bodies or parameters(operation).keys() - {"If-None-Match"} else set()
        expected |= {"unsupported_media"} if "application/json" in bodies else set()
        expected |= {"not_acceptable"} if is_list(operation) else set()
        assert expected <= told, (method, path, expected - told)


def test_the_whole_error_catalogue_is_in_the_document(document: Json) -> None:
    codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["x-extensible-enum"]
    assert codes == sorted(CATALOGUE)
    examples = document["components"]["examples"]
    assert set(examples) == {f"problem.{code}" for code in codes}
    for code in codes:
        value = examples[f"problem.{code}"]["value"]
        assert (value["code"], value["status"]) == (code, CATALOGUE[code].status)
        assert not faults(document, {"$ref": "#/components/schemas/Problem"}, value)
    # Each documented status names the codes that it may have, and only its own.
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            for one in response.get("content", {}).get("application/problem+json", {}).get("examples", {}):
                assert str(CATALOGUE[one].status) == status, operation["operationId"]
    assert "ValidationError" not in json.dumps(document)


def test_lists_take_what_every_list_takes(document: Json) -> None:
    lists = [operation for _, _, operation in operations(document) if is_list(operation)]
    assert len(lists) >= 12
    for operation in lists:
        name = operation["operationId"]
        assert set(parameters(operation)) >= PAGING, name
        content = operation["responses"]["200"]["content"]
        assert set(content) == {"application/json", "text/csv", "application/x-ndjson"}, name
        page = resolved(document, content["application/json"]["schema"])
        assert set(page["properties"]) == {"items", "next_cursor", "count"}, name
        assert {"ETag", "Link", "Next-Cursor", "Total-Count"} <= set(operation["responses"]["200"]["headers"]), name


def test_a_list_that_is_no_page_says_so(document: Json) -> None:
    """What is short and answered whole: no paging parameters, and they are refused, not ignored."""
    whole = {
        operation["operationId"]
        for _, method, operation in operations(document)
        if method == "get" and operation["operationId"].startswith("list_") and not is_list(operation)
    }
    assert whole == {
        *("list_code_lists", "list_error_catalogue", "list_roles", "list_user_trainings"),
        *("list_division_ancestors", "list_division_history", "list_campaign_history", "list_household_history"),
        *("list_problem_history", "list_toilet_history", "list_visit_history", "list_plan_history"),
        "list_task_history",
        *("list_sample_history", "list_assessment_history"),
        *("list_acceptance_history", "list_panel_candidates"),
        *("list_datasets", "list_dataset_history"),
        *("list_report_editions", "list_report_history", "list_report_parts", "list_report_periods"),
    }


def test_changes_need_if_match_and_creations_take_an_idempotency_key(document: Json) -> None:
    for _, method, operation in operations(document):
        name, takes = operation["operationId"], parameters(operation)
        if method == "patch" and "Upload-Offset" in takes:
            assert takes["Upload-Offset"]["required"], f"{name}: a part says where it belongs, as If-Match does"
        elif method == "patch":
            assert takes["If-Match"]["required"], name
            assert {"412", "428"} <= set(operation["responses"]), name
            assert set(operation["requestBody"]["content"]) == {"application/json", "application/merge-patch+json"}
            assert "ETag" in operation["responses"]["200"]["headers"], name
        if method == "post" and {"201", "202"} & set(operation["responses"]):
            assert "Idempotency-Key" in takes, name
        assert method in ("get", "post", "patch"), "nothing is deleted in silence, nothing replaced"


def test_no_workflow_state_is_writable(document: Json) -> None:
    """States change by steps of their own, never by a PATCH."""
    writable = {
        f"{operation['operationId']}.{field}"
        for _, method, operation in operations(document)
        if method == "patch" and "application/json" in operation["requestBody"]["content"]
        for field in resolved(document, operation["requestBody"]["content"]["application/json"]["schema"])["properties"]
        if field in ("state", "status")
    }
    assert not writable


def test_sets_of_codes_are_extensible(document: Json) -> None:
    closed = [
        place for place, node in nodes(document) if isinstance(node.get("enum"), list) and node["enum"] not in CLOSED
    ]
    assert not closed
    lists = {node["x-code-list"] for _, node in nodes(document) if "x-code-list" in node}
    assert lists <= set(CODE_LISTS)
    assert len(lists) >= 15
    for _, node in nodes(document):
        if "x-code-list" in node:
            assert node["x-extensible-enum"] == [entry.code for entry in CODE_LISTS[node["x-code-list"]].codes]


def test_parameters_are_never_null(document: Json) -> None:
    nullable = [
        f"{operation['operationId']}.{name}"
        for _, _, operation in operations(document)
        for name, parameter in parameters(operation).items()
        if {"type": "null"} in parameter["schema"].get("anyOf", [])
        or "application/json" in parameter.get("content", {})
    ]
    assert not nullable


def test_every_record_that_has_steps_says_which_are_allowed(document: Json) -> None:
    shown = {
        name
        for name, schema in document["components"]["schemas"].items()
        if {"state", "version", "updated_at"} <= set(schema.get("properties", {}))
    }
    assert shown >= {"CampaignRow", "VisitRow", "VisitOut", "ProblemRow", "User"}
    for name in shown:
        assert "allowed_actions" in document["components"]["schemas"][name]["properties"], name


def test_references_lead_somewhere_and_nothing_is_left_over(document: Json) -> None:
    text = json.dumps(document)
    refs = set(re.findall(r'"\$ref": "#/components/([^"]+)"', text))
    there = {f"{kind}/{name}" for kind, members in document["components"].items() for name in members}
    assert refs <= there
    left = {one for one in there - refs if one.startswith(("schemas/", "headers/", "responses/", "parameters/"))}
    assert not left


def test_what_repeats_stands_once(document: Json) -> None:
    """Spelled out, it was nearly half of the document, in which whoever read it had to see that nothing was new."""
    places = [operation for item in document["paths"].values() for operation in item.values()]
    parts = [part for one in places for part in (*one["responses"].values(), *one.get("parameters", []))]
    own = [json.dumps(part) for part in parts if "$ref" not in part]
    assert len(own) == len(set(own))
    assert len(own) < len(parts) / 5


def test_only_the_front_door_is_open(document: Json) -> None:
    unguarded = {operation["operationId"] for _, _, operation in operations(document) if not operation.get("security")}
    assert unguarded == {
        *("create_token", "revoke_token", "get_jwks", "get_well_known_jwks", "get_health", "get_readiness"),
        *("list_code_lists", "list_error_catalogue", "get_error_type"),
    }


def test_nothing_in_the_document_points_outside(document: Json) -> None:
    hosts = set(re.findall(r"https?://[^/\"\s]+", json.dumps(document)))
    assert hosts <= {"https://receiver.example"}, "of nobody (RFC 2606): where a webhook might be received"


@pytest.mark.parametrize("name", sorted(NEVER_STORED))
def test_what_is_of_the_moment_offers_no_condition(document: Json, name: str) -> None:
    one = next(operation for _, _, operation in operations(document) if operation["operationId"] == name)
    assert "304" not in one["responses"]
    assert "If-None-Match" not in parameters(one)
