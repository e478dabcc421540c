"""Scope is narrowed twice. Each wall is taken away in turn, and the other one must hold by itself."""

from typing import Any

import pytest
from sqlalchemy import true

from tests.scope.conftest import House
from tests.scope.places import HOMES
from tests.scope.probe import Cell, Kind, Probe, Record, call_of, cells, inside
from tests.scope.test_matrix import ALL, LISTS, OTHERS, Call, ids_of, request, summary
from toilet_api.kernel.embedded import SUPERUSER
from toilet_api.kernel.scope import Scope
from toilet_api.settings import Settings

SINGLE = [probe for probe in OTHERS if probe.kind is Kind.RECORD]


@pytest.fixture
def no_policies(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row-level security holds nobody: requests run as a superuser."""
    monkeypatch.setattr(Settings, "app_role", SUPERUSER)


@pytest.fixture
def no_narrowing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every query forgot its filter, every check lets pass."""
    monkeypatch.setattr(Scope, "condition", lambda self, column: true())
    monkeypatch.setattr(Scope, "covers", lambda self, code: True)


def beside(probe: Probe) -> list[Cell]:
    """What callers with the permission get from the sibling place."""
    return [cell for cell in cells(probe) if cell.where == "sibling" and cell.role in probe.roles]


def asked(house: House, probe: Probe, squares: list[Cell]) -> list[Any]:
    """The answers for these squares."""
    return house.answers(request(house, probe, call_of(probe, cell, house.furniture)) for cell in squares)


@pytest.mark.usefixtures("no_policies")
def test_without_policies_the_narrowing_answers_the_same(house: House) -> None:
    wrong = []
    for probe in SINGLE:
        squares = beside(probe)[-1:]
        wrong += [
            f"{probe}, {cell.role} at {cell.place}: {cell.expected} expected, not {summary(answer)}"
            for cell, answer in zip(squares, asked(house, probe, squares), strict=True)
            if summary(answer) != cell.expected
        ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.usefixtures("no_narrowing")
def test_without_narrowing_the_policies_let_nothing_through(house: House) -> None:
    wrong = []
    rows = house.furniture.rows["visit"]
    for probe in SINGLE:
        squares = beside(probe)[-1:]
        for cell, answer in zip(squares, asked(house, probe, squares), strict=True):
            passed = answer.is_success
            if passed and probe.shows_nothing is not None:
                passed = not probe.shows_nothing(cell.place, answer)
            if passed and probe.operation == "bulk_verify_visits":  # it decides what it finds, which must be his own
                passed = not all(inside(cell.role, rows[one["id"]]) for one in answer.json()["done"])
            wrong += [f"{probe}, {cell.role} at {cell.place}: {summary(answer)}"] if passed else []
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("wall", ["no_policies", "no_narrowing"])
def test_lists_show_what_lies_inside_with_either_wall(house: House, wall: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(wall)
    for probe in LISTS:
        role = "county_admin"
        call = Call(role, "", Record(""), house.furniture)
        (answer,) = house.answers([_list(house, probe, call)])
        rows = house.furniture.rows[probe.rows]
        home = HOMES[role]
        mine = {
            one for one, code in rows.items() if code.startswith(home) or (probe.from_below and home.startswith(code))
        }
        assert ids_of(answer) == mine, probe


def _list(house: House, probe: Probe, call: Call) -> dict[str, Any]:
    return request(house, probe, call, {**probe.everything, **ALL})
