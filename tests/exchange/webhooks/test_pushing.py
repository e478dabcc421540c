"""From a change to a receiver: what is sent, to whom, how it is signed, and that nothing is lost on the way."""

import json
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from tests.exchange.webhooks.made import (
    TOWNSHIP_2_VILLAGE,
    URL,
    As,
    Push,
    deliveries,
    delivery,
    household,
    shown,
    step,
    subscribed,
    told,
)
from tests.exchange.webhooks.receiver import Receiver, receiving
from tests.survey import made as survey
from tests.survey.made import API, ok
from toilet_api.exchange.webhooks import collecting, sending, working
from toilet_api.kernel import jobs, journal
from toilet_api.kernel.database import EVERYWHERE
from toilet_api.kernel.fields import new_id, now


def test_a_change_arrives_signed_thin_and_once(as_: As, receiver: Receiver, push: Push) -> None:
    household(as_("village_surveyor"))  # before the subscription: not its business
    webhook = subscribed(as_("county_admin"), receiver, "household.created")
    home = household(as_("village_surveyor"))
    assert push() == 1
    assert push() == 0
    (got,) = receiver.got
    assert Verifier(webhook["secret"]).verify(got.body, got.headers) == got.event
    assert got.headers["content-type"] == "application/json"
    assert got.event == {
        "type": "household.created",
        "timestamp": got.event["timestamp"],
        "data": {
            "type": "household",
            "id": home["id"],
            "op": "created",
            "version": 1,
            "division_code": home["division_code"],
            "from_division_code": None,
        },
    }
    (row,) = deliveries(as_("county_admin"), webhook)
    assert (row["id"], row["state"], row["last_status"], row["tries"]) == (got.id, "delivered", 204, 1)
    (attempt,) = delivery(as_("county_admin"), webhook, got.id)["attempts"]
    assert (attempt["outcome"], attempt["status"]) == ("accepted", 204)
    stands = shown(as_("county_admin"), webhook)
    assert (stands["pending"], stands["dead"], stands["failing_since"]) == (0, 0, None)
    assert stands["last_success_at"] is not None
    tampered = got.body.replace(b"created", b"removed")
    with pytest.raises(WebhookVerificationError):
        Verifier(webhook["secret"]).verify(tampered, got.headers)


def test_events_are_named_as_the_journal_names_them(as_: As, receiver: Receiver, push: Push) -> None:
    admin, surveyor = as_("county_admin"), as_("village_surveyor")
    survey.campaign(admin)
    subscribed(admin, receiver, "visit.*", "problem.opened", "toilet.created", "campaign.*")
    visit = survey.submitted(surveyor, "tank_cracked")
    home = household(surveyor)
    ok(admin.post(f"{API}/households/{home['id']}/remove", json={"reason": "重复登记"}))  # not subscribed to
    push()
    assert sorted(receiver.types) == ["problem.opened", "toilet.created", "visit.created", "visit.submitted"]
    submitted = next(one for one in receiver.got if one.event["type"] == "visit.submitted")
    assert told(submitted)["id"] == visit["id"]
    assert (told(submitted)["op"], told(submitted)["version"]) == ("updated", visit["version"])


def test_only_what_lies_in_its_division_and_what_has_left_it(
    as_: As, receiver: Receiver, push: Push, context: jobs.Context
) -> None:
    admin = as_("county_admin")
    subscribed(admin, receiver, "household.*", division="360423208")
    household(as_("township_manager_2"), TOWNSHIP_2_VILLAGE)
    inside = household(as_("village_surveyor"))
    gone = new_id()
    with context.database.transaction(EVERYWHERE) as session:
        journal.record(
            session, action="household.moved", subject_type="household", subject_id=gone, version=7, op="move",
            division_code=TOWNSHIP_2_VILLAGE, moved_from=inside["division_code"],
        )  # fmt: skip
    push()
    assert [told(one)["id"] for one in receiver.got] == [inside["id"], str(gone)]
    left = told(receiver.got[1])
    # Where it has gone is for the people there to know.
    assert (left["op"], left["division_code"], left["version"]) == ("left_scope", None, None)
    assert left["from_division_code"] == inside["division_code"]


def test_two_secrets_sign_while_one_is_rotated(as_: As, receiver: Receiver, push: Push) -> None:
    admin = as_("county_admin")
    webhook = subscribed(admin, receiver, "household.created")
    old, begun = webhook["secret"], now()
    answer = step(admin, webhook, "rotate-secret", {"overlap_hours": 2})
    new = ok(answer)["secret"]
    assert answer.headers["cache-control"] == "no-store"
    assert new != old
    household(as_("village_surveyor"))
    push()
    both = receiver.got[0]
    assert len(both.headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        assert Verifier(secret).verify(both.body, both.headers)
    household(as_("village_surveyor"))
    push(begun + timedelta(hours=2, minutes=1))
    assert len(receiver.got[1].headers["webhook-signature"].split(" ")) == 1
    newest = ok(step(admin, webhook, "rotate-secret", {"overlap_hours": 0}))
    assert newest["former_secret_until"] is None
    household(as_("village_surveyor"))
    push()
    last = receiver.got[2]
    assert Verifier(newest["secret"]).verify(last.body, last.headers)
    for secret in (old, new):
        with pytest.raises(WebhookVerificationError):
            Verifier(secret).verify(last.body, last.headers)


def test_the_secret_is_told_once_and_kept_sealed(as_: As, receiver: Receiver, context: jobs.Context) -> None:
    admin, key = as_("county_admin"), {"Idempotency-Key": "once"}
    body = {"url": receiver.url(), "event_types": ["*"]}
    first = admin.post(URL, json=body, headers=key)
    again = admin.post(URL, json=body, headers=key)
    secret = ok(first, 201)["secret"]
    assert secret.startswith("whsec_")
    assert ok(again, 201)["secret"] is None
    assert "secret" not in ok(admin.get(first.headers["Location"]))
    with context.database.transaction(EVERYWHERE) as session:
        for table in ("webhook", "audit_entry", "idempotency_key", "procrastinate_jobs"):
            rows = session.connection().execute(text(f"select row_to_json(t)::text from {table} t")).scalars().all()
            assert not any(secret.removeprefix("whsec_") in row for row in rows)


def test_killed_between_sending_and_recording(
    as_: As, receiver: Receiver, push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = as_("county_admin")
    webhook = subscribed(admin, receiver, "household.created")
    household(as_("village_surveyor"))
    begun = now()
    with monkeypatch.context() as patched:
        patched.setattr(sending, "record", _killed)
        with pytest.raises(KeyboardInterrupt):
            push(begun)
    assert push(begun + sending.LEASE / 2) == 0  # it might still be on its way
    assert push(begun + sending.LEASE + timedelta(seconds=1)) == 1
    first, second = receiver.got
    assert (first.id, first.body) == (second.id, second.body)
    assert deliveries(admin, webhook)[0]["state"] == "delivered"


def test_killed_between_queueing_and_the_position(
    as_: As, receiver: Receiver, push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = subscribed(as_("county_admin"), receiver, "household.created")
    household(as_("village_surveyor"))
    with monkeypatch.context() as patched:
        patched.setattr(collecting, "_move", _killed)
        with pytest.raises(KeyboardInterrupt):
            push()
    assert deliveries(as_("county_admin"), webhook) == []
    assert push() == 1
    assert len(receiver.got) == 1


def _killed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_a_change_of_the_subscription_wins_over_what_is_being_read(
    as_: As, receiver: Receiver, push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paused at the very moment: what was read is forgotten, and read again when it goes on."""
    admin = as_("county_admin")
    webhook = subscribed(admin, receiver, "household.created")
    household(as_("village_surveyor"))
    move = collecting._move

    def pause_first(*given: Any) -> None:
        monkeypatch.setattr(collecting, "_move", move)
        ok(step(admin, webhook, "pause"))
        move(*given)

    monkeypatch.setattr(collecting, "_move", pause_first)
    assert push() == 0
    assert deliveries(admin, webhook) == []
    ok(step(admin, webhook, "resume", {}))
    assert push() == 1


def test_writers_that_commit_late_are_not_missed(
    as_: As, receiver: Receiver, push: Push, context: jobs.Context
) -> None:
    subscribed(as_("county_admin"), receiver, "household.created")
    late, inside = new_id(), "360423208202"
    with context.database.transaction(EVERYWHERE) as session:
        journal.record(
            session, action="household.created", subject_type="household", subject_id=late, division_code=inside,
            version=1, op="create",
        )  # fmt: skip
        early = household(as_("village_surveyor"))
        assert push() == 1
    assert push() == 1
    assert [told(one)["id"] for one in receiver.got] == [early["id"], str(late)]


@contextmanager
def worker(context: jobs.Context) -> Any:
    """The part of a worker that pushes, in its thread."""
    stop = threading.Event()
    thread = threading.Thread(target=working.push, args=(context, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(15)
        assert not thread.is_alive()


def test_a_worker_reacts_at_once_and_a_slow_receiver_holds_nobody_up(
    as_: As, receiver: Receiver, context: jobs.Context
) -> None:
    admin = as_("county_admin")
    with receiving() as slow:
        slow.hold.clear()
        lame = subscribed(admin, slow, "household.created")
        subscribed(admin, receiver, "household.created")
        with worker(context):
            for _ in range(sending.AT_ONCE + 2):
                household(as_("village_surveyor"))
            begun = now()
            assert receiver.wait_for(sending.AT_ONCE + 2)
            assert now() - begun < timedelta(seconds=3)
            assert slow.wait_for(sending.AT_ONCE)
            assert len(slow.got) == sending.AT_ONCE  # no more on their way to one receiver at a time
            slow.hold.set()
            assert slow.wait_for(sending.AT_ONCE + 2)
        assert {row["state"] for row in deliveries(admin, lame)} == {"delivered"}


def test_two_workers_send_nothing_twice(as_: As, receiver: Receiver, context: jobs.Context) -> None:
    subscribed(as_("county_admin"), receiver, "household.created")
    with worker(context), worker(context):
        homes = {household(as_("village_surveyor"))["id"] for _ in range(8)}
        assert receiver.wait_for(8)
    assert sorted(told(one)["id"] for one in receiver.got) == sorted(homes)


def test_a_full_outbox_waits_in_the_feed(
    as_: As, receiver: Receiver, push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "PENDING_MAX", 1)
    monkeypatch.setattr(collecting, "BATCH", 1)
    subscribed(as_("county_admin"), receiver, "household.created")
    homes = [household(as_("village_surveyor"))["id"] for _ in range(3)]
    assert [push() for _ in homes] == [1, 1, 1]
    assert [told(one)["id"] for one in receiver.got] == homes


def test_a_worker_that_does_not_wait_pushes_too(as_: As, receiver: Receiver, drain_jobs: Any) -> None:
    subscribed(as_("county_admin"), receiver, "household.created")
    household(as_("village_surveyor"))
    drain_jobs()
    assert receiver.types == ["household.created"]
    assert json.loads(receiver.got[0].body)["data"]["op"] == "created"
