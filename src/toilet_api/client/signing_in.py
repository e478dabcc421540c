"""A token that is always good: signed in once, refreshed before it expires, signed in again where that fails."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from toilet_api.client.errors import ApiError

Ask = Callable[..., dict[str, Any]]
"""`ask(form, retried=...)` posts a form to the token endpoint and gives its answer."""

_MARGIN_SECONDS = 60.0
_MARGIN_SHARE = 0.1


class SignIn:
    """Who the client is. Safe for several threads: only one of them renews."""

    def __init__(self, ask: Ask, *, token: str | None = None, form: dict[str, str] | None = None) -> None:
        """Either a token that somebody else keeps fresh, or the form that signs in (RFC 6749 4.3, 4.4)."""
        self._ask = ask
        self._form = form
        self._token = token
        self._refresh: str | None = None
        self._renew_at = float("inf")
        self._lock = threading.Lock()

    def token(self) -> str:
        """The token to send. Raises SignInError or UnreachableError."""
        with self._lock:
            if self._token is None or time.monotonic() >= self._renew_at:
                self._renew()
            return self._token or ""

    def instead_of(self, refused: str) -> str | None:
        """A token in place of one that the server refused; None when there is no way to one."""
        with self._lock:
            if self._form is None:
                return None
            if self._token == refused:
                self._renew()
            return self._token

    def forget(self) -> str | None:
        """The refresh token, which is of no more use to this client: to be revoked."""
        with self._lock:
            given, self._refresh, self._token = self._refresh, None, None
            return given

    def _renew(self) -> None:
        if self._form is None:
            return
        # A refresh token serves once. Where its answer was lost it is used up, and to send it again would look like
        # theft and end the login: so it is never sent twice, and the password opens the next login.
        given, self._refresh = self._refresh, None
        if given is not None:
            with contextlib.suppress(ApiError, httpx.RequestError):
                self._keep(self._ask({"grant_type": "refresh_token", "refresh_token": given}, retried=False))
                return
        self._keep(self._ask(self._form, retried=True))

    def _keep(self, answer: dict[str, Any]) -> None:
        seconds = float(answer.get("expires_in") or _MARGIN_SECONDS)
        self._token = str(answer["access_token"])
        self._refresh = answer.get("refresh_token")
        self._renew_at = time.monotonic() + seconds - min(_MARGIN_SECONDS, seconds * _MARGIN_SHARE)
