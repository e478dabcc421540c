"""Fills the furnished database with subscriptions: each subscriber's own, and somebody else's in the same division."""

from typing import Any

from fastapi.testclient import TestClient

from tests.scope.places import CITIES, COUNTIES, HOMES, PROVINCES
from tests.scope.probe import Furniture
from tests.survey.made import API, ok

SUBSCRIBING = frozenset({"province_inspector", "city_inspector", "county_admin"})
SUBSCRIBED = (*COUNTIES, *CITIES, *PROVINCES)


def webhooks(clients: dict[str, TestClient], furniture: Furniture) -> None:
    """After the worker, so that nothing is sent. `clients` also has whoever works at a place, by its code."""
    for place in SUBSCRIBED:
        client = clients["keeper" if place in COUNTIES else place]
        made = _subscribed(client, place)
        for kind in ("webhook", "paused webhook", "somebody else's webhook"):
            furniture.put(kind, place, made)
        furniture.put("delivery", place, _ping(client, made), made)
    for role in sorted(SUBSCRIBING):
        client, home = clients[role], HOMES[role]
        made, paused = (_subscribed(client, home) for _ in range(2))
        ok(client.post(f"{API}/webhooks/{paused}/pause"))
        furniture.put(f"webhook of {role}", home, made)
        furniture.put(f"paused webhook of {role}", home, paused)
        furniture.put(f"delivery of {role}", home, _ping(client, made), made)


def webhook(place: str) -> dict[str, Any]:
    """The body of a subscription to what happens at a place."""
    return {"url": "https://receiver.example/hook", "event_types": ["household.*"], "division": place}


def _subscribed(client: TestClient, place: str) -> str:
    made: str = ok(client.post(f"{API}/webhooks", json=webhook(place)), 201)["id"]
    return made


def _ping(client: TestClient, webhook_id: str) -> str:
    made: str = ok(client.post(f"{API}/webhooks/{webhook_id}/test"))["id"]
    return made
