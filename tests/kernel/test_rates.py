"""Each caller has so many requests a minute, whichever process answers; whoever asks for more is told when to go on."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from toilet_api.kernel import jobs, rates
from toilet_api.kernel.database import Database
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.rates import Meter, Policy
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

As = Callable[[str], TestClient]
NOON = 1_800_000_000.0
"""The first second of a minute."""


@pytest.fixture
def limited(app: FastAPI) -> Iterator[Settings]:
    """The app's settings, to be narrowed."""
    settings: Settings = app.state.settings
    yield settings
    settings.rate_limit_people = settings.rate_limit_clients = settings.rate_limit_sign_ins = 0


def test_an_answer_says_what_is_left_and_the_last_is_refused(
    as_: As, limited: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "SECONDS", 3600)  # or the minute may turn under the test
    limited.rate_limit_people, limited.rate_limit_clients = 3, 1
    surveyor, system = as_("village_surveyor"), as_("province_client")
    left = [surveyor.get("/api/v1/me") for _ in range(3)]
    assert [one.status_code for one in left] == [200] * 3
    assert [one.headers["RateLimit"].split(";")[1] for one in left] == ["r=2", "r=1", "r=0"]
    assert left[0].headers["RateLimit-Policy"] == '"person";q=3;w=3600'
    refused = surveyor.get("/api/v1/households")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 3600
    assert refused.headers["RateLimit"] == f'"person";r=0;t={refused.headers["Retry-After"]}'
    assert refused.json()["remedy"]
    # A refused write has written nothing, and others go on.
    assert surveyor.post("/api/v1/households", json={}).status_code == 429
    assert as_("village_surveyor_2").get("/api/v1/me").status_code == 200
    assert system.get("/api/v1/me").headers["RateLimit-Policy"] == '"client";q=1;w=3600'
    assert system.get("/api/v1/me").status_code == 429


def test_sign_ins_are_counted_by_address(client: TestClient, limited: Settings) -> None:
    limited.rate_limit_sign_ins = 2
    form = {"grant_type": "password", "username": "nobody", "password": "x"}
    answers = [client.post("/api/v1/auth/token", data=form).status_code for _ in range(8)]
    assert answers.count(401) in (2, 4), "once or, when the minute turned, twice the quota"
    assert set(answers) == {401, 429}


def test_nobody_is_counted_where_there_is_no_limit(as_: As) -> None:
    assert "RateLimit" not in as_("county_admin").get("/api/v1/me").headers


@pytest.mark.parametrize("quota", [1, 7, 120, 1000])
def test_processes_share_a_quota_exactly(database: Database, quota: int) -> None:
    meters = [Meter(database) for _ in range(4)]
    policy = Policy("person", quota)
    granted: list[int] = []

    def ask(meter: Meter) -> None:
        for _ in range(quota):
            try:
                meter.take("someone", policy, NOON)
            except Problem:
                return
            granted.append(1)

    threads = [threading.Thread(target=ask, args=(meter,)) for meter in meters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(granted) == quota
    # The next minute is a new one, for all of them.
    assert all(meter.take("someone", policy, NOON + 60) for meter in meters[: min(4, quota)])


def test_what_is_left_never_grows_within_a_minute(database: Database) -> None:
    meter, policy = Meter(database), Policy("client", 200)
    shown = [meter.take("system", policy, NOON + second / 10) for second in range(200)]
    left = [one.remaining for one in shown if one is not None]
    assert left == list(range(199, -1, -1))
    assert [one.reset for one in shown[:600:199] if one is not None] == [60, 40]


def test_old_minutes_are_cleared_away(database: Database, settings: Settings) -> None:
    Meter(database).take("someone", Policy("person", 5), time.time() - 3600)
    Meter(database).take("someone", Policy("person", 5))
    jobs.housekeeping(jobs.Context(database, Vault(settings), ObjectStore(settings), settings))
    with database.transaction() as session:
        assert session.connection().exec_driver_sql("select count(*) from rate_use").scalar_one() == 1
