"""A command at a terminal of its own: what it shows, and what is typed."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import attrs

from hubport.testing.lab import HANG_TIMEOUT


@attrs.define
class Terminal:
    """The terminal of process *pid*; ``shown`` is everything that it has shown so far."""

    pid: int
    fd: int
    shown: str = ""
    status: int | None = None

    def wait_for(self, words: str) -> None:
        """Until it shows *words*.

        Raises:
            AssertionError: when it ends instead, or is silent for too long.
        """
        while words not in self.shown:
            assert self._read(), self.shown

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C, as a terminal sends it."""
        self.type("\x03")

    def end(self) -> int:
        """Everything that it still shows, and its exit status."""
        while self._read():
            pass
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def _read(self) -> bool:
        ready, _, _ = select.select([self.fd], [], [], HANG_TIMEOUT)
        assert ready, f"it hung, and had shown: {self.shown}"
        try:
            chunk = os.read(self.fd, 4096)
        except OSError:  # Linux says so when nobody has it open any more
            return False
        self.shown += chunk.decode(errors="replace")
        return bool(chunk)


@contextmanager
def at_terminal(environment: Mapping[str, str], *arguments: str) -> Iterator[Terminal]:
    """``python -m hubport`` with *arguments* at a terminal; it is gone when the block ends."""
    pid, fd = pty.fork()
    if pid == 0:  # pragma: no cover - another process
        os.execve(sys.executable, [sys.executable, "-m", "hubport", *arguments], dict(environment))  # noqa: S606
    terminal = Terminal(pid, fd)
    try:
        yield terminal
    finally:
        if terminal.status is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(fd)
