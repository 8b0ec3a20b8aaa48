"""A client in a process of its own, spoken to by lines of JSON.

The one rule: nobody waits for time to pass. An order is over when the client has answered it; thirty seconds without
that are a failure that shows what the client printed.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from tests.compat.recording_hub import HANG_TIMEOUT

D = TypeVar("D", bound="Driven")


class Driven:
    """Runs *command* in *folder*. A context manager: at its end the process ends by itself, or a failure kills it."""

    def __init__(self, command: Sequence[str | Path], environ: Mapping[str, str], folder: Path) -> None:
        self._printed = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
            cwd=folder,
            env=dict(environ),
            text=True,
        )

    def __enter__(self: D) -> D:  # noqa: PYI019 - typing.Self came with 3.11
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if exc_type is not None:
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout, self._printed):
            if pipe is not None:
                pipe.close()
        self._process.wait(HANG_TIMEOUT)

    def ask(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """One order, and the answer to it."""
        assert self._process.stdin is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return self.answer()

    def answer(self) -> Mapping[str, Any]:
        """What it says next."""
        assert self._process.stdout is not None
        guard = threading.Timer(HANG_TIMEOUT, self._process.kill)  # a client that hangs ends, and with it this line
        guard.start()
        try:
            line = self._process.stdout.readline()
        finally:
            guard.cancel()
        if not line:
            raise AssertionError(f"the client is gone, exit status {self.leave()}; it printed:\n{self.printed()}")
        answer: Mapping[str, Any] = json.loads(line)
        return answer

    def leave(self) -> int:
        """Wait until the process has ended by itself; its exit status."""
        return self._process.wait(HANG_TIMEOUT)

    def kill(self) -> None:
        """SIGKILL, wherever it is."""
        self._process.kill()
        self._process.wait(HANG_TIMEOUT)

    def printed(self) -> str:
        """What it wrote to standard error."""
        self._printed.seek(0)
        return self._printed.read()
