"""The cursors of the change feed: a position, sealed for one caller, one question and one scope."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from toilet_api.exchange.changes.problems import NOT_THIS_CURSOR, SCOPE_CHANGED
from toilet_api.kernel.errors import BAD_CURSOR
from toilet_api.kernel.feed import Position

_TAG, _DIGEST = 12, 6
_TAG_LETTERS = 16
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def digest(value: object) -> bytes:
    """A short name for a question, or for a scope."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()[:_DIGEST]


@dataclass(frozen=True, slots=True)
class Seal:
    """Seals positions: for `owner`, a question (types, division) and a scope (type by type)."""

    secret: bytes
    owner: UUID
    question: bytes
    scope: bytes

    def close(self, position: Position) -> str:
        """The position as a cursor."""
        return self._sealed(str(position).encode())

    def close_each(self, window: Position, ends: Iterable[int]) -> list[bytes]:
        """Cursors at these numbers of one window, of which only the end differs. The same as `close` makes."""
        written = str(Position(window.base, window.goal, 0, window.last, window.sure, window.era))[:-1]
        head = self.question + self.scope + written.encode()
        begun = self._tagging(head)
        # Three bytes are four letters: what is alike up to there is written once.
        cut = len(head) // 3 * 3
        alike, rest = _written(head[:cut]), head[cut:]
        cursors = []
        for end in ends:
            tag, last = begun.copy(), b"%d" % end
            tag.update(last)
            tagged = _written(tag.digest() + rest + last)
            cursors.append(tagged[:_TAG_LETTERS] + alike + tagged[_TAG_LETTERS:])
        return cursors

    def open(self, cursor: str) -> Position:
        """The position inside, or that of an export's `change_cursor`, which is nobody's own.

        Raises `bad_cursor`, and `change_cursor_scope_changed`.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            if not self._is_own(raw, cursor):
                return Position.decode(cursor)
            question, scope = raw[_TAG : _TAG + _DIGEST], raw[_TAG + _DIGEST : _TAG + 2 * _DIGEST]
            position = Position.of(raw[_TAG + 2 * _DIGEST :].decode("ascii"))
        except ValueError:
            raise BAD_CURSOR.problem(remedy=NOT_THIS_CURSOR) from None
        if question != self.question:
            raise BAD_CURSOR.problem(remedy=NOT_THIS_CURSOR)
        if scope != self.scope:
            raise SCOPE_CHANGED.problem()
        return position

    def _is_own(self, raw: bytes, cursor: str) -> bool:
        return hmac.compare_digest(raw[:_TAG], self._tag(raw[_TAG:])) and _written(raw) == cursor.encode()

    def _sealed(self, position: bytes) -> str:
        content = self.question + self.scope + position
        return _written(self._tag(content) + content).decode()

    def _tag(self, content: bytes) -> bytes:
        return bytes(self._tagging(content).digest())

    def _tagging(self, content: bytes) -> Any:
        """BLAKE2 is made to be keyed, and its state can be copied: a page has a thousand cursors that begin alike."""
        return hashlib.blake2b(self.owner.bytes + content, key=self.secret, digest_size=_TAG, person=b"changes")


def _written(raw: bytes) -> bytes:
    return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=")
