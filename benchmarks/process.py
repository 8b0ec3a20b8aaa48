"""The processes that a run starts: the HUB, and one child for each thing that is measured.

The one rule: nobody waits for time to pass. A child says that it is ready, and one that says nothing for *guard*
seconds is killed, with what it printed kept for whoever reads the terminal.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

HANG_TIMEOUT = 120.0
"""Seconds without a word after which a child counts as hung."""


class ChildFailed(Exception):
    """A child ended or hung where it should have spoken."""


class Child:
    """A program of ``benchmarks.programs`` under *python*, in *folder*; use it as a context manager."""

    def __init__(self, command: Iterable[str | Path], env: Mapping[str, str], folder: Path) -> None:
        self.folder = folder
        self._errors = folder / "printed"
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [*command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=folder,
                env=dict(env),
                text=True,
                start_new_session=True,
            )

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def tell(self, what: object) -> None:
        """One line to the child."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(what) + "\n")
            self.process.stdin.flush()

    def hear(self, *, guard: float = HANG_TIMEOUT) -> Any:
        """The child's next line.

        Raises:
            ChildFailed: when there is none.
        """
        assert self.process.stdout is not None
        watch = threading.Timer(guard, self.process.kill)
        watch.start()
        try:
            line = self.process.stdout.readline()
        finally:
            watch.cancel()
        if not line:
            status = self.process.wait()
            raise ChildFailed(f"ended with status {status}; it printed:\n{self.printed()}")
        return json.loads(line)

    def ask(self, what: object, *, guard: float = HANG_TIMEOUT) -> Any:
        """Tell, and hear the answer."""
        self.tell(what)
        return self.hear(guard=guard)

    def has_spoken(self, timeout: float) -> bool:
        """Whether a line, or the end, comes *within* seconds. (Lines that came together are heard together.)"""
        assert self.process.stdout is not None
        return bool(select.select([self.process.stdout], [], [], timeout)[0])

    def wait(self, timeout: float) -> bool:
        """Whether it ends *within* seconds, known at once: ``Popen.wait`` looks every 50 ms."""
        pidfd = os.pidfd_open(self.process.pid)
        try:
            return bool(select.select([pidfd], [], [], timeout)[0])
        finally:
            os.close(pidfd)

    def printed(self) -> str:
        """The end of what it wrote to standard error."""
        return self._errors.read_text(encoding="utf-8", errors="replace")[-4000:]

    def kill(self) -> None:
        """SIGKILL for it and for all that it has started, and wait until it is gone."""
        # It first, and those that it has started as they are found before: none of them is left to work on for it.
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def descendants(pid: int) -> Iterator[int]:
    """Children of *pid*, and theirs."""
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                yield int(child)
                yield from descendants(int(child))


class HubProcess:
    """``benchmarks.servers.hub`` in a process of its own; use it as a context manager."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.servers.hub"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=root,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def __enter__(self) -> HubProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def order(self, mode: str) -> None:
        """Change the mode; it has changed when this returns."""
        self._ask(mode)

    def counts(self) -> Mapping[str, int]:
        """How many requests and bytes of each kind it has read."""
        return self._ask("counts")

    def _ask(self, order: str) -> Mapping[str, int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        found: Mapping[str, int] = json.loads(self._process.stdout.readline())
        return found
