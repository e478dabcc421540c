"""The child processes of `toilet-api serve`: started, started again when they fall over, and ended together."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

# A child that falls over this often within this time will not get better by itself.
FALLS = 5
FALLS_SECONDS = 60.0
PAUSE_SECONDS = 0.5
STOP_SECONDS = 25.0
_PR_SET_PDEATHSIG = 1


class GaveUpError(RuntimeError):
    """A child fell over again and again."""


@dataclass
class Child:
    """One child process and how to start it."""

    name: str
    command: Sequence[str]
    descriptors: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    fallen: list[float] = field(default_factory=list)


class Children:
    """A few processes that run as long as their parent."""

    def __init__(self, children: Sequence[Child], environment: dict[str, str]) -> None:
        self.children = children
        self._environment = environment
        self._stopping = False

    def start(self) -> None:
        """Start them all."""
        for child in self.children:
            self._start(child)

    def ask_to_stop(self) -> None:
        """From a signal handler: let `watch` come back."""
        self._stopping = True

    @property
    def stopping(self) -> bool:
        """Whether they are to stop."""
        return self._stopping

    def watch(self, seconds: float | None = None) -> None:
        """Start again what falls over, until asked to stop or for so many seconds. Raises GaveUpError."""
        until = None if seconds is None else time.monotonic() + seconds
        while not self._stopping and (until is None or time.monotonic() < until):
            for child in self.children:
                if child.process is not None and child.process.poll() is not None:
                    self._start_again(child)
            time.sleep(0.1)

    def stop(self) -> None:
        """End them: SIGTERM, and SIGKILL for whoever takes longer than 25 seconds."""
        running = [child.process for child in self.children if child.process and child.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start_again(self, child: Child) -> None:
        now = time.monotonic()
        child.fallen = [moment for moment in child.fallen if now - moment < FALLS_SECONDS] + [now]
        code = child.process.returncode if child.process else None
        print(f"{child.name} ended with {code}; started again", file=sys.stderr, flush=True)  # noqa: T201
        if len(child.fallen) >= FALLS:
            raise GaveUpError(f"{child.name} 反复退出 / keeps ending (exit code {code})")
        time.sleep(min(10 * PAUSE_SECONDS, PAUSE_SECONDS * 2 ** len(child.fallen)))
        if not self._stopping:
            self._start(child)

    def _start(self, child: Child) -> None:
        # A session of its own: Ctrl-C reaches the parent alone, which then ends the children in order.
        child.process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            child.command,
            env=self._environment,
            pass_fds=child.descriptors,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_parent = os.getpid()


def _die_with_parent() -> None:
    """In the child: SIGTERM to it when the parent is gone, even by SIGKILL, so that nothing is left running."""
    assert _libc is not None  # noqa: S101 - for the type checker
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != _parent:
        os.kill(os.getpid(), signal.SIGTERM)
