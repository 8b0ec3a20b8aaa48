"""Processes of a test's own: Python code that runs in another interpreter and talks by lines.

The one rule: nothing waits for a time. A child says a line when it is ready, and goes on when it is told a line.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from types import TracebackType

#: Real seconds after which a child counts as hung.
HUNG_AFTER = 60.0


class Child:
    """Runs *code* with *arguments* in its ``sys.argv``. Use it as a context manager, which kills what is left of it."""

    def __init__(self, code: str, *arguments: object, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    def line(self) -> str:
        """The next line that it says, waited for."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def tell(self, line: str = "") -> None:
        """Let it go on."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait(HUNG_AFTER)

    def end(self) -> tuple[int, str, str]:
        """Its exit status, what else it has said, and what it has complained of."""
        out, err = self.process.communicate(timeout=HUNG_AFTER)
        return self.process.returncode, out, err

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate(timeout=HUNG_AFTER)


def output(code: str, *arguments: object, **environment: str) -> str:
    """What *code* says; it must end well and complain of nothing."""
    with Child(code, *arguments, **environment) as child:
        status, out, err = child.end()
    assert (0, "") == (status, err)
    return out
