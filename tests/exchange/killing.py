"""A deployment as an operator runs it, with processes that can be killed, and a client that outlasts their absence."""

import random
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from tests.conftest import make_settings
from tests.delivery.running import Served, serving
from tests.world import PASSWORD, load_people
from toilet_api.divisions import loading
from toilet_api.kernel.database import Database
from toilet_api.kernel.embedded import EmbeddedPostgres
from toilet_api.kernel.migrations import migrate

KINDS = ("worker", "family", "backend", "api", "postmaster")
PATIENCE_SECONDS = 120
LASTING = 3600.0


def furnish(data: Path, subset: Path) -> None:
    """A data folder with the divisions and the people of the tests in its own Postgres."""
    postgres = EmbeddedPostgres(data)
    try:
        settings = make_settings(postgres.start(), data).model_copy(update={"secret_key": None})
        migrate(settings)
        database = Database(settings)
        loading.load(database, subset)
        load_people(database, settings)
        database.dispose()
    finally:
        postgres.stop()


class Deployed:
    """`toilet-api serve` on a data folder, again and again."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.printed: list[str] = []
        self._port = _free_port()
        self._stack = ExitStack()
        self._served: Served | None = None

    @property
    def address(self) -> str:
        """Where it listens, or did."""
        return "" if self._served is None else self._served.address

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._served is not None and self._served.process.poll() is None:
            return
        command = ("--port", str(self._port), "--data-dir", self.data)
        self._served = self._stack.enter_context(serving(*command, seconds=LASTING))
        self.printed = self._served.printed

    def stop(self) -> None:
        """SIGTERM, as an operator does; waits for the end."""
        self._stack.close()

    def kill(self, kind: str, rolls: random.Random) -> str:
        """SIGKILL one of its processes, or all; gives what was killed."""
        assert self._served is not None
        family = self._served.descendants()
        if kind == "family":
            victims = [psutil.Process(self._served.process.pid), *family]
            rolls.shuffle(victims)
        else:
            victims = [rolls.choice(_of_kind(kind, family))]
        names = [family.get(one, "serve") for one in victims]
        for victim in victims:
            try:
                victim.kill()
            except psutil.NoSuchProcess:  # it went with another one
                continue
        return f"{len(names)} processes" if kind == "family" else names[0].strip()

    def runs(self, kind: str) -> bool:
        """Whether it has a process of this kind at the moment."""
        return self._served is not None and bool(_of_kind(kind, self._served.descendants()))

    def ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the superuser reads in its database, whatever row-level security says."""
        url = EmbeddedPostgres(self.data).url().replace("+psycopg://", "://", 1)
        with psycopg.connect(url, options="-c search_path=toilet") as connection:
            return connection.execute(question.encode(), values).fetchall()


def _free_port() -> int:
    """One port for all of a deployment's lives: tokens are of an address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _of_kind(kind: str, family: dict[psutil.Process, str]) -> list[psutil.Process]:
    part = {
        "worker": "toilet_api worker",
        "api": "toilet_api web",
        "postmaster": "postgres -D",
        "backend": "postgres: postgres toilet",
        "judge": "toilet_api.exchange.imports.judge",
    }[kind]
    found = [one for one, line in family.items() if part in line]
    busy = [one for one in found if not family[one].rstrip().endswith(" idle")]
    return busy or found


class Patient:
    """Asks until there is an answer, as a program does that must get its ledger in."""

    def __init__(self, deployed: Deployed, username: str) -> None:
        self._deployed, self._username = deployed, username
        self._client = httpx.Client(trust_env=False, timeout=10)
        self._token = ""
        self.failures: list[str] = []
        """What it got instead of an answer."""

    def log_in(self) -> None:
        """Take a new token, which outlasts a restart."""
        form = {"grant_type": "password", "username": self._username, "password": PASSWORD}
        self._token = self.request("POST", "/auth/token", data=form).json()["access_token"]

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer, of a code below 500. That nobody is there, or no database, is to be expected; a fault isn't."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        headers |= more.pop("headers", {})
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                address = f"{self._deployed.address}/api/v1{path}"
                answer = self._client.request(method, address, headers=headers, **more)
            except httpx.TransportError as error:
                self.failures.append(type(error).__name__)
            else:
                if answer.status_code < 500:
                    return answer
                assert answer.status_code == 503, answer.text
                self.failures.append(f"503 {answer.json()['code']}")
            assert time.monotonic() < until, f"no answer to {method} {path}: {self.failures[-5:]}"
            time.sleep(0.1)

    def close(self) -> None:
        self._client.close()
