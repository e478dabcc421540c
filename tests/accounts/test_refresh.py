"""Refresh tokens: rotation, reuse, races, logging out."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.accounts.logins import at_once, bearer, login, refresh
from toilet_api.kernel.database import EVERYWHERE, Database

ME = "/api/v1/me"


def is_alive(client: Any, access_token: str) -> bool:
    return bool(client.get(ME, headers=bearer(access_token)).status_code == 200)


def actions(database: Database) -> list[str]:
    with database.transaction(EVERYWHERE) as session:
        rows = session.connection().execute(
            text("select action from audit_entry where action like 'auth.%' order by at")
        )
        return list(rows.scalars())


def test_a_refresh_gives_new_tokens_and_uses_up_the_old_one(client) -> None:
    first = login(client, "county_admin").json()
    second = refresh(client, first["refresh_token"])
    assert second.status_code == 200
    made = second.json()
    assert made["refresh_token"] != first["refresh_token"]
    assert made["refresh_expires_in"] <= first["refresh_expires_in"]
    assert is_alive(client, made["access_token"])
    assert is_alive(client, first["access_token"])
    third = refresh(client, made["refresh_token"])
    assert third.status_code == 200


def test_reuse_ends_the_whole_family_and_its_access_tokens(client, database) -> None:
    first = login(client, "county_admin").json()
    elsewhere = login(client, "county_admin").json()
    second = refresh(client, first["refresh_token"]).json()
    reused = refresh(client, first["refresh_token"])
    assert reused.status_code == 401
    assert reused.json()["error"] == "invalid_grant"
    assert reused.json()["code"] == "invalid_refresh_token"
    assert refresh(client, second["refresh_token"]).status_code == 401
    assert not is_alive(client, first["access_token"])
    assert not is_alive(client, second["access_token"])
    assert is_alive(client, elsewhere["access_token"]), "another login of the same person goes on"
    assert refresh(client, elsewhere["refresh_token"]).status_code == 200
    assert "auth.refresh_reused" in actions(database)


@pytest.mark.parametrize("number", [2, 8])
def test_of_several_refreshes_at_once_one_wins(client, number: int) -> None:
    token = login(client, "county_admin").json()["refresh_token"]
    answers = at_once(number, lambda _: refresh(client, token))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * (number - 1)


def test_a_double_refresh_that_overlaps_does_not_end_the_login(client, database, settings) -> None:
    """Two transactions that both began before either was answered: one is used, the other waits for it and loses."""
    from threading import Event, Thread

    from toilet_api.accounts import refresh as families

    token = login(client, "county_admin").json()["refresh_token"]
    began, used = Event(), Event()
    found: list[Any] = []

    def second() -> None:
        with database.transaction(EVERYWHERE) as session:
            began.set()
            used.wait(10)
            found.append(families.use(session, token))

    other = Thread(target=second)
    other.start()
    began.wait(10)
    answer = refresh(client, token)
    used.set()
    other.join()
    assert found == [None]
    assert is_alive(client, answer.json()["access_token"])
    assert refresh(client, answer.json()["refresh_token"]).status_code == 200


def test_a_token_issued_while_its_family_is_ended_is_dead(client, database) -> None:
    first = login(client, "county_admin").json()
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(text("update refresh_token set revoked_at = now()"))
        session.connection().execute(
            text(
                "insert into refresh_token (id, family_id, principal_id, token_hash, token_version, expires_at)"
                " select uuidv7(), family_id, principal_id, sha256('late'), token_version, expires_at"
                " from refresh_token"
            )
        )
    assert refresh(client, "late").status_code == 401
    assert not is_alive(client, first["access_token"])


def test_a_family_ends_with_its_time_however_often_refreshed(client, database) -> None:
    token = login(client, "county_admin").json()["refresh_token"]
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(text("update refresh_token set expires_at = now() + interval '60 s'"))
    made = refresh(client, token).json()
    assert made["refresh_expires_in"] <= 60
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(text("update refresh_token set expires_at = now() - interval '1 s'"))
    assert refresh(client, made["refresh_token"]).status_code == 401


def test_tokens_are_stored_as_digests(client, database) -> None:
    made = login(client, "county_admin").json()
    with database.transaction(EVERYWHERE) as session:
        rows = session.connection().execute(text("select row_to_json(t)::text from refresh_token t")).scalars().all()
    assert rows
    assert not any(made["refresh_token"] in row for row in rows)


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
def test_logging_out_ends_that_login(client, database, which: str) -> None:
    made, elsewhere = login(client, "county_admin").json(), login(client, "county_admin").json()
    answer = client.post("/api/v1/auth/revoke", data={"token": made[which]})
    assert answer.status_code == 200
    assert refresh(client, made["refresh_token"]).status_code == 401
    assert not is_alive(client, made["access_token"])
    assert is_alive(client, elsewhere["access_token"])
    assert "auth.signed_out" in actions(database)


def test_revoking_what_is_unknown_is_fine_and_nothing_is_not(client) -> None:
    assert client.post("/api/v1/auth/revoke", data={"token": "x", "token_type_hint": "y"}).status_code == 200
    missing = client.post("/api/v1/auth/revoke", data={})
    assert missing.status_code == 400
    assert missing.json()["error"] == "invalid_request"


def test_a_transaction_that_is_narrowed_sees_no_foreign_secrets(client, database) -> None:
    login(client, "county_admin")
    with database.transaction(("360424",)) as session:
        for table in ("principal", "credential", "principal_grant", "training", "refresh_token"):
            assert session.connection().execute(text(f"select count(*) from {table}")).scalar_one() == 0, table
    with database.transaction(("360423208",)) as session:
        for table in ("principal", "credential", "principal_grant"):
            assert session.connection().execute(text(f"select count(*) from {table}")).scalar_one() == 3, table
