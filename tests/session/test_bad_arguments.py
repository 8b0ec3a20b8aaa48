"""What a trainer gets wrong after hours of training: each costs what it is about, and no more."""

from __future__ import annotations

import hashlib
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hubport
from tests.session.conftest import Stage


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The names of the values of which a warning speaks."""
    texts = (record.getMessage() for record in caplog.records)
    return [re.findall(r" name='([^']*)'", text)[0] for text in texts if text.startswith("value.invalid ")]


class Broken:
    """A value whose own code raises."""

    def __float__(self) -> float:
        raise OSError("the device is gone")

    __bool__ = __index__ = __fspath__ = __float__


@pytest.mark.parametrize(
    "bad", [[0.1, 0.2], {"a": 1}, np.array([1.0, 2.0]), object(), Broken()], ids=lambda v: type(v).__name__
)
def test_a_bad_value_costs_itself_and_one_warning(stage: Stage, caplog: pytest.LogCaptureFixture, bad: object) -> None:
    with stage.connect() as session:
        for epoch in range(3):
            session.log_metrics(epoch, {"train/loss": 0.5, "train/matrix": bad})
        stage.clock.advance(10)
        report = session.status()

    assert {epoch: {"train/loss": 0.5} for epoch in range(3)} == stage.hub.metrics(stage.model_id)
    assert report.is_complete
    assert {"invalid metric value": 3} == report.reasons
    assert ["train/matrix"] == warned(caplog)


@pytest.mark.parametrize(
    ("epoch", "values"),
    [
        (-1, {"a": 1.0}),
        (1.5, {"a": 1.0}),
        (None, {"a": 1.0}),
        ("first", {"a": 1.0}),
        (0, None),
        (0, [("a", 1.0)]),
        (0, {"a": []}),
    ],
)
def test_a_call_of_which_nothing_can_be_sent_is_counted_as_lost(stage: Stage, epoch: Any, values: Any) -> None:
    with stage.connect() as session:
        session.log_metrics(epoch, values)
        session.log_metrics(7, {"a": 7.0})
        stage.clock.advance(10)
        report = session.status()

    assert {7: {"a": 7.0}} == stage.hub.metrics(stage.model_id)
    assert (2, 1, 1) == (report.metrics.logged, report.metrics.delivered, report.metrics.lost)
    assert not report.is_complete


@pytest.mark.parametrize("epoch", [3.0, np.float32(3), np.array([3.0]), "3", "3.0"], ids=repr)
def test_a_whole_number_of_any_kind_is_an_epoch(stage: Stage, epoch: Any) -> None:
    with stage.connect() as session:
        session.log_metrics(epoch, {"a": 1.0})
        report = session.finish("best.pt", epoch=epoch, map=0.5)

    assert {3: {"a": 1.0}} == stage.hub.metrics(stage.model_id)
    assert "3" == (stage.hub.received("upload")[-1].fields or {})["epoch"]
    assert report.is_complete


@pytest.mark.parametrize("epoch", [None, -1, 1.5, "last", Broken()], ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("best_map", ["good", [0.5], Broken()], ids=lambda v: type(v).__name__)
def test_the_final_weights_go_out_whatever_is_said_of_them(
    stage: Stage, caplog: pytest.LogCaptureFixture, epoch: Any, best_map: Any
) -> None:
    session = stage.connect()
    session.log_metrics(5, {"a": 1.0})
    session.log_metrics(4, {"a": 1.0})
    report = session.finish("best.pt", epoch=epoch, map=best_map, timeout="soon")  # type: ignore[arg-type]

    assert report.final_delivered
    assert "5" == (stage.hub.received("upload")[-1].fields or {})["epoch"]
    assert ["timeout", "epoch", "map"] == warned(caplog)


def test_an_epoch_checkpoint_goes_out_whatever_is_said_of_it(stage: Stage) -> None:
    with stage.connect() as session:
        session.log_metrics(5, {"a": 1.0})
        session.upload_checkpoint("last.pt", epoch=None, is_best=np.array([True, False]))  # type: ignore[arg-type]
        assert session.flush(timeout=30)

    assert {"epoch": "5", "type": "epoch", "isBest": "False"} == stage.hub.received("upload")[-1].fields


@pytest.mark.parametrize("path", [None, 3.5, "last\0.pt", Broken()], ids=lambda v: type(v).__name__)
def test_a_checkpoint_without_a_path_is_counted_as_lost(stage: Stage, path: Any) -> None:
    with stage.connect() as session:
        session.upload_checkpoint(path, epoch=0)
        report = session.status()

    assert [] == stage.hub.received("upload")
    assert 1 == report.checkpoints.lost
    assert not report.is_complete


@pytest.mark.parametrize("path", [b"last.pt", Path("last.pt")], ids=repr)
def test_a_path_may_be_bytes_or_a_path(stage: Stage, path: Any) -> None:
    with stage.connect() as session:
        session.upload_checkpoint(path, epoch=0)
        assert session.flush(timeout=30)

    assert [hashlib.sha256(b"last").hexdigest()] == [c.sha256 for c in stage.hub.checkpoints(stage.model_id)]


def test_a_final_upload_without_a_usable_path_closes_the_session_and_is_counted(stage: Stage) -> None:
    report = stage.connect().finish(3.5, epoch=0)  # type: ignore[arg-type]

    assert (1, False) == (report.checkpoints.lost, report.is_complete)
    assert "new" == stage.hub.model(stage.model_id).status


def test_new_bad_names_in_each_epoch_do_not_fill_the_log(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with stage.connect() as session:
        for epoch in range(100):
            session.log_metrics(epoch, {f"matrix {epoch}": [], "a": 1.0})
        report = session.status()

    assert 20 == len(warned(caplog))
    assert {"invalid metric value": 100} == report.reasons


@pytest.mark.parametrize("timeout", ["soon", math.nan, []], ids=repr)
def test_a_timeout_that_is_no_number_is_the_usual_one(stage: Stage, timeout: Any) -> None:
    session = stage.connect()
    session.log_metrics(0, {"a": 1.0})

    assert session.flush(timeout=timeout)
    assert session.close(timeout=timeout).is_complete


def test_in_strict_mode_each_is_an_error_before_anything_is_sent(stage: Stage) -> None:
    session = stage.connect(strict=True)
    for call in (
        lambda: session.log_metrics(0, {"a": []}),
        lambda: session.log_queue({0: None}),
        lambda: session.upload_checkpoint("last.pt", epoch=1.5),  # type: ignore[arg-type]
        lambda: session.upload_checkpoint(None, epoch=1),  # type: ignore[arg-type]
        lambda: session.finish("best.pt", epoch=-1),
        lambda: session.finish("best.pt", epoch=0, map="good"),  # type: ignore[arg-type]
        lambda: session.finish("best.pt", epoch=0, timeout="soon"),  # type: ignore[arg-type]
    ):
        with pytest.raises(hubport.InvalidMetrics):
            call()

    assert session.is_running
    assert [] == stage.hub.received("upload")
    assert session.status().is_complete


# The drop-in


def test_the_queue_of_the_drop_in_takes_mappings_beside_text(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """The old class posted whatever was in it, from a thread: nothing reached the trainer."""
    session = stage.drop_in()
    session.metrics_queue = {
        0: {"train/loss": 1.0, "matrix": [1, 2]},
        1: None,
        2: 0.5,
        "3.0": '{"train/loss": 3.0}',
        "no epoch": "{}",
    }
    session.upload_metrics()
    stage.clock.advance(10)
    session.alive = False

    assert {0: {"train/loss": 1.0}, 3: {"train/loss": 3.0}} == stage.hub.metrics(stage.model_id)
    assert 3 == session._session.status().metrics.lost
    assert ["matrix", "metrics", "epoch"] == warned(caplog)


@pytest.mark.parametrize("queue", [["{}"], "text", 5], ids=repr)
def test_a_queue_that_is_no_mapping_is_said(stage: Stage, caplog: pytest.LogCaptureFixture, queue: Any) -> None:
    session = stage.drop_in()
    session.metrics_queue = queue
    session.upload_metrics()
    session.alive = False

    assert ["metrics_queue"] == warned(caplog)


def test_the_final_upload_of_the_drop_in_takes_what_it_gets(stage: Stage) -> None:
    session = stage.drop_in()
    session.metrics_queue = {0: "{}", 1: "{}"}
    session.upload_model(None, "best.pt", map=None, final=True)  # type: ignore[arg-type]
    session.alive = False

    assert "trained" == stage.hub.model(stage.model_id).status
    assert "1" == (stage.hub.received("upload")[-1].fields or {})["epoch"]
