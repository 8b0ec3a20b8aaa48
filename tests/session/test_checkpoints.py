from __future__ import annotations

import hashlib
import io
import sys
import zipfile

import pytest

import hubport
from hubport.domain.checkpoint import Checkpoint, CheckpointKind
from hubport.domain.client.journal import checkpoint_line, run_line
from hubport.testing import FakeFilesystem
from tests.session.conftest import Stage


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_at_most_one_in_900_seconds_and_the_newest_wins(stage: Stage) -> None:
    with stage.connect() as session:
        for epoch in range(60):
            stage.disk.files["last.pt"] = f"epoch {epoch}".encode()
            session.upload_checkpoint("last.pt", epoch=epoch)
            stage.clock.advance(60)
        assert [0.0, 900.0, 1800.0, 2700.0, 3600.0] == stage.times("upload")
        assert [sha(f"epoch {epoch}".encode()) for epoch in (0, 14, 29, 44, 59)] == [
            checkpoint.sha256 for checkpoint in stage.hub.checkpoints(stage.model_id)
        ]
        report = session.status()
    assert (60, 5, 55, 0) == (
        report.checkpoints.logged,
        report.checkpoints.delivered,
        report.checkpoints.superseded,
        report.checkpoints.waiting,
    )
    assert {"last.pt", "best.pt"} == set(stage.disk.files)


def test_the_fields_of_both_kinds(stage: Stage) -> None:
    with stage.connect() as session:
        session.upload_checkpoint("last.pt", epoch=1, is_best=True)
        session.flush(timeout=10)
        session.finish("best.pt", epoch=2, map=0.42)
    first, final = stage.hub.received("upload")
    assert {"epoch": "1", "type": "epoch", "isBest": "True"} == first.fields
    assert ("last.pt", 4, sha(b"last")) == first.file
    assert {"epoch": "2", "type": "final", "map": "0.42"} == final.fields
    assert ("best.pt", 4, sha(b"best")) == final.file


def test_what_is_sent_is_the_file_as_it_was(stage: Stage) -> None:
    with stage.connect() as session:
        stage.hub.down(seconds=60)
        session.upload_checkpoint("last.pt", epoch=0)
        stage.disk.files["last.pt"] = b"half written"
        stage.clock.advance(200)
        assert [sha(b"last")] == [c.sha256 for c in stage.hub.checkpoints(stage.model_id)]


def test_a_missing_file_is_a_warning_and_no_request(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with stage.connect() as session:
        session.upload_checkpoint("nowhere.pt", epoch=0)
        stage.clock.advance(10)
    assert [] == stage.hub.received("upload")
    assert "checkpoint.missing" in caplog.text


@pytest.mark.parametrize("file", ["empty.pt", "folder"])
def test_what_is_no_checkpoint_is_a_warning_and_counts(
    stage: Stage, caplog: pytest.LogCaptureFixture, file: str
) -> None:
    """Somebody meant it: no report looks complete."""
    stage.disk.files |= {"empty.pt": b"", "folder/last.pt": b"last"}
    with stage.connect() as session:
        session.upload_checkpoint("last.pt", epoch=8)
        session.flush(timeout=60)
        session.upload_checkpoint(file, epoch=9)
        session.flush(timeout=60)
        report = session.status()
    assert [8] == [c.epoch for c in stage.hub.checkpoints(stage.model_id)]
    assert 1 == len(stage.hub.received("upload"))
    assert (2, 1, 1) == (report.checkpoints.logged, report.checkpoints.delivered, report.checkpoints.lost)
    assert not report.is_complete
    assert "checkpoint.unusable" in caplog.text
    assert ("it is empty (0 bytes)" if file == "empty.pt" else "it is a directory") in caplog.text


@pytest.mark.parametrize("content", [b"", None])
def test_the_final_one_is_never_an_empty_file(stage: Stage, content: bytes | None) -> None:
    """And without a good ``last.pt`` beside it there is none."""
    stage.disk.files = {"best.pt": b""} | ({} if content is None else {"last.pt": content})
    with stage.connect() as session:
        report = session.finish("best.pt", epoch=2, map=0.1)
    assert [] == stage.hub.received("upload")
    assert (1, False, False) == (report.checkpoints.lost, report.is_complete, report.final_delivered)
    assert "new" == stage.hub.model(stage.model_id).status


def test_last_goes_where_best_is_empty(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.disk.files = {"best.pt": b"", "last.pt": b"last"}
    with stage.connect() as session:
        report = session.finish("best.pt", epoch=2, map=0.1)
    (final,) = stage.hub.received("upload")
    assert ("best.pt", 4, sha(b"last")) == final.file
    assert (True, True) == (report.is_complete, report.final_delivered)
    assert "it is empty (0 bytes)" in caplog.text


@pytest.mark.parametrize("end", ["upload", "finish"])
def test_a_file_that_is_emptied_while_it_is_copied_is_no_checkpoint(stage: Stage, end: str) -> None:
    class Emptied(FakeFilesystem):
        def snapshot(self, source: str, target: str) -> int:
            self.files[source] = b""
            return super().snapshot(source, target)

    stage.disk = Emptied({"best.pt": b"best"})
    with stage.connect() as session:
        if end == "upload":
            session.upload_checkpoint("best.pt", epoch=1)
        else:
            session.finish("best.pt", epoch=1, map=0.5)
        report = session.status()
    assert [] == stage.hub.received("upload")
    assert (1, 1, False) == (report.checkpoints.logged, report.checkpoints.lost, report.is_complete)
    assert ["best.pt"] == list(stage.disk.files)


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_zip_without_an_end_is_sent_with_a_warning(
    stage: Stage,
    caplog: pytest.LogCaptureFixture,
    is_whole: bool,  # noqa: FBT001
) -> None:
    """What ``torch.save`` leaves of a file when the disk is full, or the process is killed."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("data.pkl", b"weights" * 20_000)
        archive.comment = b"a comment" * 7000
    whole = written.getvalue()
    stage.disk.files["last.pt"] = whole if is_whole else whole[:100_000]
    with stage.connect() as session:
        session.upload_checkpoint("last.pt", epoch=1)
        assert session.flush(timeout=60)
    assert 1 == len(stage.hub.checkpoints(stage.model_id))
    assert is_whole is ("checkpoint.cut" not in caplog.text)


def test_an_empty_checkpoint_that_an_earlier_version_left_is_not_sent(stage: Stage) -> None:
    """And makes no older one needless."""
    spool = stage.outbox.open(stage.model_id)
    spool.append(run_line({"model": stage.model_id}))
    for number, content in ((1, b"good"), (2, b"")):
        path = f"{spool.folder}/{number}-last.pt"
        stage.disk.files[path] = content
        spool.append(checkpoint_line(Checkpoint(number, number, CheckpointKind.EPOCH, path, len(content))))
    spool.release(keep=True)
    with stage.connect() as session:
        session.flush(timeout=3600)
    assert [(1, 4)] == [(c.epoch, c.size) for c in stage.hub.checkpoints(stage.model_id)]


def test_last_goes_where_best_is_missing(stage: Stage) -> None:
    stage.disk.files = {"runs/weights/last.pt": b"last"}
    with stage.connect() as session:
        report = session.finish("runs/weights/best.pt", epoch=2, map=0.1)
    (final,) = stage.hub.received("upload")
    assert ("best.pt", 4, sha(b"last")) == final.file
    assert report.final_delivered


def test_no_final_file_at_all_ends_without_one(stage: Stage) -> None:
    stage.disk.files = {}
    with stage.connect() as session:
        report = session.finish("runs/weights/best.pt", epoch=2, map=0.1)
    assert not report.final_delivered
    assert 1 == report.reasons["checkpoint file missing"]
    assert [] == stage.hub.received("upload")


def test_the_final_one_is_tried_until_its_deadline(stage: Stage) -> None:
    with stage.connect() as session:
        stage.hub.refuse(503, on="upload", seconds=600)
        report = session.finish("best.pt", epoch=2, map=0.1)
    assert report.final_delivered
    assert 600 <= stage.clock.now() <= 700
    assert "trained" == stage.hub.model(stage.model_id).status
    assert len(stage.hub.received("upload")) > 10


def test_metrics_arrive_before_the_final_one(stage: Stage) -> None:
    with stage.connect() as session:
        stage.clock.advance(1)
        session.log_metrics(0, {"a": 1.0})
        stage.clock.advance(0.5)
        session.log_metrics(1, {"a": 1.0})
        session.finish("best.pt", epoch=1, map=0.5)
    assert ["metrics", "metrics", "upload", "heartbeat"] == [e.kind for e in stage.hub.ledger[3:]]


def test_metrics_that_nobody_takes_do_not_hold_up_the_final_one(stage: Stage) -> None:
    session = stage.connect()
    stage.hub.refuse(500, on="metrics")
    session.log_metrics(0, {"a": 1.0})
    report = session.finish("best.pt", epoch=0, map=0.5, timeout=120)
    assert report.final_delivered
    assert stage.times("upload")[0] < 15
    assert 1 == report.metrics.waiting


def test_finish_ends_at_its_deadline_and_the_next_run_sends_the_rest(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.down()
    session.log_metrics(0, {"a": 1.0})
    report = session.finish("best.pt", epoch=0, map=0.5, timeout=60)
    assert 61.0 == stage.clock.now()
    assert (1, 1, False) == (report.metrics.waiting, report.checkpoints.waiting, report.is_complete)
    assert f"hubport.connect({stage.model_id!r})" in str(report)
    stage.clock.settle()
    stage.outbox.crash()
    stage.hub.heal()
    with stage.connect() as second:
        second.flush(timeout=10)
        assert second.status().is_complete
    assert "trained" == stage.hub.model(stage.model_id).status
    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)


def test_an_exception_sends_what_it_can_and_nothing_final(stage: Stage) -> None:
    session = stage.connect()
    session.upload_checkpoint("last.pt", epoch=0)
    stage.clock.advance(1)
    session.upload_checkpoint("last.pt", epoch=1)
    with pytest.raises(ZeroDivisionError), session:
        raise ZeroDivisionError
    assert ["epoch", "epoch"] == [(entry.fields or {})["type"] for entry in stage.hub.received("upload")]
    assert "training" == stage.hub.model(stage.model_id).status


def test_an_exception_is_held_up_by_nobody(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.slow(1e9)
    session.log_metrics(0, {"a": 1.0})
    with pytest.raises(ZeroDivisionError), session:
        raise ZeroDivisionError
    assert 3.0 == stage.clock.now()  # exit_within


def test_in_strict_mode_a_map_that_is_no_number_is_an_error_and_nothing_is_sent(stage: Stage) -> None:
    with stage.connect(strict=True) as session:
        with pytest.raises(TypeError, match="map"):
            session.finish("best.pt", epoch=0, map="good")  # type: ignore[arg-type]
        assert session.finish("best.pt", epoch=0, map=float("nan")).final_delivered
    assert {"epoch": "0", "type": "final", "map": "0.0"} == stage.hub.received("upload")[0].fields


def test_a_final_one_supersedes_and_is_never_superseded(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.down()
    session.upload_checkpoint("last.pt", epoch=0)
    assert not session.send_final("best.pt", epoch=1, map=0.5, deadline=stage.clock.now() + 20)
    session.upload_checkpoint("last.pt", epoch=2)
    stage.hub.heal()
    session.flush(timeout=100)
    assert ["final", "epoch"] == [(e.fields or {})["type"] for e in stage.hub.received("upload") if e.status]
    assert 1 == session.close().checkpoints.superseded
    assert "trained" == stage.hub.model(stage.model_id).status


def test_a_newer_one_takes_the_place_of_one_that_failed_under_way(stage: Stage) -> None:
    with stage.connect() as session:
        stage.hub.slow(5, on="upload", calls=1)
        stage.hub.down(on="upload", seconds=30)
        session.upload_checkpoint("last.pt", epoch=0)
        stage.clock.advance(2)
        session.upload_checkpoint("last.pt", epoch=1)
        stage.clock.advance(2)
        session.upload_checkpoint("last.pt", epoch=2)
        stage.clock.advance(1800)
        epochs = [checkpoint.epoch for checkpoint in stage.hub.checkpoints(stage.model_id)]
    assert 2 == epochs[-1]
    assert 1 not in epochs


def test_a_refused_one_is_put_aside_and_the_next_goes(stage: Stage) -> None:
    session = stage.connect()
    stage.hub.refuse(413, "too large", on="upload", calls=1)
    session.upload_checkpoint("last.pt", epoch=0)
    stage.clock.advance(901)
    session.upload_checkpoint("last.pt", epoch=1)
    report = session.close()
    assert (1, 1) == (report.checkpoints.refused, report.checkpoints.delivered)
    assert 3 == len(stage.disk.files)  # the refused snapshot is kept


def test_a_snapshot_that_is_gone_is_a_loss_and_no_crash(stage: Stage) -> None:
    session = stage.connect()
    stage.hub.down(seconds=60)
    session.upload_checkpoint("last.pt", epoch=0)
    stage.clock.advance(1)
    for path in set(stage.disk.files) - {"last.pt", "best.pt"}:
        stage.disk.remove(path)
    stage.clock.advance(100)
    assert 1 == session.close().checkpoints.lost


def test_a_lost_answer_is_sent_again(stage: Stage) -> None:
    with stage.connect() as session:
        stage.hub.lose_answers(on="upload", calls=1)
        report = session.finish("best.pt", epoch=1, map=0.3)
    assert report.is_complete
    assert "trained" == stage.hub.model(stage.model_id).status


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_the_bar_is_of_the_bytes_sent_and_only_where_somebody_looks(
    stage: Stage, stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", screen := stream())
    stage.disk.files["best.pt"] = bytes(3 << 20)
    settings = hubport.Settings(state_dir=stage.state_dir)
    with hubport.connect(stage.model_id, api_key=stage.hub.api_key, settings=settings, **stage.ports()) as session:
        stage.hub.down(on="upload", calls=1)  # the bar begins again for the second attempt
        session.finish("best.pt", epoch=1, map=0.3)
    shown = screen.getvalue()
    assert ("3.00M/3.00M" in shown) == (stream is Terminal), shown
    if stream is io.StringIO:
        assert "" == shown


def test_of_many_refused_ones_the_newest_is_kept(stage: Stage) -> None:
    session = stage.connect()
    stage.hub.refuse(413, on="upload")
    for epoch in range(5):
        stage.disk.files["last.pt"] = f"epoch {epoch}".encode()
        session.upload_checkpoint("last.pt", epoch=epoch)
        session.flush(timeout=10)
    kept = {path: content for path, content in stage.disk.files.items() if "outbox" in path}
    assert [b"epoch 4"] == list(kept.values())
    assert 5 == session.close().checkpoints.refused


def test_a_snapshot_that_is_gone_holds_up_nobody_behind_it(stage: Stage) -> None:
    for content in (b"first", b"second"):
        stage.disk.files["best.pt"] = content
        stage.hub.down(on="upload")
        session = stage.connect()
        session.send_final("best.pt", epoch=0, map=0.1, deadline=stage.clock.now())
        stage.crash(session)
    gone = next(path for path, content in stage.disk.files.items() if "outbox" in path and content == b"first")
    stage.disk.remove(gone)
    with stage.connect() as third:
        assert third.flush(timeout=10)
        assert 1 == third.status().checkpoints.lost
    assert [sha(b"second")] == [checkpoint.sha256 for checkpoint in stage.hub.checkpoints(stage.model_id)]


def test_what_a_finished_model_has_left_is_sent_before_it_is_said(stage: Stage) -> None:
    stage.finish_before_its_metrics()
    beats = len(stage.hub.received("heartbeat"))
    with pytest.raises(hubport.AlreadyTrained):
        stage.connect()
    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)
    assert beats == len(stage.hub.received("heartbeat"))
