"""Everything that the vault has sealed, sealed anew with the key that writes now: the end of a rotation of keys."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text

from toilet_api.accounts import keys
from toilet_api.exchange.webhooks import signing
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.progress import Step
from toilet_api.kernel.vault import Vault, VaultError


@dataclass(frozen=True, slots=True)
class Sealed:
    """A table whose column `sealed` is so: the key of a row, and the owner that its value is bound to."""

    table: str
    key: str
    owner: Callable[[Any], bytes]
    key_type: str = "uuid"


def _bytes_of(record_id: UUID) -> bytes:
    return record_id.bytes


SEALED = (
    Sealed("signing_key", "kid", keys.owner_of, "text"),
    Sealed("webhook", "id", signing.owner_of),
    Sealed("household_person", "household_id", _bytes_of),
    Sealed("close_out_witness", "close_out_id", _bytes_of),
    Sealed("sync_conflict", "id", _bytes_of),
)
"""All that there are; a test holds that no other column of the database is sealed."""
BATCH = 500
"""Rows of one transaction, for whose moment nobody else can change them."""
_PASSES = 3

_OTHERWISE = "substring(sealed from 1 for octet_length(:header)) <> :header"
_COUNT = "select count(*) from {table} where {otherwise}"
_NEXT = """
    select {key}, sealed from {table} where {otherwise} and (cast(:after as {type}) is null or {key} > :after)
    order by {key} limit :batch for update skip locked
"""
_WRITE = """
    update {table} set sealed = new.sealed
    from unnest(cast(:keys as {type}[]), cast(:sealed as bytea[])) as new (key, sealed) where {table}.{key} = new.key
"""


@dataclass
class Resealed:
    """What came of one table."""

    table: str
    anew: int = 0
    left: int = 0
    """What is still sealed otherwise: it can't be opened, or others held it all the while."""
    closed: dict[str, str] = field(default_factory=dict)
    """The rows that can't be opened, and why; never anything of what is in them."""


def reseal(database: Database, vault: Vault, step: Step, batch: int = BATCH) -> Iterator[Resealed]:
    """Table by table. It may be stopped at any moment and run again: what is done is done, what is left is found.

    The application goes on meanwhile. Rows that it holds are passed over, and looked for again.
    """
    for sealed in SEALED:
        made = Resealed(sealed.table)
        total = made.left = _left(database, vault, sealed)
        step(sealed.table, 0, total)
        for _ in range(_PASSES):
            if made.left > len(made.closed):
                for anew in _pass(database, vault, sealed, batch, made.closed):
                    made.anew += anew
                    step(sealed.table, min(made.anew, total), total)
                made.left = _left(database, vault, sealed)
        step(sealed.table, total, total)
        yield made


def _pass(database: Database, vault: Vault, sealed: Sealed, batch: int, closed: dict[str, str]) -> Iterator[int]:
    """Once through the table in the order of its keys, a transaction a batch: how many each has sealed anew."""
    after: Any = None
    while True:
        with database.transaction(EVERYWHERE) as session:
            asked = {"header": vault.header, "after": after, "batch": batch}
            rows = session.connection().execute(_statement(_NEXT, sealed), asked).all()
            done: dict[Any, bytes] = {}
            for key, value in rows:
                try:
                    done[key] = vault.reseal(value, sealed.owner(key)) or value
                except VaultError as error:
                    closed[str(key)] = str(error)
            if done:
                written = {"keys": list(done), "sealed": list(done.values())}
                session.connection().execute(_statement(_WRITE, sealed), written)
        if not rows:
            return
        after = rows[-1][0]
        yield len(done)


def _left(database: Database, vault: Vault, sealed: Sealed) -> int:
    with database.transaction(EVERYWHERE) as session:
        counted = session.connection().execute(_statement(_COUNT, sealed), {"header": vault.header})
        return int(counted.scalar_one())


def _statement(template: str, sealed: Sealed) -> TextClause:
    names = {"table": sealed.table, "key": sealed.key, "type": sealed.key_type, "otherwise": _OTHERWISE}
    return text(template.format(**names))
