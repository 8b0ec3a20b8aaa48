"""Standard output and standard error of a command, which may be closed, full, or a pipe that nobody reads.

The one rule: a command does its work whatever becomes of what it writes, and what was lost is said, and shows in the
exit status.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import attrs


class GuardedStream(io.TextIOBase):
    """Stands in front of *stream*, ``None`` for one that is closed, and raises nothing that writing to it raises.

    ``is_lossy`` tells whether something was lost. The first loss is said on *errors*; but not where a reader, such as
    ``head``, has read enough.
    """

    def __init__(self, stream: TextIO | None, name: str, errors: GuardedStream | None = None) -> None:
        super().__init__()
        self.is_lossy = False
        self._stream = stream
        self._name = name
        self._errors = errors

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def writable(self) -> bool:
        """Always: see the class."""
        return True

    def isatty(self) -> bool:
        """Whether a person looks on."""
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:  # it is closed
            return False

    def fileno(self) -> int:
        """Its number, where it has one."""
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write *text*, or lose it."""
        self._try(lambda stream: stream.write(text))
        return len(text)

    def write_bytes(self, data: bytes) -> None:
        """Write *data* as it is, without the translation of line ends."""

        def write(stream: TextIO) -> None:
            stream.flush()
            stream.buffer.write(data)

        self._try(write)

    def flush(self) -> None:
        """Write what is buffered, or lose it."""
        if self._stream is not None:
            self._try(lambda stream: stream.flush())

    def _try(self, action: Callable[[TextIO], object]) -> None:
        if self.is_lossy:
            return
        if self._stream is None:
            self._lose("it is closed")
            return
        try:
            action(self._stream)
        except BrokenPipeError:
            self._lose(None)
        except (OSError, ValueError) as exc:  # a ValueError: it was closed by the program that calls us
            self._lose(exc.strerror if isinstance(exc, OSError) and exc.strerror else "it is closed")

    def _lose(self, why: str | None) -> None:
        self.is_lossy = True
        self._discard()
        if self._errors is not None and why is not None:
            self._errors.write(f"hubport: {self._name} cannot be written ({why}): what was to be shown is lost\n")
            self._errors.flush()

    def _discard(self) -> None:
        """Send what is still buffered nowhere, or the interpreter would complain of it at its end."""
        with contextlib.suppress(OSError, ValueError):
            number = self.fileno()
            null = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(null, number)
            finally:
                os.close(null)


def write_bytes(data: bytes) -> None:
    """Write *data* to the standard output as it is."""
    if isinstance(sys.stdout, GuardedStream):
        sys.stdout.write_bytes(data)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)


@attrs.frozen
class StandardStreams:
    """Both of them."""

    output: GuardedStream
    errors: GuardedStream


@contextlib.contextmanager
def standard_streams() -> Iterator[StandardStreams]:
    """Guard ``sys.stdout`` and ``sys.stderr`` until the end of the block; a ``sys.stdin`` that is closed is empty."""
    _occupy_closed_descriptors()
    before = sys.stdout, sys.stderr, sys.stdin
    for stream in before[:2]:
        # A name that a terminal cannot show is no reason to fail; neither is a stream that cannot be told so.
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError, ValueError):
                stream.reconfigure(errors="backslashreplace")
    errors = GuardedStream(sys.stderr, "standard error")
    streams = StandardStreams(GuardedStream(sys.stdout, "standard output", errors), errors)
    with Path(os.devnull).open(encoding="utf-8") as empty:
        sys.stdout, sys.stderr = streams.output, streams.errors
        if sys.stdin is None:
            sys.stdin = empty
        try:
            yield streams
        finally:
            sys.stdout, sys.stderr, sys.stdin = before


def _occupy_closed_descriptors() -> None:
    """A database or a socket that got the number 0, 1 or 2 would be written to as if it were a terminal."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
