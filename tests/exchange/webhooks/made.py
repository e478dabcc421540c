"""Subscriptions for the tests, over HTTP."""

from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient

from tests.exchange.webhooks.receiver import Got, Receiver
from tests.registry import made as registry
from tests.survey.made import API, ok

As = Callable[[str], TestClient]
Push = Callable[..., int]
URL = f"{API}/webhooks"
VILLAGE, TOWNSHIP_2_VILLAGE = registry.VILLAGE, registry.OTHER_TOWNSHIP


def subscribed(client: TestClient, receiver: Receiver | str, *event_types: str, **members: Any) -> dict[str, Any]:
    """A new subscription, with its secret."""
    url = receiver if isinstance(receiver, str) else receiver.url()
    made: dict[str, Any] = ok(client.post(URL, json={"url": url, "event_types": event_types or ["*"], **members}), 201)
    return made


def shown(client: TestClient, webhook: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = ok(client.get(f"{URL}/{webhook['id']}"))
    return found


def deliveries(client: TestClient, webhook: dict[str, Any], **query: str) -> list[dict[str, Any]]:
    """Oldest first."""
    answer = client.get(f"{URL}/{webhook['id']}/deliveries", params={"sort": "created_at", **query})
    found: list[dict[str, Any]] = ok(answer)["items"]
    return found


def delivery(client: TestClient, webhook: dict[str, Any], delivery_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ok(client.get(f"{URL}/{webhook['id']}/deliveries/{delivery_id}"))
    return found


def step(client: TestClient, webhook: dict[str, Any], name: str, body: Any = None) -> Any:
    """The answer to a step."""
    return client.post(f"{URL}/{webhook['id']}/{name}", json=body)


def household(client: TestClient, village: str = VILLAGE) -> dict[str, Any]:
    """An event to push: a new household without toilets."""
    return registry.household(client, division_code=village)


def told(got: Got) -> dict[str, Any]:
    """What an event says of its record."""
    found: dict[str, Any] = got.event["data"]
    return found
