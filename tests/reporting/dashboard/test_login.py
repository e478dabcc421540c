"""Logging in at the dashboard: the API's own sign-in behind a cookie that opens the dashboard and nothing else."""

from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.accounts.logins import bearer, find_user, login, new_user
from tests.reporting.dashboard.pages import HERE, get, log_in, tree, viewer
from tests.talking import talking
from tests.world import PASSWORD
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import now
from toilet_api.reporting.dashboard import cookie

GOOD = "Lushan-2026-qiu"


def given_cookie(answer: Any) -> Any:
    """The cookie that an answer sets."""
    return SimpleCookie(answer.headers["set-cookie"])[cookie.NAME]


def is_led_to_login(client: TestClient, path: str = "/dashboard") -> bool:
    answer = client.get(path, follow_redirects=False)
    return answer.status_code == 303 and answer.headers["location"].startswith("/dashboard/login")


def test_a_login_leads_to_the_page_that_was_asked_for(client) -> None:
    first = client.get("/dashboard?division=360423208", follow_redirects=False)
    assert first.status_code == 303
    form = client.get(first.headers["location"])
    assert form.headers["cache-control"] == "no-store"
    (target,) = tree(form.text).xpath("//input[@name='target']/@value")
    answer = log_in(client, "county_admin", target=target)
    assert answer.headers["location"] == "/dashboard?division=360423208"
    assert "石渡乡" in get(client, answer.headers["location"])


@pytest.mark.parametrize(("scheme", "is_secure"), [("http", False), ("https", True)])
def test_the_cookie_is_for_the_dashboard_alone(app, portal, scheme: str, is_secure: bool) -> None:
    one = talking(app, portal)
    one.base_url = f"{scheme}://testserver"
    made = given_cookie(log_in(one, "county_admin"))
    assert made["httponly"]
    assert made["samesite"].lower() == "strict"
    assert made["path"] == "/dashboard"
    assert bool(made["secure"]) is is_secure
    assert int(made["max-age"]) == 12 * 3600


def test_no_route_of_the_api_takes_the_cookie(client) -> None:
    value = given_cookie(log_in(client, "county_admin")).value
    for headers in ({"Cookie": f"{cookie.NAME}={value}"}, bearer(value), bearer(value.partition(".")[0])):
        assert client.get("/api/v1/me", headers=headers).status_code == 401


def test_no_token_of_the_api_opens_the_dashboard(client) -> None:
    made = login(client, "county_admin").json()
    for token in (made["access_token"], made["refresh_token"]):
        client.cookies.set(cookie.NAME, token, path="/dashboard")
        assert is_led_to_login(client)
    assert client.get("/dashboard", headers=bearer(made["access_token"]), follow_redirects=False).status_code == 303


def test_a_cookie_that_was_touched_is_none(client) -> None:
    value, _, signature = given_cookie(log_in(client, "village_surveyor")).value.partition(".")
    others = given_cookie(log_in(client, "county_admin")).value.partition(".")
    for forged in (f"{others[0]}.{signature}", f"{value}.", value, f"{value[:-4]}AAAA.{signature}", "é.é", "." * 3000):
        client.cookies.clear()
        answer = client.get(
            "/dashboard", headers={"Cookie": f"{cookie.NAME}={forged}".encode()}, follow_redirects=False
        )
        assert answer.status_code == 303, forged
        assert answer.headers["location"].startswith("/dashboard/login")


FOREIGN = ("https://example.org/", "//example.org", "/\\example.org", "/docs", "/dashboard\\@a.org", "/dashboardx")


def test_a_login_never_leads_elsewhere(client) -> None:
    for target in FOREIGN:
        assert f'value="{target}"' not in get(client, "/dashboard/login", next=target)
        assert log_in(client, "county_admin", target=target).headers["location"] == "/dashboard", target


def test_whatever_was_wrong_the_page_says_the_same(client) -> None:
    wrong = [
        ("county_admin", "wrong"),
        ("nobody", PASSWORD),
        ("province_client", PASSWORD),
        ("county_admin\x00", PASSWORD),
        ("", ""),
    ]
    answers = [log_in(client, *one) for one in wrong]
    assert {one.status_code for one in answers} == {401}
    assert len({one.text for one in answers}) == 1
    assert not any("set-cookie" in one.headers for one in answers)
    assert tree(answers[0].text).xpath("string(//*[@role='alert'])") == "用户名或口令不正确。"


def test_failures_lock_the_door_here_and_at_the_api(client) -> None:
    for _ in range(3):
        assert login(client, "auditor", "wrong").status_code == 401
    for _ in range(2):
        assert log_in(client, "auditor", "wrong").status_code == 401
    locked = log_in(client, "auditor")
    assert locked.status_code == 429
    assert int(locked.headers["retry-after"]) > 0
    assert "登录失败次数过多" in locked.text
    assert login(client, "auditor").status_code == 429


def test_logins_of_one_address_are_counted(client, app: FastAPI) -> None:
    app.state.settings = app.state.settings.model_copy(update={"rate_limit_sign_ins": 2})
    answers = [log_in(client, "county_admin", "wrong").status_code for _ in range(3)]
    assert answers.count(429) >= 1
    assert "请求过于频繁" in log_in(client, "county_admin").text


FORMS: tuple[tuple[dict[str, str], bool], ...] = (
    ({}, False),
    ({"Origin": "https://example.org"}, False),
    ({"Origin": "null"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Referer": "https://example.org/testserver"}, False),
    ({"Origin": "http://testserver"}, True),
    ({"Referer": "http://testserver/dashboard/login"}, True),
    (HERE, True),
)


def test_a_form_must_come_from_our_own_page(client) -> None:
    form = {"username": "county_admin", "password": PASSWORD}
    for headers, is_ours in FORMS:
        for path in ("/dashboard/login", "/dashboard/password", "/dashboard/logout"):
            viewer(client, "county_admin")
            answer = client.post(path, data=form, headers=headers, follow_redirects=False)
            assert ("表单不是从本站页面提交的" in answer.text) is not is_ours, (path, headers)
            assert is_ours or answer.status_code == 403
            assert is_ours or cookie.NAME in client.cookies


def test_logging_out_ends_the_login_and_every_copy_of_the_cookie(client, app, portal) -> None:
    value = given_cookie(log_in(client, "county_admin")).value
    answer = client.post("/dashboard/logout", headers=HERE, follow_redirects=False)
    assert answer.headers["location"] == "/dashboard/login?notice=out"
    assert cookie.NAME not in client.cookies
    assert "您已退出登录" in get(client, answer.headers["location"])
    copied = talking(app, portal)
    copied.cookies.set(cookie.NAME, value, path="/dashboard")
    assert is_led_to_login(copied)
    assert client.post("/dashboard/logout", headers=HERE, follow_redirects=False).status_code == 303


def test_a_lock_of_the_account_ends_it(client, as_) -> None:
    viewer(client, "village_surveyor")
    manager = as_("township_manager")
    user = find_user(manager, "village_surveyor")
    locked = manager.post(
        f"/api/v1/users/{user['id']}/lock", json={"reason": "测试"}, headers={"If-Match": f'"{user["version"]}"'}
    )
    assert locked.status_code == 200, locked.text
    assert is_led_to_login(client)


def test_it_ends_with_the_hours_of_a_refresh_token(client, monkeypatch) -> None:
    viewer(client, "county_admin")
    monkeypatch.setattr(cookie, "now", lambda: now() + timedelta(hours=12, minutes=1))
    assert is_led_to_login(client)


def test_a_first_login_must_change_the_password_and_can_do_it_here(client, as_) -> None:
    made = new_user(as_("county_admin"), "new_manager", "township_manager", "360423208")
    temporary = made["temporary_password"]
    answer = log_in(client, "new_manager", temporary, target="/dashboard?division=360423208")
    assert answer.headers["location"] == "/dashboard/password"
    assert client.get("/dashboard", follow_redirects=False).headers["location"] == "/dashboard/password"
    assert "须先修改口令" in get(client, "/dashboard/password")

    def change(current: str, new: str, repeated: str | None = None) -> Any:
        form = {"current_password": current, "new_password": new, "repeated": new if repeated is None else repeated}
        return client.post("/dashboard/password", data=form, headers=HERE, follow_redirects=False)

    assert "不一致" in change(temporary, GOOD, "x").text
    weak = change(temporary, "short")
    assert weak.status_code == 422
    assert "口令须为 10 至 128 个字符" in weak.text
    wrong = change("wrong", GOOD)
    assert wrong.status_code == 403
    assert "当前口令不正确" in wrong.text
    assert GOOD not in wrong.text
    assert change(temporary, temporary).status_code == 422
    assert change(temporary, GOOD).headers["location"] == "/dashboard/login?notice=changed"
    assert is_led_to_login(client, "/dashboard/password")
    assert log_in(client, "new_manager", GOOD).headers["location"] == "/dashboard"
    assert "石渡乡" in get(client)


def test_the_journal_tells_of_logins_here_as_of_others(client, database: Database) -> None:
    viewer(client, "county_admin")
    log_in(client, "county_admin", "wrong")
    client.post("/dashboard/logout", headers=HERE)
    with database.transaction(EVERYWHERE) as session:
        actions = session.connection().execute(text("select action from audit_entry order by at, id")).scalars().all()
    assert actions[-3:] == ["auth.signed_in", "auth.sign_in_failed", "auth.signed_out"]
