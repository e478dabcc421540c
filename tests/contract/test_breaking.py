"""The promise of v1: nothing in the document breaks a client of the released one, and the comparison misses nothing.

BREAKING_MUTATIONS: how many places of each kind of change are tried (default 2; there are some 30,000).
"""

import json
import os
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.contract.mutations import Mutation, mutations
from tests.contract.reading import Json
from toilet_api.promise import Released, compare
from toilet_api.promise.changelog import written
from toilet_api.promise.changes import breaking

OPENAPI = Path(__file__).parents[2] / "openapi"
BASELINE = OPENAPI / "v1.json"
EACH = int(os.environ.get("BREAKING_MUTATIONS", "2"))


@cache
def baseline() -> Json:
    return json.loads(BASELINE.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@cache
def released() -> Released:
    return Released(baseline())


@cache
def by_kind() -> dict[str, list[Mutation]]:
    """Every mutation of the released document, by what it does and what is expected of it."""
    found: dict[str, list[Mutation]] = {}
    for one in mutations(baseline()):
        found.setdefault(f"{one.kind}: {'breaking' if one.breaking else 'harmless'}", []).append(one)
    return found


def test_the_document_keeps_what_the_released_one_promised(document: Json) -> None:
    assert not breaking(compare(baseline(), document)), "make contract-breaking"


def test_the_changelog_tells_what_is_new(document: Json) -> None:
    page = (OPENAPI / "CHANGELOG.md").read_text(encoding="utf-8")
    assert written(page, baseline(), document) == page, "make contract-changelog"


def test_a_document_is_as_itself() -> None:
    assert compare(baseline(), json.loads(BASELINE.read_text(encoding="utf-8"))) == []


def test_there_are_many_kinds_of_change_to_try() -> None:
    kinds = by_kind()
    assert len([kind for kind in kinds if kind.endswith("breaking")]) > 60
    assert len([kind for kind in kinds if kind.endswith("harmless")]) > 40


@pytest.mark.parametrize("outcome", ["breaking", "harmless"])
@pytest.mark.parametrize("part", range(4))
def test_every_kind_of_change_is_judged_rightly(outcome: str, part: int) -> None:
    """Anywhere in the real document: breaking ones are found, harmless ones pass."""
    kinds = [kind for kind in sorted(by_kind()) if kind.endswith(outcome)][part::4]
    wrong = []
    for kind in kinds:
        choice = Random(kind).sample(by_kind()[kind], min(EACH, len(by_kind()[kind])))
        for mutation in choice:
            changes = released().compare(mutation.of(baseline()))
            if bool(breaking(changes)) is not mutation.breaking:
                wrong.append((str(mutation), [str(change) for change in changes]))
    assert not wrong


def test_what_changed_is_told_with_its_place() -> None:
    changed = Mutation("", True, ("components", "schemas", "VisitOut", "properties"), _without("household_id"))
    assert "VisitOut (答复 answer): 字段被删除 / a member is gone: household_id" in [
        str(change) for change in compare(baseline(), changed.of(baseline()))
    ]


def _without(name: str) -> Any:
    return lambda members: {key: member for key, member in members.items() if key != name}
