"""Reading the document: its operations, its schemas."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs

Json = dict[str, Any]
COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"
"""What is released. That it is the app's own, test_document.py sees to: making it anew takes seconds."""
CHINESE = re.compile("[\u4e00-\u9fff]")
_REGISTRIES: dict[int, tuple[Json, jsonschema_rs.Registry]] = {}
"""By the identity of a document, which is kept with it."""


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """(path, method, operation); the operation with its answers and parameters, wherever they stand."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = {status: resolved(document, one) for status, one in operation["responses"].items()}
            told = [resolved(document, one) for one in operation.get("parameters", [])]
            yield path, method, {**operation, "responses": answers, **({"parameters": told} if told else {})}


def spelled_out(document: Json) -> Json:
    """A copy in which nothing is shared: each operation has its answers and parameters to itself."""
    paths: Json = {}
    for path, method, operation in operations(document):
        paths.setdefault(path, {})[method] = operation
    parts = {kind: one for kind, one in document["components"].items() if kind not in ("responses", "parameters")}
    copied: Json = json.loads(json.dumps({**document, "paths": paths, "components": parts}))
    return copied


def resolved(document: Json, part: Json) -> Json:
    """`part`, or the schema, answer or parameter that it refers to."""
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    found: Json = document["components"][kind][name]
    return found


def successes(operation: Json) -> Iterator[tuple[str, Json]]:
    """(status, response) of the answers that are no errors."""
    return ((status, one) for status, one in operation["responses"].items() if status.startswith("2"))


def parameters(operation: Json) -> dict[str, Json]:
    """Parameters by name."""
    return {one["name"]: one for one in operation.get("parameters", [])}


def faults(document: Json, schema: Json, value: Any) -> list[str]:
    """Where `value` isn't what `schema` says."""
    # The components are read once: a validator that held them would read them all anew for each value.
    if id(document) not in _REGISTRIES:
        _REGISTRIES[id(document)] = (document, jsonschema_rs.Registry([("urn:document", document)]))
    there = json.loads(json.dumps(schema).replace('"#/components/', '"urn:document#/components/'))
    _, registry = _REGISTRIES[id(document)]
    validator = jsonschema_rs.Draft202012Validator(there, validate_formats=True, registry=registry)
    return [f"{list(one.instance_path)}: {one.message}" for one in validator.iter_errors(value)]


def is_list(operation: Json) -> bool:
    """Whether it answers pages of a list; a file that is downloaded may be NDJSON too, and the change feed is."""
    formats = {"application/json", "text/csv"}
    return any(formats <= response.get("content", {}).keys() for _, response in successes(operation))


def nodes(value: Any, place: str = "") -> Iterator[tuple[str, Json]]:
    """Every object inside of `value`, with its place."""
    if isinstance(value, dict):
        yield place, value
        for name, member in value.items():
            yield from nodes(member, f"{place}/{name}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from nodes(member, f"{place}/{index}")
