"""Whoever waits for an answer of the interface goes first: the processes of an import take the processor that is left.

A long import keeps two of them busy: the one that judges, and Postgres's own for the connection that writes. On a
machine with two processors a page would have to queue behind both.
"""

import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
from sqlmodel import Session

from toilet_api.kernel.database import driver

JUDGE = 10
"""Niceness of a tenth of the weight of others (sched(7)), and all of a processor that nobody else wants."""
BACKEND = 5
"""A third: it holds locks while it works."""
_PEER = struct.Struct("3i")
"""`struct ucred`: process, user, group; unix(7)."""


def with_process(pid: int, niceness: int) -> bool:
    """Let a process of this machine go behind; gives whether we may. Only who is root may take it back."""
    try:
        os.setpriority(os.PRIO_PROCESS, pid, max(niceness, os.getpriority(os.PRIO_PROCESS, pid)))
    except OSError:
        return False
    # Where Linux shares the processor between sessions first, niceness only counts within one (sched(7), autogroup).
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness), encoding="ascii")
    return True


def with_backend(session: Session) -> None:
    """Let Postgres's process for this session's connection go behind, if it is one of this machine and we may.

    The connection is then not used again after the session: it must not serve anything that cannot wait.
    """
    pid = _process_of(driver(session))
    if pid is not None and with_process(pid, BACKEND):
        session.connection().connection.invalidate(soft=True)


def _process_of(connection: psycopg.Connection[object]) -> int | None:
    """The server process behind a unix socket; None where it may be of another machine or container."""
    if not connection.info.host.startswith("/") or not hasattr(socket, "SO_PEERCRED"):
        return None
    with suppress(OSError, psutil.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        listener, _, _ = _PEER.unpack(line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        pid = connection.info.backend_pid
        # A number alone means nothing in another container, or behind a pooler.
        if listener and psutil.Process(pid).ppid() == listener:
            return pid
    return None
