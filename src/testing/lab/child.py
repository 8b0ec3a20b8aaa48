"""A process that a test talks to, line by line.

The one rule: a process that hangs says where. When it was silent for ``GUARD`` seconds it and all that it has started
dump every thread's stack, and its test fails with what they wrote.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

from .guard import GUARD

_LAST_WORDS = 2.0


class Process(Protocol):
    """What started, and how to learn of its end. It leads a process group of its own."""

    @property
    def pid(self) -> int:
        """Its number."""
        ...

    def wait(self) -> int:
        """Wait for its end; the exit status, or minus the number of the signal that ended it."""
        ...


class Child:
    """Talks with *process* through two pipes; what it writes to standard error is kept in the file *errors*."""

    def __init__(self, process: Process, stdin: IO[bytes], stdout: IO[bytes], errors: Path) -> None:
        self._process = process
        self._stdin, self._stdout = stdin, stdout
        self._errors = errors
        self._has_hung = False
        self._heard = time.monotonic()
        self._over = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="lab-watchdog", daemon=True)
        self._watchdog.start()

    @classmethod
    def run(cls, command: Sequence[str], env: Mapping[str, str], errors: Path) -> Child:
        """Start *command* with the environment *env*, which is told to dump its stacks when it hangs."""
        env = {"PYTHONFAULTHANDLER": "1", **env}
        with errors.open("wb") as stderr:
            process = subprocess.Popen(
                command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
            )
        assert process.stdin is not None
        assert process.stdout is not None
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
        return self._stdout.read().decode().splitlines()

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
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM, as from a supervisor."""
        self.signal(signal.SIGTERM)

    def interrupt(self, times: int = 1) -> None:
        """SIGINT, *times* in a row: as from a user, or one who has had enough."""
        for _ in range(times):
            self.signal(signal.SIGINT)

    def kill(self) -> int:
        """Kill -9 to it and all that it has started, and wait until it is gone: how it ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
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

    def bury(self) -> None:
        """Leave nothing behind: neither it nor what it has started."""
        self._over.set()
        self._watchdog.join()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bury()

    def _watch(self) -> None:
        while not self._over.wait(GUARD):
            if time.monotonic() - self._heard >= GUARD:
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
        for number in (signal.SIGABRT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
            self._over.wait(_LAST_WORDS)

    def _ended(self) -> str:
        if self._has_hung:
            self._watchdog.join()  # until everybody has said where
        return f"status {self._process.wait()}; its standard error:\n{self.stderr}"
