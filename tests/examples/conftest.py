"""One served demonstration for the walk-through and all examples, as `make run` has it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.delivery.running import PASSWORD, Served, alive, environment, serving
from tests.folders import copied, quick_folder

EXAMPLES = Path(__file__).parents[2] / "examples"
API = "/api/v1"
Example = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="package")
def served(demonstrated: Path) -> Iterator[Served]:
    """The demonstration county, served by a database, two web processes and a worker. All of them end with it.

    Webhooks may go to this machine.
    """
    with quick_folder("examples-") as empty:
        data = copied(demonstrated, empty)
        opened = {"DEMO_PASSWORD": PASSWORD, "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
        with serving("--demo", "--workers", "2", "--data-dir", data, seconds=900, **opened) as served:
            family = served.descendants()
            yield served
        assert served.process.returncode == 0, "".join(served.printed)
        assert sum("toilet_api web" in one for one in family.values()) == 2
        assert sum("toilet_api worker" in one for one in family.values()) == 1
        assert sum("postgres -D" in one for one in family.values()) == 1
        assert not [family[one] for one in family if alive(one)]


@pytest.fixture(scope="package")
def address(served: Served) -> str:
    """Where it is served."""
    return served.address


@pytest.fixture
def signed_in(address: str) -> Iterator[Callable[[str], httpx.Client]]:
    """A client of somebody of the demonstration."""
    opened: list[httpx.Client] = []

    def client(username: str) -> httpx.Client:
        made = httpx.Client(base_url=f"{address}{API}", trust_env=False, timeout=30)
        opened.append(made)
        form = {"grant_type": "password", "username": username, "password": PASSWORD}
        token = made.post("/auth/token", data=form).raise_for_status().json()["access_token"]
        made.headers["Authorization"] = f"Bearer {token}"
        return made

    yield client
    for one in opened:
        one.close()


@pytest.fixture
def example(address: str, tmp_path: Path) -> Example:
    """Run an example to its end, as somebody of the demonstration, in a folder of its own."""

    def play(name: str, *arguments: str, who: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(name, *arguments),
            cwd=tmp_path,
            env=given(address, who, **variables),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return play


def command(name: str, *arguments: str) -> list[str]:
    """The example's command line."""
    return ["bash" if name.endswith(".sh") else sys.executable, str(EXAMPLES / name), *arguments]


def given(address: str, who: str, **variables: str) -> dict[str, str]:
    """What an example finds in its environment; this machine's own proxies are none of its business."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    login = {"TOILET_URL": address, "TOILET_USERNAME": who, "TOILET_PASSWORD": PASSWORD}
    system = {"CLIENT_ID": "province_client", "CLIENT_SECRET": PASSWORD}
    return environment(**(login | system | {"PATH": path, "no_proxy": "*"} | variables))


def rows(client: httpx.Client, path: str, **query: Any) -> list[dict[str, Any]]:
    """A whole list of the demonstration, which is short."""
    page = client.get(path, params={"limit": 1000, **query}).raise_for_status().json()
    assert page["next_cursor"] is None
    return list(page["items"])
