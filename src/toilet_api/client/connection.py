"""Requests to one server: signed in, with time limits, tried again where that is safe."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from toilet_api.client import patience
from toilet_api.client.errors import ApiError, SignInError, UnreachableError
from toilet_api.client.progress import Notice
from toilet_api.client.signing_in import SignIn

BASE_PATH = "/api/v1"
CONNECT_SECONDS = 15.0
# Shorter than servers and proxies keep an idle connection: one that they close just now fails a request.
_KEEP_IDLE_SECONDS = 15.0
_HERE = ("127.0.0.1", "localhost", "[::1]")
T = TypeVar("T")


def normal_url(url: str) -> str:
    """The server's address without its base path. Raises ValueError for what is no address of a web server."""
    try:
        parts = urlsplit(url.strip())
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        known = False
    if not known or parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(
            "须为 http:// 或 https:// 开头的服务地址 / an http:// or https:// address of the server is needed"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix(BASE_PATH)}"


class Connection:
    """What every part of the client sends its requests with."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None,
        form: dict[str, str] | None,
        timeout: float,
        retries: int,
        transport: httpx.BaseTransport | None,
        notice: Notice,
    ) -> None:
        self.url = normal_url(url)
        self.retries = retries
        self.notice = notice
        limits = httpx.Limits(keepalive_expiry=_KEEP_IDLE_SECONDS)
        self._http = httpx.Client(
            base_url=self.url + BASE_PATH,
            timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
            limits=limits,
            headers={"Accept": "application/json", "User-Agent": "toilet-api-client"},
            transport=transport,
            # This machine itself is never reached by way of a proxy.
            mounts={f"all://{name}": None for name in _HERE},
        )
        self._sign_in = SignIn(self._ask_token, token=token, form=form)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Callable[[], Iterator[bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
        retries: int | None = None,
        **options: Any,
    ) -> httpx.Response:
        """One request and its answer, read whole. `options` are httpx's: params, json, data, files, content.

        `body` makes the content, anew for each attempt. `repeatable`: whether it may be sent again though the server
        may have done it; by default it is told by the method, an Idempotency-Key, or an `id` in the JSON.
        Raises ApiError, SignInError or UnreachableError.
        """
        repeats = (
            patience.is_repeatable(method, headers or {}, options.get("json")) if repeatable is None else repeatable
        )

        def make() -> httpx.Request:
            return self._build(method, path, headers, **options, **({"content": body()} if body else {}))

        def send() -> httpx.Response:
            return self._exchange(make)

        return self._persist(send, repeats=repeats, retries=self.retries if retries is None else retries)

    def read(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The JSON object that `request` answers."""
        return _object(self.request(method, path, **options))

    @contextlib.contextmanager
    def stream(self, path: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """The answer to one GET, its body still to come. Tried once: the caller goes on from where it broke.

        Raises ApiError, SignInError, and httpx.RequestError where the line breaks.
        """
        response = self._exchange(lambda: self._build("GET", path, headers), stream=True)
        with contextlib.closing(response):
            yield response

    def save(self, path: str, to: Path) -> None:
        """The body of a GET, as the file `to`. Raises as `request` does."""

        def fetch() -> None:
            with self.stream(path, {"Accept": "*/*"}) as response, to.open("wb") as file:
                for piece in response.iter_bytes():
                    file.write(piece)

        self._persist(fetch, repeats=True, retries=self.retries)

    def pause(self, attempt: int, error: Exception) -> None:
        """Wait before the next attempt, and say so."""
        seconds = patience.delay(attempt, error.retry_after if isinstance(error, ApiError) else None)
        told = f"HTTP {error.status}" if isinstance(error, ApiError) else type(error.__cause__ or error).__name__
        self.notice(
            f"暂时不通（{told}），{seconds:.0f} 秒后重试（第 {attempt + 1} 次，共 {self.retries} 次） / "
            f"Trouble ({told}); trying again in {seconds:.0f} s ({attempt + 1} of {self.retries})"
        )
        time.sleep(seconds)

    def close(self) -> None:
        """Sign out where it signed in by a password, and close."""
        given = self._sign_in.forget()
        if given is not None:
            form = {"token": given, "token_type_hint": "refresh_token"}
            with contextlib.suppress(httpx.RequestError):
                self._http.post("/auth/revoke", data=form, timeout=5.0)
        self._http.close()

    def _build(self, method: str, path: str, headers: Mapping[str, str] | None, **options: Any) -> httpx.Request:
        return self._http.build_request(method, path.removeprefix(BASE_PATH), headers=dict(headers or {}), **options)

    def _exchange(self, make: Callable[[], httpx.Request], *, stream: bool = False) -> httpx.Response:
        """Send it, and once more with a new token where the token was refused."""
        token = self._sign_in.token()
        response = self._send(make(), token, stream=stream)
        if response.status_code == 401:
            fresh = self._sign_in.instead_of(token)
            if fresh is not None and fresh != token:
                response = self._send(make(), fresh, stream=stream)
        if not response.is_success:
            raise ApiError.of(response)
        return response

    def _send(self, request: httpx.Request, token: str, *, stream: bool) -> httpx.Response:
        request.headers["Authorization"] = f"Bearer {token}"
        response = self._http.send(request, stream=stream)
        if not response.is_success:
            response.read()
        return response

    def _ask_token(self, form: dict[str, str], *, retried: bool) -> dict[str, Any]:
        def send() -> dict[str, Any]:
            response = self._http.post("/auth/token", data=form)
            if response.is_success:
                return _object(response)
            error = ApiError.of(response)
            # Refused is refused: each further wrong password brings the account nearer to being locked.
            raise error if error.status >= 500 else SignInError.like(error)

        if not retried:
            return send()
        try:
            return self._persist(send, repeats=True, retries=self.retries)
        except ApiError as error:
            raise SignInError.like(error) from error  # tried often enough: whoever needed the token doesn't try on

    def _persist(self, send: Callable[[], T], *, repeats: bool, retries: int) -> T:
        attempt = 0
        while True:
            try:
                return send()
            except httpx.RequestError as error:
                again = repeats or (isinstance(error, httpx.TransportError) and patience.was_never_sent(error))
                if attempt >= retries or not again or patience.is_hopeless(error):
                    raise UnreachableError(f"{self.url}: {type(error).__name__} {error}".rstrip()) from error
                self.pause(attempt, error)
            except ApiError as error:
                again = error.status == 429 or (repeats and patience.may_pass(error.status))
                if isinstance(error, SignInError) or attempt >= retries or not again:
                    raise
                self.pause(attempt, error)
            attempt += 1


def _object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in an answer. Raises ApiError for a page that something else on the way has put in its place."""
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        detail = "答复不是 JSON，地址可能不是本接口 / The answer is no JSON; the address may be of something else"
        raise ApiError(response.status_code, {"code": "no_json", "title": "答复无法解析", "detail": detail})
    return found
