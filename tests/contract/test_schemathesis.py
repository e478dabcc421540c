"""Every operation, called with what the document allows and forbids; each answer must be one that it documents.

With TESTS=broad each operation is called with both; by default operations take turns in it.
SCHEMATHESIS_EXAMPLES: how many calls of each operation (2), half of them of what is allowed.
SCHEMATHESIS_ROLES: as whom each call is made, by the names of tests/world.py, or `all` (default county_admin).
SCHEMATHESIS_SEED: other calls than the usual ones; it shows in the names of the tests. Nothing is committed: each call
meets the same county. docs/contract.md says how the whole is run.
"""

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from anyio import to_thread
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.internal.conjecture.engine import ConjectureRunner
from hypothesis.internal.conjecture.providers import HypothesisProvider
from schemathesis import Case
from schemathesis.checks import CHECKS, CheckContext, load_all_checks
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.generation import case as calls
from schemathesis.generation.overrides import Override

import tests.contract.refusing  # noqa: F401 - declares a check
from tests.breadth import in_turn, tries
from tests.contract.reading import Json, nodes, operations, spelled_out
from tests.contract.served import Served, here
from tests.contract.wire import Adapter
from tests.survey.made import OTHER_VILLAGE, TOWNSHIP, VILLAGE
from tests.world import PEOPLE
from toilet_api.kernel import database
from toilet_api.promise.said import TEXT

COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"
EXAMPLES = max(1, tries("SCHEMATHESIS_EXAMPLES", 2, 2) // 2)
SEED = int(os.environ.get("SCHEMATHESIS_SEED", "0"))
_NAMED = os.environ.get("SCHEMATHESIS_ROLES", "county_admin")
# The second ones have the same roles in other places.
ROLES = tuple(one for one in PEOPLE if not one.endswith("_2")) if _NAMED == "all" else tuple(_NAMED.split(","))
CODES = {6: ["360423"], 12: [VILLAGE, OTHER_VILLAGE], 9: [TOWNSHIP, VILLAGE]}
load_all_checks()


class _RehearsedSession(database.Session):
    """A request's session that writes what is pending, for its errors, and then forgets it."""

    def commit(self) -> None:
        self.flush()
        database.forget(self)


@pytest.fixture(scope="module")
def rehearsed(served: Served) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        for name in {"county_admin", *ROLES}:
            served.token(name)
        patch.setattr(database, "Session", _RehearsedSession)
        patch.setattr(to_thread, "run_sync", here)
        # As `schemathesis run` does: whether strangers are kept out of an operation is asked once, not at each answer.
        patch.setattr(calls, "CheckContext", partial(CheckContext, auth_enforced_operations=set()))
        # For so few examples Hypothesis needn't look through all the constants of our code each time.
        patch.setattr(HypothesisProvider, "_maybe_draw_constant", lambda *_, **__: None, raising=False)
        # A third of the time went into variants of what was called already, few of which came to a call.
        patch.setattr(ConjectureRunner, "generate_mutations_from", lambda *_: None)
        yield served


@pytest.fixture(scope="module")
def api(rehearsed: Served, document: Json) -> Any:
    """The document, narrowed to what stands in the county, so that calls reach further than 404."""
    narrowed = spelled_out(document)
    for path, _, operation in operations(narrowed):
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                parameter["schema"]["enum"] = rehearsed.ids.get(parameter["name"], _codes_of(path))
            elif parameter["name"] == "If-Match":
                parameter["schema"]["enum"] = ["*", '"1"']
    _close_answers(narrowed)
    for _, node in nodes(narrowed):
        if "x-extensible-enum" in node and node.get("title") != "错误代码" and node.get("pattern", TEXT) == TEXT:
            node["enum"] = node["x-extensible-enum"]
    for node in _sent(narrowed):
        stated = node.get("examples", [""])
        if "[0-9]" in node.get("pattern", "") and isinstance(stated, list) and len(str(stated[0])) in CODES:
            node["enum"] = CODES[len(stated[0])]
        for name, member in node.get("properties", {}).items():
            if name in rehearsed.ids and name != "id" and member.get("format") == "uuid":
                member["enum"] = rehearsed.ids[name]
    made = schemathesis.openapi.from_dict(narrowed)
    made.config.update(base_url=rehearsed.address)
    made.config.generation.update(
        modes=list(GenerationMode), max_examples=EXAMPLES, deterministic=not SEED, no_shrink=True
    )
    made.config.checks.missing_required_header.expected_statuses.append("428")
    made.config.checks.negative_data_rejection.expected_statuses.append("412")
    return made


def _close_answers(document: Json) -> None:
    """Clients must bear members that they don't know; here each that is shown must be documented."""
    sent = {
        name
        for _, _, operation in operations(document)
        for part in (operation.get("parameters", []), operation.get("requestBody", {}))
        for name in _reached(document, part)
    }
    for name, schema in document["components"]["schemas"].items():
        is_open = schema.get("additionalProperties") is True  # a record of a dataset has what was granted of it
        if "properties" in schema and not is_open and name not in sent | {"Problem", "ProblemError"}:
            schema["additionalProperties"] = False


def _sent(document: Json) -> Iterator[Json]:
    """Every node of what only a request holds."""
    schemas = document["components"]["schemas"]
    shown = {one for _, _, operation in operations(document) for one in _reached(document, operation["responses"])}
    for _, _, operation in operations(document):
        for part in (operation.get("parameters", []), operation.get("requestBody", {})):
            yield from (node for _, node in nodes(part))
            for name in _reached(document, part) - shown:
                yield from (node for _, node in nodes(schemas[name]))


def _reached(document: Json, value: Any) -> set[str]:
    """The names of the schemas that `value` refers to, and those refer to."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        for _, node in nodes(waiting.pop()):
            name = str(node.get("$ref", "")).removeprefix("#/components/schemas/")
            if name in document["components"]["schemas"] and name not in found:
                found.add(name)
                waiting.append(document["components"]["schemas"][name])
    return found


def _codes_of(path: str) -> list[str]:
    return ["not_found", "stale"] if path.startswith("/problems-catalogue") else [VILLAGE, TOWNSHIP]


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        made.mount("http://", Adapter())
        yield made


# Ours is stricter: it looks at why what the schema allows was refused.
EXCLUDED = [CHECKS.get_one("positive_data_acceptance")]
OPERATIONS = {
    operation["operationId"]: (path, method)
    for path, method, operation in operations(json.loads(COMMITTED.read_text()))
}


@pytest.mark.parametrize("name", OPERATIONS, ids=[f"{name}-{SEED}" if SEED else name for name in OPERATIONS])
def test_each_answer_is_a_documented_one(api: Any, rehearsed: Served, session: requests.Session, name: str) -> None:
    path, method = OPERATIONS[name]
    operation = api[path][method]
    modes = [GenerationMode.POSITIVE]
    if operation.path_parameters or operation.query or operation.body:
        modes.append(GenerationMode.NEGATIVE)
    for mode in in_turn(modes, list(OPERATIONS).index(name), len(modes)):
        calling(operation, mode, session, {role: rehearsed.token(role) for role in ROLES})()


def calling(operation: Any, mode: GenerationMode, session: requests.Session, tokens: dict[str, str]) -> Any:
    """A test that calls the operation, as each role, with what its document allows, or forbids."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=not SEED,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Case) -> None:
        made: requests.PreparedRequest | None = None  # to make a call takes longer than to answer it
        for role, token in tokens.items():
            headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
            if mode is GenerationMode.NEGATIVE and "Authorization" not in case.headers:
                del headers["Authorization"]  # what is wrong with it: it comes from a stranger
            try:
                answer = case.call(session=session, headers=headers) if made is None else again(session, made, headers)
                made = answer.request
                given = {"session": session, "headers": headers}
                case.validate_response(answer, headers=headers, excluded_checks=EXCLUDED, transport_kwargs=given)
            except BaseException as fault:
                fault.add_note(f"as {role}")
                raise

    return seed(SEED)(call) if SEED else call


def again(session: requests.Session, made: requests.PreparedRequest, headers: dict[str, str]) -> Response:
    """What is answered to the same request with these headers, except for those that it was to go without."""
    request = made.copy()
    request.headers.update({name: value for name, value in headers.items() if name in request.headers})
    answer = session.get_adapter(str(request.url)).send(request)
    return Response.from_requests(answer, verify=True, _override=Override.from_send_kwargs({"headers": headers}))
