"""A child process that a test talks to, line by line.

The one rule: a child that hangs says where. When it was silent for ``GUARD`` seconds it dumps every thread's stack, and
its test fails with what it wrote.
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

from tests.integration.watched_hub import GUARD


class Child:
    """Runs *command* with *env*; what it writes to standard error is kept in the file *errors*."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], errors: Path) -> None:
        self._errors = errors
        with errors.open("wb") as stderr:
            self._process = subprocess.Popen(
                command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
            )
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        self._stdout, self._stdin = self._process.stdout, self._process.stdin
        self._hung = False
        self._heard = time.monotonic()
        self._over = threading.Event()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def stderr(self) -> str:
        """What it has written to standard error."""
        return self._errors.read_text(errors="replace")

    def line(self) -> str:
        """The next line of its standard output."""
        text = self._stdout.readline()
        if not text:
            raise AssertionError(f"the child ended early: {self._ended()}")
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

    def signal(self, number: int) -> None:
        """Send it the signal *number*: to it alone, not to its children."""
        self._process.send_signal(number)

    def end(self) -> int:
        """Wait for its end; the exit status, or minus the number of the signal that ended it."""
        status = self._process.wait()
        if self._hung:
            raise AssertionError(f"the child hung: {self._ended()}")
        return status

    def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        self._process.kill()
        self._process.wait()

    def bury(self) -> None:
        """Leave nothing behind: neither it nor what it has started."""
        self._over.set()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()

    def _watch(self) -> None:
        while not self._over.wait(GUARD):
            if time.monotonic() - self._heard >= GUARD:
                self._give_up()
                return

    def _give_up(self) -> None:
        self._hung = True
        with contextlib.suppress(OSError):
            self._process.send_signal(signal.SIGABRT)  # faulthandler is on: every thread's stack goes to stderr
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _ended(self) -> str:
        return f"status {self._process.wait()}; its standard error:\n{self.stderr}"
