"""Whose a subscription is, and what becomes of it when rights are withdrawn."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.accounts.logins import bearer
from tests.exchange.webhooks.made import (
    URL,
    As,
    Push,
    deliveries,
    household,
    shown,
    step,
    subscribed,
)
from tests.exchange.webhooks.receiver import Receiver
from tests.survey import made as survey
from tests.survey.made import API, ok

SCOPES = ["household.read", "problem.read", "visit.read", "webhook.manage"]


def system(client: TestClient, admin: TestClient, *, scope: str = "", scopes: list[str] | None = None) -> Any:
    """(its account, a client that is logged in as it): a system of the county with webhooks."""
    body = {"client_id": "platform", "display_name": "平台", "division_code": "360423", "scopes": scopes or SCOPES}
    made = ok(admin.post(f"{API}/clients", json=body), 201)
    form = {"grant_type": "client_credentials", "client_id": "platform", "client_secret": made["client_secret"]}
    token = ok(client.post(f"{API}/auth/token", data={**form, **({"scope": scope} if scope else {})}))
    client.headers.update(bearer(token["access_token"]))
    return made, client


def test_a_system_subscribes_within_what_it_may_read(
    client: TestClient, as_: As, receiver: Receiver, push: Push
) -> None:
    admin = as_("county_admin")
    survey.campaign(admin)
    account, platform = system(client, admin)
    refused = platform.post(URL, json={"url": receiver.url(), "event_types": ["plan.approved"]})
    assert (refused.status_code, refused.json()["permission"]) == (403, "plan.read")
    webhook = subscribed(platform, receiver, "problem.*", "household.*", description="省级平台")
    everything = subscribed(platform, receiver.url("/all"), "*")
    survey.submitted(as_("village_surveyor"), "tank_cracked")
    push()
    heard = {one.event["type"].partition(".")[0] for one in receiver.got if one.path == "/all"}
    assert heard == {"household", "toilet", "visit", "problem"}  # and no photo: attachment.read isn't among its scopes

    # One permission is taken away: the rest goes on, and the subscription says what it lacks.
    receiver.got.clear()
    survey.submitted(as_("village_surveyor"), "blocked")  # waits when the right goes
    path = f"{API}/clients/{account['id']}"
    scopes = [one for one in SCOPES if one != "problem.read"]
    ok(admin.patch(path, json={"scopes": scopes}, headers={"If-Match": "*"}))
    push()
    assert "household.created" in receiver.types
    assert not any(one.startswith("problem.") for one in receiver.types)
    assert shown(platform, webhook)["lacking"] == ["problem.read"]
    assert shown(platform, everything)["lacking"] == []

    # The account is locked: nothing more, also when it is unlocked, until its owner says so.
    ok(admin.post(f"{path}/lock", json={"reason": "接口停用"}))
    receiver.got.clear()
    household(as_("village_surveyor"))
    assert push() == 0
    ok(admin.post(f"{path}/unlock", json={"reason": "恢复"}))
    assert push() == 0
    assert receiver.got == []


def test_what_waits_is_withheld_when_the_right_goes_before_it_is_sent(
    client: TestClient, as_: As, receiver: Receiver, push: Push
) -> None:
    admin = as_("county_admin")
    survey.campaign(admin)
    account, platform = system(client, admin)
    webhook = subscribed(platform, receiver, "problem.opened", "household.created")
    receiver.status = 500
    survey.submitted(as_("village_surveyor"), "tank_cracked")
    push()
    receiver.status = 204
    ok(
        admin.patch(
            f"{API}/clients/{account['id']}",
            json={"scopes": ["household.read", "webhook.manage"]},
            headers={"If-Match": "*"},
        )
    )
    ok(step(platform, webhook, "pause"))
    ok(step(platform, webhook, "resume", {}))  # all that waits is due
    receiver.got.clear()
    push()
    assert receiver.types == ["household.created"]
    assert {row["event_type"]: row["state"] for row in deliveries(platform, webhook)} == {
        "household.created": "delivered",
        "problem.opened": "withheld",
    }


@pytest.mark.parametrize(
    ("taken", "reason"), [("scopes", "right_withdrawn"), ("lock", "account_inactive"), ("grant", "right_withdrawn")]
)
def test_a_subscription_without_its_right_is_suspended(
    client: TestClient, as_: As, receiver: Receiver, push: Push, context: Any, taken: str, reason: str
) -> None:
    admin = as_("county_admin")
    account, platform = system(client, admin)
    webhook = subscribed(platform, receiver, "household.created")
    household(as_("village_surveyor"))
    path = f"{API}/clients/{account['id']}"
    if taken == "scopes":
        ok(admin.patch(path, json={"scopes": ["household.read"]}, headers={"If-Match": "*"}))
    elif taken == "lock":
        ok(admin.post(f"{path}/lock", json={"reason": "停用"}))
    else:
        grant = account["grants"][0]["id"]
        ok(admin.post(f"{path}/grants/{grant}/remove", json={"reason": "停用"}))
    assert push() == 0
    assert receiver.got == []
    assert _state(context, webhook["id"]) == ("suspended", reason)
    if taken == "scopes":
        ok(admin.patch(path, json={"scopes": SCOPES}, headers={"If-Match": "*"}))
        stands = shown(platform, webhook)
        assert (stands["state_reason"], stands["allowed_actions"][0]) == (reason, "resume")
        for refused in ("pause", "test"):
            assert step(platform, webhook, refused).json()["code"] == "wrong_state"
        ok(step(platform, webhook, "resume", {}))
        assert push() == 1


def _state(context: Any, webhook_id: str) -> tuple[str, str]:
    from sqlalchemy import text

    from toilet_api.kernel.database import EVERYWHERE

    with context.database.transaction(EVERYWHERE) as session:
        asked = text("select state, state_reason from webhook where id = :id")
        return tuple(session.connection().execute(asked, {"id": webhook_id}).one())


def test_a_narrowed_token_makes_a_narrowed_subscription(
    client: TestClient, as_: As, receiver: Receiver, push: Push
) -> None:
    admin = as_("county_admin")
    survey.campaign(admin)
    _, platform = system(client, admin, scope="household.read webhook.manage")
    subscribed(platform, receiver, "*")
    survey.submitted(as_("village_surveyor"), "tank_cracked")
    push()
    assert set(receiver.types) == {"household.created", "toilet.created"}


def test_a_subscription_is_its_owners_alone(as_: As, receiver: Receiver) -> None:
    webhook = subscribed(as_("county_admin"), receiver, "household.created")
    ping = ok(step(as_("county_admin"), webhook, "test"))
    path = f"{URL}/{webhook['id']}"
    inspector = as_("city_inspector")
    assert ok(inspector.get(URL))["items"] == []
    span = {"from": "2026-01-01T00:00:00+08:00", "to": "2026-01-02T00:00:00+08:00"}
    answers = [
        inspector.get(path),
        inspector.patch(path, json={"description": "x"}, headers={"If-Match": "*"}),
        inspector.get(f"{path}/deliveries"),
        inspector.get(f"{path}/deliveries/{ping['id']}"),
        inspector.post(f"{path}/deliveries/{ping['id']}/redeliver"),
        step(inspector, webhook, "pause"),
        step(inspector, webhook, "resume", {}),
        step(inspector, webhook, "test"),
        step(inspector, webhook, "rotate-secret", {}),
        step(inspector, webhook, "replay", span),
        step(inspector, webhook, "remove", {"reason": "x"}),
    ]
    assert [one.status_code for one in answers] == [404] * len(answers)
    other = subscribed(inspector, receiver, "household.created")
    assert inspector.get(f"{URL}/{other['id']}/deliveries/{ping['id']}").status_code == 404
    for name in ("county_reviewer", "township_manager", "village_surveyor", "auditor", "province_client"):
        body = {"url": receiver.url(), "event_types": ["*"]}
        assert as_(name).post(URL, json=body).status_code == 403, name
