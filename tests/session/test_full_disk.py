"""The size cap and the full disk: training goes on, one warning, every loss counted, old checkpoints before metrics."""

from __future__ import annotations

import errno

import pytest

import hubport
from hubport.domain.client.journal import lines
from tests.session.conftest import Stage

LINE = len(b'00000000 ["m", 100, {"a": 1.0}]\n')

#: What may come to a dead run's journal: who has it now, and the end of its checkpoint.
NOTES = 250


def warnings(caplog: pytest.LogCaptureFixture, event: str) -> list[str]:
    """What was warned of by the name *event*."""
    return [text for record in caplog.records if (text := record.getMessage()).startswith(f"{event} ")]


def damaged(stage: Stage) -> int:
    return sum(line.record is None for spool in stage.outbox.spools for line in lines(bytes(spool.journal), 0))


def snapshots(stage: Stage) -> dict[str, bytes]:
    """What lies in the outbox beside the journals."""
    return {path: content for path, content in stage.disk.files.items() if "outbox" in path}


def check_held(stage: Stage, session: hubport.TrainingSession) -> None:
    """The bytes that the session believes to hold are those that there are."""
    assert sum(map(len, snapshots(stage).values())) == stage.held(session)


def end(stage: Stage, session: hubport.TrainingSession) -> hubport.Report:
    """Deliver what is left: everything is accounted for, and the HUB has what is said to be delivered."""
    stage.hub.heal()
    session.flush(timeout=4000)
    report = session.close()
    assert (0, 0) == (report.metrics.waiting, report.checkpoints.waiting), str(report)
    assert report.metrics.delivered == len(stage.hub.metrics(stage.model_id))
    assert report.checkpoints.delivered == len(stage.hub.checkpoints(stage.model_id))
    check_held(stage, session)
    assert 0 == stage.held(session) or report.checkpoints.refused
    return report


def upload(stage: Stage, session: hubport.TrainingSession, epoch: int, size: int) -> None:
    stage.disk.files["last.pt"] = content = b"%04d" % epoch + b"x" * (size - 4)
    session.upload_checkpoint("last.pt", epoch=epoch)
    stage.clock.settle()
    assert content == stage.disk.files["last.pt"]
    check_held(stage, session)


# The cap


def test_metrics_beyond_the_limit_are_lost_and_counted_and_said_once(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    session = stage.connect(outbox_limit=2000)
    stage.clock.advance(1)
    stage.hub.down()
    for epoch in range(100, 200):
        session.log_metrics(epoch, {"a": 1.0})
        assert stage.outbox.spools[0].size <= 2000
    assert stage.outbox.spools[0].size > 2000 - LINE
    kept = (stage.outbox.spools[0].size - 150) // LINE
    lost = session.status().metrics.lost
    assert 0 < 100 - lost <= kept + 2
    assert {"metrics not kept: the outbox_limit is reached": lost} == {
        reason: n for reason, n in session.status().reasons.items() if "kept" in reason
    }
    (warning,) = warnings(caplog, "outbox.full")
    assert "lost='metrics' cause='the outbox_limit is reached'" in warning

    report = end(stage, session)

    assert set(range(100, 200 - lost)) == set(stage.hub.metrics(stage.model_id))
    assert (100, 100 - lost, lost) == (report.metrics.logged, report.metrics.delivered, report.metrics.lost)
    assert not report.is_complete
    assert f"{lost} metrics and 0 checkpoints could not be kept" in str(report)


def test_one_line_exactly_fits(stage: Stage) -> None:
    session = stage.connect()
    begun = stage.outbox.spools[0].size
    session.close()
    for limit, lost in ((begun + LINE, 0), (begun + LINE - 1, 1)):
        session = stage.connect(outbox_limit=limit, metrics_interval=1e6)
        session.log_metrics(100, {"a": 1.0})
        assert lost == session.status().metrics.lost
        session.close()


def test_what_is_delivered_makes_room(stage: Stage) -> None:
    """A run may log many times its limit, an epoch each, as long as the HUB takes it."""
    session = stage.connect(outbox_limit=20_000)
    for epoch in range(1500):
        session.log_metrics(epoch, {"a": float(epoch)})
        stage.clock.advance(1)
        assert stage.outbox.spools[0].size <= 20_000
    assert 0 == session.status().metrics.lost
    assert end(stage, session).is_complete
    assert {epoch: {"a": float(epoch)} for epoch in range(1500)} == stage.hub.metrics(stage.model_id)


def test_after_the_room_is_back_nothing_more_is_lost(stage: Stage) -> None:
    session = stage.connect(outbox_limit=20_000)
    stage.clock.advance(1)
    stage.hub.down(seconds=3600)
    for epoch in range(1000):
        session.log_metrics(epoch, {"a": 1.0})
    lost = session.status().metrics.lost
    assert lost > 100
    stage.clock.advance(4000)
    for epoch in range(1000, 2000):
        session.log_metrics(epoch, {"a": 1.0})
        stage.clock.advance(1)

    report = end(stage, session)

    assert lost == report.metrics.lost
    assert 2000 - lost == report.metrics.delivered


def test_an_old_epoch_checkpoint_goes_before_metrics(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    session = stage.connect(outbox_limit=4000)
    stage.clock.advance(1)
    stage.hub.down()
    upload(stage, session, 1, 2000)
    for epoch in range(100, 140):
        session.log_metrics(epoch, {"a": 1.0})
        check_held(stage, session)
    report = session.status()
    assert (0, 0) == (report.metrics.lost, report.checkpoints.lost)
    for epoch in range(140, 160):
        session.log_metrics(epoch, {"a": 1.0})
    report = session.status()
    assert (0, 1) == (report.metrics.lost, report.checkpoints.lost)
    assert 1 == report.reasons["checkpoint given up to make room"]
    assert {} == snapshots(stage)
    assert [] == warnings(caplog, "outbox.full")

    report = end(stage, session)

    assert (60, 1) == (report.metrics.delivered, report.checkpoints.lost)
    assert b'["c-end", 1, "given up"]' not in bytes(b"".join(spool.journal for spool in stage.outbox.spools))


def test_a_newer_checkpoint_takes_the_place_of_the_older_one(stage: Stage) -> None:
    session = stage.connect(outbox_limit=6000)
    stage.clock.advance(1)
    stage.hub.down()
    for epoch in range(10):
        upload(stage, session, epoch, 3000)
    report = session.status()
    assert (10, 1) == (report.checkpoints.logged, report.checkpoints.waiting)
    assert 9 == report.checkpoints.lost + report.checkpoints.superseded
    assert [b"0009"] == [content[:4] for content in snapshots(stage).values()]
    end(stage, session)
    assert [9] == [checkpoint.epoch for checkpoint in stage.hub.checkpoints(stage.model_id)]


def test_one_that_can_never_fit_costs_no_other(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    session = stage.connect(outbox_limit=3000)
    stage.clock.advance(1)
    stage.hub.down()
    upload(stage, session, 1, 1000)
    for epoch in range(2, 5):
        upload(stage, session, epoch, 3000)
    report = session.status()
    assert (4, 1, 3) == (report.checkpoints.logged, report.checkpoints.waiting, report.checkpoints.lost)
    assert 3 == report.reasons["checkpoints not kept: the outbox_limit is reached"]
    assert 1 == len(warnings(caplog, "outbox.full"))
    end(stage, session)
    assert [1] == [checkpoint.epoch for checkpoint in stage.hub.checkpoints(stage.model_id)]


def test_the_one_under_way_is_never_given_up(stage: Stage) -> None:
    session = stage.connect(outbox_limit=4000)
    stage.clock.advance(1)
    stage.hub.slow(50, on="upload", calls=1)
    upload(stage, session, 1, 2500)
    stage.clock.advance(10)
    for epoch in range(2, 5):
        upload(stage, session, epoch, 2500)  # no room for a second one
    for epoch in range(100, 200):
        session.log_metrics(epoch, {"a": 1.0})
    report = session.status()
    assert (4, 3, 1) == (report.checkpoints.logged, report.checkpoints.lost, report.checkpoints.waiting)
    assert report.metrics.lost > 0
    assert [b"0001"] == [content[:4] for content in snapshots(stage).values()]
    stage.clock.advance(100)
    assert [1] == [checkpoint.epoch for checkpoint in stage.hub.checkpoints(stage.model_id)]
    end(stage, session)


def test_a_final_one_is_never_given_up(stage: Stage) -> None:
    session = stage.connect(outbox_limit=4000)
    stage.clock.advance(1)
    stage.hub.down()
    stage.disk.files["runs/best.pt"] = b"best" * 600
    assert not session.send_final("runs/best.pt", epoch=1, map=0.5, deadline=stage.clock.now() + 5)
    for epoch in range(2, 5):
        upload(stage, session, epoch, 2000)
    for epoch in range(100, 200):
        session.log_metrics(epoch, {"a": 1.0})
    report = session.status()
    assert (4, 3, 1) == (report.checkpoints.logged, report.checkpoints.lost, report.checkpoints.waiting)
    assert 100 > report.metrics.lost > 0
    assert end(stage, session).final_delivered
    assert "trained" == stage.hub.model(stage.model_id).status


def test_a_refused_one_that_is_kept_goes_first(stage: Stage) -> None:
    session = stage.connect(outbox_limit=5000)
    stage.hub.refuse(413, "too large", on="upload", calls=1)
    upload(stage, session, 1, 2000)
    session.flush(timeout=10)
    assert [b"0001"] == [content[:4] for content in snapshots(stage).values()]
    stage.hub.down()
    upload(stage, session, 2, 2000)
    assert [b"0001", b"0002"] == [content[:4] for content in snapshots(stage).values()]
    for epoch in range(100, 140):
        session.log_metrics(epoch, {"a": 1.0})
        check_held(stage, session)
    report = session.status()
    assert [b"0002"] == [content[:4] for content in snapshots(stage).values()]
    assert (0, 0, 1) == (report.metrics.lost, report.checkpoints.lost, report.checkpoints.refused)
    end(stage, session)
    assert [2] == [checkpoint.epoch for checkpoint in stage.hub.checkpoints(stage.model_id)]


def test_what_dead_runs_have_left_counts_too(stage: Stage) -> None:
    """Their checkpoint is older than any of this run, and goes before a metric of this run does."""
    first = stage.connect()
    stage.clock.advance(1)
    stage.hub.down()
    upload(stage, first, 1, 2000)
    for epoch in range(10):
        first.log_metrics(epoch, {"a": 1.0})
    stage.crash(first)
    size = stage.outbox.spools[0].size
    stage.hub.down(on="metrics")
    stage.hub.down(on="upload")
    second = stage.connect(outbox_limit=size + 4200)
    stage.clock.advance(1)
    check_held(stage, second)
    for epoch in range(100, 200):
        second.log_metrics(epoch, {"a": 1.0})
        check_held(stage, second)
        journals = sum(spool.size for spool in stage.outbox.spools)
        assert journals + stage.held(second) <= size + 4200 + NOTES
    report = second.status()
    assert (0, 1) == (report.metrics.lost, report.checkpoints.lost)
    assert {} == snapshots(stage)
    assert 110 == end(stage, second).metrics.delivered


# The full disk


def test_on_a_full_disk_the_oldest_waiting_checkpoint_makes_room_for_the_next(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.down()
    upload(stage, session, 1, 1000)
    stage.disk.capacity = sum(map(len, stage.disk.files.values()))  # and not a byte more
    upload(stage, session, 2, 1000)
    report = session.status()
    assert (2, 1, 1) == (report.checkpoints.logged, report.checkpoints.lost, report.checkpoints.waiting)
    assert [b"0002"] == [content[:4] for content in snapshots(stage).values()]
    end(stage, session)


def test_a_full_journal_takes_a_checkpoint_and_then_loses_metrics(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.down()
    upload(stage, session, 1, 1000)
    stage.outbox.capacity = stage.outbox.spools[0].size + 500
    for epoch in range(100):
        session.log_metrics(epoch, {"a": 1.0})
    assert 1 == session.status().checkpoints.lost
    for epoch in range(2, 5):
        upload(stage, session, epoch, 1000)
    report = session.status()
    assert 4 == report.checkpoints.lost  # one to make room, which did not help, and three for which there is none
    assert 100 > report.metrics.lost > 80
    assert 2 == len(warnings(caplog, "outbox.full"))
    assert {} == snapshots(stage)
    assert 0 == damaged(stage)
    stage.outbox.capacity = None
    report = end(stage, session)
    assert 4 == report.checkpoints.lost
    assert 100 == report.metrics.lost + report.metrics.delivered


def test_a_disk_that_is_read_only_gives_up_nothing_and_loses_what_comes(stage: Stage) -> None:
    """There giving up a checkpoint would make no room."""
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.down()
    upload(stage, session, 1, 1000)
    spool, append = stage.outbox.spools[0], stage.outbox.spools[0].append

    def refuse(line: bytes) -> None:
        raise OSError(errno.EROFS, "read-only file system")

    spool.append = refuse  # type: ignore[method-assign]
    session.log_metrics(1, {"a": 1.0})
    upload(stage, session, 2, 1000)
    report = session.status()
    assert (1, 1, 1) == (report.metrics.lost, report.checkpoints.lost, report.checkpoints.waiting)
    assert [b"0001"] == [content[:4] for content in snapshots(stage).values()]
    spool.append = append  # type: ignore[method-assign]
    end(stage, session)


@pytest.mark.parametrize("where", ["disk", "limit", "journal"])
def test_a_final_one_that_cannot_be_kept_is_sent_from_where_it_lies(
    stage: Stage, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    session = stage.connect(outbox_limit=1000 if where == "limit" else 1 << 30)
    stage.clock.advance(1)
    stage.disk.files["best.pt"] = best = b"best" * 1000
    if where == "disk":
        stage.disk.capacity = sum(map(len, stage.disk.files.values()))
    if where == "journal":
        stage.outbox.capacity = stage.outbox.spools[0].size
    stage.hub.down(on="upload", calls=2)
    report = session.finish("best.pt", epoch=3, map=0.5, timeout=600)
    assert report.final_delivered
    assert report.is_complete
    assert [4000] == [checkpoint.size for checkpoint in stage.hub.checkpoints(stage.model_id)]
    assert best == stage.disk.files["best.pt"]
    assert {} == snapshots(stage)
    assert 0 == stage.held(session)
    assert 1 == len(warnings(caplog, "checkpoint.not_kept"))


@pytest.mark.parametrize("verdict", ["silence", "refused", "locked out"])
def test_a_final_one_that_is_neither_kept_nor_delivered_is_said_to_be_lost(stage: Stage, verdict: str) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.disk.capacity = 1
    if verdict == "silence":
        stage.hub.down(on="upload")
    else:
        stage.hub.refuse(413 if verdict == "refused" else 403, "no", on="upload")
    report = session.finish("best.pt", epoch=3, map=0.5, timeout=60)
    stage.clock.settle()
    for said in (report, session.status()):
        assert not said.is_complete, str(said)
        assert not said.final_delivered
        assert 0 == said.checkpoints.waiting
        assert 1 == said.checkpoints.lost + said.checkpoints.refused
        assert f"hubport.connect({stage.model_id!r})" not in str(said)  # no later run can send it
    assert b"best" == stage.disk.files["best.pt"]
    assert 0 == stage.held(session)


def test_a_final_one_sent_from_where_it_lies_that_changes_meanwhile_is_not_sent_torn(stage: Stage) -> None:
    """Somebody writes it anew: what was announced is not there any more."""
    session = stage.connect()
    stage.clock.advance(1)
    stage.disk.capacity = 1
    stage.hub.down(on="upload", seconds=20)
    assert not session.send_final("best.pt", epoch=3, map=0.5, deadline=stage.clock.now() + 10)
    stage.disk.files["best.pt"] = b"another one"
    session.flush(timeout=100)
    report = session.close()
    assert 1 == report.checkpoints.lost
    assert b"another one" == stage.disk.files["best.pt"]


def test_one_warning_for_each_kind_and_cause_however_often(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    session = stage.connect(outbox_limit=3000)
    stage.clock.advance(1)
    stage.hub.down()
    stage.outbox.capacity = stage.outbox.spools[0].size
    for epoch in range(50):
        session.log_metrics(epoch, {"a": 1.0})
        upload(stage, session, epoch, 1000)
    stage.outbox.capacity = None
    for epoch in range(50, 200):
        session.log_metrics(epoch, {"a": 1.0})
        upload(stage, session, epoch, 4000)
    causes = [" ".join(text.split()[2:4]) for text in warnings(caplog, "outbox.full")]
    assert 4 == len(causes) == len(set(causes))
    report = session.status()
    kept = {reason: n for reason, n in report.reasons.items() if "not kept" in reason and "note" not in reason}
    assert report.metrics.lost == sum(n for reason, n in kept.items() if reason.startswith("metrics"))
    assert report.checkpoints.lost == sum(n for reason, n in kept.items() if reason.startswith("checkpoints"))
    end(stage, session)


def test_a_final_one_that_cannot_be_kept_may_be_asked_for_again(stage: Stage) -> None:
    """A trainer that was told that it was refused tries once more."""
    session = stage.connect()
    stage.clock.advance(1)
    stage.disk.capacity = 1
    stage.hub.refuse(413, "too large", on="upload", calls=1)
    session.send_final("best.pt", epoch=3, map=0.5)
    assert 1 == session.status().checkpoints.refused
    session.send_final("best.pt", epoch=3, map=0.5)
    report = session.close()
    assert report.final_delivered, str(report)
    assert (2, 1, 1) == (report.checkpoints.logged, report.checkpoints.refused, report.checkpoints.delivered)
