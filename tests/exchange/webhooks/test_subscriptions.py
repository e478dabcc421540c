"""Subscriptions over HTTP: made once, refused with their reasons, changed with If-Match, ended."""

from typing import Any

import pytest

from tests.exchange.webhooks.made import URL, As, household, shown, step, subscribed
from tests.exchange.webhooks.receiver import Receiver
from tests.survey.made import API, ok
from toilet_api.exchange.webhooks import subscriptions
from toilet_api.kernel.fields import new_id


def test_the_same_again_is_the_same_subscription(as_: As, receiver: Receiver) -> None:
    admin = as_("county_admin")
    body = {"id": str(new_id()), "url": receiver.url(), "event_types": ["problem.*", "problem.*"]}
    first, again = admin.post(URL, json=body), admin.post(URL, json=body)
    assert (first.status_code, again.status_code, again.json()["secret"]) == (201, 200, None)
    assert first.json()["event_types"] == ["problem.*"]
    assert first.json()["division_code"] == "360423"
    for other in ({**body, "description": "x"}, {**body, "url": receiver.url("/other")}):
        assert admin.post(URL, json=other).json()["code"] == "id_taken"
    theirs = as_("city_inspector").post(URL, json=body)
    assert (theirs.status_code, theirs.json()["code"]) == (409, "id_taken")
    assert [one["id"] for one in ok(admin.get(URL, params={"state": "active"}))["items"]] == [body["id"]]


@pytest.mark.parametrize(
    ("members", "status", "code"),
    [
        ({"event_types": []}, 422, "invalid"),
        ({"event_types": ["*"] * 201}, 422, "invalid"),
        ({"event_types": ["problem.exploded"]}, 422, "invalid"),
        ({"event_types": ["principal.*"]}, 422, "invalid"),
        ({"event_types": ["webhook.ping"]}, 422, "invalid"),
        ({"url": "ftp://receiver.example/"}, 422, "invalid"),
        ({"url": "https://user:pass@receiver.example/"}, 422, "webhook_target_refused"),
        ({"url": "https://10.1.2.3/"}, 422, "webhook_target_refused"),
        ({"url": None}, 422, "invalid"),
        ({"division": "360424"}, 403, "out_of_scope"),
        ({"division": "36"}, 403, "out_of_scope"),
        ({"division": "360423999"}, 422, "unknown_division"),
        ({"secret": "whsec_mine"}, 422, "invalid"),
    ],
)
def test_what_is_refused(as_: As, members: dict[str, Any], status: int, code: str) -> None:
    answer = as_("county_admin").post(URL, json={"url": "https://198.51.100.7/", "event_types": ["*"], **members})
    # 198.51.100.0/24 is for documentation, so nothing here may be accepted; the first fault is the one that is named.
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["rule"]
    assert answer.json()["remedy"]


def test_changing_one(as_: As, receiver: Receiver) -> None:
    admin = as_("county_admin")
    webhook = subscribed(admin, receiver, "household.created", description="甲")
    path = f"{URL}/{webhook['id']}"
    read = admin.get(path)
    assert (read.headers["etag"], read.headers["cache-control"]) == ('"1"', "no-store")
    assert admin.patch(path, json={"description": "乙"}).json()["code"] == "match_required"
    changed = admin.patch(path, json={"description": None, "event_types": ["*"]}, headers={"If-Match": '"1"'})
    assert (ok(changed)["description"], changed.json()["event_types"], changed.headers["etag"]) == (None, ["*"], '"2"')
    stale = admin.patch(path, json={"description": "丙"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current"]["version"]) == (412, 2)
    private = admin.patch(path, json={"url": "https://192.168.1.1/"}, headers={"If-Match": "*"})
    assert (private.status_code, private.json()["code"]) == (422, "webhook_target_refused")
    assert private.json()["errors"][0]["pointer"] == "/url"
    assert shown(admin, webhook)["url"] == receiver.url()
    for cleared in ({"url": None}, {"event_types": None}, {"event_types": []}, {"state": "paused"}):
        assert admin.patch(path, json=cleared, headers={"If-Match": "*"}).status_code == 422


def test_steps_of_the_wrong_state(as_: As, receiver: Receiver) -> None:
    admin = as_("county_admin")
    webhook = subscribed(admin, receiver, "household.created")
    answer = step(admin, webhook, "resume", {})
    assert (answer.status_code, answer.json()["code"], answer.json()["state"]) == (409, "wrong_state", "active")
    ok(step(admin, webhook, "pause"))
    assert step(admin, webhook, "pause").json()["allowed_actions"][0] == "resume"
    assert step(admin, webhook, "remove", {}).status_code == 422
    gone = ok(step(admin, webhook, "remove", {"reason": "不再需要"}))
    assert gone["allowed_actions"] == []
    assert admin.get(f"{URL}/{webhook['id']}").status_code == 404
    assert step(admin, webhook, "resume", {}).status_code == 404


def test_one_account_has_so_many(as_: As, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = as_("county_admin")
    monkeypatch.setattr(subscriptions, "OWNED_MAX", 1)
    webhook = subscribed(admin, receiver, "*")
    answer = admin.post(URL, json={"url": receiver.url(), "event_types": ["*"]})
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (409, "webhook_too_many", 1)
    ok(step(admin, webhook, "remove", {"reason": "换一个"}))
    subscribed(admin, receiver, "*")


def test_each_step_is_audited_and_none_is_an_event(as_: As, receiver: Receiver, push: Any, context: Any) -> None:
    from sqlalchemy import text

    from toilet_api.kernel.database import EVERYWHERE

    admin = as_("county_admin")
    webhook = subscribed(admin, receiver.url("/hook?token=secret"), "*")
    for name, body in (("pause", None), ("resume", {}), ("rotate-secret", None), ("remove", {"reason": "不再需要"})):
        ok(step(admin, webhook, name, body))
    with context.database.transaction(EVERYWHERE) as session:
        asked = text(
            "select action, row_to_json(t)::text as whole from audit_entry t"
            " where subject_type = 'webhook' order by at, version"
        )
        rows = session.connection().execute(asked).all()
    verbs = ["created", "paused", "resumed", "secret_rotated", "removed"]
    assert [row.action for row in rows] == [f"webhook.{verb}" for verb in verbs]
    assert not any("token=secret" in row.whole for row in rows)
    assert push() == 0


def test_deliveries_are_listed_by_state_and_type(as_: As, receiver: Receiver, push: Any) -> None:
    admin = as_("county_admin")
    webhook = subscribed(admin, receiver, "household.*")
    home = household(as_("village_surveyor"))
    ok(admin.post(f"{API}/households/{home['id']}/remove", json={"reason": "重复登记"}))
    push()
    path = f"{URL}/{webhook['id']}/deliveries"
    (one,) = ok(admin.get(path, params={"event_type": "household.removed", "state": "delivered"}))["items"]
    assert (one["record_id"], one["op"], one["record_version"]) == (home["id"], "removed", 2)
    assert ok(admin.get(path, params={"state": "dead"}))["items"] == []
    assert admin.get(path, params={"state": "lost"}).status_code == 422
    assert admin.get(f"{path}/{new_id()}").status_code == 404
    page = ok(admin.get(path, params={"limit": 1}))
    assert (
        page["items"][0]["created_at"]
        >= ok(admin.get(path, params={"cursor": page["next_cursor"], "limit": 1}))["items"][0]["created_at"]
    )
