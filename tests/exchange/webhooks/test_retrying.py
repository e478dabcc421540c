"""Receivers that fail: back-off over days, dead letters in sight, redelivery, replay; and when nothing more is sent."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.exchange.webhooks.made import URL, As, Push, deliveries, delivery, household, shown, step, subscribed, told
from tests.exchange.webhooks.receiver import Receiver
from tests.survey.made import ok
from toilet_api.exchange.webhooks import housekeeping, sending, subscriptions
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE
from toilet_api.kernel.fields import now

SECOND = timedelta(seconds=1)


def test_retries_over_days_then_a_dead_letter_then_by_hand(as_: As, receiver: Receiver, push: Push) -> None:
    admin = as_("county_admin")
    webhook = subscribed(admin, receiver, "household.created")
    household(as_("village_surveyor"))
    receiver.status, receiver.answer = 500, "出错了\x00".encode()
    at = now()
    assert push(at) == 1
    for delay in sending.DELAYS:
        assert push(at + delay - SECOND) == 0
        at += delay * (1 + sending.JITTER) + SECOND
        assert push(at) == 1
    assert push(at + timedelta(days=30)) == 0
    (row,) = deliveries(admin, webhook, state="dead")
    assert (row["tries"], row["last_status"], row["next_attempt_at"]) == (10, 500, None)
    assert shown(admin, webhook)["dead"] == 1
    attempts = delivery(admin, webhook, row["id"])["attempts"]
    assert [one["outcome"] for one in attempts] == ["rejected"] * 10
    assert attempts[0]["excerpt"] == "出错了"
    assert len({one.id for one in receiver.got}) == 1
    receiver.status, receiver.answer = 200, b"ok"
    again = ok(admin.post(f"{URL}/{webhook['id']}/deliveries/{row['id']}/redeliver"))
    assert (again["state"], again["tries"], len(again["attempts"])) == ("pending", 0, 10)
    # A receiver that has failed for long is asked again after minutes, not at once.
    assert push(at + timedelta(minutes=6)) == 1
    assert delivery(admin, webhook, row["id"])["state"] == "delivered"
    stands = shown(admin, webhook)
    assert (stands["state"], stands["dead"], stands["failing_since"]) == ("active", 0, None)


def test_a_failing_receiver_is_left_alone_for_a_while(as_: As, receiver: Receiver, push: Push) -> None:
    """Many events wait: they aren't all tried against a receiver that doesn't answer."""
    subscribed(as_("county_admin"), receiver, "household.created")
    for _ in range(sending.AT_ONCE + 2):
        household(as_("village_surveyor"))
    receiver.status, receiver.headers = 503, {"Retry-After": "120"}
    at = now()
    assert push(at) == sending.AT_ONCE  # they were on their way already
    assert push(at + timedelta(seconds=110)) == 0
    at += timedelta(seconds=130)
    assert push(at) == 1  # a probe
    assert push(at + timedelta(seconds=110)) == 0
    receiver.status = 204
    later = at + timedelta(minutes=6)
    assert push(later) == sending.AT_ONCE + 2
    assert len({one.id for one in receiver.got}) == sending.AT_ONCE + 2


def test_gone_is_taken_at_its_word(as_: As, receiver: Receiver, push: Push) -> None:
    admin = as_("county_admin")
    webhook = subscribed(admin, receiver, "household.created")
    household(as_("village_surveyor"))
    receiver.status = 410
    push()
    stands = shown(admin, webhook)
    assert (stands["state"], stands["state_reason"], stands["dead"]) == ("disabled", "receiver_gone", 1)
    assert stands["version"] == 2
    household(as_("village_surveyor"))
    assert push() == 0
    receiver.status = 204
    ok(step(admin, webhook, "resume", {}))
    assert push() == 1  # what has happened meanwhile


def test_a_receiver_that_fails_for_days_is_disabled_and_told(as_: As, receiver: Receiver, push: Push) -> None:
    admin = as_("county_admin")
    webhook = subscribed(admin, receiver, "household.created")
    household(as_("village_surveyor"))
    receiver.status = 500
    begun = now()
    push(begun)
    household(as_("village_surveyor"))
    push(begun + timedelta(days=5, hours=1))
    stands = shown(admin, webhook)
    assert (stands["state"], stands["state_reason"]) == ("disabled", "receiver_failing")
    assert push(begun + timedelta(days=9)) == 0
    assert stands["pending"] == 2
    receiver.status = 204
    ok(step(admin, webhook, "resume", {}))
    assert push() == 2


def test_nothing_listens(as_: As, push: Push) -> None:
    admin = as_("county_admin")
    webhook = subscribed(admin, "http://127.0.0.1:9/hook", "household.created")
    household(as_("village_surveyor"))
    push()
    (row,) = deliveries(admin, webhook)
    assert (row["state"], row["last_outcome"], row["last_status"]) == ("pending", "unreachable", None)


def test_a_ping_is_tried_once_also_while_paused(as_: As, receiver: Receiver, push: Push) -> None:
    admin = as_("county_admin")
    webhook = subscribed(admin, receiver, "household.created")
    ok(step(admin, webhook, "pause"))
    first = ok(step(admin, webhook, "test"))
    assert ok(step(admin, webhook, "test"))["id"] == first["id"]  # one waits already
    receiver.status = 500
    assert push() == 1
    assert push(now() + timedelta(days=1)) == 0
    found = delivery(admin, webhook, first["id"])
    assert (found["event_type"], found["state"], found["last_status"]) == ("webhook.ping", "dead", 500)
    assert shown(admin, webhook)["dead"] == 0
    assert told(receiver.got[0])["id"] == webhook["id"]


def test_pausing_loses_nothing_unless_asked_to(as_: As, receiver: Receiver, push: Push) -> None:
    admin = as_("county_admin")
    webhook = subscribed(admin, receiver, "household.created")
    assert ok(step(admin, webhook, "pause"))["allowed_actions"][0] == "resume"
    kept = household(as_("village_surveyor"))
    assert push() == 0
    ok(step(admin, webhook, "resume"))
    assert push() == 1
    ok(step(admin, webhook, "pause"))
    household(as_("village_surveyor"))
    ok(step(admin, webhook, "resume", {"skip_missed": True}))
    then = household(as_("village_surveyor"))
    assert push() == 1
    assert [told(one)["id"] for one in receiver.got] == [kept["id"], then["id"]]


def test_replaying_a_span_of_time(as_: As, receiver: Receiver, push: Push, monkeypatch: pytest.MonkeyPatch) -> None:
    admin, surveyor = as_("county_admin"), as_("village_surveyor")
    since = now() - timedelta(days=1)  # the first household may have been made for another test
    before = household(surveyor)
    webhook = subscribed(admin, receiver, "household.created")
    heard = household(surveyor)
    push()
    until = now()
    household(surveyor)
    span = {"from": since.isoformat(), "to": until.isoformat()}
    assert ok(step(admin, webhook, "replay", span)) == {"id": webhook["id"], "events": 2}
    push()
    ids = [told(one)["id"] for one in receiver.got]
    assert (ids.count(before["id"]), ids.count(heard["id"]), len(ids)) == (1, 2, 4)
    assert len({one.id for one in receiver.got if told(one)["id"] == heard["id"]}) == 1
    for wrong in ({"from": span["to"], "to": span["from"]}, {**span, "to": (now() + timedelta(days=1)).isoformat()}):
        answer = step(admin, webhook, "replay", wrong)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/from")
    monkeypatch.setattr(subscriptions, "REPLAY_MAX", 1)
    answer = step(admin, webhook, "replay", span)
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (422, "webhook_replay_too_wide", 1)


def test_what_was_sent_long_ago_goes_and_what_waits_stays(
    as_: As, receiver: Receiver, push: Push, context: jobs.Context
) -> None:
    admin = as_("county_admin")
    webhook = subscribed(admin, receiver, "household.created")
    household(as_("village_surveyor"))
    push()
    receiver.status = 500
    household(as_("village_surveyor"))
    push()
    removed = subscribed(admin, receiver, "household.created")
    ok(step(admin, removed, "test"))
    ok(step(admin, removed, "remove", {"reason": "不再需要"}))
    _shift(context, "31 days")
    housekeeping.clear(context)
    assert [row["state"] for row in deliveries(admin, webhook)] == ["pending"]
    with context.database.transaction(EVERYWHERE) as session:
        assert session.connection().execute(text("select count(*) from webhook_delivery")).scalar_one() == 1


def _shift(context: jobs.Context, days: str) -> None:
    """Let so much time pass."""
    with context.database.transaction(EVERYWHERE) as session:
        for table, columns in {
            "webhook": ("removed_at",),
            "webhook_delivery": ("created_at", "finished_at"),
        }.items():
            moved = ", ".join(f"{one} = {one} - cast(:days as interval)" for one in columns)
            session.connection().execute(text(f"update {table} set {moved}"), {"days": days})


def test_a_feed_that_is_kept_no_more_stops_the_subscription_and_says_so(
    as_: As, receiver: Receiver, push: Push, context: jobs.Context
) -> None:
    admin = as_("county_admin")
    webhook = subscribed(admin, receiver, "household.created")
    household(as_("village_surveyor"))
    _forget_all(context)
    assert push() == 0
    stands = shown(admin, webhook)
    assert (stands["state"], stands["state_reason"]) == ("disabled", "feed_expired")
    ok(step(admin, webhook, "resume", {}))
    then = household(as_("village_surveyor"))
    assert push() == 1
    assert told(receiver.got[0])["id"] == then["id"]


def _forget_all(context: jobs.Context) -> Any:
    """As if all entries of before were dropped."""
    with context.database.engine.begin() as connection:
        connection.execute(text("update toilet.change_horizon set xid = pg_snapshot_xmax(pg_current_snapshot())"))
