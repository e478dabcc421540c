"""What repeats in the document stands in it once: answers and parameters that operations have word for word alike.

Spelled out at each operation they were nearly half of it. Their names are for whoever reads the document: v1
promises what they say, not what they are called, so a part may become shared, or cease to be.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from toilet_api.specimens import Json

Place = tuple[Any, Any, str]
"""A list or mapping, the key of a part in it, and what the part is to be called."""


def share(document: Json) -> None:
    """Move each answer and parameter that repeats to `components`. Everything else must be complete."""
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    _move(document, "responses", [place for operation in operations for place in _answers(operation)])
    _move(document, "parameters", [place for operation in operations for place in _parameters(operation)])


def _move(document: Json, kind: str, places: list[Place]) -> None:
    texts = [json.dumps(members[key]) for members, key, _ in places]
    times = Counter(texts)
    names: dict[str, str] = {}
    shared: Json = document["components"].setdefault(kind, {})
    for text, (members, key, name) in zip(texts, places, strict=True):
        if times[text] > 1:
            if text not in names:
                names[text] = _unused(name, shared)
                shared[names[text]] = members[key]
            members[key] = {"$ref": f"#/components/{kind}/{names[text]}"}


def _unused(name: str, taken: Json) -> str:
    """`name`, or `name.2` and so on: some say the same of other headers, or under another title."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}.{number}"
    return found


def _answers(operation: Json) -> Iterator[Place]:
    """Called by the status, and which errors it has or what it shows."""
    for status, answer in operation["responses"].items():
        shown: list[str] = []
        for described in answer.get("content", {}).values():
            reference = described["schema"].get("$ref", "").rsplit("/", 1)[-1]
            shown += described.get("examples", {}) if status[0] in "45" else [reference]
        yield operation["responses"], status, ".".join([status, *filter(None, shown)])


def _parameters(operation: Json) -> Iterator[Place]:
    parameters = operation.get("parameters", [])
    for at, parameter in enumerate(parameters):
        yield parameters, at, parameter["name"]
