"""Passwords: the rules, the first login, changes, history, lifetime."""

from itertools import pairwise
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from tests.accounts.logins import GOOD, at_once, bearer, login, new_user, refresh
from tests.world import PASSWORD
from toilet_api.accounts import me_routes
from toilet_api.accounts.caller import Caller, authenticate
from toilet_api.accounts.rules import password_faults, temporary_password
from toilet_api.kernel.database import EVERYWHERE

CHANGE = "/api/v1/me/password"


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("Ab3-efg", "password_length"),
        ("Ab3-" * 40, "password_length"),
        ("abcdefghijkl", "password_classes"),
        ("abcdefgh1234", "password_classes"),
        ("ABCDEFGH-1234"[:12].lower(), None),
        ("My-surveyor.1", "password_is_username"),
        ("Password123!", "password_common"),
        ("p@ssw0rd2026", "password_common"),
        ("P@ssw0rd2026", "password_common"),
        ("Admin@123456", "password_common"),
        ("Qwerty123456!", "password_common"),
        ("1qaz2WSX!!!!", None),
        ("Aa1!Aa1!Aa1!", "password_common"),
        ("Lushan-2026-qiu", None),
        ("庐山Qiu20262026", None),
    ],
)
def test_the_rules(password: str, code: str | None) -> None:
    faults = [fault.code for fault in password_faults(password, "surveyor.1")]
    if code is None:
        assert faults in ([], ["password_common"])
    else:
        assert code in faults


def test_made_up_passwords_keep_the_rules_and_differ() -> None:
    made = {temporary_password() for _ in range(200)}
    assert len(made) == 200
    assert not any(password_faults(one, "surveyor") for one in made)


def change(client, token: str, new: str, current: str = PASSWORD):
    return client.post(CHANGE, json={"current_password": current, "new_password": new}, headers=bearer(token))


def test_a_change_ends_every_login_at_once(client, database) -> None:
    first, second = login(client, "auditor").json(), login(client, "auditor").json()
    assert change(client, first["access_token"], GOOD).status_code == 204
    for one in (first, second):
        assert client.get("/api/v1/me", headers=bearer(one["access_token"])).status_code == 401
        assert refresh(client, one["refresh_token"]).status_code == 401
    assert login(client, "auditor").status_code == 401
    assert login(client, "auditor", GOOD).status_code == 200
    with database.transaction(EVERYWHERE) as session:
        entry = (
            session.connection()
            .execute(text("select row_to_json(a)::text from audit_entry a where action = 'user.password_changed'"))
            .scalar_one()
        )
    assert GOOD not in entry
    assert "argon2" not in entry


def test_the_current_password_must_be_right_and_wrong_ones_count(client) -> None:
    token = login(client, "auditor").json()["access_token"]
    for _ in range(5):
        wrong = change(client, token, GOOD, current="wrong")
        assert wrong.status_code == 403
        assert wrong.json()["code"] == "wrong_password"
    assert change(client, token, GOOD).status_code == 429


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("short-1A", "password_length"),
        ("alllowercase", "password_classes"),
        ("Auditor-2026", "password_is_username"),
        ("Password2026!", "password_common"),
        (PASSWORD, "password_reused"),
    ],
)
def test_a_weak_password_is_refused_with_its_faults(client, new: str, code: str) -> None:
    token = login(client, "auditor").json()["access_token"]
    answer = change(client, token, new)
    assert answer.status_code == 422
    assert answer.json()["code"] == "weak_password"
    assert code in [one["code"] for one in answer.json()["errors"]]
    assert new not in answer.text
    assert client.get("/api/v1/me", headers=bearer(token)).status_code == 200


def test_the_last_five_are_remembered(client) -> None:
    used = [PASSWORD, *(f"Lushan-2026-qiu{number}" for number in range(5))]
    for current, new in pairwise(used):
        token = login(client, "auditor", current).json()["access_token"]
        assert change(client, token, new, current).status_code == 204
    token = login(client, "auditor", used[-1]).json()["access_token"]
    for old in used[1:]:
        assert change(client, token, old, used[-1]).status_code == 422, old
    assert change(client, token, used[0], used[-1]).status_code == 204, "the sixth last may come again"


def test_of_two_changes_at_once_one_wins(client, monkeypatch) -> None:
    token = login(client, "auditor").json()["access_token"]
    both_known = Barrier(2)

    def together(*arguments: Any) -> Caller:
        caller = authenticate(*arguments)
        both_known.wait(30)
        return caller

    monkeypatch.setattr(me_routes, "authenticate", together)
    answers = at_once(2, lambda index: change(client, token, f"{GOOD}{index}").status_code)
    assert sorted(answers) == [204, 401]


def test_who_is_overtaken_by_another_change_is_logged_out_and_has_not_mistyped(client, database, monkeypatch) -> None:
    slow, quick = (login(client, "auditor").json()["access_token"] for _ in range(2))

    def overtaken(*arguments: Any) -> Caller:
        caller = authenticate(*arguments)
        monkeypatch.setattr(me_routes, "authenticate", authenticate)
        assert change(client, quick, GOOD).status_code == 204
        return caller

    monkeypatch.setattr(me_routes, "authenticate", overtaken)
    (answer,) = at_once(1, lambda _: change(client, slow, f"{GOOD}2"))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    with database.transaction(EVERYWHERE) as session:
        assert session.connection().execute(text("select count(*) from login_attempt")).scalar_one() == 0
    assert login(client, "auditor", GOOD).status_code == 200


def test_the_first_login_must_change_the_password(client, as_) -> None:
    made = new_user(as_("township_manager"), "new_surveyor", "village_surveyor", "360423208202")
    temporary = made["temporary_password"]
    assert made["must_change_password"] is True
    tokens = login(client, "new_surveyor", temporary).json()
    assert tokens["must_change_password"] is True
    head = bearer(tokens["access_token"])
    assert client.get("/api/v1/me", headers=head).json()["must_change_password"] is True
    for address in ("/api/v1/roles", "/api/v1/households"):
        refused = client.get(address, headers=head)
        assert refused.status_code == 403, address
        assert refused.json()["code"] == "password_change_required"
    assert refresh(client, tokens["refresh_token"]).json()["must_change_password"] is True
    assert change(client, tokens["access_token"], GOOD, temporary).status_code == 204
    again = login(client, "new_surveyor", GOOD).json()
    assert again["must_change_password"] is False
    assert client.get("/api/v1/roles", headers=bearer(again["access_token"])).status_code == 200


def test_a_password_past_its_lifetime_must_be_changed(client, database) -> None:
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(text("update credential set changed_at = now() - interval '91 days'"))
    tokens = login(client, "auditor").json()
    assert tokens["must_change_password"] is True
    head = bearer(tokens["access_token"])
    assert client.get("/api/v1/roles", headers=head).json()["code"] == "password_change_required"
    assert client.get("/api/v1/me", headers=head).json()["must_change_password"] is True
    form = {"grant_type": "client_credentials", "client_id": "province_client", "client_secret": PASSWORD}
    system = client.post("/api/v1/auth/token", data=form).json()
    assert client.get("/api/v1/roles", headers=bearer(system["access_token"])).status_code == 200


def test_a_system_has_no_password_to_change(client, as_) -> None:
    body = {"current_password": PASSWORD, "new_password": GOOD}
    assert as_("province_client").post(CHANGE, json=body).status_code == 403


def test_blanks_around_a_password_belong_to_it(client) -> None:
    token = login(client, "auditor").json()["access_token"]
    assert change(client, token, f" {GOOD} ").status_code == 204
    assert login(client, "auditor", GOOD).status_code == 401
    assert login(client, "auditor", f" {GOOD} ").status_code == 200
