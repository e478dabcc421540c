"""Made-up campaigns, visits and photos for the tests, through the API."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient
from PIL import Image

from tests.registry import made as registry
from tests.scenes import scene
from toilet_api.kernel.fields import now

VILLAGE, OTHER_VILLAGE, TOWNSHIP = "360423208202", "360423208203", "360423208"
API = "/api/v1"
RULES = {
    "construction_quality": {"kind": "fixed", "date": "2037-12-31"},
    "product_quality": {"kind": "fixed", "date": "2037-12-31"},
    "technical_mode": {"kind": "timetable"},
    "small_defect": {"kind": "days", "days": 7},
    "work_process": {"kind": "days", "days": 30},
}


def ok(answer: Any, status: int = 200) -> Any:
    """The body of an answer that must have this status."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    return answer.json()


@scene
def campaign(admin: TestClient, is_open: bool = True, **members: Any) -> dict[str, Any]:
    """A campaign of county 360423."""
    body = {
        "division_code": "360423",
        "name": "农村户厕问题摸排整改",
        "cut_off_year": 2024,
        "starts_on": "2026-05-15",
        "survey_due": "2026-07-31",
        "deadline_rules": RULES,
        **members,
    }
    shown: dict[str, Any] = ok(admin.post(f"{API}/campaigns", json=body), 201)
    if is_open:
        shown = ok(admin.post(f"{API}/campaigns/{shown['id']}/open"))
    return shown


def picture(kind: str = "PNG", exif: Image.Exif | None = None, size: tuple[int, int] = (64, 48)) -> bytes:
    """A small image with noise in it, so that it has some bytes."""
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(out, kind, **({"exif": exif} if exif else {}))
    return out.getvalue()


def upload(
    client: TestClient, data: bytes | None = None, kind: str = "photo", village: str = VILLAGE, **form: str
) -> Any:
    """The answer to an upload."""
    return client.post(
        f"{API}/attachments",
        data={"kind": kind, "division_code": village, **form},
        files={"file": ("x.bin", picture() if data is None else data, "application/octet-stream")},
    )


@scene
def signature(client: TestClient, village: str = VILLAGE) -> str:
    """The id of a signature."""
    return str(ok(upload(client, kind="signature", village=village), 201)["id"])


def home(client: TestClient, village: str = VILLAGE, **toilet: Any) -> dict[str, Any]:
    """A household with one toilet."""
    shown: dict[str, Any] = registry.household(client, division_code=village, toilets=[{**registry.TOILET, **toilet}])
    return shown


def visit_body(household: dict[str, Any], signed: str | None = None, *types: str, **members: Any) -> dict[str, Any]:
    """The body of a visit to a household's toilet that found problems of `types`."""
    return {
        "household_id": household["id"],
        "toilet_id": household["toilets"][0]["id"] if household["toilets"] else None,
        "method": "ask_and_look",
        "presence": "at_home",
        "usability": "not_usable" if types else "usable_all_year",
        "visited_at": earlier(hours=1),
        "findings": [{"problem_type": one} for one in types],
        "surveyor_signature_ids": [signed] if signed else [],
        **members,
    }


@scene
def visit(
    client: TestClient, *types: str, village: str = VILLAGE, household: dict[str, Any] | None = None, **members: Any
) -> dict[str, Any]:
    """A signed draft that found problems of `types`."""
    household = household or home(client, village)
    body = visit_body(household, signature(client, village), *types, **members)
    shown: dict[str, Any] = ok(client.post(f"{API}/visits", json=body), 201)
    return shown


@scene
def submitted(client: TestClient, *types: str, **members: Any) -> dict[str, Any]:
    """A submitted visit."""
    shown: dict[str, Any] = step(client, visit(client, *types, **members), "submit")
    return shown


@scene
def step(client: TestClient, one: dict[str, Any], name: str, **body: Any) -> Any:
    """The visit after a step that must succeed."""
    return ok(client.post(f"{API}/visits/{one['id']}/{name}", json=body or None))


def problems(client: TestClient, **params: Any) -> list[dict[str, Any]]:
    """The ledger's items."""
    items: list[dict[str, Any]] = ok(client.get(f"{API}/problems", params=params))["items"]
    return items


_believed: list[datetime] = []


@contextmanager
def believing(moment: datetime) -> Iterator[None]:
    """What is made meanwhile happened before this moment too: a day that lies ahead of a test today will lie behind."""
    _believed.append(moment)
    try:
        yield
    finally:
        _believed.pop()


def earlier(**delta: float) -> str:
    """A moment in the past, whatever the routes believe that it is."""
    return (min([now(), *_believed]) - timedelta(**delta)).isoformat()


def moment(text: str) -> datetime:
    """A moment given as text with offset."""
    return datetime.fromisoformat(text)
