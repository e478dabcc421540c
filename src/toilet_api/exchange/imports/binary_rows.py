"""Rows in the binary form of COPY, written without a connection: by whichever process has made them.

The form is that of the PostgreSQL manual, COPY, "Binary Format".
"""

from collections.abc import Callable, Iterable, Sequence
from struct import Struct
from typing import Any

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_BYTEA_OID = 17

_length = Struct("!i").pack
_int4 = Struct("!ii").pack
_int8 = Struct("!iq").pack
_fields = Struct("!h").pack
_array = Struct("!iiiii").pack


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _length(len(encoded)) + encoded


def _bytea(value: bytes) -> bytes:
    return _length(len(value)) + value


def _byteas(values: Sequence[bytes]) -> bytes:
    if not values:
        return _bytea(_length(0) + _length(0) + _length(_BYTEA_OID))
    return _bytea(_array(1, 0, _BYTEA_OID, len(values), 1) + b"".join(map(_bytea, values)))


_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "text": _text,
    "bytea": _bytea,
    "bytea[]": _byteas,
    "uuid": lambda value: b"\0\0\0\x10" + value.bytes,
    "bool": lambda value: b"\0\0\0\x01\x01" if value else b"\0\0\0\x01\0",
    "int4": lambda value: _int4(4, value),
    "int8": lambda value: _int8(8, value),
}


class BinaryRows:
    """Writes rows of these types: text, bytea, bytea[], uuid, bool, int4, int8; None is NULL."""

    def __init__(self, *types: str) -> None:
        self._encoders = [_ENCODERS[one] for one in types]
        self._start = _fields(len(types))

    def encode(self, rows: Iterable[Sequence[Any]]) -> bytes:
        """All of what COPY reads. A text that holds a NUL is refused by Postgres, as everywhere."""
        encoders, start = self._encoders, self._start
        parts = [_HEADER]
        for row in rows:
            parts.append(start)
            parts += [_NULL if value is None else encode(value) for encode, value in zip(encoders, row, strict=True)]
        parts.append(_TRAILER)
        return b"".join(parts)
