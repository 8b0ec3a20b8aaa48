"""How far an upload is.

The one rule: what is counted is what was read to be sent, not the bytes of the answer.
"""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, BinaryIO, ClassVar, Protocol, TextIO

#: What a report counts a bar by that could not be drawn.
NOT_DRAWN = "progress bar not drawn"
#: Seconds from one look to the next, also while nothing moves: a clock that stands still looks like a hang.
_LOOK_EVERY = 0.5
#: Seconds that a drawing of another thread is waited for.
_PATIENCE = 0.5


class Meter:
    """How much of an upload was read to be sent. A worker writes it, and whoever waits reads it: two plain numbers."""

    total: int | None = None
    sent: int = 0

    def begin(self, total: int) -> None:
        """An attempt to send *total* bytes begins, from the first byte."""
        self.sent, self.total = 0, total

    def advance(self, number: int) -> None:
        """*number* more bytes are on their way."""
        self.sent += number


class UploadProgress(Protocol):
    """Shows how far an upload is. Drawing may take long: the thread that waits calls this, and none that sends.

    But for :meth:`hide`, which any thread calls that logs.
    """

    def show(self, sent: int, total: int) -> None:
        """So many bytes of so many, as of now."""
        ...

    def hide(self) -> None:
        """Something else is about to be written where this is shown."""
        ...

    def end(self) -> None:
        """No more attempts."""
        ...


class NoProgress(UploadProgress):
    """Shows nothing."""

    def show(self, sent: int, total: int) -> None:
        """Show nothing."""

    def hide(self) -> None:
        """Nothing to hide."""

    def end(self) -> None:
        """Nothing to end."""


class TqdmProgress(UploadProgress):
    """tqdm's bar: a widget in a notebook, a line on a terminal. Raises whatever tqdm and its stream raise."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._bar: Any = None

    def show(self, sent: int, total: int) -> None:
        """Draw the bar, with the time that has passed."""
        if self._bar is None:
            self._bar = _tqdm()(total=total, desc=self._title, unit="B", unit_scale=True, unit_divisor=1024, leave=True)
        elif sent < self._bar.n or total != self._bar.total:  # another attempt, from its first byte
            self._bar.reset(total)
        self._bar.update(sent - self._bar.n)
        self._bar.refresh()

    def hide(self) -> None:
        """Take the bar off its line."""
        if self._bar is not None:
            self._bar.clear()

    def end(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()

    def abandon(self) -> None:
        """Draw nothing more, also when the bar is collected as garbage."""
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.disable = True


def _tqdm() -> Any:
    from tqdm.auto import tqdm  # noqa: PLC0415 - only who sees a bar pays for the import

    class UploadBar(tqdm):  # type: ignore[misc,type-arg,unused-ignore]
        """Alone: it shares no lock, no list and no thread with other bars of the program.

        A method of tqdm's that raises while it draws keeps the lock of all bars for ever, and so does a forked child
        that is killed meanwhile. tqdm's thread redraws bars, and would raise where nobody catches it.
        """

        monitor_interval = 0
        disable = True  # until its construction is through: a bar that never was has nothing to close
        _instances: ClassVar[weakref.WeakSet[Any]] = weakref.WeakSet()

        def __del__(self) -> None:
            """Draw nothing: the garbage collector comes in any thread, also in a forked child."""

    UploadBar.set_lock(threading.RLock())
    return UploadBar


class GuardedProgress(UploadProgress):
    """A bar that costs nobody anything: with the first thing that it raises it is gone, and *on_fault* is told.

    One thread draws at a time. Another one that comes meanwhile goes on without, after :data:`_PATIENCE`.
    """

    def __init__(self, bar: TqdmProgress, on_fault: Callable[[str], object]) -> None:
        self._bar = bar
        self._on_fault = on_fault
        self._is_gone = False
        # Reentrant: a signal's handler logs, in the middle of a drawing of the same thread.
        self._drawing = threading.RLock()

    def show(self, sent: int, total: int) -> None:
        """Draw the bar."""
        self._try(lambda: self._bar.show(sent, total))

    def hide(self) -> None:
        """Take the bar off its line."""
        self._try(self._bar.hide)

    def end(self) -> None:
        """Leave the bar as it is."""
        self._try(self._bar.end)

    def _try(self, action: Callable[[], None]) -> None:
        if not self._drawing.acquire(timeout=_PATIENCE):
            return  # a terminal that was stopped with Ctrl-S, say
        try:
            if not self._is_gone:
                action()
        except Exception:  # noqa: BLE001 - a closed or full stream, a broken pipe, a widget of another version
            self._is_gone = True
            self._on_fault(NOT_DRAWN)
            with contextlib.suppress(Exception):
                self._bar.abandon()
        finally:
            self._drawing.release()


def progress(title: str, *, wanted: bool | None, on_fault: Callable[[str], object] = lambda _: None) -> UploadProgress:
    """A bar, which never raises, when it is *wanted*, or, for ``None``, when somebody can see it."""
    if wanted is None:
        wanted = "ipykernel" in sys.modules or _is_terminal(sys.stderr)
    return GuardedProgress(TqdmProgress(title), on_fault) if wanted else NoProgress()


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except Exception:  # noqa: BLE001 - it is closed, or an object of the program's
        return False


class ProgressView:
    """Shows a :class:`Meter` on a :class:`UploadProgress` while somebody waits: an onlooker of `Condition`."""

    def __init__(self, meter: Meter, progress: UploadProgress) -> None:
        self._meter = meter
        self._progress = progress
        self.due = math.inf if isinstance(progress, NoProgress) else -math.inf

    def look(self, now: float) -> None:
        """Show it as it is, and once more in a moment."""
        if self._meter.total is not None:
            self._progress.show(self._meter.sent, self._meter.total)
        self.due = now + _LOOK_EVERY


class CountedReader:
    """A reader that tells how much was read, and looks at the time before each piece."""

    def __init__(self, reader: BinaryIO, meter: Meter, check_time: Callable[[], None]) -> None:
        self._reader = reader
        self._meter = meter
        self._check_time = check_time

    def read(self, size: int = -1) -> bytes:
        """At most *size* bytes."""
        self._check_time()
        data = self._reader.read(size)
        self._meter.advance(len(data))
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
