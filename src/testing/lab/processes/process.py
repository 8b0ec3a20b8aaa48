"""Processes whose number stays theirs until somebody buries them.

The one rule: nobody is waited for in the sense of the kernel before the burial. A process that has ended keeps its
number, and the number of its group, until its parent takes note of its end; from then on the number may be anybody's,
and a signal to it would meet a stranger.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol


class Process(Protocol):
    """What started, and how to learn of its end. It leads a process group of its own."""

    @property
    def pid(self) -> int:
        """Its number, which is also that of its group. It is nobody else's before :meth:`reap`."""
        ...

    @property
    def is_ours(self) -> bool:
        """Whether somebody still keeps its number for it."""
        ...

    def wait(self) -> int:
        """Wait for its end; the exit status, or minus the number of the signal that ended it."""
        ...

    def reap(self) -> None:
        """Wait for its end, and give its number back."""
        ...


def ended(pid: int, *, wait: bool) -> int | None:
    """How the child *pid* ended, as above; it stays a zombie. ``None`` when it lives and is not to be waited for."""
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | (0 if wait else os.WNOHANG))
    if found is None:
        return None
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status


class Started(Process):
    """Runs *command* with *env*; its standard error goes to the file *errors*."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], errors: Path) -> None:
        with errors.open("wb") as stderr:
            self._process = subprocess.Popen(
                command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.stdin, self.stdout = self._process.stdin, self._process.stdout
        self._status: int | None = None

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def is_ours(self) -> bool:
        """We are its parent."""
        return True

    def wait(self) -> int:
        """Look at its end, and leave it a zombie."""
        if self._status is None:
            self._status = ended(self.pid, wait=True)
        assert self._status is not None
        return self._status

    def reap(self) -> None:
        """Take note of its end."""
        self.wait()
        self._process.wait()
