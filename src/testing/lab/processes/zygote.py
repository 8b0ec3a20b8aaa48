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

from ..closing import Closeable
from .child import Child
from .process import Process

#: What a session needs, behind the lazy face of the package.
PRELOAD = ("hubport", "hubport.app.session.connect", "hubport.app.session.drop_in")
_PROGRAM = "from hubport.testing.lab.processes.forker import main; main({}, {!r})"


class Forked(Process):
    """One process, told of through the file *status*; *zygote* is its parent, who reaps it."""

    def __init__(self, zygote: Zygote, status: int) -> None:
        self._zygote = zygote
        self._file = os.fdopen(status, "rb")
        self._lock = threading.Lock()
        self._status: int | None = None
        self._pid = self._number()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._pid

    @property
    def is_ours(self) -> bool:
        """Whether the zygote is there, who keeps its number."""
        return self._zygote.is_alive

    def wait(self) -> int:
        """Wait until the zygote has seen its end."""
        with self._lock:
            if self._status is None:
                self._status = self._number()
                self._file.close()
            return self._status

    def reap(self) -> None:
        """Have the zygote take note of its end."""
        if self.is_ours:
            self.wait()
            self._zygote.reap(self._pid)
        self._file.close()

    def _number(self) -> int:
        line = self._file.readline()
        if not line:
            self._file.close()
            raise AssertionError("the zygote is gone")
        return int(line)


class Zygote(Closeable):
    """Forks trainers; *preload* names modules to import first, *options* are those of the interpreter."""

    def __init__(
        self, *, preload: Sequence[str] = PRELOAD, options: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> None:
        self._control, theirs = socket.socketpair()
        # One message at a time: what is sent without files could be read together with what is sent with some.
        self._lock = threading.Lock()
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

    @property
    def is_alive(self) -> bool:
        """Whether it runs, and so keeps the numbers of what it has started: init, who comes next, gives them back."""
        return self._control.fileno() >= 0 and self._process.poll() is None

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
        try:
            with self._lock:
                # Where the zygote is gone, the status is at its end at once.
                with contextlib.suppress(ConnectionError):
                    socket.send_fds(self._control, [json.dumps(order).encode() + b"\n"], theirs)
                for file in theirs:
                    os.close(file)
                process = Forked(self, from_status)
        except BaseException:
            os.close(to_stdin)
            os.close(from_stdout)
            raise
        return Child(process, os.fdopen(to_stdin, "wb"), os.fdopen(from_stdout, "rb"), errors)

    def reap(self, pid: int) -> None:
        """Give back the number of a process that has ended. For :class:`Forked`."""
        with self._lock, contextlib.suppress(ConnectionError):
            self._control.sendall(json.dumps({"reap": pid}).encode() + b"\n")
            self._control.recv(16)

    def close(self) -> None:
        """End, and with it whatever it has started."""
        self._control.close()
        self._process.wait()
