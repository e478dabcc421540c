"""Secrets and signatures of Standard Webhooks: `v1,` and the HMAC-SHA-256 over id, time and body, in Base64.

The secrets of a subscription lie sealed in the vault as one value, the newest first. After a rotation the former ones
sign along until their time is up, so that a receiver can change over without losing anything.
"""

import base64
import hmac
from datetime import datetime
from typing import Any
from uuid import UUID

from toilet_api.kernel.entropy import random_bytes
from toilet_api.kernel.vault import Vault

PREFIX = "whsec_"
_BYTES = 32
_FORMER_MAX = 3
"""Former secrets that sign along, at most: one more rotation drops the oldest."""


def first(vault: Vault, webhook_id: UUID) -> tuple[bytes, str]:
    """(what is stored, the secret) of a new subscription."""
    secret = _new()
    return _seal(vault, webhook_id, [{"secret": secret, "until": None}]), secret


def rotated(vault: Vault, webhook_id: UUID, sealed: bytes, at: datetime, until: datetime) -> tuple[bytes, str]:
    """(what is stored, the new secret). The former secrets sign along until `until` at the latest."""
    former = [(one["secret"], min(until, _until(one) or until)) for one in _open(vault, webhook_id, sealed)]
    secret = _new()
    kept = [{"secret": one, "until": end.isoformat()} for one, end in former if end > at][:_FORMER_MAX]
    return _seal(vault, webhook_id, [{"secret": secret, "until": None}, *kept]), secret


def valid(vault: Vault, webhook_id: UUID, sealed: bytes, at: datetime) -> list[str]:
    """The secrets that sign at this moment, the newest first."""
    return [one["secret"] for one in _open(vault, webhook_id, sealed) if (end := _until(one)) is None or end > at]


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature, as it stands in the header `webhook-signature`."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(secrets: list[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message, signed with each secret."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(one, message_id, timestamp, body) for one in secrets),
    }


def _new() -> str:
    return PREFIX + base64.b64encode(random_bytes(_BYTES)).decode()


def _seal(vault: Vault, webhook_id: UUID, secrets: list[dict[str, Any]]) -> bytes:
    return vault.seal({"secrets": secrets}, owner_of(webhook_id))


def _open(vault: Vault, webhook_id: UUID, sealed: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = vault.open(sealed, owner_of(webhook_id))["secrets"]
    return found


def _until(kept: dict[str, Any]) -> datetime | None:
    return None if kept["until"] is None else datetime.fromisoformat(kept["until"])


def owner_of(webhook_id: UUID) -> bytes:
    return f"webhook:{webhook_id}".encode()
