from __future__ import annotations

import contextlib
import io
import math
import os
import sys
import threading
from pathlib import Path
from typing import TextIO

import pytest
import tqdm.auto

from hubport.app.delivery.upload_progress import (
    NOT_DRAWN,
    CountedReader,
    GuardedProgress,
    Meter,
    NoProgress,
    ProgressView,
    TqdmProgress,
    progress,
)
from hubport.testing.contracts.waiting import HUNG_AFTER


class PickyMeter(Meter):
    def __init__(self) -> None:
        self.seen: list[int] = []

    def advance(self, number: int) -> None:
        self.seen.append(number)
        super().advance(number)


def test_a_reader_tells_each_piece_and_asks_for_the_time_first() -> None:
    meter, asked = PickyMeter(), []
    meter.begin(10)
    with CountedReader(io.BytesIO(b"0123456789"), meter, lambda: asked.append(1)) as reader:
        assert [b"0123", b"4567", b"89", b""] == [reader.read(4) for _ in range(4)]
    assert ([4, 4, 2, 0], 4) == (meter.seen, len(asked))
    assert (10, 10) == (meter.sent, meter.total)
    meter.begin(5)
    assert (0, 5) == (meter.sent, meter.total)


def test_a_reader_without_time_reads_nothing() -> None:
    def over() -> None:
        raise TimeoutError

    meter = PickyMeter()
    with pytest.raises(TimeoutError):
        CountedReader(io.BytesIO(b"0123"), meter, over).read(4)
    assert [] == meter.seen


@pytest.mark.parametrize(
    ("wanted", "notebook", "kind"),
    [
        (True, False, GuardedProgress),
        (False, True, NoProgress),
        (None, False, NoProgress),
        (None, True, GuardedProgress),
    ],
)
def test_who_sees_a_bar(wanted: bool | None, notebook: bool, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    if notebook:
        monkeypatch.setitem(sys.modules, "ipykernel", sys)
    assert kind is type(progress("title", wanted=wanted))


def test_no_stderr_at_all_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert NoProgress is type(progress("title", wanted=None))


def test_a_bar_that_never_began_ends_quietly() -> None:
    bar = TqdmProgress("title")
    bar.hide()
    bar.end()
    bar.abandon()


def test_a_bar_shows_each_attempt_from_its_start_and_its_clock_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    meter = Meter()
    view = ProgressView(meter, progress("Uploading", wanted=True))
    view.look(0.0)
    assert "" == terminal.getvalue()  # nothing has begun
    meter.begin(2048)
    drawn = []
    for now, sent in ((0.5, 1024), (1.0, 0), (1.5, 0)):
        meter.advance(sent)
        if now == 1.0:
            meter.begin(4096)
        before = len(terminal.getvalue())
        view.look(now)
        drawn.append(terminal.getvalue()[before:])
        assert now + 0.5 == view.due
    assert ["1.00k/2.00k", "0.00/4.00k", "0.00/4.00k"] == [
        [word for word in text.split() if "/" in word and "k" in word][-1] for text in drawn
    ]


def test_nobody_looks_where_nothing_is_shown() -> None:
    assert math.inf == ProgressView(Meter(), NoProgress()).due


class Raising:
    """A tqdm whose methods raise from the one named on."""

    n = 0
    total: int | None = None
    fault = ""

    def __init__(self, *, total: int, **_: object) -> None:
        self.total = total
        self._do("__init__")

    def _do(self, what: str) -> None:
        if what == self.fault:
            raise ImportError("IProgress not found")

    def update(self, number: int) -> None:
        self._do("update")
        self.n += number

    def reset(self, total: int) -> None:
        self._do("reset")
        self.n, self.total = 0, total

    def refresh(self) -> None:
        self._do("refresh")

    def clear(self) -> None:
        self._do("clear")

    def close(self) -> None:
        self._do("close")

    @classmethod
    def set_lock(cls, lock: object) -> None:
        pass


@pytest.mark.parametrize("fault", ["__init__", "update", "reset", "refresh", "clear", "close"])
def test_whatever_a_bar_raises_costs_nobody_anything_and_is_counted_once(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tqdm.auto.tqdm", type("Faulty", (Raising,), {"fault": fault}))
    faults: list[str] = []
    bar = progress("title", wanted=True, on_fault=faults.append)
    bar.show(1, 10)
    bar.hide()
    bar.show(0, 10)
    bar.end()
    bar.show(2, 10)
    bar.end()
    assert [NOT_DRAWN] == faults


@pytest.mark.parametrize("stream", ["none", "closed", "full", "pipe"])
def test_a_bar_whose_stream_takes_nothing_is_counted_once_and_leaves_no_complaint(
    stream: str, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(sys, "stderr", broken(stream))
    faults: list[str] = []
    bar = progress("title", wanted=True, on_fault=faults.append)
    bar.show(1, 10)
    bar.show(5, 10)
    bar.end()
    assert [NOT_DRAWN] == faults
    assert [] == recwarn.list
    close_stderr()


def close_stderr() -> None:
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.close()


@pytest.mark.parametrize("stream", ["closed", "full", "pipe"])
@pytest.mark.parametrize("first", ["show", "hide"])
def test_a_bar_that_cannot_be_drawn_leaves_nobody_locked(
    stream: str, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal if first == "hide" else broken(stream))
    bar = progress("title", wanted=True)
    bar.show(1, 10)
    if first == "hide":
        terminal.close()
        bar.hide()
    others = io.StringIO()

    def draw() -> None:
        with tqdm.auto.tqdm(total=2, file=others) as theirs:
            theirs.update(2)
        bar.hide()

    thread = threading.Thread(target=draw, daemon=True)
    thread.start()
    thread.join(HUNG_AFTER)
    assert not thread.is_alive(), "a bar of the program's own hangs"
    assert "2/2" in others.getvalue()
    bar.end()
    close_stderr()


def test_a_drawing_that_takes_long_holds_up_no_other_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-S on a terminal: a write to it ends when somebody types Ctrl-Q."""
    began, may_go_on = threading.Event(), threading.Event()

    class Stopped(io.StringIO):
        def write(self, text: str) -> int:
            began.set()
            assert may_go_on.wait(HUNG_AFTER)
            return super().write(text)

    monkeypatch.setattr(sys, "stderr", terminal := Stopped())
    bar = progress("title", wanted=True)
    drawing = threading.Thread(target=bar.show, args=(1, 10), daemon=True)
    drawing.start()
    assert began.wait(HUNG_AFTER)
    sending = threading.Thread(target=bar.hide, daemon=True)
    sending.start()
    sending.join(HUNG_AFTER / 2)
    was_held_up = sending.is_alive()
    may_go_on.set()
    drawing.join(HUNG_AFTER)
    assert not was_held_up
    assert "1.00/10.0" in terminal.getvalue()


def broken(stream: str) -> TextIO | None:
    if stream == "none":
        return None
    if stream == "pipe":
        reading, writing = os.pipe()
        os.close(reading)
        return os.fdopen(writing, "w", buffering=1)
    file = Path("/dev/full" if stream == "full" else os.devnull).open("w", buffering=1)  # noqa: SIM115
    if stream == "closed":
        file.close()
    return file


def test_a_closed_stderr_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", broken("closed"))
    assert NoProgress is type(progress("title", wanted=None))


def test_an_interrupt_while_a_bar_is_drawn_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(Raising):
        def refresh(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr("tqdm.auto.tqdm", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        progress("title", wanted=True).show(1, 2)
