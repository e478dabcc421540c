"""Rows in the binary form of COPY, written without a connection: by whichever process has made them.

The form is that of the PostgreSQL manual, COPY, "Binary Format". A field is its length and its bytes; `text`, `uuid`
and the like give a field for a value, and `NULL` is the field of none.
"""

from collections.abc import Iterable, Sequence
from struct import Struct
from uuid import UUID

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_BYTEA_OID = 17
_WORDS_AT_MOST = 10_000

NULL = b"\xff\xff\xff\xff"

_length = Struct("!i").pack
_int4 = Struct("!ii").pack
_int8 = Struct("!iq").pack
_fields = Struct("!h").pack
_array = Struct("!iiiii").pack

Field = bytes


def text(value: str | None) -> Field:
    """text. One that holds a NUL is refused by Postgres, as everywhere."""
    if value is None:
        return NULL
    encoded = value.encode()
    return _length(len(encoded)) + encoded


def bytea(value: bytes | None) -> Field:
    """bytea."""
    return NULL if value is None else _length(len(value)) + value


def byteas(values: Sequence[bytes] | None) -> Field:
    """bytea[]."""
    if values is None:
        return NULL
    if not values:
        return bytea(_length(0) + _length(0) + _length(_BYTEA_OID))
    return bytea(_array(1, 0, _BYTEA_OID, len(values), 1) + b"".join(map(bytea, values)))


def uuid(value: UUID | None) -> Field:
    """uuid."""
    return NULL if value is None else b"\0\0\0\x10" + value.bytes


def boolean(value: bool | None) -> Field:
    """bool."""
    return NULL if value is None else b"\0\0\0\x01\x01" if value else b"\0\0\0\x01\0"


def int4(value: int | None) -> Field:
    """int4."""
    return NULL if value is None else _int4(4, value)


def int8(value: int | None) -> Field:
    """int8."""
    return NULL if value is None else _int8(8, value)


class Words(dict[str | None, Field]):
    """`text` of what comes again and again, from memory: villages, codes. For nothing that is a person's."""

    def __missing__(self, value: str | None) -> Field:
        if len(self) >= _WORDS_AT_MOST:
            self.clear()
        self[value] = field = text(value)
        return field


class BinaryRows:
    """Writes rows of so many fields."""

    def __init__(self, width: int) -> None:
        self._start = _fields(width)

    def encode(self, rows: Iterable[Sequence[Field]]) -> bytes:
        """All of what COPY reads."""
        start = self._start
        parts = [_HEADER]
        for row in rows:
            parts.append(start)
            parts += row
        parts.append(_TRAILER)
        return b"".join(parts)
