"""A process that has imported everything, and forks a fresh trainer from itself for each order.

The one rule: a trainer made this way is a process like any other, with its own group, pipes, environment and end; it
costs milliseconds instead of the imports. It connects after the fork.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from .child import Child

#: What a session needs, behind the lazy face of the package.
PRELOAD = ("hubport", "hubport.app.connect", "hubport.app.legacy")
_PROGRAM = "from hubport.testing.lab.forker import main; main({}, {!r})"


class Forked:
    """One process, told of through the file *status*."""

    def __init__(self, status: int) -> None:
        self._file = os.fdopen(status, "rb")
        self._lock = threading.Lock()
        self._status: int | None = None
        self.pid = self._number()

    def wait(self) -> int:
        """Wait for its end; the exit status, or minus the number of the signal that ended it."""
        with self._lock:
            if self._status is None:
                self._status = self._number()
                self._file.close()
            return self._status

    def _number(self) -> int:
        line = self._file.readline()
        if not line:
            self._file.close()
            raise AssertionError("the zygote is gone")
        return int(line)


class Zygote:
    """Forks trainers; *preload* names modules to import first, *options* are those of the interpreter."""

    def __init__(
        self, *, preload: Sequence[str] = PRELOAD, options: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> None:
        self._control, theirs = socket.socketpair()
        program = _PROGRAM.format(theirs.fileno(), list(preload))
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *options, "-c", program],
                env=dict(os.environ if env is None else env),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        if self._control.recv(16) != b"ready\n":
            self.close()
            raise AssertionError("the zygote did not start: see its standard error")

    def start(self, script: Path, *arguments: object, env: Mapping[str, str], errors: Path) -> Child:
        """Run *script* as ``python script arguments`` would, with the environment *env*.

        What it writes to standard error goes to the file *errors*.
        """
        order = {"script": str(script), "arguments": [*map(str, arguments)], "environment": dict(env)}
        stdin, to_stdin = os.pipe()
        from_stdout, stdout = os.pipe()
        from_status, status = os.pipe()
        stderr = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        theirs = [stdin, stdout, stderr, status]
        # Where the zygote is gone, the status is at its end at once.
        with contextlib.suppress(ConnectionError):
            socket.send_fds(self._control, [json.dumps(order).encode() + b"\n"], theirs)
        for file in theirs:
            os.close(file)
        try:
            process = Forked(from_status)
        except BaseException:
            os.close(to_stdin)
            os.close(from_stdout)
            raise
        return Child(process, os.fdopen(to_stdin, "wb"), os.fdopen(from_stdout, "rb"), errors)

    def close(self) -> None:
        """Start no more. What was started lives on, for its owner to bury."""
        self._control.close()
        self._process.wait()

    def __enter__(self) -> Zygote:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
