"""A bad line: a TCP relay that cuts its connections, or stands still, after so many bytes of both directions."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Line:
    """Relays 127.0.0.1:PORT to a server until it is closed."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._there = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.passed = 0
        self.cut_after: int | None = None
        """Bytes until every connection falls, once."""
        self.stop_after: int | None = None
        """Bytes until nothing goes on any more, while it is set."""
        self.stopped = threading.Event()
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Every connection falls."""
        fallen, self._open = self._open, []
        for one in fallen:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                there = socket.create_connection(self._there)
                self._open += [here, there]
                threading.Thread(target=self._relay, args=(here, there), daemon=True).start()
                threading.Thread(target=self._relay, args=(there, here), daemon=True).start()

    def _relay(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(16_384):
                if not self._let_pass(len(content)):
                    return
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)

    def _let_pass(self, length: int) -> bool:
        self.passed += length
        if self.stop_after is not None and self.passed > self.stop_after:
            self.stopped.set()
            return False
        if self.cut_after is not None and self.passed > self.cut_after:
            self.cut_after = None
            self.cut()
            return False
        return True
