"""Limits of requests that v1 had from its first day, though its document didn't say them at first.

A pattern that takes just the codes beside it says nothing new, nor does one that refuses NUL, or blanks alone: no
version of v1 has taken those. Where a limit can't be told by its shape, `x-said-later` stands beside it; a later
document that tightens it further breaks clients as everywhere.
"""

import re
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

SAID_LATER = "x-said-later"
TEXT = r"^[^\x00]*$"
FILLED = r"^[^\x00]*[^\s\x00][^\x00]*$"


def one_of(values: Iterable[str]) -> str:
    """The pattern that takes these values and no other."""
    return f"^({'|'.join(map(_escaped, values))})$"


def _escaped(value: str) -> str:
    """`value` in a pattern, in the spelling that every dialect knows."""
    return re.sub(r"([.*+?()\[\]{}|^$\\/])", r"\\\1", value)


def without_conventions(schema: Json, other: Json) -> Json:
    """`schema` without a pattern that says only what codes, here or in the `other` document, or v1 itself say."""
    codes = [one_of(one["x-extensible-enum"]) for one in (schema, other) if one.get("x-extensible-enum")]
    if schema.get("pattern") not in (*codes, TEXT, FILLED):
        return schema
    return {name: member for name, member in schema.items() if name != "pattern"}
