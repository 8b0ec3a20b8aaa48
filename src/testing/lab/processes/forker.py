"""The program of a `Zygote`: forks itself for each order, and says how it ended.

The one rule: this process has one thread and one job. A fork of it is as good as a fresh interpreter that has already
imported what it needs. What it has forked keeps its number until it is told to reap it, and goes when it goes.

An order is one line of JSON with four files: standard input, output and error of the new process, and where its number
and later its end are written. ``{"reap": number}`` is answered by a line when it is done.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from .process import ended

_LONGEST_ORDER = 1 << 20
_FILES = 4


class Order:
    """What to run, with which arguments, environment and files."""

    def __init__(self, fields: Mapping[str, Any], files: Sequence[int]) -> None:
        self.script: str = fields["script"]
        self.arguments: list[str] = fields["arguments"]
        self.environment: dict[str, str] = fields["environment"]
        self.stdio, self.status = files[:3], files[3]


def run(order: Order) -> None:
    """Be the new process: what follows is its own end."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, file in enumerate(order.stdio):
        os.dup2(file, number)
        os.close(file)
    os.close(order.status)
    os.environ.clear()
    os.environ.update(order.environment)
    faulthandler.enable()
    script = Path(order.script)
    sys.argv = [order.script, *order.arguments]
    sys.path[0] = str(script.parent)
    # In the module that a started script would be, so that it lives as long, and a process that it spawns finds it.
    module = sys.modules["__main__"] = ModuleType("__main__")
    module.__file__ = order.script
    code = compile(script.read_bytes(), order.script, "exec", dont_inherit=True)
    exec(code, vars(module))  # noqa: S102 - a test's own script


class Forker:
    """Forks on the orders that come over *control*."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._bell, self._ringer = os.pipe()
        for file in (self._bell, self._ringer):
            os.set_blocking(file, False)
        signal.set_wakeup_fd(self._ringer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._statuses: dict[int, int] = {}
        self._unreaped: set[int] = set()

    def serve(self) -> Order:
        """Do as one is told, for ever. It returns in the processes that are forked: with what each is to run."""
        self._control.sendall(b"ready\n")
        while True:
            ready, _, _ = select.select([self._control.fileno(), self._bell], [], [])
            if self._bell in ready:
                os.read(self._bell, 1 << 10)
                self._tell()
            if self._control.fileno() in ready:
                message, files = self._received()
                if not message:
                    self._end()
                elif "reap" in message:
                    self._reap(message["reap"])
                elif self._is_child(order := Order(message, files)):
                    return order

    def _received(self) -> tuple[dict[str, Any], list[int]]:
        """The next message and its files; nothing when whoever gives them is gone."""
        text, files, _, _ = socket.recv_fds(self._control, _LONGEST_ORDER, _FILES)
        while text and not text.endswith(b"\n"):
            text += self._control.recv(_LONGEST_ORDER)
        return (json.loads(text) if text else {}), files

    def _is_child(self, order: Order) -> bool:
        """Fork; whether this is the new process."""
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            self._control.close()
            for file in (self._bell, self._ringer, *self._statuses.values()):
                os.close(file)
            return True
        os.setpgid(pid, pid)  # here too: whoever hears of it may kill its group at once
        for file in order.stdio:
            os.close(file)
        os.write(order.status, f"{pid}\n".encode())
        self._statuses[pid] = order.status
        self._unreaped.add(pid)
        return False

    def _tell(self) -> None:
        """Say how those that have ended did so."""
        for pid, file in list(self._statuses.items()):
            status = ended(pid, wait=False)
            if status is not None:
                os.write(file, f"{status}\n".encode())
                os.close(self._statuses.pop(pid))

    def _reap(self, pid: int) -> None:
        os.waitpid(pid, 0)
        self._unreaped.discard(pid)
        self._control.sendall(b"reaped\n")

    def _end(self) -> NoReturn:
        for pid in self._unreaped:
            os.killpg(pid, signal.SIGKILL)
        os._exit(0)


def main(control_file: int, preload: Sequence[str]) -> None:
    """Serve until nobody gives orders any more; in a process that was forked for one, be what was ordered."""
    for name in preload:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is there now stays shared between the processes
    run(Forker(socket.socket(fileno=control_file)).serve())
