"""Signing keys of access tokens: ES256, in the database, the private part sealed by the vault.

One key signs. `rotate` makes the next one; the old one stays in the JWKS until every token that it signed has expired.
"""

import base64
import hashlib
import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk
from sqlalchemy import text
from sqlmodel import Session, col, delete, or_, select

from toilet_api.accounts.tables import SigningKey
from toilet_api.kernel import journal
from toilet_api.kernel.fields import now
from toilet_api.kernel.vault import Vault

ALGORITHM = "ES256"
OVERLAP = timedelta(hours=3)
"""How long an old key verifies: longer than the longest access token (120 minutes) and any process's cached key."""

_LOCK = text("select pg_advisory_xact_lock(hashtext('toilet_api.signing_key'))")

_CACHED_SECONDS = 30.0
"""Other processes learn within this time that a key was withdrawn or that there is a new one to sign with."""


def _thumbprint(public: dict[str, Any]) -> str:
    """The key's id: its thumbprint (RFC 7638)."""
    members = json.dumps({name: public[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(members.encode()).digest()).rstrip(b"=").decode()


def _make(vault: Vault) -> SigningKey:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    private: dict[str, Any] = jwk.construct(pem, ALGORITHM).to_dict()
    public = {name: private[name] for name in ("kty", "crv", "x", "y")} | {"alg": ALGORITHM, "use": "sig"}
    kid = _thumbprint(public)
    sealed = vault.seal(private, owner_of(kid))
    return SigningKey(kid=kid, public_jwk=public | {"kid": kid}, sealed=sealed)


def owner_of(kid: str) -> bytes:
    return f"signing_key:{kid}".encode()


def rotate(session: Session, vault: Vault, *, withdraw: bool = False) -> str:
    """Sign with a new key from now on; returns its kid.

    `withdraw`: the old keys became known to someone; what they signed is worth nothing from now on (in other
    processes within half a minute), and everyone logs in again or refreshes.
    """
    session.connection().execute(_LOCK)
    until = now() if withdraw else now() + OVERLAP
    for key in session.exec(select(SigningKey).where(or_(col(SigningKey.verify_until).is_(None), withdraw))):
        key.verify_until = until if key.verify_until is None else min(until, key.verify_until)
        session.add(key)
    session.flush()
    session.exec(delete(SigningKey).where(col(SigningKey.verify_until) < now() - OVERLAP))
    made = _make(vault)
    session.add(made)
    journal.record(
        session,
        action="signing_key.rotated",
        subject_type="signing_key",
        subject_id=None,
        division_code=None,
        after={"kid": made.kid, "withdraw": withdraw},
        op="note",
    )
    return made.kid


def published(session: Session) -> dict[str, list[dict[str, Any]]]:
    """The JWKS (RFC 7517): every key whose signatures still count."""
    keys = session.exec(
        select(SigningKey)
        .where(or_(col(SigningKey.verify_until).is_(None), col(SigningKey.verify_until) > now()))
        .order_by(col(SigningKey.created_at).desc())
    )
    return {"keys": [key.public_jwk for key in keys]}


@dataclass(frozen=True, slots=True)
class _Kept:
    key: Any
    until: datetime | None
    fetched: float

    @property
    def fresh(self) -> bool:
        return time.monotonic() - self.fetched < _CACHED_SECONDS


class KeyRing:
    """The keys that this process has at hand. Reading a key from the database and building it is paid once."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._signer: tuple[str, _Kept] | None = None
        self._verifiers: dict[str, _Kept] = {}

    def signer(self, session: Session) -> tuple[str, Any]:
        """(kid, private key) to sign with; makes the first key of a deployment."""
        if self._signer is None or not self._signer[1].fresh:
            statement = select(SigningKey).where(col(SigningKey.verify_until).is_(None))
            row = session.exec(statement).one_or_none()
            made = row is None
            if row is None:
                session.connection().execute(_LOCK)
                row = session.exec(statement).one_or_none()
            if row is None:
                rotate(session, self._vault)
                row = session.exec(statement).one()
            key = jwk.construct(self._vault.open(row.sealed, owner_of(row.kid)), ALGORITHM)
            if made:  # kept only once it is sure that it was committed
                return row.kid, key
            self._signer = (row.kid, _Kept(key, None, time.monotonic()))
        return self._signer[0], self._signer[1].key

    def verifier(self, session: Session, kid: str) -> Any | None:
        """The public key named `kid`, read from the database when it is not at hand; None when it doesn't count."""
        kept = self._verifiers.get(kid)
        if kept is None or not kept.fresh:
            row = session.get(SigningKey, kid)
            if row is None:
                self._verifiers.pop(kid, None)
                return None
            kept = _Kept(jwk.construct(row.public_jwk, ALGORITHM), row.verify_until, time.monotonic())
            self._verifiers[kid] = kept
        return kept.key if kept.until is None or kept.until > now() else None

    def forget(self) -> None:
        """Read every key anew; after a rotation in this process."""
        self._signer = None
        self._verifiers.clear()
