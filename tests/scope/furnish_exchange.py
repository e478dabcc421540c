"""Fills the furnished database with imports, uploads, headings and exports: everybody's own, and somebody else's."""

from typing import Any

from fastapi.testclient import TestClient

from tests.registry import made as registry
from tests.scope.places import ANYWHERE, BELOW_CITY, HOMES, VILLAGES
from tests.scope.probe import PICTURING, Furniture
from tests.survey.made import API, ok, picture
from toilet_api.kernel.limits import PART_MEDIA

CONTENT = b"x" * 10
PART = {"Content-Type": PART_MEDIA, "Upload-Offset": "0"}


def before_the_worker(clients: dict[str, TestClient], furniture: Furniture) -> None:
    """What ends when the worker runs, uploads, headings. `clients` also has whoever works at a place, by its code."""
    imports(clients["keeper"], furniture, "import")
    for place in BELOW_CITY:
        word = ok(clients["keeper"].post(f"{API}/import-synonyms", json=synonym(place)), 201)
        furniture.put("synonym", place, word["id"])
    for place in ANYWHERE:
        _uploads(clients["keeper" if place in VILLAGES else place], furniture, place)
    for role in sorted(PICTURING):
        _uploads(clients[role], furniture, HOMES[role], f" of {role}")
    for place in ANYWHERE:
        made = _exported(clients["keeper" if place in BELOW_CITY else place], place)
        for kind in ("export", "queued export", "somebody else's export"):
            furniture.put(kind, place, made)
    _own_exports(clients, furniture, "export")


def after_the_worker(clients: dict[str, TestClient], furniture: Furniture) -> None:
    """What waits for it."""
    imports(clients["keeper"], furniture, "queued import")
    _own_exports(clients, furniture, "queued export", form="ndjson")


def imports(keeper: TestClient, furniture: Furniture, kind: str) -> None:
    """A ledger sent at each place; it runs when the worker does."""
    for place in BELOW_CITY:
        answer = keeper.post(f"{API}/imports", params={"division": place, "dry_run": "true"}, files=ledger())
        furniture.put(kind, place, ok(answer, 202)["id"])


def ledger() -> dict[str, Any]:
    """A file to upload."""
    line = f"安乐村,张三丰,{registry.id_number()},三格,2024"
    return {"file": ("ledger.csv", f"村,户主姓名,身份证号码,改厕方式,改厕年份\n{line}\n".encode())}


def synonym(place: str, heading: str = "当家人") -> dict[str, Any]:
    """The body of a heading of a place's own."""
    return {"division_code": place, "heading": heading, "field": "name"}


def _uploads(client: TestClient, furniture: Furniture, place: str, whose: str = "") -> None:
    """One that is on its way, one that is whole."""
    body = {"file_name": "台账.csv", "size_bytes": len(CONTENT)}
    contents = {"upload": CONTENT, "whole upload": next(iter(ledger().values()))[1], "pictured upload": picture()}
    for kind, content in contents.items():
        made = ok(client.post(f"{API}/uploads", json={**body, "size_bytes": len(content)}), 201)["id"]
        if kind != "upload":
            ok(client.patch(f"{API}/uploads/{made}", content=content, headers=PART))
        furniture.put(kind + whose, place, made)
        if not whose:
            furniture.put(f"somebody else's {kind}", place, made)


def _own_exports(clients: dict[str, TestClient], furniture: Furniture, kind: str, form: str = "csv") -> None:
    for role, home in HOMES.items():
        furniture.put(f"{kind} of {role}", home, _exported(clients[role], home, form))


def _exported(client: TestClient, place: str, form: str = "csv") -> str:
    body = {"dataset": "households", "format": form, "division": place}
    made: str = ok(client.post(f"{API}/exports", json=body), 202)["id"]
    return made
