"""What many tests begin with is played once; from then on it is put on the stage as it was left.

A function marked `@scene` makes records through the API: a campaign, a visit, a whole week of reports. Called a second
time with the same arguments from the same state of the database, what it wrote and answered is kept; called again, the
rows are copied in and the answer is given anew, which costs a tenth. Only where nothing was written since the template
or since the last scene: otherwise, and whenever in doubt, it is simply played.
"""

import copy
import functools
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import psycopg
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.folders import quick_folder
from tests.restoring import Restored
from toilet_api.kernel.database import Database
from toilet_api.kernel.fields import now

P = ParamSpec("P")
R = TypeVar("R")
Label = tuple[str, ...]
"""How the database came to be as it is: the scenes that were played or put there one after the other."""

# Of each table: its columns that can be written, those of its primary key, those that tell the writing transaction.
_TABLES = """
    select format('%I.%I', n.nspname, c.relname),
           (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''),
           (select format('row(%s)::text', string_agg(quote_ident(a.attname), ', ' order by a.attname)) from pg_index i
            join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey)
            where i.indrelid = c.oid and i.indisprimary having count(*) > 0),
           (select string_agg(quote_ident(a.attname) || ' = pg_current_xact_id()', ', ') from pg_attribute a
            where a.attrelid = c.oid and a.atttypid = 'xid8'::regtype and not a.attisdropped)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname not in ('pg_catalog', 'information_schema')
    order by c.oid
"""
_SEQUENCES = """
    select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'S' and c.relpersistence <> 't'
"""
_MADE_OF = (str, int, float, bool, type(None), UUID, date, datetime)


class _Unkeepable(Exception):  # noqa: N818 - a reason to play
    """It can't be told apart from others, or put there again."""


@dataclass(frozen=True)
class _Table:
    name: str
    columns: str
    key: str | None
    numbers: str | None


@dataclass
class _Kept:
    """What a scene leaves behind."""

    answer: Any
    rows: list[tuple[_Table, bytes]] = field(default_factory=list)
    replaced: list[tuple[_Table, list[str]]] = field(default_factory=list)
    """Rows that were there before: their keys."""
    sequences: list[tuple[str, int, bool]] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


class Stage:
    """A process's database, and what has been kept of the scenes played in it."""

    def __init__(self, restored: Restored) -> None:
        self._restored = restored
        self._tables: list[_Table] = []
        self._sequences: list[str] = []
        self._count = ""
        """Asks of each table how many rows it has, and how many are new."""
        self._label: Label | None = None
        self._stands = 0
        self._played: set[Label] = set()
        self._kept: dict[Label, _Kept | None] = {}
        self._keeping = False
        self._folder: TemporaryDirectory[str] | None = None
        self._app: FastAPI | None = None

    def open(self, app: FastAPI) -> None:
        """The database is as the template is, and `app` works on it."""
        self._app = app
        if not self._tables:
            run = self._restored.bare.execute
            self._tables = [_Table(*row) for row in run(_TABLES).fetchall()]
            self._sequences = [name for (name,) in run(_SEQUENCES).fetchall()]
            each = (
                f"(select array[count(*), count(*) filter (where age(xmin) <= age(%(since)s::xid))] from {one.name})"
                for one in self._tables
            )
            self._count = f"select array[{', '.join(each)}]"
        self._label, self._stands = (), self._restored.next_number()

    def close(self) -> None:
        """The test is over."""
        self._app = None

    def end(self) -> None:
        """The process is."""
        if self._folder is not None:
            self._folder.cleanup()

    def play(self, function: Callable[..., R], given: tuple[Any, ...], named: dict[str, Any]) -> R:
        """What `function` answers, played or put there."""
        try:
            label = self._label_after(function, given, named)
        except _Unkeepable:
            return function(*given, **named)
        kept = self._kept.get(label)
        if kept is not None:
            self._show(kept)
            self._note(label)
            return copy.deepcopy(kept.answer)  # type: ignore[no-any-return]
        if label in self._kept or label not in self._played or self._keeping:
            answer = function(*given, **named)
        else:
            answer = self._keep(label, function, given, named)
        self._played.add(label)
        self._note(label)
        return answer

    def _label_after(self, function: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]) -> Label:
        if (
            self._app is None
            or self._app.dependency_overrides
            or threading.current_thread() is not threading.main_thread()
        ):
            raise _Unkeepable
        if self._label is None or self._restored.next_number() != self._stands:
            self._label = None
            raise _Unkeepable
        told = json.dumps([given, named], default=_told, sort_keys=True, ensure_ascii=False)
        name = f"{function.__module__}.{function.__qualname__}"
        return (*self._label, hashlib.sha256(f"{name} {now().date()} {told}".encode()).hexdigest())

    def _note(self, label: Label) -> None:
        self._label, self._stands = label, self._restored.next_number()

    def _keep(self, label: Label, function: Callable[..., R], given: tuple[Any, ...], named: dict[str, Any]) -> R:
        self._keeping = True
        horizon, files = self._restored.next_number(), self._files()
        try:
            with self._restored.as_it_was() as before:
                answer = function(*given, **named)
                try:
                    self._kept[label] = self._taken(before, horizon, files, answer)
                except _Unkeepable:
                    self._kept[label] = None
        finally:
            self._keeping = False
        return answer

    def _taken(self, before: psycopg.Connection[Any], horizon: int, files: set[Path], answer: Any) -> _Kept:
        _check(answer)
        kept = _Kept(copy.deepcopy(answer))
        bare = self._restored.bare
        since = f"where age(xmin) <= age('{horizon % 2**32}'::xid)"
        figures = zip(
            self._tables, _counted(bare, self._count, horizon), _counted(before, self._count, horizon), strict=True
        )
        for table, (stands, rows), (then, _) in figures:
            there: list[str] = []
            if rows and then and table.key:
                keys = [key for (key,) in bare.execute(f"select {table.key} from {table.name} {since}".encode())]
                found = f"select {table.key} from {table.name} where {table.key} = any(%s)".encode()
                there = [key for (key,) in before.execute(found, [keys])]
            if then + rows - len(there) != stands:
                raise _Unkeepable  # something was deleted
            if there:
                kept.replaced.append((table, there))
            if rows:
                wanted = f"copy (select {table.columns} from {table.name} {since}) to stdout (format binary)"
                with bare.cursor().copy(wanted.encode()) as out:
                    kept.rows.append((table, b"".join(bytes(block) for block in out)))
        for name in self._sequences:
            value, called = bare.execute(f"select last_value, is_called from {name}".encode()).fetchone() or (1, False)
            kept.sequences.append((name, value, called))
        kept.files = [self._linked(file) for file in self._files() - files]
        return kept

    def _show(self, kept: _Kept) -> None:
        bare = self._restored.bare
        with bare.transaction():
            for table, keys in kept.replaced:
                bare.execute(f"delete from {table.name} where {table.key} = any(%s)".encode(), [keys])
            for table, data in kept.rows:
                with bare.cursor().copy(
                    f"copy {table.name} ({table.columns}) from stdin (format binary)".encode()
                ) as into:
                    into.write(data)
                if table.numbers:  # for the feed it is news: whoever has a cursor has it from before
                    bare.execute(
                        f"update {table.name} set {table.numbers} where xmin = pg_current_xact_id()::xid".encode()
                    )
            for name, value, called in kept.sequences:
                bare.execute("select setval(%s, %s, %s)", [name, value, called])
        for file in kept.files:
            place = self._data / file.relative_to(self._shelf)
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                os.link(file, place)

    @property
    def _data(self) -> Path:
        assert self._app is not None
        return Path(self._app.state.settings.data_dir)

    @property
    def _shelf(self) -> Path:
        if self._folder is None:
            self._folder = quick_folder("toilet-scenes-")
        return Path(self._folder.name)

    def _files(self) -> set[Path]:
        return {one.relative_to(self._data) for one in self._data.rglob("*") if one.is_file()}

    def _linked(self, file: Path) -> Path:
        kept = self._shelf / file
        kept.parent.mkdir(parents=True, exist_ok=True)
        if not kept.exists():
            os.link(self._data / file, kept)
        return kept


def _counted(connection: psycopg.Connection[Any], count: str, horizon: int) -> list[tuple[int, int]]:
    """Of each table how many rows there are, and how many of them of `horizon` or later."""
    ((figures,),) = connection.execute(count.encode(), {"since": str(horizon % 2**32)}, prepare=True)
    return [(stands, new) for stands, new in figures]


def _told(value: Any) -> Any:
    """What tells an argument from others."""
    if isinstance(value, TestClient):
        return sorted(value.headers.items())
    if isinstance(value, Database | FastAPI):
        return "this process's only one"
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, UUID | date | datetime):
        return str(value)
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if getattr(value, "__name__", "") == "login":
        return "as whoever it is"
    raise _Unkeepable


def _check(answer: Any) -> None:
    if isinstance(answer, dict):
        _check([*answer.keys(), *answer.values()])
    elif isinstance(answer, list | tuple):
        for one in answer:
            _check(one)
    elif not isinstance(answer, _MADE_OF):
        raise _Unkeepable


_stage: Stage | None = None


@contextmanager
def on_stage(stage: Stage, app: FastAPI) -> Iterator[None]:
    """Scenes are played here."""
    global _stage
    stage.open(app)
    _stage = stage
    try:
        yield
    finally:
        _stage = None
        stage.close()


def scene(function: Callable[P, R]) -> Callable[P, R]:
    """Mark what many tests begin with. It depends on its arguments, the database and the day, and on nothing else."""

    @functools.wraps(function)
    def played(*given: P.args, **named: P.kwargs) -> R:
        return function(*given, **named) if _stage is None else _stage.play(function, given, named)

    return played
