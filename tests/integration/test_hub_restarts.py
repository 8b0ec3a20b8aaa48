"""The HUB goes away in the middle of something and comes back at the same address."""

from __future__ import annotations

import hashlib
import random

import pytest

from hubport.domain.checkpoint import CheckpointKind
from hubport.testing.contracts.waiting import BackgroundThread
from hubport.testing.lab import HANG_TIMEOUT, End, Late, Restart
from tests.integration.conftest import TrainerSandbox


def test_no_epoch_is_lost_by_restarts_in_mid_run(site: TrainerSandbox) -> None:
    session = site.connect(metrics_interval=0.0, heartbeat_interval=0.1)
    for epoch in range(200):
        session.log_metrics(epoch, {"loss": 1 / (epoch + 1)})
        if epoch % 50 == 25:
            site.lab.ledger.wait_for(lambda: site.hub.metrics(site.model_id))
            site.lab.restart()
    report = session.finish(timeout=HANG_TIMEOUT)

    assert report.is_complete, str(report)
    assert {epoch: {"loss": 1 / (epoch + 1)} for epoch in range(200)} == site.hub.metrics(site.model_id)
    assert [] == site.spools()


@pytest.mark.parametrize("after", [0, 2_000_000])
@pytest.mark.parametrize("kind", [CheckpointKind.EPOCH, CheckpointKind.FINAL])
def test_an_upload_that_a_restart_has_cut_arrives_whole_and_once_from_its_snapshot(
    site: TrainerSandbox, kind: CheckpointKind, after: int
) -> None:
    weights = random.Random(7).randbytes(5_000_000)
    path = site.folder / "best.pt"
    path.write_bytes(weights)
    session = site.connect(metrics_interval=0.0, checkpoint_interval=0.0)
    session.log_metrics(0, {"loss": 1.0})
    assert session.flush(timeout=HANG_TIMEOUT)
    site.lab.play(Restart(after), on="upload")
    if kind is CheckpointKind.EPOCH:
        session.upload_checkpoint(path, epoch=0)
        sending = None
    else:
        sending = BackgroundThread(lambda: session.send_final(path, epoch=0, map=0.5))
    site.lab.ledger.wait_for(lambda: site.lab.ledger.of("upload") and site.lab.ledger.of("upload")[0].end)
    path.unlink()
    while not session.flush(timeout=0.2):  # each time it hurries, and the backoff of the time of the cut is forgotten
        pass
    if sending is not None:
        sending.join()
    session.close(timeout=HANG_TIMEOUT)

    assert session.status().is_complete, str(session.status())
    (arrived,) = site.hub.checkpoints(site.model_id)
    assert (kind, hashlib.sha256(weights).hexdigest()) == (arrived.kind, arrived.sha256)
    assert [] == site.spools()
    uploads = site.lab.ledger.of("upload")
    assert [End.BROKEN, End.ANSWERED] == [entry.end for entry in uploads]
    assert [after, uploads[-1].announced] == [entry.received for entry in uploads]
    # The same bytes are announced for each: the body is built anew, and not what the last attempt has left of it.
    assert 1 == len({entry.announced for entry in uploads})


def test_a_newer_epoch_checkpoint_supersedes_one_that_waits_and_never_a_final_one(site: TrainerSandbox) -> None:
    last = site.folder / "last.pt"
    session = site.connect(checkpoint_interval=0.0)
    site.lab.always(Late(), on="upload")
    for epoch in range(4):
        last.write_bytes(b"%d" % epoch)
        session.upload_checkpoint(last, epoch=epoch)
        site.lab.ledger.wait_for_hanging("upload")  # the first is under way, and cannot be taken back
    site.lab.heal()
    assert session.flush(timeout=HANG_TIMEOUT)
    assert [0, 3] == [checkpoint.epoch for checkpoint in site.hub.checkpoints(site.model_id)]
    assert 2 == session.status().checkpoints.superseded

    site.lab.always(Late(), on="upload")
    last.write_bytes(b"final")
    finishing = BackgroundThread(lambda: session.send_final(last, epoch=4, map=0.5))
    site.lab.ledger.wait_for_hanging("upload")
    session.upload_checkpoint(last, epoch=5)
    session.upload_checkpoint(last, epoch=6)
    site.lab.heal()
    finishing.join()
    session.close(timeout=HANG_TIMEOUT)
    arrived = [(checkpoint.kind, checkpoint.epoch) for checkpoint in site.hub.checkpoints(site.model_id)]
    assert (CheckpointKind.FINAL, 4) in arrived
    assert (CheckpointKind.EPOCH, 5) not in arrived
