"""A journal from before the names were changed: what waits in it is sent, and what was refused is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubport.app.outbox.journal_reader import backlog_of
from hubport.testing.fakes.outbox import FakeSpool
from tests.session.conftest import Stage

JOURNAL = Path(__file__).with_name("journals") / "before-the-words.journal"


@pytest.fixture
def spool(stage: Stage) -> FakeSpool:
    """Of a run that is over. One epoch was delivered, one refused; two and a checkpoint wait."""
    spool = stage.outbox.open(stage.model_id)
    spool.append(JOURNAL.read_bytes())
    stage.outbox.crash()
    return spool


def test_every_line_is_understood(spool: FakeSpool) -> None:
    backlog = backlog_of(spool)
    assert (0, 2, 1) == (backlog.damaged, backlog.records, backlog.rejected)
    assert "status 422: a value is wrong" == backlog.refusal
    assert "https://hub.invalid" == backlog.about["root"]
    assert [(3, 4)] == [(checkpoint.epoch, checkpoint.size) for checkpoint in backlog.checkpoints.values()]


def test_what_waits_is_sent(stage: Stage, spool: FakeSpool) -> None:
    stage.disk.files[f"{spool.folder}/2-last.pt"] = b"last"  # wherever the folder lies now
    with stage.connect() as session:
        assert session.flush(timeout=60)
    assert {2: {"train/loss": 0.3}, 3: {"train/loss": 0.2, "größe": 1.5}} == stage.hub.metrics(stage.model_id)
    assert [3] == [kept.epoch for kept in stage.hub.checkpoints(stage.model_id)]
