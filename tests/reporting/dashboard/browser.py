"""A real browser for the tests, spoken to over a pipe (Chrome DevTools Protocol): it needs no package."""

import base64
import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--remote-debugging-pipe",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "about:blank",
)  # fmt: skip
SECONDS = 30


class Browser:
    """One page of a browser. What it complained about and loaded is kept for whoever looks."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._rest, self._number = b"", 0
        self._events: list[dict[str, Any]] = []
        target = self._send("Target.createTarget", {"url": "about:blank"}, session=None)["targetId"]
        attached = self._send("Target.attachToTarget", {"targetId": target, "flatten": True}, session=None)
        self._session: str | None = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._send(f"{domain}.enable")

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """Look through a window of this size, in CSS pixels."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._send("Emulation.setDeviceMetricsOverride", metrics)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self._send("Emulation.setEmulatedMedia", {"features": features})

    def go(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        self._send("Page.navigate", {"url": url})
        self._wait_for("Page.loadEventFired")

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = self._send("Runtime.evaluate", {"expression": script, "returnByValue": True, "awaitPromise": True})
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def submit(self, form: str, **fields: str) -> None:
        """Fill a form in and send it, as a person would by its button."""
        for name, value in fields.items():
            self.run(f"document.querySelector({json.dumps(f'{form} [name={name}]')}).value = {json.dumps(value)}")
        self.run(f"document.querySelector({json.dumps(f'{form} button')}).click()")
        self._wait_for("Page.loadEventFired")

    def key(self, name: str) -> None:
        """Press a key of the keyboard and let it go."""
        codes = {"Tab": 9, "Enter": 13}
        text = {"text": "\r"} if name == "Enter" else {}
        pressed = {"key": name, "code": name, "windowsVirtualKeyCode": codes[name]}
        self._send("Input.dispatchKeyEvent", {"type": "keyDown", **pressed, **text})
        self._send("Input.dispatchKeyEvent", {"type": "keyUp", **pressed})

    def picture(self, path: Path, *, of: str = "") -> None:
        """Write what is to be seen, or an element of the page, wherever it is."""
        wanted: dict[str, Any] = {"format": "png"}
        if of:
            box = self.run(
                f"(({{x, y, width, height}}) => ({{x: x + scrollX, y: y + scrollY, width, height}}))"
                f"(document.querySelector({json.dumps(of)}).getBoundingClientRect())"
            )
            wanted |= {"captureBeyondViewport": True, "clip": {**box, "scale": 1}}
        path.write_bytes(base64.b64decode(self._send("Page.captureScreenshot", wanted)["data"]))

    def printed(self) -> bytes:
        """The page on paper, as PDF."""
        return base64.b64decode(self._send("Page.printToPDF", {"preferCSSPageSize": True})["data"])

    def complaints(self) -> list[str]:
        """What the browser logged as warnings and errors, e.g. what the content policy blocked."""
        found = []
        for event in self._events:
            if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] in ("warning", "error"):
                found.append(event["params"]["entry"]["text"])
            if event["method"] == "Runtime.exceptionThrown":
                found.append(str(event["params"]))
        return found

    def loaded(self) -> list[str]:
        """Every address that was asked for."""
        events = [one for one in self._events if one["method"] == "Network.requestWillBeSent"]
        return [one["params"]["request"]["url"] for one in events]

    def _send(self, method: str, params: dict[str, Any] | None = None, session: str | None = "") -> dict[str, Any]:
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": params or {}}
        if session is not None:
            message["sessionId"] = self._session
        os.write(self._outgoing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self._events.append(answer)

    def _wait_for(self, method: str) -> None:
        seen = [one for one in self._events if one["method"] == method and not one.get("taken")]
        while not seen:
            self._events.append(self._next())
            seen = [one for one in self._events[-1:] if one.get("method") == method]
        for one in seen:
            one["taken"] = True

    def _next(self) -> dict[str, Any]:
        ends = time.monotonic() + SECONDS
        while b"\0" not in self._rest:
            assert time.monotonic() < ends, "the browser says nothing"
            part = os.read(self._incoming, 1 << 16)
            assert part, "the browser has gone"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        made: dict[str, Any] = json.loads(message)
        return made


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with a profile of its own, which ends with the block."""
    assert CHROMIUM is not None
    with TemporaryDirectory(prefix="toilet-browser-", ignore_cleanup_errors=True) as profile:
        to_it, from_us = os.pipe()
        to_us, from_it = os.pipe()
        command = shlex.join([CHROMIUM, *FLAGS[:-1], f"--user-data-dir={profile}", FLAGS[-1]])
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command} 3<&{to_it} 4>&{from_it}"],
            pass_fds=(to_it, from_it),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_it)
        os.close(from_it)
        try:
            yield Browser(to_us, from_us)
        finally:
            os.close(from_us)
            os.close(to_us)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
