"""A phone that works offline: it makes items, sends them in batches, and keeps what it is told."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from tests.registry import made as registry
from tests.survey import made as survey
from tests.survey.made import API, VILLAGE, ok
from toilet_api.kernel.fields import new_id, now

Json = dict[str, Any]


def item(kind: str, op: str, record_id: str, changes: Json | None = None, base: int | None = None, **more: Any) -> Json:
    """One change, made a minute ago."""
    said = {"id": str(new_id()), "type": kind, "op": op, "record_id": record_id, **more}
    said.setdefault("client_time", (now() - timedelta(minutes=1)).isoformat())
    if changes is not None:
        said["changes"] = changes
    if base is not None:
        said["base_version"] = base
    return said


def new_household(**members: Any) -> Json:
    """A household's create."""
    return item("household", "create", str(new_id()), registry.body(**members))


def new_toilet(household_id: str, **members: Any) -> Json:
    """A toilet's create."""
    return item("toilet", "create", str(new_id()), {"household_id": household_id, **registry.TOILET, **members})


def new_visit(household_id: str, toilet_id: str | None = None, *types: str, **members: Any) -> Json:
    """A visit's create."""
    toilets = [{"id": toilet_id}] if toilet_id else []
    return item(
        "visit",
        "create",
        str(new_id()),
        survey.visit_body({"id": household_id, "toilets": toilets}, None, *types, **members),
    )


@dataclass
class Phone:
    """A device of somebody who is logged in."""

    client: TestClient
    device_id: str = field(default_factory=lambda: str(new_id()))
    ahead: timedelta = timedelta()

    def batch(self, *items: Json) -> Json:
        """The body of a request."""
        time: datetime = now() + self.ahead
        return {"device_id": self.device_id, "device_time": time.isoformat(), "items": list(items)}

    def send(self, *items: Json) -> list[Json]:
        """The results, in the order of the items."""
        answer = ok(self.client.post(f"{API}/sync", json=self.batch(*items)))
        assert [one["id"] for one in answer["results"]] == [one["id"] for one in items]
        results: list[Json] = answer["results"]
        return results

    def states(self, *items: Json) -> list[str]:
        """What became of each item."""
        return [one["state"] for one in self.send(*items)]

    def pull(self, village: str = VILLAGE, **params: str) -> Json:
        """The village."""
        found: Json = ok(self.client.get(f"{API}/sync/pull", params={"division": village, **params}))
        return found


def record(client: TestClient, kind: str, record_id: str) -> Json:
    """A record as its own route shows it."""
    found: Json = ok(client.get(f"{API}/{kind}s/{record_id}"))
    return found


def history(client: TestClient, kind: str, record_id: str) -> list[Json]:
    """Its history."""
    found: list[Json] = ok(client.get(f"{API}/{kind}s/{record_id}/history"))["items"]
    return found
