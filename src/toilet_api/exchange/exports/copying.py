"""Rows out of Postgres by COPY: blocks of bytes, in constant memory."""

import select
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import pq
from sqlalchemy import ClauseElement
from sqlmodel import Session

from toilet_api.kernel.database import driver

BLOCK = 512 * 1024
"""Bytes that are handed on at a time, about."""
CSV = "format csv"
LINES = "format binary"
"""Of one column that is a text without line breaks: comes out as lines, and nothing is looked through for quotes."""
_HEADER, _ROW_HEAD = 19, 6
"""Bytes before the first row of COPY's binary form, and before the only field of a row."""
NULL = "\x01"
TEXT = "format text, null e'\\x01'"
"""None as `NULL`, a character that no text of ours consists of; so a row without a backslash is what it looks like."""


@dataclass(frozen=True, slots=True)
class Query:
    """A statement as the driver takes it: compiled once, asked with one set of parameters after the other."""

    sql: str
    parameters: Mapping[str, Any]

    @classmethod
    def of(cls, session: Session, statement: ClauseElement) -> "Query":
        """The statement, with the parameters that it was built with."""
        dialect = session.connection().dialect
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        return cls(str(compiled), compiled.params)

    def given(self, parameters: Mapping[str, Any]) -> "Query":
        """The same with other values of some parameters. Raises KeyError for one that it doesn't have."""
        unknown = parameters.keys() - self.parameters.keys()
        if unknown:
            raise KeyError(*unknown)
        return replace(self, parameters={**self.parameters, **parameters})


def copied(session: Session, query: Query, form: str) -> Generator[tuple[bytes, int], None, None]:
    """The rows of `query` as COPY writes them, block by block, each with the number of its rows.

    Asks libpq itself for each row: psycopg's own loop takes several times as long. It doesn't wait in libpq, which
    would hold up every other thread of the process. Whoever stops early ends the transaction: nothing else can be asked
    in it.
    """
    connection = driver(session)
    text = psycopg.ClientCursor(connection).mogrify(query.sql, query.parameters)
    libpq = connection.pgconn
    started = libpq.exec_(f"copy ({text}) to stdout with ({form})".encode())
    if started.status != pq.ExecStatus.COPY_OUT:
        raise psycopg.errors.lookup(_sqlstate(started))(started.get_error_message())
    is_done = False
    try:
        parts: list[bytes] = []
        size = 0
        skipped, end = (_HEADER + _ROW_HEAD, b"\n") if form == LINES else (0, b"")
        get = libpq.get_copy_data
        arriving = select.poll()
        arriving.register(libpq.socket, select.POLLIN)
        while True:
            length, row = get(1)
            if length == 0:
                arriving.poll()
                libpq.consume_input()
                continue
            if length < 0:
                break
            if skipped:
                if length < skipped:  # the end of the binary form
                    continue
                row, skipped = row[skipped:], _ROW_HEAD
            parts.append(bytes(row))
            size += length
            if size >= BLOCK:
                yield end.join((*parts, b"")) if end else b"".join(parts), len(parts)
                parts, size = [], 0
        is_done = True
        if parts:
            yield end.join((*parts, b"")) if end else b"".join(parts), len(parts)
    finally:
        if not is_done:
            with suppress(psycopg.Error):
                connection.cancel_safe()
                while libpq.get_copy_data(0)[0] >= 0:
                    pass
        _finish(libpq, told=is_done)


def _finish(libpq: pq.abc.PGconn, *, told: bool) -> None:
    """Take what the server says at the end of COPY. `told`: an error is raised."""
    while (result := libpq.get_result()) is not None:
        if told and result.status == pq.ExecStatus.FATAL_ERROR:
            raise psycopg.errors.lookup(_sqlstate(result))(result.get_error_message())


def _sqlstate(result: pq.abc.PGresult) -> str:
    return (result.error_field(pq.DiagnosticField.SQLSTATE) or b"XX000").decode()
