"""What the tests of this room share: logging in, and someone to log in as."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

from tests.world import PASSWORD

TOKEN = "/api/v1/auth/token"
GOOD = "Lushan-2026-qiu"


def login(client: TestClient, username: str, password: str = PASSWORD, **more: str) -> Response:
    """A password grant."""
    form = {"grant_type": "password", "username": username, "password": password, **more}
    return client.post(TOKEN, data=form)


def refresh(client: TestClient, token: str, **more: str) -> Response:
    """A refresh grant."""
    return client.post(TOKEN, data={"grant_type": "refresh_token", "refresh_token": token, **more})


def bearer(token: str) -> dict[str, str]:
    """The header of an access token."""
    return {"Authorization": f"Bearer {token}"}


def at_once(number: int, call: Any) -> list[Any]:
    """Run `call(index)` in so many threads that start together."""
    barrier = Barrier(number)

    def start(index: int) -> Any:
        barrier.wait()
        return call(index)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(start, range(number)))


def new_user(manager: TestClient, username: str, role: str, division: str, **more: Any) -> dict[str, Any]:
    """A user made over the API, with a temporary password."""
    body = {
        "username": username,
        "display_name": "测试账号",
        "grants": [{"role": role, "division_code": division}],
        **more,
    }
    answer = manager.post("/api/v1/users", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def find_user(reader: TestClient, username: str) -> dict[str, Any]:
    """A user by name."""
    items = reader.get("/api/v1/users", params={"text": username}).json()["items"]
    found: dict[str, Any] = next(one for one in items if one["username"] == username)
    return found
