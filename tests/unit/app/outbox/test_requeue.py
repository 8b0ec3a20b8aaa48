"""What was refused waits again: an epoch with all that was logged for it, a checkpoint unless a newer has arrived."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hubport.app.delivery.counters import DeliveryCounters
from hubport.app.delivery.spools import claim_orphans
from hubport.app.log import logger
from hubport.app.outbox.backlog_reader import BacklogReader
from hubport.app.outbox.journal_reader import backlog_of
from hubport.app.outbox.requeue import requeue_rejected
from hubport.domain.checkpoint import CheckpointKind
from hubport.domain.client import journal
from hubport.domain.metrics import EpochValues, merged
from hubport.testing import FakeOutbox
from tests.unit.app.outbox.test_backlog_reader import (
    ABOUT,
    CRASH,
    DELIVERED,
    LOG_A,
    LOG_B,
    LOG_C,
    MODEL,
    REJECTED,
    REWRITE,
    Logged,
    Run,
    Step,
    of_the_trainer,
    sends,
)

UPLOAD: Step = ("upload", (CheckpointKind.EPOCH,))
UPLOAD_FINAL: Step = ("upload", (CheckpointKind.FINAL,))
TOO_LARGE: Step = ("end_upload", (0, "status 413: too large"))
ARRIVED: Step = ("end_upload", (0, "delivered"))


class Remembered(Run):
    """A run of which somebody remembers everything."""

    def __init__(self) -> None:
        self.everything: list[Logged] = []
        self.kinds: dict[int, CheckpointKind] = {}
        self.arrived: set[int] = set()
        super().__init__()

    def log(self, epoch: int, values: EpochValues) -> None:
        self.everything.append((epoch, values))
        super().log(epoch, values)

    def upload(self, kind: CheckpointKind) -> None:
        super().upload(kind)
        self.kinds[self.uploads] = kind

    def end_upload(self, which: int, how: str) -> None:
        before = set(self.checkpoints)
        super().end_upload(which, how)
        if how == "delivered":
            self.arrived |= before - set(self.checkpoints)

    @property
    def lacking(self) -> dict[int, EpochValues]:
        """Each epoch of which the HUB lacks something, with all that was logged for it."""
        epochs = {epoch for epoch, _ in (*self.refused, *self.waiting)}
        whole: dict[int, EpochValues] = {}
        for epoch, values in self.everything:
            if epoch in epochs:
                whole[epoch] = merged(whole.get(epoch), values)
        return whole

    @property
    def still_wanted(self) -> set[int]:
        """The checkpoints that were refused, or wait, and are not older than one that has arrived."""
        newest = max(self.arrived, default=0)
        found = self.refused_checkpoints.keys() | self.checkpoints.keys()
        return {number for number in found if number > newest or self.kinds[number] is CheckpointKind.FINAL}


def remembered(history: list[Step]) -> Remembered:
    run = Remembered()
    run.play(history)
    return run


def delivered(run: Run) -> dict[int, EpochValues]:
    """What goes out of its journal for each epoch."""
    reader = BacklogReader(run.spool)
    sent: dict[int, EpochValues] = {}
    while (batch := reader.batch(most=3)).records:
        sent |= batch.epochs
        run.spool.append(journal.sent_line(batch.end))
        reader.settle(batch, delivered=True)
    return sent


@settings(max_examples=150)
@given(st.lists(st.one_of(of_the_trainer, sends, st.sampled_from([CRASH, ("damage", ())])), max_size=25))
@example([LOG_A, REJECTED, LOG_B, DELIVERED])
@example([LOG_A, DELIVERED, LOG_B, REJECTED, CRASH, LOG_C])
@example([("log", (0, '{"t": 1}')), REJECTED, LOG_A, DELIVERED])
@example([UPLOAD, TOO_LARGE, UPLOAD, ARRIVED, UPLOAD, TOO_LARGE])
@example([UPLOAD, TOO_LARGE, UPLOAD, ("end_upload", (0, "given up"))])
@example([UPLOAD_FINAL, TOO_LARGE, UPLOAD, ARRIVED, UPLOAD])
def test_all_that_the_hub_lacks_waits(history: list[Step]) -> None:
    run = remembered(history)
    lacking, wanted = run.lacking, run.still_wanted

    requeue_rejected(run.spool)

    backlog = backlog_of(run.spool)
    assert (ABOUT, 0, 0) == (backlog.about, backlog.rejected, backlog.damaged)
    assert (len(lacking), sorted(wanted)) == (backlog.records, list(backlog.checkpoints))
    assert lacking == delivered(run)
    assert 0 == backlog_of(run.spool).records


def test_a_journal_that_was_written_anew_still_knows_what_has_arrived() -> None:
    """Or an old checkpoint would take the HUB's `resume` back."""
    run = remembered([LOG_A, REJECTED, UPLOAD, TOO_LARGE, UPLOAD, ARRIVED, UPLOAD, TOO_LARGE, REWRITE])

    requeue_rejected(run.spool)

    assert [3] == list(backlog_of(run.spool).checkpoints)
    assert {0: {"a": 1}} == delivered(run)


def test_checkpoints_of_a_journal_that_was_written_anew_wait_in_the_order_in_which_they_were_taken() -> None:
    """What was refused stands before what waits there, and the newest of those that wait is the one that is sent."""
    run = remembered([LOG_A, REJECTED, UPLOAD, UPLOAD, ("end_upload", (1, "status 413: too large")), REWRITE])

    requeue_rejected(run.spool)

    assert [1, 2] == list(backlog_of(run.spool).checkpoints)


def test_without_room_for_another_journal_what_waits_is_sent_and_what_was_refused_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outbox = FakeOutbox()
    spool = outbox.open(MODEL)
    for line in (
        journal.run_line({"model": MODEL}),
        journal.metrics_line(0, {"text": "x" * 1000}),
        journal.rejected_line(0, "status 422: no"),
        journal.sent_line(10**6),
        journal.metrics_line(1, {"loss": 1.0}),
    ):
        spool.append(line)
    before = bytes(spool.journal)
    spool.release(keep=True)
    outbox.capacity = 1000

    (reader,) = claim_orphans(MODEL, outbox, DeliveryCounters(), logger(), refused=True)

    assert (1, 1) == (reader.backlog.records, reader.backlog.rejected)
    assert before == bytes(spool.journal)
    assert "outbox.refused_not_sent" in caplog.text
