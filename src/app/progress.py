"""How far an upload is.

The one rule: what is counted is what was read to be sent, not the bytes of the answer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, BinaryIO, Protocol


class Progress(Protocol):
    """Somebody who wants to know."""

    def begin(self, total: int) -> None:
        """An attempt to send *total* bytes begins, from the first byte."""
        ...

    def advance(self, number: int) -> None:
        """*number* more bytes are on their way."""
        ...

    def end(self) -> None:
        """No more attempts."""
        ...


class Silence(Progress):
    """Nobody does."""

    def begin(self, total: int) -> None:
        """Say nothing."""

    def advance(self, number: int) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""


class Bar(Progress):
    """tqdm's bar: a widget in a notebook, a line on a terminal."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._bar: Any = None

    def begin(self, total: int) -> None:
        """Draw the bar, or begin again at its start."""
        if self._bar is not None:
            self._bar.reset(total)
            return
        from tqdm.auto import tqdm  # noqa: PLC0415 - only who sees a bar pays for the import

        self._bar = tqdm(total=total, desc=self._title, unit="B", unit_scale=True, unit_divisor=1024, leave=True)

    def advance(self, number: int) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(number)

    def end(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()


def progress(title: str, *, wanted: bool | None) -> Progress:
    """A bar when it is *wanted*, or, for ``None``, when somebody can see it."""
    if wanted is None:
        in_notebook = "ipykernel" in sys.modules
        wanted = in_notebook or (sys.stderr is not None and sys.stderr.isatty())
    return Bar(title) if wanted else Silence()


class CountedReader:
    """A reader that tells how much was read, and looks at the time before each piece."""

    def __init__(self, reader: BinaryIO, progress: Progress, check_time: Callable[[], None]) -> None:
        self._reader = reader
        self._progress = progress
        self._check_time = check_time

    def read(self, size: int = -1) -> bytes:
        """At most *size* bytes."""
        self._check_time()
        data = self._reader.read(size)
        self._progress.advance(len(data))
        return data

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def __enter__(self) -> CountedReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
