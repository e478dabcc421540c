"""The promise of v1: nothing in the document breaks a client of the released one, and the comparison misses nothing.

BREAKING_MUTATIONS: how many places of each kind of change are tried (default 1, broad 4; there are some 30,000).
"""

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.breadth import tries
from tests.contract.mutations import Mutation, drop, edited, mutations, put
from tests.contract.reading import Json, spelled_out
from toilet_api.components import share
from toilet_api.promise import Released, compare
from toilet_api.promise.changelog import written
from toilet_api.promise.changes import breaking

OPENAPI = Path(__file__).parents[2] / "openapi"
BASELINE = OPENAPI / "v1.json"
EACH = tries("BREAKING_MUTATIONS", 1, 4)


@cache
def baseline() -> Json:
    """Spelled out, so that each change is one of a single place."""
    return spelled_out(json.loads(BASELINE.read_text(encoding="utf-8")))


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


def test_a_document_is_as_itself_whatever_of_it_is_shared() -> None:
    assert compare(baseline(), json.loads(BASELINE.read_text(encoding="utf-8"))) == []
    assert compare(shared(), baseline()) == []
    assert compare(baseline(), shared()) == []


@cache
def shared() -> Json:
    document = spelled_out(baseline())
    share(document)
    return document


@pytest.mark.parametrize(
    ("kind", "edit", "told"),
    [
        ("responses", drop("headers"), "header_removed"),
        ("responses", drop("content"), "media_removed"),
        ("parameters", put(style="spaceDelimited"), "parameter_restyled"),
        ("parameters", put(name="novel"), "parameter_removed"),
    ],
)
def test_a_change_of_what_is_shared_is_told_of_each_operation_that_has_it(kind: str, edit: Any, told: str) -> None:
    released = Released(shared())
    for name in Random(told).sample(sorted(shared()["components"][kind]), EACH):
        if name.startswith("304"):
            continue  # it has no content
        changed = edited(shared(), ("components", kind, name), edit)
        places = {" ".join(one.place.split(" ")[:2]) for one in released.compare(changed) if one.kind == told}
        having = {
            f"{method.upper()} {path}"
            for path, item in shared()["paths"].items()
            for method, operation in item.items()
            if f"'#/components/{kind}/{name}'" in str(operation)
        }
        assert len(having) > 1
        assert places == having


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
