"""Ctrl-C in a notebook, in any line of a call: what is written goes out, and what is not is not counted in the end."""

from __future__ import annotations

import json
import linecache
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest

from hubport.domain.client.journal import lines
from tests.session.conftest import Stage


def interrupted(call: Callable[[], object], at: int) -> bool:
    """Run *call*, with an interrupt before the line of the package that is its number *at*; whether there was one."""
    count = 0
    latest: dict[FrameType, int] = {}

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        name = frame.f_code.co_filename.replace("\\", "/")
        if "/hubport/" not in name or "/testing/fakes/" in name or name.endswith("condition.py"):
            return None  # steps of a clock, a disk or a wait that a signal cannot part
        if event == "line":
            # To a tracer the end of a `with` is a line of its own, the `with` once more or the one before it. A signal
            # cannot come there, and would keep the lock.
            is_new = latest.get(frame) != frame.f_lineno
            latest[frame] = frame.f_lineno
            if is_new and not linecache.getline(name, frame.f_lineno).lstrip().startswith("with "):
                count += 1
                if count >= at and not is_finalizer(frame):
                    raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def is_finalizer(frame: FrameType | None) -> bool:
    """Whether the garbage collector has come in between: Python ignores an interrupt there."""
    while frame is not None:
        if frame.f_code.co_filename.endswith("weakref.py"):
            return True
        frame = frame.f_back
    return False


def written(stage: Stage) -> dict[int, dict[str, float]]:
    """Each epoch that is in the journal."""
    records = [line.record for line in lines(bytes(stage.outbox.spools[-1].journal), 0) if line.record]
    return {record[1]: record[2] for record in records if record[0] == "m"}


def everywhere(call: Callable[[int], object], then: Callable[[], None]) -> int:
    """Interrupt ``call(n)`` in its n-th line, for every n until it comes through; and see to it after each."""
    for number in range(1, 1000):
        was_interrupted = interrupted(partial(call, number), number)
        then()
        if not was_interrupted:
            return number
    raise AssertionError("it never comes through")


def test_what_was_written_goes_out_wherever_log_metrics_was_interrupted(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(1)

    def check() -> None:
        stage.clock.advance(3.1)
        assert written(stage) == stage.hub.metrics(stage.model_id)
        assert session.is_idle

    number = everywhere(lambda number: session.log_metrics(number, {"a": 1.0}), check)

    assert number > 20
    assert 1 < len(written(stage)) < number
    report = session.close()
    assert report.is_complete, str(report)
    assert len(stage.hub.metrics(stage.model_id)) == report.metrics.delivered == report.metrics.logged


def test_of_several_epochs_those_go_out_that_were_written(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(1)

    def log(number: int) -> None:
        session.log_queue({3 * number + n: json.dumps({"n": n}) for n in range(3)})

    def check() -> None:
        stage.clock.advance(3.1)
        assert set(written(stage)) == set(stage.hub.metrics(stage.model_id))

    everywhere(log, check)

    report = session.close()
    assert report.is_complete, str(report)
    assert len(stage.hub.metrics(stage.model_id)) == report.metrics.delivered == report.metrics.logged


@pytest.mark.parametrize("kind", ["epoch", "final"])
def test_a_checkpoint_is_sent_or_left_for_the_next_run_or_was_never_taken(stage: Stage, kind: str) -> None:
    """Wherever it was interrupted: no snapshot lies there that nobody will send, and none is lost."""
    was_interrupted, at = True, 0
    while was_interrupted:
        at += 1
        session = stage.connect()
        stage.clock.advance(1)
        call: Callable[[], object] = partial(session.upload_checkpoint, "last.pt", epoch=at)
        if kind == "final":
            call = partial(session.send_final, "best.pt", epoch=at, map=0.5, deadline=0)
        was_interrupted = interrupted(call, at)
        report = session.close()
        stage.clock.settle()
        snapshots = [path for path in stage.disk.files if "outbox" in path]
        assert [report.checkpoints.waiting] * 2 == [len(snapshots), len(stage.outbox.spools)]
        assert 0 == report.checkpoints.lost
        if snapshots:
            assert not report.is_complete
            stage.outbox.crash()
            send_the_rest(stage, kind)
        if stage.hub.model(stage.model_id).status == "trained":
            stage.model_id = stage.hub.create_model(epochs=3).id
    assert at > 20


def send_the_rest(stage: Stage, kind: str) -> None:
    session = stage.connect()
    assert session.flush(timeout=10)
    assert session.close().is_complete
    assert (kind == "final") == (stage.hub.model(stage.model_id).status == "trained")
    assert [] == stage.outbox.spools
