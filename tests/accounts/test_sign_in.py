"""POST /auth/token: password and client credentials, scopes, lockout."""

import base64
import time
from typing import Any

import pytest
from sqlalchemy import text

from tests.accounts.logins import TOKEN, at_once, bearer, find_user, login
from tests.world import PASSWORD
from toilet_api.accounts.rules import LOCKOUT_LONGEST_SECONDS, lockout_seconds
from toilet_api.kernel.database import EVERYWHERE, Database

REASON = {"reason": "测试"}


def entries(database: Database, action: str) -> list[Any]:
    with database.transaction(EVERYWHERE) as session:
        return list(
            session.connection().execute(
                text("select * from audit_entry where action = :action order by at"), {"action": action}
            )
        )


def failures(database: Database) -> list[int]:
    with database.transaction() as session:
        return list(session.connection().execute(text("select failures from login_attempt order by 1")).scalars())


def test_a_login_gives_tokens_that_are_not_cached(client, database) -> None:
    answer = login(client, "county_admin")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    assert made["token_type"] == "Bearer"
    assert made["expires_in"] == 900
    assert made["refresh_expires_in"] == 12 * 3600
    assert made["must_change_password"] is False
    me = client.get("/api/v1/me", headers=bearer(made["access_token"]))
    assert me.status_code == 200
    assert me.json()["username"] == "county_admin"
    assert [entry.actor_name for entry in entries(database, "auth.signed_in")] == ["county_admin"]


def test_the_case_and_outer_blanks_of_a_username_do_not_matter(client) -> None:
    assert login(client, " County_Admin ").status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "invalid_request"),
        ({"grant_type": "password", "username": "county_admin"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({"grant_type": "password", "username": "county_admin", "password": "wrong"}, 401, "invalid_grant"),
        ({"grant_type": "password", "username": "nobody", "password": PASSWORD}, 401, "invalid_grant"),
        ({"grant_type": "password", "username": "province_client", "password": PASSWORD}, 401, "invalid_grant"),
        ({"grant_type": "password", "username": "county_admin\x00", "password": PASSWORD}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "tr_unknown"}, 401, "invalid_grant"),
        (
            {"grant_type": "client_credentials", "client_id": "province_client", "client_secret": "wrong"},
            401,
            "invalid_client",
        ),
        (
            {"grant_type": "client_credentials", "client_id": "county_admin", "client_secret": PASSWORD},
            401,
            "invalid_client",
        ),
        (
            {"grant_type": "password", "username": "county_admin", "password": PASSWORD, "scope": "root"},
            400,
            "invalid_scope",
        ),
    ],
)
def test_bad_requests(client, form: dict[str, str], status: int, error: str) -> None:
    answer = client.post(TOKEN, data=form)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["error"] == error
    if status == 401:
        assert "WWW-Authenticate" in answer.headers
    if error == "invalid_client":
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert PASSWORD not in answer.text


def test_a_parameter_that_comes_twice_is_refused(client) -> None:
    body = f"grant_type=password&username=county_admin&username=auditor&password={PASSWORD}"
    answer = client.post(TOKEN, content=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


def test_json_is_not_a_token_request(client) -> None:
    answer = client.post(TOKEN, json={"grant_type": "password", "username": "county_admin", "password": PASSWORD})
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


def test_an_unknown_user_answers_like_a_wrong_password(client) -> None:
    known, unknown = login(client, "county_admin", "wrong").json(), login(client, "nobody", "wrong").json()
    for one in (known, unknown):
        del one["request_id"]
    assert known == unknown


def test_an_unknown_user_costs_a_hash_as_well(client, monkeypatch) -> None:
    from argon2 import PasswordHasher

    calls = []
    verify = PasswordHasher.verify
    monkeypatch.setattr(PasswordHasher, "verify", lambda self, *args: calls.append(1) or verify(self, *args))
    login(client, "county_admin", "wrong")
    assert len(calls) == 1
    login(client, "nobody", "wrong")
    assert len(calls) == 2


def basic(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def test_a_system_authenticates_by_basic_or_in_the_form(client) -> None:
    form = {"grant_type": "client_credentials"}
    by_header = client.post(TOKEN, data=form, headers=basic("province_client", PASSWORD))
    assert by_header.status_code == 200, by_header.text
    assert "refresh_token" not in by_header.json()
    in_form = client.post(TOKEN, data={**form, "client_id": "province_client", "client_secret": PASSWORD})
    assert in_form.status_code == 200
    both = client.post(TOKEN, data={**form, "client_secret": PASSWORD}, headers=basic("province_client", PASSWORD))
    assert both.json()["error"] == "invalid_request"
    broken = client.post(TOKEN, data=form, headers={"Authorization": "Basic %%%"})
    assert broken.status_code == 400


def test_scopes_narrow_a_system_and_a_token(client, as_) -> None:
    form = {"grant_type": "client_credentials", "client_id": "province_client", "client_secret": PASSWORD}
    whole = client.post(TOKEN, data=form).json()
    assert "household.read" in whole["scope"].split()
    assert "import.create" not in whole["scope"].split()
    narrow = client.post(TOKEN, data={**form, "scope": "visit.read"}).json()
    assert narrow["scope"] == "visit.read"
    me = client.get("/api/v1/me", headers=bearer(narrow["access_token"])).json()
    assert me["permissions"] == ["visit.read"]
    refused = client.get("/api/v1/roles", headers=bearer(narrow["access_token"]))
    assert refused.status_code == 403
    assert refused.json()["permission"] == "role.read"
    beyond = client.post(TOKEN, data={**form, "scope": "visit.read import.create"})
    assert beyond.status_code == 400
    assert beyond.json()["error"] == "invalid_scope"


def test_a_persons_token_can_be_narrowed_and_stays_so_when_refreshed(client) -> None:
    made = login(client, "county_admin", scope="role.read household.read").json()
    assert made["scope"] == "household.read role.read"
    assert client.get("/api/v1/users", headers=bearer(made["access_token"])).status_code == 403
    form = {"grant_type": "refresh_token", "refresh_token": made["refresh_token"]}
    wider = client.post(TOKEN, data={**form, "scope": "account.read"})
    assert wider.json()["error"] == "invalid_scope"
    again = client.post(TOKEN, data=form).json()
    assert again["scope"] == "household.read role.read"


@pytest.mark.parametrize(
    ("failed", "seconds"), [(0, 0), (4, 0), (5, 30), (6, 60), (7, 120), (9, 480), (10, 900), (10_000, 900)]
)
def test_the_delay_grows(failed: int, seconds: int) -> None:
    assert lockout_seconds(failed, 5, 30) == seconds
    assert seconds <= LOCKOUT_LONGEST_SECONDS


def test_lockout_after_five_failures_even_with_the_right_password(client, database) -> None:
    for _ in range(5):
        assert login(client, "auditor", "wrong").status_code == 401
    locked = login(client, "auditor")
    assert locked.status_code == 429
    assert locked.json()["code"] == "too_many_attempts"
    assert 0 < int(locked.headers["Retry-After"]) <= 30
    assert login(client, "county_admin").status_code == 200
    assert 5 in failures(database), "what is refused unseen is not counted"
    failed = entries(database, "auth.sign_in_failed")
    assert len(failed) == 5
    assert all(entry.actor_id is None and entry.after == {"address": "testclient"} for entry in failed)


def test_an_unknown_user_is_locked_out_alike(client) -> None:
    for _ in range(5):
        assert login(client, "nobody", "wrong").status_code == 401
    assert login(client, "nobody", "wrong").status_code == 429


def test_the_door_opens_again_and_the_next_delay_is_longer(client, database, settings) -> None:
    for _ in range(5):
        login(client, "auditor", "wrong")
    with database.transaction() as session:
        session.connection().execute(text("update login_attempt set locked_until = clock_timestamp()"))
    assert login(client, "auditor", "wrong").status_code == 401
    assert 30 < int(login(client, "auditor").headers["Retry-After"]) <= 60
    with database.transaction() as session:
        session.connection().execute(text("update login_attempt set locked_until = clock_timestamp()"))
    assert login(client, "auditor").status_code == 200
    for _ in range(4):
        assert login(client, "auditor", "wrong").status_code == 401
    assert login(client, "auditor").status_code == 200, "a good login starts the account anew"


def test_many_names_from_one_address_are_locked_out(client, database, settings) -> None:
    with database.transaction() as session:
        connection = session.connection()
        login(client, "nobody", "wrong")
        connection.execute(text("update login_attempt set failures = 49"))
    assert login(client, "nobody_else", "wrong").status_code == 401
    assert login(client, "county_admin").status_code == 429


def test_an_old_failure_is_forgotten(client, database) -> None:
    login(client, "auditor", "wrong")
    with database.transaction() as session:
        session.connection().execute(text("update login_attempt set failures = 49, last_at = now() - interval '25 h'"))
    login(client, "auditor", "wrong")
    assert failures(database) == [1, 1]


def test_failures_at_once_are_all_counted(client, database) -> None:
    answers = at_once(8, lambda _: login(client, "auditor", "wrong").status_code)
    counted = answers.count(401)
    assert counted + answers.count(429) == 8
    assert counted >= 5
    assert failures(database) == [counted, counted]
    assert login(client, "auditor").status_code == 429


def test_a_right_guess_among_many_at_once_gains_nothing_once_the_door_is_shut(client, database, monkeypatch) -> None:
    """The right password is looked at before, and admitted after, five failures were counted: still refused."""
    from toilet_api.accounts import passwords

    matches = passwords.matches

    def slow(settings: Any, stored: str | None, secret: str) -> bool:
        if secret == PASSWORD:
            time.sleep(1.0)
        return matches(settings, stored, secret)

    monkeypatch.setattr(passwords, "matches", slow)
    answers = at_once(6, lambda index: login(client, "auditor", PASSWORD if index == 0 else "wrong").status_code)
    assert answers[1:] == [401] * 5
    assert answers[0] == 429


def test_what_was_typed_as_a_name_is_stored_nowhere(client, database) -> None:
    login(client, "My-Secret-2026-typed-in-the-wrong-field", "x")
    with database.transaction(EVERYWHERE) as session:
        for table in ("audit_entry", "login_attempt", "change_entry"):
            rows = session.connection().execute(text(f"select row_to_json(t)::text from {table} t")).scalars().all()
            assert not any("my-secret" in row.lower() for row in rows)


def test_logins_are_audited_but_change_nothing(client, database) -> None:
    with database.transaction(EVERYWHERE) as session:
        before = session.connection().execute(text("select count(*) from change_entry")).scalar_one()
    login(client, "auditor")
    login(client, "auditor", "wrong")
    with database.transaction(EVERYWHERE) as session:
        after = session.connection().execute(text("select count(*) from change_entry")).scalar_one()
    assert after == before


def test_a_hash_of_older_parameters_is_renewed_at_the_next_login(client, app, database) -> None:
    app.state.settings.argon2_time_cost = 2
    assert login(client, "auditor").status_code == 200
    with database.transaction(EVERYWHERE) as session:
        hashes = session.connection().execute(
            text(
                "select secret_hash from credential c join principal p on p.id = c.principal_id"
                " where p.username = 'auditor'"
            )
        )
        assert "t=2" in hashes.scalar_one()
    assert login(client, "auditor").status_code == 200


def test_a_locked_account_answers_like_a_wrong_password(client, as_) -> None:
    user = find_user(as_("county_admin"), "township_manager")
    assert as_("county_admin").post(f"/api/v1/users/{user['id']}/lock", json=REASON).status_code == 200
    answer = login(client, "township_manager")
    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid_credentials"
