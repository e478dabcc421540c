"""Subscriptions of the served county: one that sends, with a delivery, and one that is paused."""

from typing import Any

import httpx

from tests.survey.made import API, ok


def furnish(admin: httpx.Client) -> dict[str, list[str]]:
    """The ids by the name of the path parameter. Nothing is sent: no worker runs any more."""
    active, paused = (ok(admin.post(f"{API}/webhooks", json=webhook()), 201)["id"] for _ in range(2))
    ok(admin.post(f"{API}/webhooks/{paused}/pause"))
    ping = ok(admin.post(f"{API}/webhooks/{active}/test"))["id"]
    return {"webhook_id": [active, paused], "delivery_id": [ping]}


def webhook() -> dict[str, Any]:
    """The body of a subscription."""
    return {"url": "https://receiver.example/hook", "event_types": ["problem.closed", "household.*"]}
