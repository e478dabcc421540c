"""Examples for the OpenAPI document: bodies composed of the examples that stand at their fields.

A field is described once, where it is declared; nobody writes whole bodies that go stale. Tests hold every example
to its schema.
"""

import json
from typing import Any

from toilet_api.kernel.errors import CATALOGUE
from toilet_api.kernel.paging import as_csv

_BY_FORMAT = {
    "uuid": "0199f2c4-7c1e-7000-8000-000000000001",
    "date-time": "2026-06-30T09:30:00+08:00",
    "date": "2026-06-30",
    "binary": "(bytes)",
}
_PLAIN = {"string": "示例", "integer": 1, "number": 1.0, "boolean": True, "object": {}, "null": None}
_NAME = "#/components/schemas/"

Json = dict[str, Any]


class Specimens:
    """Makes examples of the schemas of one document. `complete`: with the members that a body may leave out."""

    def __init__(self, schemas: Json) -> None:
        self._schemas = schemas

    def of(self, schema: Json, *, complete: bool) -> Any:
        """An example of `schema`: its own, or composed of those of its members."""
        if "$ref" in schema and not schema.get("examples"):
            return self.of(self._schemas[schema["$ref"].removeprefix(_NAME)], complete=complete)
        for stated in ("examples", "example", "const", "default", "enum", "x-extensible-enum"):
            if stated in schema and schema[stated] not in (None, []):
                value = schema[stated]
                return value[0] if stated in ("examples", "enum", "x-extensible-enum") else value
        for alternatives in (schema.get("anyOf"), schema.get("oneOf")):
            if alternatives:
                return self._first(alternatives, complete)
        kind = schema.get("type", "null")
        if kind == "array":
            return [self.of(schema["items"], complete=complete)]
        if kind == "object" and "properties" in schema:
            return self._members(schema, complete)
        return _BY_FORMAT.get(schema.get("format", ""), _PLAIN[kind])

    def _first(self, alternatives: list[Json], complete: bool) -> Any:
        """What may be null is so in most records, unless an example says what else it would be."""
        first = alternatives[0]
        if {"type": "null"} in alternatives and not {"$ref", "examples"} & set(first):
            return None
        return self.of(first, complete=complete)

    def _members(self, schema: Json, complete: bool) -> Json:
        required = schema.get("required", [])
        return {
            name: self.of(member, complete=complete)
            for name, member in schema["properties"].items()
            if complete or name in required or "examples" in member
        }

    def content(self, content: Json, *, complete: bool) -> Json:
        """The media types of a request or response, each with an example. CSV and NDJSON show the page's rows."""
        page = None
        for media, described in content.items():
            if media.startswith("multipart/") or "examples" in described:
                continue
            if media in ("application/json", "application/merge-patch+json", "application/x-www-form-urlencoded"):
                page = self.of(described["schema"], complete=complete)
                described["example"] = page
            elif media == "text/csv" and isinstance(page, dict) and "items" in page:
                rows = [json.dumps(row, ensure_ascii=False) for row in page["items"]]
                described["example"] = as_csv(rows, list(page["items"][0])).decode()
            elif media == "application/x-ndjson" and isinstance(page, dict) and "items" in page:
                described["example"] = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in page["items"])
        return content


def of_problems() -> Json:
    """An example for each kind of error, to be referred to as `#/components/examples/problem.CODE`."""
    return {
        f"problem.{code}": {
            "summary": f"{kind.zh} / {kind.en}",
            "value": kind.problem().document(
                instance="/api/v1/households/0199f2c4-7c1e-7000-8000-000000000001",
                request_id="0199f2c47c1e70008000000000000001",
            ),
        }
        for code, kind in sorted(CATALOGUE.items())
    }
