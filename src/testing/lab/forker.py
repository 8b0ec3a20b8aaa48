"""The program of a :class:`~hubport.testing.lab.zygote.Zygote`: forks itself for each order, and says how it ended.

The one rule: this process has one thread and one job. A fork of it is as good as a fresh interpreter that has already
imported what it needs.

An order is one line of JSON with four files: standard input, output and error of the new process, and where its number
and later its end are written.
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
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

_LONGEST_ORDER = 1 << 20
_FILES = 4


class Order:
    """What to run, with which arguments, environment and files."""

    def __init__(self, text: bytes, files: Sequence[int]) -> None:
        fields: dict[str, Any] = json.loads(text)
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


def reap(statuses: dict[int, int]) -> None:
    """Say how those that have ended did so."""
    while statuses:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        file = statuses.pop(pid)
        os.write(file, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os.close(file)


def received(control: socket.socket) -> Order | None:
    """The next order; ``None`` when whoever gives them is gone."""
    text, files, _, _ = socket.recv_fds(control, _LONGEST_ORDER, _FILES)
    while text and not text.endswith(b"\n"):
        text += control.recv(_LONGEST_ORDER)
    return Order(text, files) if text else None


def main(control_file: int, preload: Sequence[str]) -> None:
    """Serve orders until nobody gives any."""
    for name in preload:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is there now stays shared between the processes
    control = socket.socket(fileno=control_file)
    reading, writing = os.pipe()
    for file in (reading, writing):
        os.set_blocking(file, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    statuses: dict[int, int] = {}
    control.sendall(b"ready\n")
    while True:
        ready, _, _ = select.select([control.fileno(), reading], [], [])
        if reading in ready:
            os.read(reading, 1 << 10)
            reap(statuses)
        if control.fileno() not in ready:
            continue
        order = received(control)
        if order is None:
            os._exit(0)  # what still runs is not ours to wait for
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            control.close()
            for file in (reading, writing, *statuses.values()):
                os.close(file)
            run(order)
            return
        os.setpgid(pid, pid)  # here too: whoever hears of it may kill its group at once
        for file in order.stdio:
            os.close(file)
        os.write(order.status, f"{pid}\n".encode())
        statuses[pid] = order.status
