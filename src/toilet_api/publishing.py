"""What is done to the document last, for those who generate clients from it and hold answers to it.

Generators name a type that stands inside another by its title, and our titles are Chinese; so sets and maps that stand
in many places get a name of their own. A file is told in the old way as well, which generators know, and large integers
by their format. And an answer may gain members within v1, so no schema that only answers reach forbids further ones.
"""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_REFERENCE = "#/components/schemas/"
_BYTES = "application/octet-stream"
_LARGE = 2**31 - 1
_BESIDE = ("title", "description", "examples", "default")
_NAMED: tuple[tuple[str, str, Json], ...] = (
    ("CountKind", "计数方式：精确或估计 / Exact, or estimated", {"type": "string", "enum": ["exact", "estimated"]}),
    (
        "RemovedFilter",
        "是否含已删除的 / Without removed records, only those, or all",
        {"type": "string", "enum": ["false", "true", "any"]},
    ),
    (
        "CoordinateSystem",
        "坐标系 / System of coordinates",
        {"type": "string", "enum": ["gcj02", "wgs84", "cgcs2000"]},
    ),
    ("JsonObject", "任意字段 / Members of any name and type", {"type": "object", "additionalProperties": True}),
    (
        "CountsByName",
        "名称到数目 / Numbers by name",
        {"type": "object", "additionalProperties": {"type": "integer"}},
    ),
)


def publish(document: Json) -> None:
    """Complete the document, whose examples stand already."""
    schemas = document["components"]["schemas"]
    _open_answers(document)
    deadlines = schemas.get("CampaignNew", {}).get("properties", {}).get("deadline_rules")
    named = _NAMED
    if deadlines is not None:
        rules = {"type": "object", "additionalProperties": deadlines["additionalProperties"]}
        named = (*_NAMED, ("DeadlineRules", "各类原因的整改期限 / Deadlines by cause", rules))
    made: Json = {}
    for place in (document["paths"], document.get("webhooks", {}), schemas):
        for node in nodes(place):
            _tell_file(node)
            for name, description, shape in named:
                if _is(node, shape):
                    made[name] = {**shape, "title": name, "description": description}
                    beside = {key: node[key] for key in _BESIDE if key in node}
                    node.clear()
                    node.update({"$ref": _REFERENCE + name, **beside})
    schemas.update(made)
    for node in nodes(document):
        _tell_size(node)


def _is(node: Json, shape: Json) -> bool:
    for key, member in shape.items():
        if node.get(key) != member:
            return False
    return node.keys() <= {*shape, *_BESIDE}


def _tell_file(node: Json) -> None:
    if node.get("contentMediaType") == _BYTES:
        node["format"] = "binary"


def _tell_size(node: Json) -> None:
    """Generators take an integer without a format for one of 32 bits; sums of fen and sizes of files are larger."""
    if node.get("type") == "integer" and node.get("maximum", _LARGE + 1) > _LARGE:
        node.setdefault("format", "int64")


def _open_answers(document: Json) -> None:
    """Schemas that requests reach stay closed, so that a typing error is a fault and not silence."""
    schemas = document["components"]["schemas"]
    sent = set()
    waiting: list[Any] = [
        part
        for item in document["paths"].values()
        for operation in item.values()
        for part in (operation.get("parameters", []), operation.get("requestBody", {}))
    ]
    while waiting:
        for node in nodes(waiting.pop()):
            name = str(node.get("$ref", "")).removeprefix(_REFERENCE)
            if name in schemas and name not in sent:
                sent.add(name)
                waiting.append(schemas[name])
    for name, schema in schemas.items():
        if name not in sent and schema.get("additionalProperties") is False:
            del schema["additionalProperties"]


def nodes(value: Any) -> Iterator[Json]:
    """Every object within `value`; examples hold none."""
    if isinstance(value, list):
        for one in value:
            yield from nodes(one)
    elif isinstance(value, dict):
        yield value
        for name, member in list(value.items()):
            if name == "properties" and isinstance(member, dict):
                yield from nodes(list(member.values()))  # where `examples` is the name of a member
            elif name not in ("example", "examples"):
                yield from nodes(member)
