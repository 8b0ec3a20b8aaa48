"""A process, as another machine or another container may know it."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import attrs

_LONGEST = 4096


@attrs.frozen
class Process:
    """A process, as another machine may know it: ``boot`` is the kernel's, ``space`` that of process numbers in it."""

    host: str
    boot: str
    space: str
    pid: int
    started: str

    @classmethod
    def here(cls) -> Process:
        """The one that runs this."""
        host, pid = socket.gethostname(), os.getpid()
        return cls(host, _boot() or host, _space(), pid, _started(pid))

    @classmethod
    def read(cls, path: Path) -> Process | None:
        """The one that *path* names; ``None`` where it is not written whole.

        Raises:
            OSError: when it cannot be read, or is gone.
        """
        with open(path, "rb") as file:
            text = file.read(_LONGEST)
        try:
            found: dict[str, Any] = json.loads(text)
            return cls(**{field.name: found[field.name] for field in attrs.fields(cls)})
        except (ValueError, TypeError, KeyError):
            return None

    @property
    def is_of_this_kernel(self) -> bool:
        """Whether it runs, or ran, under the kernel that runs this process."""
        return self.boot == (_boot() or socket.gethostname())

    @property
    def is_visible(self) -> bool:
        """Whether its number means the same here."""
        return self.is_of_this_kernel and self.space == _space()

    @property
    def is_running(self) -> bool:
        """Whether it is there, of one that is visible."""
        if self.started:
            return _started(self.pid) == self.started
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except OSError:  # somebody else's
            return True
        return True


def _boot() -> str:
    return _text("/proc/sys/kernel/random/boot_id")


def _space() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When the process *pid* began, in the kernel's own count; empty when there is none, or it is a zombie."""
    # The name of the program, in parentheses, may hold blanks and parentheses.
    state, *rest = _text(f"/proc/{pid}/stat").rpartition(")")[2].split() or [""]
    return rest[18] if state not in {"", "Z", "X"} and len(rest) > 18 else ""  # noqa: PLR2004 - see proc(5), field 22


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""
