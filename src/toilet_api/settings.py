"""Every setting, read from the environment (names without prefix, upper or lower case)."""

import contextlib
import os
import secrets
import tempfile
from datetime import time
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class Settings(BaseSettings):
    """How one deployment runs. Nothing here is about a county or a campaign: those are data."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    database_url: str | None = Field(None, description="Any PostgreSQL 18. Unset: an embedded server in DATA_DIR.")
    database_owner_url: str | None = Field(None, description="The owner, for migrations. Unset: DATABASE_URL.")
    database_schema: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,40}$")] = "toilet"
    database_pool_size: int = Field(12, ge=1, le=200)
    database_prepare: bool = Field(True, description="False behind a PgBouncer that cannot prepare statements.")
    data_dir: Path = Path("data")
    public_url: str = "http://127.0.0.1:8000"
    secret_key: str | None = Field(None, min_length=32, description="Unset: made once and kept in DATA_DIR/secret_key.")

    vault_keys: str = Field(
        "", description="`id:base64key,...`; the first writes, all read. Empty: one from SECRET_KEY."
    )
    vault_cipher: Literal["AES-256-GCM", "SM4-GCM"] = "AES-256-GCM"

    access_token_minutes: int = Field(15, ge=1, le=120)
    refresh_token_hours: int = Field(12, ge=1, le=24 * 30)
    password_lifetime_days: int = Field(90, ge=0, description="0: passwords do not expire.")
    argon2_time_cost: int = Field(3, ge=1, le=20)
    argon2_memory_kib: int = Field(65536, ge=8, le=4 * 1024 * 1024)
    lockout_after: int = Field(5, ge=2, description="Failed logins in a row before the first delay.")
    lockout_base_seconds: int = Field(30, ge=1)
    trusted_proxies: str = Field("127.0.0.1", description="Whose X-Forwarded-For is believed.")

    rate_limit_people: int = Field(30_000, ge=0, description="Requests a minute of one person. 0: no limit.")
    rate_limit_clients: int = Field(60_000, ge=0, description="Requests a minute of one system. 0: no limit.")
    rate_limit_sign_ins: int = Field(600, ge=0, description="Token requests a minute of one address. 0: no limit.")

    body_max_bytes: int = Field(2 * MIB, description="JSON and form bodies.")
    upload_max_bytes: int = Field(64 * MIB, description="One ledger in a single request.")
    resumable_upload_max_bytes: int = Field(2048 * MIB, ge=1, description="One ledger that is uploaded in parts.")
    upload_part_max_bytes: int = Field(8 * MIB, ge=1024, description="One part of a resumable upload.")
    upload_keep_days: int = Field(7, ge=1, description="An upload that is not complete goes away after its last part.")
    photo_max_bytes: int = Field(12 * MIB, description="One uploaded image.")
    import_max_rows: int = Field(1_048_576, ge=1)
    export_keep_days: int = Field(7, ge=1, description="The file of an export goes away after this.")
    change_keep_days: int = Field(400, ge=90, description="A month of the change feed goes away this long after it.")
    change_waiters: int = Field(500, ge=0, description="Requests that may wait for changes at once, in each process.")

    reports_close_at: time = Field(time(17, 30), description="Close of business, in Shanghai: when reports are due.")
    reports_by_clock: bool = Field(True, description="Open, draw and remind of periodic reports when they are due.")

    webhook_keep_days: int = Field(30, ge=1, description="What was delivered, or given up, is shown for so long.")
    webhook_disable_after_days: int = Field(5, ge=1, description="A receiver that fails for so long is sent nothing.")
    webhook_allow_http: bool = Field(False, description="Also http on the public internet; https alone by default.")
    webhook_allowed_networks: str = Field("", description="`cidr,...`: private receivers, by http too, on any port.")
    webhook_ca_file: Path | None = Field(None, description="Certificates of authorities of your own (PEM).")

    @field_validator("webhook_allowed_networks")
    @classmethod
    def _of_networks(cls, networks: str) -> str:
        for one in filter(None, map(str.strip, networks.split(","))):
            try:
                ip_network(one)
            except ValueError:
                raise PydanticCustomError("not_a_network", "须为网段 / must be networks: 10.2.0.0/16,…") from None
        return networks

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _of_postgres(cls, url: str | None) -> str | None:
        # The value itself isn't told: it holds a password.
        if url is not None and url.partition("://")[0].partition("+")[0] not in ("postgresql", "postgres"):
            raise PydanticCustomError("not_postgres", "须为 postgresql:// 地址 / must be a postgresql:// URL")
        return url

    @cached_property
    def _root_secret(self) -> bytes:
        if self.secret_key:
            return self.secret_key.encode()
        path = self.data_dir / "secret_key"
        if not path.exists():
            _keep_new_secret(path)
        return path.read_bytes()

    def secret(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose, so that no key serves two."""
        return HKDF(hashes.SHA256(), 32, salt=None, info=f"toilet_api:{purpose}".encode()).derive(self._root_secret)

    @property
    def owner_url(self) -> str | None:
        """Where migrations and schema changes connect."""
        return self.database_owner_url or self.database_url

    @property
    def app_role(self) -> str:
        """The database role every request runs as; it can't bypass row-level security."""
        return f"{self.database_schema}_app"


def _keep_new_secret(path: Path) -> None:
    """Write a new secret to `path`, unless another process was quicker. It appears there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # readable by its owner only
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_urlsafe(48).encode())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
