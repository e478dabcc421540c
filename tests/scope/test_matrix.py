"""Every operation of the document x every role x (own, parent, sibling, child division) gives the expected answer."""

import csv
import io
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from httpx import Response

from tests.contract.reading import COMMITTED
from tests.scope import (
    probes_accounts,
    probes_assessment,
    probes_changes,
    probes_divisions,
    probes_documents,
    probes_exchange,
    probes_kernel,
    probes_oversight,
    probes_rectification,
    probes_registry,
    probes_reports,
    probes_sharing,
    probes_statistics,
    probes_survey,
    probes_sync,
    probes_webhooks,
)
from tests.scope.conftest import House
from tests.scope.places import HOMES, NOWHERE, around
from tests.scope.probe import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, Call, Kind, Probe, Record, call_of, cells

PROBES: list[Probe] = [
    *probes_kernel.PROBES,
    *probes_accounts.PROBES,
    *probes_divisions.PROBES,
    *probes_registry.PROBES,
    *probes_survey.PROBES,
    *probes_rectification.PROBES,
    *probes_oversight.PROBES,
    *probes_statistics.PROBES,
    *probes_reports.PROBES,
    *probes_documents.PROBES,
    *probes_assessment.PROBES,
    *probes_exchange.PROBES,
    *probes_changes.PROBES,
    *probes_sync.PROBES,
    *probes_sharing.PROBES,
    *probes_webhooks.PROBES,
]
LISTS = [probe for probe in PROBES if probe.kind is Kind.LIST]
ALL = {"limit": "1000", "count": "exact"}
JSON = "application/json"
FORMATS = (JSON, "text/csv", "application/x-ndjson")
OTHERS = [probe for probe in PROBES if probe.kind is not Kind.LIST]


@cache
def operations() -> dict[str, tuple[str, str]]:
    """Operation -> method and path. That the committed document is the app's own, tests/contract/ sees to."""
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in json.loads(COMMITTED.read_text())["paths"].items()
        for method, operation in methods.items()
    }


def test_every_operation_has_an_expectation() -> None:
    document, probed = set(operations()), {probe.operation for probe in PROBES}
    assert document - probed == set(), "write a probe for each new operation"
    assert probed - document == set(), "a probe of an operation that is no more"
    assert len({str(probe) for probe in PROBES}) == len(PROBES)


def test_each_expectation_tells_inside_from_outside() -> None:
    for probe in OTHERS:
        if probe.kind is Kind.RECORD and probe.record != "common type":
            for role in probe.roles:
                seen = {cell.where for cell in cells(probe) if cell.role == role}
                assert seen & {"own", "child"} or len(HOMES[role]) > max(map(len, probe.at))
                assert "sibling" in seen


@pytest.mark.parametrize("probe", OTHERS, ids=str)
def test_each_caller_gets_the_expected_answer(house: House, probe: Probe) -> None:
    wrong = []
    foreign: dict[str, set[str]] = {}
    calls = [(cell, call_of(probe, cell, house.furniture)) for cell in cells(probe)]
    answers = house.answers(request(house, probe, call) for _, call in calls)
    for (cell, call), answer in zip(calls, answers, strict=True):
        found = summary(answer)
        if found != cell.expected:
            wrong.append(f"{cell.role} at {cell.where} {cell.place}: {cell.expected} expected, not {found}")
        elif found == probe.ok and answer.is_success and not shows(probe, call, answer):
            wrong.append(f"{cell.role} at {cell.where} {cell.place}: another content expected, not {answer.text}")
        if cell.where in ("sibling", NOWHERE, "parent") and cell.expected == probe.outside == NOT_FOUND:
            foreign.setdefault(cell.role, set()).add(_without_traces(answer))
    assert not wrong, "\n".join(wrong)
    # Out of scope reads as not found, to the letter: existence is not told.
    assert all(len(answers) == 1 for answers in foreign.values())


@pytest.mark.parametrize("probe", LISTS, ids=str)
def test_each_list_shows_what_lies_inside(house: House, probe: Probe) -> None:
    wrong = []
    questions = list(asked(house, probe))
    answers = house.answers(
        request(house, probe, Call(role, "", Record(""), house.furniture), query, body, accept)
        for role, query, body, accept, _ in questions
    )
    for (role, query, body, accept, expected), answer in zip(questions, answers, strict=True):
        found: Any = ids_of(answer) if answer.status_code == 200 else summary(answer)
        if found != expected:
            wrong.append(f"{role} {query} {body} {accept}: {_differing(expected, found)}")
        elif answer.status_code == 200:
            counted = answer.json()["count"] if accept == JSON else int(answer.headers["Total-Count"])
            if counted != len(expected):
                wrong.append(f"{role} {query} {accept}: {len(expected)} expected, counted {counted}")
    assert not wrong, "\n".join(wrong)


def asked(house: House, probe: Probe) -> Iterator[tuple[str, dict[str, str], Any, str, Any]]:
    """Each question to a list: role, query, body, format, and the ids (or the error) that must come back."""
    rows = house.furniture.rows[probe.rows]
    base = {**probe.everything, **ALL}
    body: Any = probe.json(Call("", "", Record(""), house.furniture)) if probe.json else None
    yield "anonymous", base, body, JSON, UNAUTHENTICATED
    for role, home in HOMES.items():
        if role not in probe.roles:
            yield role, base, body, JSON, FORBIDDEN
            continue
        mine = {one: code for one, code in rows.items() if _is_seen(probe, home, code)}
        assert mine or len(home) > max(map(len, rows.values()))
        assert len(mine) < len(rows)
        # A format for each role in turn: that all three say the same, tests/contract/test_lists.py holds for each list.
        yield role, base, body, FORMATS[list(HOMES).index(role) % len(FORMATS)], set(mine)
        for (where, _), place in around(home, (*probe.at, home)).items():
            within: Any = {one for one, code in mine.items() if _is_within(probe, home, place, code)}
            expected = NOT_FOUND if where == "sibling" else within
            if probe.filter_in_body:
                yield role, base, {**body, "division": place}, JSON, expected
            else:
                yield role, {**base, "division": place}, body, JSON, expected
        for name, record in probe.related:
            places = [at for kind, at in house.furniture.records if kind == record]
            if beside := [at for (where, _), at in around(home, places).items() if where == "sibling"]:
                yield role, {**base, name: house.furniture.at(record, beside[0]).id}, body, JSON, set()


def _is_seen(probe: Probe, home: str, code: str) -> bool:
    return code.startswith(home) or (probe.from_below and home.startswith(code))


def _is_within(probe: Probe, home: str, place: str, code: str) -> bool:
    """Whether a record at `code` answers to `division=place`; of a division above, the caller means his own part."""
    narrower = max(home, place, key=len)
    return code.startswith(narrower) or (probe.from_below and narrower.startswith(code))


def request(
    house: House,
    probe: Probe,
    call: Call,
    query: dict[str, str] | None = None,
    body: Any = None,
    accept: str = JSON,
) -> dict[str, Any]:
    """A probe's call, as it is sent."""
    method, template = operations()[probe.operation]
    names = [part[1:-1] for part in template.split("/") if part.startswith("{")]
    values = dict(zip(names, [call.record.id] if len(names) == 1 else [call.record.of, call.record.id], strict=False))
    path = template.format(**{**values, **probe.path})
    if body is None and probe.json is not None:
        body = probe.json(call)
    headers = {"Accept": accept, **probe.headers}
    if call.role in house.tokens:
        headers["Authorization"] = house.tokens[call.role]
    if method == "PATCH" and probe.content is None:
        headers["If-Match"] = "*"
    if query is None and probe.query is not None:
        query = probe.query(call)
    return {
        "method": method,
        "url": path,
        "params": query,
        "json": body,
        "content": probe.content,
        "data": probe.form(call) if probe.form else None,
        "files": probe.files(call) if probe.files else None,
        "headers": headers,
    }


def summary(answer: Response) -> str:
    """The status, of an error with its code."""
    return str(answer.status_code) if answer.is_success else f"{answer.status_code} {answer.json()['code']}"


def shows(probe: Probe, call: Call, answer: Response) -> bool:
    """Whether the answer is about the record that was asked for, and holds what it should."""
    if probe.check is not None and not probe.check(call, answer):
        return False
    if probe.kind is not Kind.RECORD or not probe.record or answer.request.method != "GET":
        return True
    is_json = answer.headers["content-type"].startswith("application/json")
    shown = answer.json().get("id") if is_json else None
    return shown is None or shown == call.record.id


def ids_of(answer: Response) -> set[str]:
    """The ids of a list in any of its formats."""
    media = answer.headers["content-type"]
    if media.startswith("text/csv"):
        items: list[Any] = list(csv.DictReader(io.StringIO(answer.text)))
    elif media.startswith("application/x-ndjson"):
        items = [json.loads(line) for line in answer.text.splitlines()]
    else:
        items = answer.json()["items"]
    return {one["id"] for one in items}


def _without_traces(answer: Response) -> str:
    document = answer.json()
    return json.dumps({name: value for name, value in document.items() if name not in ("instance", "request_id")})


def _differing(expected: Any, found: Any) -> str:
    if isinstance(expected, set) and isinstance(found, set):
        return f"{len(expected - found)} missing, {len(found - expected)} too many"
    return f"{expected if isinstance(expected, str) else len(expected)} expected, not {found}"
