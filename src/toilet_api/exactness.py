"""Says in the document what a request may hold as exactly as the service takes it.

Codes are told as `x-extensible-enum`, since a client must bear new ones in an answer; but what is sent must be one of
them, which a pattern says here. Texts hold no NUL, and more than blanks where they must hold something. What only
answers hold is left alone, and codes in whatever they hold.
"""

from typing import Any

from toilet_api.promise.said import FILLED, SAID_LATER, TEXT, one_of
from toilet_api.publishing import nodes
from toilet_api.specimens import Json

_BESIDE = ("title", "description", "examples", "default")
_OF_ANY_TEXT = {"type", "title", "description", "examples", "minLength", "maxLength"}


def say_exactly(document: Json) -> None:
    """Complete every request of the document."""
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        if name.startswith("Body_"):
            for member in schema["properties"].values():
                _say_never_null(member)
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    for operation in operations:
        _say_orders(operation)
    requests = [part for one in operations for part in (one.get("parameters", []), one.get("requestBody", {}))]
    answers = [one["responses"] for one in operations] + [document.get("webhooks", {})]
    shown = {name: schemas[name] for name in _reached(answers, schemas)}
    for part in [*requests, *(schemas[name] for name in _reached(requests, schemas) - shown.keys())]:
        for node in nodes(part):
            _say(node, shown)
    # A text that is stored and shown again has never held what no request may hold.
    for name in _reached(requests, schemas) & shown.keys():
        for node in nodes(schemas[name]):
            if _is_unlimited(node):
                _say_text(node)


def _say_never_null(member: Json) -> None:
    """What a form holds is text: `null` would be a word of four letters, which is no code, number or id."""
    alternatives = member.get("anyOf", [])
    told = [one for one in alternatives if one != {"type": "null"}]
    if len(alternatives) == 2 and len(told) == 1 and not _is_any_text(told[0]):
        del member["anyOf"]
        member.update({**told[0], **member, SAID_LATER: True})


def _is_any_text(schema: Json) -> bool:
    return schema.get("type") == "string" and schema.keys() <= _OF_ANY_TEXT


def _say_orders(operation: Json) -> None:
    """The orders of a list. An empty one has always meant the usual."""
    sorts = operation["responses"].get("200", {}).pop("x-sorts", ())
    for parameter in operation.get("parameters", []):
        if parameter["name"] == "sort" and sorts:
            codes = {"x-extensible-enum": list(sorts), "pattern": one_of(["", *sorts])}
            parameter["schema"] = {**parameter["schema"], **codes, SAID_LATER: True}


def _say(node: Json, shown: Json) -> None:
    """Codes that answers show too are copied: there they may grow."""
    name = str(node.get("$ref", "")).rsplit("/", 1)[-1]
    if shown.get(name, {}).get("x-extensible-enum"):
        beside = {key: node[key] for key in _BESIDE if key in node}
        del node["$ref"]
        node.update({**shown[name], **beside})
    if not _is_unlimited(node):
        return
    if codes := node.get("x-extensible-enum"):
        node["pattern"] = one_of(codes)
    else:
        _say_text(node)


def _is_unlimited(node: Json) -> bool:
    return node.get("type") == "string" and not {"pattern", "enum", "format", "const"} & node.keys()


def _say_text(node: Json) -> None:
    if "contentMediaType" not in node:
        node["pattern"] = FILLED if node.get("minLength") else TEXT


def _reached(parts: Any, schemas: Json) -> set[str]:
    found: set[str] = set()
    waiting = [parts]
    while waiting:
        for node in nodes(waiting.pop()):
            name = str(node.get("$ref", "")).rsplit("/", 1)[-1]
            if name in schemas and name not in found:
                found.add(name)
                waiting.append(schemas[name])
    return found
