"""A short training that kills itself before its n-th call that changes something outside of it, in whatever thread.

Between two such calls nothing changes on the disk or on the wire, so these are all the states that a kill can leave.
Says what is safe as soon as it is: "metrics <epoch>", "checkpoint <epoch>".
"""

import io
import itertools
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from types import BuiltinFunctionType, FrameType
from typing import Any

import hubport

_CHANGES = frozenset(
    {
        *("chmod", "close", "connect", "copy_file_range", "flock", "fsync", "ftruncate", "ioctl", "link", "mkdir"),
        *("open", "pwrite", "rename", "replace", "rmdir", "sendall", "truncate", "unlink", "utime", "write"),
    }
)
_MODULES = frozenset({"posix", "fcntl", "io"})
_FILES = (socket.socket, io.FileIO, io.BufferedWriter)


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def changes_something(function: object) -> bool:
    if not isinstance(function, BuiltinFunctionType) or function.__name__ not in _CHANGES:
        return False
    return function.__module__ in _MODULES or isinstance(function.__self__, _FILES)


def kill_before(step: int) -> None:
    steps = itertools.count()

    def hook(_: FrameType, event: str, argument: Any) -> None:
        if event == "c_call" and changes_something(argument) and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(hook)
    sys.setprofile(hook)


def main(model: str, folder: str, first: str, step: str) -> None:
    last, epoch = Path(folder) / "last.pt", int(first)
    last.write_bytes(b"%08d" % epoch * 100)
    kill_before(int(step))
    session = hubport.connect(model)
    for number in (epoch, epoch + 1):
        session.log_metrics(number, {"number": number})
        say(f"metrics {number}")
    session.upload_checkpoint(last, epoch=epoch)
    say(f"checkpoint {epoch}")
    session.flush(timeout=0.01)
    session.log_metrics(epoch + 2, {"number": epoch + 2})
    say(f"metrics {epoch + 2}")
    session.close(timeout=0.01)


main(*sys.argv[1:])
