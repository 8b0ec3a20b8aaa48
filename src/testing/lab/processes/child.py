"""A process that a test talks to, line by line.

The one rule: a process that hangs says where. When it was silent for ``HANG_TIMEOUT`` seconds it and all that it has
started dump every thread's stack, and its test fails with what they wrote.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from ..timeouts import HANG_TIMEOUT
from .process import Process, Started

_LAST_WORDS = 2.0


class Child:
    """Talks with *process* through two pipes; what it writes to standard error is kept in the file *errors*."""

    def __init__(self, process: Process, stdin: IO[bytes], stdout: IO[bytes], errors: Path) -> None:
        self._process = process
        self._stdin, self._stdout = stdin, stdout
        self._errors = errors
        self._has_hung = self._is_reaped = False
        # Its number may be anybody's once it is reaped: who sends a signal does so with this lock held, and who reaps
        # it as well.
        self._lock = threading.Lock()
        self._heard = time.monotonic()
        self._over = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="lab-watchdog", daemon=True)
        self._watchdog.start()

    @classmethod
    def run(cls, command: Sequence[str], env: Mapping[str, str], errors: Path) -> Child:
        """Start *command* with the environment *env*, which is told to dump its stacks when it hangs."""
        process = Started(command, {"PYTHONFAULTHANDLER": "1", **env}, errors)
        return cls(process, process.stdin, process.stdout, errors)

    @property
    def pid(self) -> int:
        """Its number, which is also that of its process group."""
        return self._process.pid

    @property
    def stderr(self) -> str:
        """What it has written to standard error."""
        return self._errors.read_text(errors="replace")

    # Talking.

    def line(self) -> str:
        """The next line of its standard output, waited for.

        Raises:
            AssertionError: when it ends instead, with what it has complained of.
        """
        text = self._stdout.readline()
        if not text.endswith(b"\n"):
            raise AssertionError(f"the process said no more: {self._ended()}")
        self._heard = time.monotonic()
        return text.decode().rstrip("\n")

    def rest(self) -> list[str]:
        """All lines of its standard output that are still to come, until nobody has it open any more."""
        lines = []
        for text in self._stdout:
            self._heard = time.monotonic()
            lines.append(text.decode().rstrip("\n"))
        return lines

    def say(self, text: str = "") -> None:
        """One line on its standard input."""
        with contextlib.suppress(BrokenPipeError):
            self._stdin.write(f"{text}\n".encode())
            self._stdin.flush()

    def say_no_more(self) -> None:
        """Close its standard input."""
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()

    # Ending.

    def signal(self, number: int) -> None:
        """Send it the signal *number*: to it alone, not to what it has started."""
        self._send(os.kill, number)

    def terminate(self) -> None:
        """SIGTERM, as from a supervisor."""
        self.signal(signal.SIGTERM)

    def interrupt(self, times: int = 1) -> None:
        """SIGINT, *times* in a row: as from a user, or one who has had enough."""
        for _ in range(times):
            self.signal(signal.SIGINT)

    def kill(self) -> int:
        """Kill -9 to it and all that it has started, and wait until it is gone: how it ended."""
        self._send(os.killpg, signal.SIGKILL)
        return self._process.wait()

    def end(self) -> int:
        """Wait for its end; the exit status, or minus the number of the signal that ended it.

        Raises:
            AssertionError: with every thread's stack, when it hangs.
        """
        status = self._process.wait()
        if self._has_hung:
            raise AssertionError(f"the process hung: {self._ended()}")
        return status

    def reap(self) -> None:
        """Leave nothing behind: neither it nor what it has started. A second time does nothing."""
        self._over.set()
        self._watchdog.join()
        self._send(os.killpg, signal.SIGKILL)
        with self._lock:
            if not self._is_reaped:
                self._is_reaped = True
                self._process.reap()
        self._stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reap()

    def _watch(self) -> None:
        while not self._over.wait(HANG_TIMEOUT):
            if time.monotonic() - self._heard >= HANG_TIMEOUT:
                self._give_up()
                return

    def _give_up(self) -> None:
        self._has_hung = True
        # faulthandler is on: every thread's stack goes to standard error. What it has started comes after it, since two
        # that write at once could not be read.
        self.signal(signal.SIGABRT)
        waiting = threading.Thread(target=self._process.wait, name="lab-last-words", daemon=True)
        waiting.start()
        waiting.join(_LAST_WORDS)
        self._send(os.killpg, signal.SIGABRT)
        self._over.wait(_LAST_WORDS)
        self._send(os.killpg, signal.SIGKILL)

    def _send(self, to: Callable[[int, int], None], number: int) -> None:
        """Send the signal *number* to it or to its group, as *to* does; to nobody once its number was given back."""
        with self._lock:
            if self._process.is_ours and not self._is_reaped:
                to(self.pid, number)

    def _ended(self) -> str:
        if self._has_hung:
            self._watchdog.join()  # until everybody has said where
        return f"status {self._process.wait()}; its standard error:\n{self.stderr}"
