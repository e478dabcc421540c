"""The committed document is what the app generates, and each operation is described as the contract asks."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toilet_api.app import create_app
from toilet_api.settings import Settings

COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    app = create_app(Settings(database_url="postgresql://nowhere/none", secret_key="only-for-the-document-" * 2))
    return json.loads(json.dumps(app.openapi()))  # type: ignore[no-any-return]


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_committed_document_is_fresh(document: dict[str, Any]) -> None:
    assert json.loads(COMMITTED.read_text()) == document, "run `make openapi` and commit what it writes"


def test_every_operation_is_named_and_described(document: dict[str, Any]) -> None:
    seen = set()
    for path, method, operation in operations(document):
        name = operation["operationId"]
        assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", name), name
        assert name not in seen
        seen.add(name)
        assert operation["tags"], (path, method)
        assert " / " in operation["summary"], f"{name}: summary in Chinese / English"
        assert operation.get("description"), name
        assert "4XX" in operation["responses"]


def test_every_parameter_has_a_title_and_every_field_too(document: dict[str, Any]) -> None:
    untitled = []
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            if "$ref" not in described and "title" not in described:
                untitled.append(f"{name}.{field}")
    assert not untitled


def test_writing_operations_show_an_example(document: dict[str, Any]) -> None:
    without = []
    for path, method, operation in operations(document):
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            schema = content["schema"]
            if "$ref" in schema:
                schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
            shown = schema.get("examples") or any(
                "examples" in field or "example" in field or "default" in field or "$ref" in field or "anyOf" in field
                for field in schema.get("properties", {}).values()
            )
            if not shown:
                without.append(f"{method} {path} {media}")
    assert not without


def test_nothing_in_the_document_points_outside(document: dict[str, Any]) -> None:
    hosts = set(re.findall(r"https?://[^/\"\s]+", json.dumps(document)))
    assert not hosts
