"""A dataset read as of one moment: shard by shard, in the order of places, told of as it goes."""

import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select, text
from sqlmodel import Session, col

from toilet_api.divisions.tables import Division
from toilet_api.exchange.exports.columns import Column, as_object
from toilet_api.exchange.exports.copying import CSV, LINES, NULL, TEXT, Query, copied
from toilet_api.exchange.exports.datasets import Asked, Dataset, Shard, Source
from toilet_api.exchange.exports.households import PERSONAL
from toilet_api.exchange.exports.schemas import ExportFilters
from toilet_api.kernel import journal
from toilet_api.kernel.ahead import Ahead
from toilet_api.kernel.fields import SHANGHAI
from toilet_api.kernel.paging import csv_cell
from toilet_api.kernel.scope import prefix_range
from toilet_api.kernel.vault import Vault

Tick = Callable[[int], None]
"""Told the rows that were read, every second about. It raises to stop."""
Block = tuple[bytes, int]
"""Bytes of the file, and of how many rows they are."""
_SHARD_ENDS: Block = (b"", 0)
_BLOCKS_AHEAD = 24
"""12 MB: what a township comes to, about, so that no lane waits for the one whose turn it is."""

# A shard fits: it is hashed and sorted without temporary files. A plan compiled to machine code doesn't pay here.
_SETTINGS = text(
    "select set_config('work_mem', '64MB', true), set_config('jit', 'off', true),"
    " set_config('enable_nestloop', :nested, true)"
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True)
class Reading:
    """One dataset of one division within a snapshot. Each of its methods reads it from the start."""

    session: Session
    dataset: Dataset
    division_code: str
    filters: ExportFilters
    tick: Tick
    as_of: datetime
    cursor: str
    vault: Vault | None = None
    """Given: personal data in plain."""
    _beside: list[Session] = field(default_factory=list)
    _open: list[Generator[bytes, None, None]] = field(default_factory=list)

    @classmethod
    def begin(
        cls,
        session: Session,
        dataset: Dataset,
        division_code: str,
        filters: ExportFilters,
        tick: Tick,
        vault: Vault | None = None,
    ) -> "Reading":
        """In a snapshot's transaction (`Database.snapshot`): what the cursor and the moment are taken of."""
        _set(session, dataset)
        as_of = session.connection().execute(select(func.clock_timestamp())).scalar_one()
        return cls(
            session,
            dataset,
            division_code,
            filters,
            tick,
            as_of.astimezone(SHANGHAI),
            journal.cursor(session),
            vault if dataset.shows_persons else None,
        )

    def share(self, session: Session) -> None:
        """Let another transaction of the same snapshot read every second shard, side by side with the first."""
        _set(session, self.dataset)
        self._beside.append(session)

    @cached_property
    def columns(self) -> list[Column]:
        """The columns."""
        return list(self._source.columns)

    @cached_property
    def _shards(self) -> list[Shard]:
        """A range for each township with rows, together the whole division without a gap, whatever codes records have.

        A province has thousands of townships, and few of them rows: what lies between goes with the one before.
        """
        low, last = self.division_code, self.division_code[-1]
        high = low[:-1] + chr(ord(last) + 1)
        table, code = self.dataset.counted, col(Division.code)
        townships = select(code).where(prefix_range(code, low), func.length(code) == 9).order_by(code)
        if table is not Division:
            place = col(table.division_code)
            townships = townships.where(exists().where(place >= code, place < code + ":"))
        codes = self.session.connection().execute(townships)
        bounds = [low, *[code for code in codes.scalars().all()[1:] if code > low], high]
        return [Shard(one, other) for one, other in pairwise(bounds)]

    def count(self) -> int:
        """About how many rows there will be: those of the dataset's main table."""
        table = self.dataset.counted
        statement = select(func.count()).select_from(table)
        place = prefix_range(col(table.code if table is Division else table.division_code), self.division_code)
        return int(self.session.connection().execute(statement.where(place)).scalar_one())

    def csv(self) -> Iterator[bytes]:
        """The rows for people, as CSV without a heading."""
        return self._blocks(self._source.select(*(column.shown for column in self.columns)), CSV)

    def typed_csv(self) -> Iterator[bytes]:
        """The rows typed, as CSV without a heading; with plain personal data the sealed person comes last, in hex."""
        return self._blocks(self._source.select(*(column.typed for column in self.columns), *self._sealed), CSV)

    def json_lines(self) -> Iterator[bytes]:
        """A JSON object a row, masked."""
        return self._blocks(self._source.select(as_object(self.columns, self._source.ready)), LINES)

    def shown_rows(self) -> Iterator[list[str]]:
        """The rows for people, as cells; `NULL` for None."""
        for cells in self._rows(lambda column: column.shown):
            yield self._opened(cells, _guarded)

    def json_rows(self) -> Iterator[list[str]]:
        """The rows as JSON texts, one for each column."""
        for cells in self._rows(lambda column: column.json):
            yield self._opened(cells, _as_json)

    def person(self, record_id: str, sealed: str) -> dict[str, str | None]:
        """The columns of personal data of a record, in plain."""
        if self.vault is None:
            raise ValueError("plain personal data wasn't asked for")
        opened = self.vault.open(bytes.fromhex(sealed), UUID(record_id).bytes)
        values = {name: opened[member] for name, member in PERSONAL.items()}
        return {name: "、".join(value) or None if isinstance(value, list) else value for name, value in values.items()}

    @cached_property
    def _source(self) -> Source:
        """The dataset in its first shard; see `Shard.covers` for the others."""
        return self.dataset.build(Asked(self._shards[0], self.filters, self.as_of.date()))

    @property
    def _sealed(self) -> list[Any]:
        return [] if self.vault is None else [self._source.sealed]

    def close(self) -> None:
        """Give up what is still being read, so that the transaction can end: whoever failed holds on to it."""
        for blocks in self._open:
            blocks.close()

    def _blocks(self, statement: Any, form: str) -> Iterator[bytes]:
        query = Query.of(self.session, statement)
        blocks = self._in_lanes(query, form) if self._beside else self._in_turn(query, form)
        self._open[:] = [blocks]
        return blocks

    def _in_turn(self, query: Query, form: str) -> Generator[bytes, None, None]:
        for shard in self._shards:
            with closing(copied(self.session, query.given(shard.parameters), form)) as blocks:
                yield from self._told(blocks)

    def _in_lanes(self, query: Query, form: str) -> Generator[bytes, None, None]:
        """The shards in their order, those of each lane made ahead of time by a transaction of its own."""
        sessions = [self.session, *self._beside]
        with ExitStack() as stack:
            lanes = [
                iter(stack.enter_context(Ahead(self._lane(session, shards, query, form), _BLOCKS_AHEAD)))
                for session, shards in zip(sessions, self._dealt(len(sessions)), strict=True)
            ]
            for number in range(len(self._shards)):
                yield from self._told(iter(lanes[number % len(lanes)].__next__, _SHARD_ENDS))

    def _dealt(self, lanes: int) -> list[list[Shard]]:
        return [self._shards[number::lanes] for number in range(lanes)]

    def _lane(self, session: Session, shards: Sequence[Shard], query: Query, form: str) -> Generator[Block, None, None]:
        for shard in shards:
            with closing(copied(session, query.given(shard.parameters), form)) as blocks:
                yield from blocks
            yield _SHARD_ENDS

    def _told(self, blocks: Iterable[Block]) -> Generator[bytes, None, None]:
        for block, rows in blocks:
            self.tick(rows)
            yield block

    def _rows(self, shown: Callable[[Column], Any]) -> Iterator[list[str]]:
        statement = self._source.select(*map(shown, self.columns), *self._sealed)
        for block in self._blocks(statement, TEXT):
            for line in block.decode()[:-1].split("\n"):
                cells = line.split("\t")
                yield [_ESCAPED.sub(_meant, cell) for cell in cells] if "\\" in line else cells

    def _opened(self, cells: list[str], shown: Callable[[str | None], str]) -> list[str]:
        """The cells, with personal data in plain where that was asked for."""
        if self.vault is None:
            return cells
        sealed = cells.pop()
        if sealed != NULL:
            for name, value in self.person(cells[0].strip('"'), sealed).items():
                if name in self._index:
                    cells[self._index[name]] = shown(value)
        return cells

    @cached_property
    def _index(self) -> dict[str, int]:
        return {column.key: place for place, column in enumerate(self.columns)}


def _set(session: Session, dataset: Dataset) -> None:
    session.connection().execute(_SETTINGS, {"nested": "off" if dataset.is_hashed else "on"})


def _meant(match: re.Match[str]) -> str:
    return _MEANT.get(match[1], match[1])


def _guarded(value: str | None) -> str:
    return NULL if value is None else csv_cell(value)


def _as_json(value: str | None) -> str:
    return json.dumps(value, ensure_ascii=False)
