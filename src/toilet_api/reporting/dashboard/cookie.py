"""The cookie of a login at the dashboard.

It names a login of the API's own (account, version of its tokens, family) and is signed with a key of its own, so that
it is no token: no route of the API takes it, from whichever header. What ends the login's tokens ends it too: logging
out, a change of password, a lock, the removal of the account, and the hours of a refresh token.
"""

import base64
import binascii
import hmac
import json
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request, Response

from toilet_api.accounts.tokens import Claims
from toilet_api.kernel.fields import now
from toilet_api.settings import Settings

NAME, PATH = "toilet_dashboard", "/dashboard"
"""A browser sends it with requests for the dashboard's own pages alone."""
_LONGEST = 1024


def give(request: Request, response: Response, claims: Claims) -> None:
    """Log the browser in as `claims`; until the hours of a refresh token are over."""
    settings: Settings = request.app.state.settings
    ends = now() + timedelta(hours=settings.refresh_token_hours)
    body = {"sub": str(claims.subject), "ver": claims.token_version, "sid": str(claims.family), "exp": ends.timestamp()}
    value = base64.urlsafe_b64encode(json.dumps(body).encode())
    response.set_cookie(
        NAME,
        f"{value.decode()}.{_signature(settings, value)}",
        max_age=settings.refresh_token_hours * 3600,
        path=PATH,
        secure=is_https(request),
        httponly=True,
        samesite="strict",
    )


def take_back(request: Request, response: Response) -> None:
    """Log the browser out."""
    response.delete_cookie(NAME, path=PATH, secure=is_https(request), httponly=True, samesite="strict")


def read(request: Request) -> Claims | None:
    """What the browser's cookie says; None without one, and for one that is damaged, forged or over."""
    value, _, signature = request.cookies.get(NAME, "").partition(".")
    settings: Settings = request.app.state.settings
    # Compared as bytes: what is no ASCII must be unequal, not an error.
    if not value or len(value) > _LONGEST:
        return None
    if not hmac.compare_digest(signature.encode(), _signature(settings, value.encode()).encode()):
        return None
    try:
        body = json.loads(base64.urlsafe_b64decode(value))
        if body["exp"] < now().timestamp():
            return None
        return Claims(UUID(body["sub"]), int(body["ver"]), UUID(body["sid"]), None)
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None


def is_https(request: Request) -> bool:
    """Whether the browser came by https, also where a proxy doesn't say so but the public address does."""
    public = urlsplit(request.app.state.settings.public_url)
    return request.url.scheme == "https" or (public.scheme == "https" and public.netloc == request.url.netloc)


def comes_from_here(request: Request) -> bool:
    """Whether a form was sent by a page of ours. Browsers say so; what says nothing is no browser, and is refused.

    With the cookie's SameSite=Strict this is the second net against forged requests, and the only one for logging in.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin") or request.headers.get("referer") or ""
    own = {request.headers.get("host", ""), urlsplit(request.app.state.settings.public_url).netloc}
    return bool(origin) and urlsplit(origin).netloc in own


def _signature(settings: Settings, value: bytes) -> str:
    return hmac.digest(settings.secret("dashboard_cookie"), value, "sha256").hex()
