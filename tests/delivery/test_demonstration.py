"""The demonstration: the same by its seed, never beside other data, with a password that someone can use."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.delivery.conftest import commanding
from tests.delivery.running import Run
from tests.world import PEOPLE
from toilet_api.app import connect
from toilet_api.commands import demo
from toilet_api.demonstration import play
from toilet_api.demonstration.persons import Persons
from toilet_api.divisions import loading
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.migrations import migrate
from toilet_api.settings import Settings

PASSWORD = "Any-Thing-2026"
# Everything that a person sees and that doesn't lie on the clock or in an identifier.
_SEEN = text(
    """
    select household.division_code, household.name_masked, household.id_number_masked, toilet.mode, toilet.built_year,
           visit.state, visit.usability,
           array(
               select code || ' ' || state from problem join problem_type on problem_type.id = problem.type_id
               where problem.visit_id = visit.id order by 1
           )
    from household left join toilet on toilet.household_id = household.id
    left join visit on visit.household_id = household.id
    """
)


_REPORTED = text(
    """
    select state, edition, corrected, first_submitted_at > cutoff_at as late from report
    where kind = 'weekly' and edition > 0 and (edition > 1 or state <> 'drawn' or length(division_code) = 6)
    order by period_start, division_code
    """
)


def seen(settings: Settings, what: Any = _SEEN) -> list[str]:
    database = Database(settings)
    try:
        with database.transaction(EVERYWHERE) as session:
            return sorted(map(str, session.connection().execute(what)))
    finally:
        database.dispose()


@pytest.fixture
def played(unpeopled: Settings) -> Callable[..., Run]:
    """The command on a database with a few divisions; `PASSWORD` for the demonstration unless told otherwise."""
    return commanding(unpeopled)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_county_whatever_the_password_and_every_login_works(
    played: Run, unpeopled: Settings, built_app: FastAPI
) -> None:
    small = ("demo", "--households", "30", "--seed", "7")
    loaded = played(*small, DEMO_PASSWORD=PASSWORD)
    assert loaded.code == 0, loaded.err
    assert [line.split()[0] for line in loaded.out.splitlines()[:-1]] == list(PEOPLE)
    assert PASSWORD not in loaded.out + loaded.err
    first = seen(unpeopled)
    assert len(first) == 30
    assert any("county_verified" in line for line in first)
    assert any("open" in line for line in first)
    assert seen(unpeopled, _REPORTED) == [
        "('drawn', 1, False, None)",
        "('received', 1, False, False)",
        "('received', 1, False, True)",
        "('received', 2, True, False)",
        "('signed', 2, False, None)",
        "('submitted', 1, False, False)",
    ]
    assert seen(unpeopled, text("select state, ranked from assessment")) == ["('published', 2)"]

    connect(built_app, unpeopled)
    with TestClient(built_app) as client:
        for name in PEOPLE:
            form = {"grant_type": "password", "username": name, "password": PASSWORD}
            if name.endswith("_client"):
                form = {"grant_type": "client_credentials", "client_id": name, "client_secret": PASSWORD}
            answer = client.post("/api/v1/auth/token", data=form)
            assert answer.status_code == 200, name
            token = answer.json()["access_token"]
            me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
            assert me.json()["must_change_password"] is False
    built_app.state.database.dispose()

    again = played(*small, DEMO_PASSWORD=PASSWORD)
    assert again.code == 1
    assert "holds other data" in again.err
    assert seen(unpeopled) == first

    database = Database(unpeopled)
    with database.engine.begin() as connection:
        connection.execute(text("drop schema toilet cascade"))
    database.dispose()
    played("divisions", "load", Path(__file__).parents[1] / "data" / "divisions_subset.csv")
    weak = played(*small, DEMO_PASSWORD="demo")
    assert weak.code == 0, weak.err
    assert seen(unpeopled) == first
    assert "DEMO_PASSWORD is weak" in weak.out
    assert "10 to 128 characters" in weak.out
    assert not (unpeopled.data_dir / "demo_password").exists()


def test_a_county_that_is_not_there_leaves_nothing(played: Run, unpeopled: Settings) -> None:
    refused = played("demo", "--county", "999999", DEMO_PASSWORD=PASSWORD)
    assert refused.code == 1
    assert "999999" in refused.err
    assert not list(unpeopled.data_dir.glob("demonstration_unfinished*")), "the next start would clear it away"
    database = Database(unpeopled)
    with database.transaction(EVERYWHERE) as session:
        assert session.connection().execute(text("select count(*) from principal")).scalar_one() == 0
    database.dispose()


@pytest.mark.parametrize("password", ["x" * 129, "tab\there-Ab12", "newline\n-Ab12"])
def test_a_password_that_nobody_could_type_is_refused(played: Run, password: str) -> None:
    refused = played("demo", "--households", "1", DEMO_PASSWORD=password)
    assert refused.code == 1
    assert "DEMO_PASSWORD" in refused.err
    assert password not in refused.err


def test_one_that_was_killed_half_way_is_cleared_away_and_loaded_anew(
    played: Run, unpeopled: Settings, monkeypatch: pytest.MonkeyPatch, subset: Path
) -> None:
    async def killed(*_: object) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patched:
        patched.setattr(play, "campaign", killed)
        assert played("demo", "--households", "1", DEMO_PASSWORD=PASSWORD).code == 9
    assert demo.is_empty(unpeopled) is False
    assert demo.clear_unfinished(unpeopled) is True
    migrate(unpeopled)
    assert demo.is_empty(unpeopled) is True
    assert demo.clear_unfinished(unpeopled) is False

    # What an administrator has used since is no leftover, whatever it began as.
    with monkeypatch.context() as patched:
        patched.setattr(play, "campaign", killed)
        loading.load(database := Database(unpeopled), subset)
        database.dispose()
        assert played("demo", "--households", "1", DEMO_PASSWORD=PASSWORD).code == 9
    assert played("users", "create", "qian_qi", "--role", "auditor", "--division", "360423").code == 0
    assert demo.clear_unfinished(unpeopled) is False
    assert demo.is_empty(unpeopled) is False


def test_persons_are_well_formed_and_nobody_alive() -> None:
    def some(seed: int) -> list[str]:
        persons = Persons("360423", Random(seed))
        return [persons.next().id_number for _ in range(500)]

    numbers = some(1)
    assert some(1) == numbers
    assert some(2) != numbers
    assert len(set(numbers)) == 500
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    for number in numbers:
        total = sum(int(digit) * weight for digit, weight in zip(number[:17], weights, strict=True))
        assert number[17] == "10X98765432"[total % 11]
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
        assert date(1900, 1, 1) <= born <= date(1919, 12, 31)
