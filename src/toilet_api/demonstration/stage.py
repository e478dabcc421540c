"""The stage of the demonstration: the app itself, and someone logged in to it for each account that plays."""

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx
from PIL import Image, ImageDraw

from toilet_api.app import create_app
from toilet_api.kernel import jobs
from toilet_api.reporting.reports import clock
from toilet_api.settings import Settings
from toilet_api.survey.clock import this_moment

API = "/api/v1"


class Stage:
    """The app, and someone logged in to it for each account that plays."""

    def __init__(self, settings: Settings, password: str) -> None:
        self._app = create_app(settings)
        self._settings = settings
        self._password = password
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def as_(self, username: str) -> httpx.AsyncClient:
        """The client of an account."""
        if username not in self._clients:
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=self._app), base_url="http://demonstration", timeout=120
            )
            form = {"grant_type": "password", "username": username, "password": self._password}
            token = checked(await client.post(f"{API}/auth/token", data=form))["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            self._clients[username] = client
        return self._clients[username]

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """What is done meanwhile was done at this moment."""

        async def told() -> datetime:
            return moment

        self._app.dependency_overrides[this_moment] = told
        try:
            yield
        finally:
            del self._app.dependency_overrides[this_moment]

    async def run_jobs(self) -> None:
        """Every queued job, to its end; the clock of the reports strikes when the play says so."""
        without_clock = self._settings.model_copy(update={"reports_by_clock": False})
        await asyncio.to_thread(jobs.run_worker, without_clock, wait=False, database=self._app.state.database)

    async def strike(self, moment: datetime) -> None:
        """The clock of the reports strikes: they are opened, drawn and reminded of."""
        await asyncio.to_thread(clock.run, self._app.state.database, moment, self._settings.reports_close_at)

    async def close(self) -> None:
        """Everyone goes home."""
        for client in self._clients.values():
            await client.aclose()
        self._app.state.database.dispose()


def checked(response: httpx.Response) -> Any:
    """The body of an answer that must be good."""
    if response.is_error:
        raise RuntimeError(f"{response.request.method} {response.request.url.path}: {response.text}")
    return response.json()


async def signed(client: httpx.AsyncClient, division: str) -> str:
    """The id of an uploaded signature."""
    return await _upload(client, division, "signature", _signature())


async def photographed(client: httpx.AsyncClient, division: str) -> str:
    """The id of an uploaded photo."""
    return await _upload(client, division, "photo", _photo())


async def _upload(client: httpx.AsyncClient, division: str, kind: str, image: bytes) -> str:
    files = {"file": (f"{kind}.png", image, "image/png")}
    form = {"kind": kind, "division_code": division}
    return str(checked(await client.post(f"{API}/attachments", data=form, files=files))["id"])


def _signature() -> bytes:
    """A scribble that stands for a signature."""
    image = Image.new("RGB", (240, 80), "white")
    ImageDraw.Draw(image).line([(20, 60), (60, 20), (90, 60), (130, 25), (170, 55), (220, 30)], fill="navy", width=3)
    return _png(image)


def _photo() -> bytes:
    """A drawing that stands for a photo of a mended toilet."""
    image = Image.new("RGB", (320, 240), "#cfe3ea")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 180, 320, 240), fill="#8fae7b")
    draw.rectangle((90, 90, 230, 200), fill="#efe6d3", outline="#6b5d45", width=3)
    draw.polygon([(75, 95), (160, 45), (245, 95)], fill="#a5532f")
    draw.rectangle((140, 125, 180, 200), fill="#6b8f9c")
    return _png(image)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
