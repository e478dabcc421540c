"""Every way to change the document that this file knows, at every place where it has one: breaking ones and harmless.

A kind is a function from a site to the changed document; what it is expected to be stands beside it. Sites of schemas
know whether requests, answers or both reach them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.contract.reading import Json, nodes, operations

Pointer = tuple[str | int, ...]
Edit = Callable[[Any], Any]
SCHEMAS = "#/components/schemas/"
LOWER = ("minimum", "minLength", "minItems")
COUNTS = {"string": ("minLength", "maxLength"), "array": ("minItems", "maxItems"), "integer": ("minimum", "maximum")}


@dataclass(frozen=True)
class Mutation:
    """One change of the document at one place."""

    kind: str
    breaking: bool
    pointer: Pointer
    edit: Edit

    def of(self, document: Json) -> Json:
        changed: Json = edited(document, self.pointer, self.edit)
        return changed

    def __str__(self) -> str:
        return f"{self.kind} at {'/'.join(map(str, self.pointer))}"


def edited(value: Any, pointer: Pointer, edit: Edit) -> Any:
    """`value` with the part at `pointer` replaced; only what lies on the way is copied."""
    if not pointer:
        return edit(value)
    copied = value.copy()
    copied[pointer[0]] = edited(value[pointer[0]], pointer[1:], edit)
    return copied


def put(**members: Any) -> Edit:
    """Set these members; a trailing underscore is dropped, two are a hyphen."""
    named = {name.rstrip("_").replace("__", "-"): member for name, member in members.items()}
    return lambda node: {**node, **named}


def drop(name: str | int) -> Edit:
    def without(node: Any) -> Any:
        if isinstance(node, list):
            return [one for at, one in enumerate(node) if at != name]
        return {key: member for key, member in node.items() if key != name}

    return without


def mutations(document: Json) -> Iterator[Mutation]:
    """All of them, by the thousand; none is carried out yet."""
    yield from _of_the_whole(document)
    for path, method, operation in operations(document):
        yield from _of_operation(("paths", path, method), operation)
    for pointer, node, roles in sites(document):
        for breaking, kind, edit in _of_schema(node, roles):
            if kind != "became nullable" or "anyOf" not in pointer[-2:]:  # there null stands beside it already
                yield Mutation(kind, breaking, pointer, edit)


def sites(document: Json) -> Iterator[tuple[Pointer, Json, set[str]]]:
    """Every schema within the named ones, with who reaches it."""
    roles = reached(document)
    for name, schema in document["components"]["schemas"].items():
        for pointer, node in _inner(schema, ("components", "schemas", name)):
            yield pointer, node, roles[name]


def reached(document: Json) -> dict[str, set[str]]:
    """Of each named schema whether it is `sent`, `shown` or both."""
    found: dict[str, set[str]] = {name: set() for name in document["components"]["schemas"]}

    def walk(value: Any, role: str) -> None:
        for _, node in nodes(value):
            name = str(node.get("$ref", "")).removeprefix(SCHEMAS)
            if name in found and role not in found[name]:
                found[name].add(role)
                walk(document["components"]["schemas"][name], role)

    for _, _, operation in operations(document):
        walk([operation.get("parameters", []), operation.get("requestBody", {})], "sent")
        walk(operation["responses"], "shown")
    return found


def _inner(schema: Json, pointer: Pointer) -> Iterator[tuple[Pointer, Json]]:
    yield pointer, schema
    for name, member in schema.get("properties", {}).items():
        yield from _inner(member, (*pointer, "properties", name))
    for keyword in ("anyOf", "oneOf"):
        for at, member in enumerate(schema.get(keyword, [])):
            yield from _inner(member, (*pointer, keyword, at))
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from _inner(schema[keyword], (*pointer, keyword))


def _of_the_whole(document: Json) -> Iterator[Mutation]:
    yield Mutation("another version of OpenAPI", True, (), put(openapi="3.2.0"))
    yield Mutation("another server", True, ("servers", 0), put(url="/elsewhere"))
    yield Mutation("another way to identify", True, ("components", "securitySchemes", "bearer"), put(scheme="basic"))
    yield Mutation("other words", False, ("info",), put(title="另一个名字", description="…", version="9"))
    yield Mutation("a new path", False, ("paths",), put(**{"/new": {"get": _OPERATION}}))
    yield Mutation("a new schema", False, ("components", "schemas"), put(New={"type": "object"}))
    yield Mutation("another order", False, ("paths",), lambda paths: dict(reversed(paths.items())))
    for path in document["paths"]:
        yield Mutation("path removed", True, ("paths",), drop(path))
        yield Mutation("a new method", False, ("paths", path), put(put=_OPERATION))
    for name in document["components"]["schemas"]:
        yield Mutation("schema removed by name", True, (), _renaming(name))


_OPERATION: Json = {"operationId": "new_operation", "tags": ["new"], "responses": {"200": {"description": "."}}}
_HEADER: Json = {"description": "新 / new", "schema": {"type": "string"}}


def _renaming(name: str) -> Edit:
    """The same schema under another name, wherever it is referred to."""

    def renamed(value: Any) -> Any:
        if isinstance(value, list):
            return [renamed(one) for one in value]
        if not isinstance(value, dict):
            return f"{SCHEMAS}{name}Renamed" if value == f"{SCHEMAS}{name}" else value
        return {key: renamed(member) for key, member in value.items()}

    def rename(document: Json) -> Json:
        changed: Json = renamed(document)
        schemas = changed["components"]["schemas"]
        schemas[f"{name}Renamed"] = schemas.pop(name)
        return changed

    return rename


def _of_operation(at: Pointer, operation: Json) -> Iterator[Mutation]:
    yield Mutation("method removed", True, at[:-1], drop(at[-1]))
    yield Mutation("operation renamed", True, at, put(operationId="get_something_else"))
    yield Mutation("operation moved to another tag", True, at, put(tags=["elsewhere"]))
    yield Mutation("operation deprecated", False, at, put(deprecated=True))
    yield Mutation("operation in other words", False, at, put(summary="…", description="…"))
    if operation.get("security"):
        yield Mutation("security removed", True, at, drop("security"))
    else:
        yield Mutation("security added", True, at, put(security=[{"bearer": []}]))
    yield from _of_parameters(at, operation.get("parameters", []))
    if body := operation.get("requestBody"):
        yield Mutation("body removed", True, at, drop("requestBody"))
        for media in body["content"]:
            yield Mutation("request media removed", True, (*at, "requestBody", "content"), drop(media))
        yield Mutation("request media added", False, (*at, "requestBody", "content"), put(**{"application/cbor": {}}))
        if not body.get("required"):
            yield Mutation("body became required", True, (*at, "requestBody"), put(required=True))
        else:
            yield Mutation("body became optional", False, (*at, "requestBody"), put(required=False))
    yield from _of_answers((*at, "responses"), operation["responses"])


def _of_parameters(at: Pointer, parameters: list[Json]) -> Iterator[Mutation]:
    new = {"name": "novel", "in": "query", "schema": {"type": "string"}}
    if not parameters:
        yield Mutation("first parameter", False, at, put(parameters=[new]))
        return
    where = (*at, "parameters")
    yield Mutation("parameter added", False, where, lambda all_: [*all_, new])
    yield Mutation("required parameter added", True, where, lambda all_: [*all_, {**new, "required": True}])
    for index, parameter in enumerate(parameters):
        yield Mutation("parameter removed", True, where, drop(index))
        yield Mutation("parameter moved", True, (*where, index), put(in_="cookie"))
        yield Mutation("parameter restyled", True, (*where, index), put(style="spaceDelimited", explode=False))
        yield Mutation("parameter in other words", False, (*where, index), put(description="…", example="…"))
        if not parameter.get("required"):
            yield Mutation("parameter became required", True, (*where, index), put(required=True))
        elif parameter["in"] != "path":
            yield Mutation("parameter became optional", False, (*where, index), put(required=False))
        for breaking, kind, edit in _of_schema(parameter["schema"], {"sent"}):
            yield Mutation(f"parameter: {kind}", breaking, (*where, index, "schema"), edit)


def _of_answers(at: Pointer, answers: Json) -> Iterator[Mutation]:
    yield Mutation("status of success added", True, at, put(**{"206": answers[min(answers)]}))
    yield Mutation("status of refusal added", False, at, put(**{"418": answers["4XX"]}))
    for status, answer in answers.items():
        if status.startswith("2"):
            yield Mutation("status of success removed", True, at, drop(status))
        elif status.isdigit():
            yield Mutation("status of refusal removed", False, at, drop(status))
        for media in answer.get("content", {}):
            yield Mutation("answer's media removed", True, (*at, status, "content"), drop(media))
        yield Mutation("answer in other words", False, (*at, status), put(description="…"))
        for header in answer.get("headers", {}):
            yield Mutation("header removed", True, (*at, status, "headers"), drop(header))
        yield Mutation("header added", False, (*at, status, "headers"), put(X__New=_HEADER))


def _of_schema(node: Json, roles: set[str]) -> Iterator[tuple[bool, str, Edit]]:
    """(breaking, kind, edit). What is harmless for requests may break answers, and the other way round."""
    sent, shown = "sent" in roles, "shown" in roles
    if not roles or "$ref" in node:
        return
    yield False, "schema in other words", put(description="…", examples=[])
    yield True, "unknown keyword", put(contains={"type": "string"})
    yield from _of_members(node, sent, shown)
    yield from _of_values(node, sent, shown)
    yield from _of_bounds(node, sent, shown)
    yield from _of_unions(node, sent, shown)


def _of_members(node: Json, sent: bool, shown: bool) -> Iterator[tuple[bool, str, Edit]]:
    if "properties" not in node:
        if isinstance(node.get("additionalProperties"), dict):
            yield True, "map of another type", put(additionalProperties={"type": "null"})
        return
    members, required = node["properties"], node.get("required", [])
    yield False, "member added", put(properties={**members, "novel": {"type": "string"}})
    yield False, "members in another order", put(properties=dict(reversed(members.items())))
    if sent:
        novel = {**members, "novel": {"type": "string"}}
        yield True, "required member added", put(properties=novel, required=[*required, "novel"])
        if node.get("additionalProperties", True) is True:
            yield True, "closed to other members", put(additionalProperties=False)
    for name in members:
        less = [one for one in required if one != name]
        yield True, "member removed", put(properties=drop(name)(members), required=less)
        renamed = {f"{one}_renamed" if one == name else one: member for one, member in members.items()}
        yield True, "member renamed", put(properties=renamed, required=less)
        if name in required and (shown or sent):
            yield shown, "member became optional", put(required=less)
        elif sent or shown:
            yield sent, "member became required", put(required=[*required, name])


def _of_values(node: Json, sent: bool, shown: bool) -> Iterator[tuple[bool, str, Edit]]:
    kind = node.get("type")
    other = {"string": "integer", "integer": "string", "number": "string", "boolean": "string"}
    if kind in other:
        yield True, "another type", put(type=other[kind])
    if kind == "integer":
        yield shown, "integer became number", put(type="number")
    if kind == "number" and (sent or shown):
        yield sent, "number became integer", put(type="integer")
    codes = node.get("x-extensible-enum")
    if codes:
        yield True, "code removed", put(**{"x-extensible-enum": codes[1:] or ["only_this_now"]})
        yield False, "code added", put(**{"x-extensible-enum": [*codes, "novel"]})
        yield shown, "codes are no longer listed", drop("x-extensible-enum")
    elif "enum" in node:
        yield True, "value removed", put(enum=node["enum"][1:])
        yield shown, "value added", put(enum=[*node["enum"], "novel"])
    elif "const" in node:
        yield True, "another constant", put(const="novel")
    elif kind == "string" and "format" not in node:
        yield sent, "limited to values", put(enum=["novel"])
    if "default" in node and sent:
        yield True, "another default", put(default="novel")
        yield True, "default removed", drop("default")


def _of_bounds(node: Json, sent: bool, shown: bool) -> Iterator[tuple[bool, str, Edit]]:
    counts = {
        "string": ("minLength", "maxLength"),
        "array": ("minItems", "maxItems"),
        "integer": ("minimum", "maximum"),
    }
    for keyword in counts.get(str(node.get("type")), ()):
        lower = keyword in LOWER
        if keyword in node:
            step = 1 if lower else -1
            yield sent, f"{keyword} stricter", put(**{keyword: node[keyword] + step})
            if not (lower and node[keyword] == 0):
                yield shown, f"{keyword} wider", put(**{keyword: node[keyword] - step})
                yield shown, f"{keyword} removed", drop(keyword)
        else:
            yield sent, f"{keyword} added", put(**{keyword: 1 if lower else 7})
    if node.get("type") == "string":
        for keyword, value in (("pattern", "^novel$"), ("format", "novel")):
            if keyword in node:
                yield True, f"another {keyword}", put(**{keyword: value})
                yield shown, f"{keyword} removed", drop(keyword)
            else:
                yield sent, f"{keyword} added", put(**{keyword: value})


def _of_unions(node: Json, sent: bool, shown: bool) -> Iterator[tuple[bool, str, Edit]]:
    for keyword in ("anyOf", "oneOf"):
        alternatives = node.get(keyword, [])
        for at in range(len(alternatives) if len(alternatives) > 1 else 0):
            yield sent, f"alternative of {keyword} removed", put(**{keyword: drop(at)(alternatives)})
        if alternatives:
            yield shown, f"alternative of {keyword} added", put(**{keyword: [*alternatives, {"const": "novel"}]})
    if node.get("discriminator"):
        yield True, "another discriminator", put(discriminator={"propertyName": "novel"})
    if isinstance(node.get("type"), str) and not node.keys() & {"anyOf", "oneOf", "default"} and node["type"] != "null":
        yield shown, "became nullable", lambda whole: {"anyOf": [whole, {"type": "null"}]}
