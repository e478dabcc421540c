"""ETag and If-Match: two people who edit one record, and neither silently loses."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Header, Response
from fastapi.encoders import jsonable_encoder

from toilet_api.kernel.errors import MATCH_REQUIRED, STALE

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="读取时得到的 ETag / The ETag from reading the record",
        examples=['"1"'],
    ),
]


def etag(version: int) -> str:
    """The ETag of a record: its version. It doesn't depend on who asks."""
    return f'"{version}"'


def weak_etag(content: bytes) -> str:
    """The ETag of an answer that is no single record: of what it says."""
    return f'W/"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def set_etag(response: Response, version: int) -> None:
    """Send the record's ETag along."""
    response.headers["ETag"] = etag(version)


def require_match(if_match: str | None, version: int, current: Callable[[], Any]) -> None:
    """Refuse a change without If-Match (428) or with a stale one (412, with the current state to merge with)."""
    if if_match is None:
        raise MATCH_REQUIRED.problem(headers={"ETag": etag(version)})
    optional_match(if_match, version, current)


def optional_match(if_match: str | None, version: int, current: Callable[[], Any]) -> None:
    """The same for workflow steps, where If-Match is welcome but not required."""
    if if_match is None or if_match.strip() == "*":
        return
    offered = {tag.strip().removeprefix("W/") for tag in if_match.split(",")}
    if etag(version) not in offered:
        raise STALE.problem(headers={"ETag": etag(version)}, current=jsonable_encoder(current()))
