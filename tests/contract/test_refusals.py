"""Every refusal says which rule asks for it, and what to do next."""

import re

import pytest

from tests.contract.reading import Json, operations
from toilet_api.kernel.errors import CATALOGUE
from toilet_api.kernel.machines import MACHINES

ROOMS = {"survey", "rectification", "oversight", "exchange"}
PLAN = re.compile("工作方案 [一二三四五六]")


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_each_error_that_a_room_documents_has_a_rule_and_a_remedy(document: Json, room: str) -> None:
    found: set[str] = set()
    for _, _, operation in operations(document):
        if operation["tags"] == [room]:
            for status, response in operation["responses"].items():
                examples = response.get("content", {}).get("application/problem+json", {}).get("examples", {})
                found |= set(examples) if status[0] == "4" else set()
    assert len(found) > 15
    bare = [code for code in found if not CATALOGUE[code].rule or not all(CATALOGUE[code].remedy)]
    assert not bare
    own = {code for code in found if PLAN.search(CATALOGUE[code].rule)}
    assert len(own) > 5 or room == "exchange", "most of them rest on a paragraph of the plan"


def test_no_refusal_of_any_room_is_bare() -> None:
    """Accounts, places and the kernel too: their faults come back in the reports of imports."""
    refusals = [one for one in CATALOGUE.values() if 400 <= one.status < 500]
    assert len(refusals) > 100
    assert not [one.code for one in refusals if not one.rule or not all(one.remedy)]


def test_each_step_of_these_rooms_rests_on_a_rule() -> None:
    bare = [
        (name, step.name)
        for name in ("campaign", "visit", "problem", "plan", "task", "postponement", "acceptance", "sample")
        for step in MACHINES[name].steps
        if not PLAN.search(step.rule)
    ]
    assert not bare


def test_the_catalogue_serves_rule_and_remedy(document: Json) -> None:
    assert {"rule", "remedy_zh", "remedy_en"} <= set(document["components"]["schemas"]["CatalogueEntry"]["properties"])
    assert {"rule", "remedy"} <= set(document["components"]["schemas"]["Problem"]["properties"])
