"""What goes wrong, as exceptions that a script can tell apart."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from toilet_api.client.answers import FieldFault


class ClientError(Exception):
    """Anything that this client raises on purpose."""


class ApiError(ClientError):
    """The server refused: its problem document (RFC 9457), or what could be made out of an answer without one.

    `code` is stable and meant for programs; `str(error)` is for people.
    """

    def __init__(self, status: int, document: Mapping[str, Any], retry_after: str | None = None) -> None:
        self.status = status
        self.document: dict[str, Any] = dict(document)
        """All of it: some problems say more, as `offset` or `current`."""
        self.code = str(document.get("code") or f"http_{status}")
        self.title = str(document.get("title") or f"HTTP {status}")
        self.detail = str(document.get("detail") or "")
        self.remedy = str(document.get("remedy") or "")
        self.rule = str(document.get("rule") or "")
        self.request_id = str(document.get("request_id") or "")
        found = document.get("errors")
        self.errors: list[FieldFault] = found if isinstance(found, list) else []
        self.retry_after = retry_after
        super().__init__(self._told())

    @classmethod
    def of(cls, response: httpx.Response) -> "ApiError":
        """The error in an answer whose body has been read."""
        try:
            document = response.json()
        except ValueError:
            document = None
        if not isinstance(document, dict):
            # A proxy's page, most likely: of no use to anyone, and it may be long.
            document = {"title": f"HTTP {response.status_code} {response.reason_phrase}".strip()}
            if response.is_redirect:
                place = response.headers.get("location", "")
                document |= {"code": "redirected", "detail": f"服务器转到另一地址，请改用 / Use this address: {place}"}
        document.setdefault("request_id", response.headers.get("x-request-id"))
        return cls(response.status_code, document, response.headers.get("retry-after"))

    def _told(self) -> str:
        said = self.title if self.detail in ("", self.title) else f"{self.title}: {self.detail}"
        return f"{said} ({self.code}, HTTP {self.status})"


class UnreachableError(ClientError):
    """No answer, after every attempt that was allowed."""


class FileChangedError(ClientError):
    """The file was written to while it was being sent; nothing of it is imported."""


class DamagedError(ClientError):
    """What was downloaded isn't what the server made: its SHA-256 differs."""


class JobFailedError(ClientError):
    """A job ended `failed` or `cancelled`. `job` is its document, `files` the reports that were saved of it."""

    def __init__(self, job: Mapping[str, Any], files: tuple[Path, ...] = ()) -> None:
        self.job = dict(job)
        self.files = files
        self.problem: dict[str, Any] = dict(job.get("problem") or {})
        self.code = str(self.problem.get("code") or job.get("state"))
        words = [self.problem.get("title"), self.problem.get("detail")]
        said = ": ".join(dict.fromkeys(str(one) for one in words if one)) or str(job.get("state"))
        super().__init__(f"{said} ({self.code})")


class SignInError(ApiError):
    """No token: a wrong password, an account that is locked for a while, or one that is no longer."""

    @classmethod
    def like(cls, error: ApiError) -> "SignInError":
        """The same, as what kept the client from signing in."""
        return cls(error.status, error.document, error.retry_after)
