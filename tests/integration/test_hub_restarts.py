"""The HUB goes away in the middle of something and comes back at the same address."""

from __future__ import annotations

import hashlib
import random

import pytest

from hubport.domain.checkpoint import Kind
from hubport.testing import LoopbackServer
from hubport.testing.contracts.patience import Side
from tests.integration.conftest import Site, port_of
from tests.integration.watched_hub import GUARD


def restart(site: Site) -> None:
    """As an update does it: the old server is gone with its connections before the new one is there."""
    port = port_of(site.server)
    site.server.close()
    site.wire.cut()
    site.server = LoopbackServer(site.hub, port=port)
    site.wire.mend()


def test_no_epoch_is_lost_by_restarts_in_mid_run(site: Site) -> None:
    session = site.connect(metrics_every=0.0, heartbeat_every=0.1)
    for epoch in range(200):
        session.log_metrics(epoch, {"loss": 1 / (epoch + 1)})
        if epoch % 50 == 25:
            site.hub.wait_until(lambda: site.hub.metrics(site.model_id))
            restart(site)
    report = session.finish(within=GUARD)

    assert report.is_complete, str(report)
    assert {epoch: {"loss": 1 / (epoch + 1)} for epoch in range(200)} == site.hub.metrics(site.model_id)
    assert [] == site.spools()


@pytest.mark.parametrize("kind", [Kind.EPOCH, Kind.FINAL])
def test_an_upload_that_was_cut_in_the_middle_arrives_whole_and_once(site: Site, kind: Kind) -> None:
    weights = random.Random(7).randbytes(5_000_000)
    path = site.folder / "best.pt"
    path.write_bytes(weights)
    session = site.connect(metrics_every=0.0, checkpoint_every=0.0)
    session.log_metrics(0, {"loss": 1.0})
    assert session.flush(within=GUARD)
    site.wire.cut_after(2_000_000)
    if kind is Kind.EPOCH:
        session.upload_checkpoint(path, epoch=0)
        finishing = None
    else:
        finishing = Side(lambda: session.finish(path, epoch=0, map=0.5, within=GUARD))
    site.wire.broken()
    path.unlink()
    restart(site)
    assert session.flush(within=GUARD)  # also because it hurries: no backoff from the time of the cut
    if finishing is None:
        session.finish(within=GUARD)
    else:
        finishing.join()

    assert session.status().is_complete, str(session.status())
    (arrived,) = site.hub.checkpoints(site.model_id)
    assert (kind, hashlib.sha256(weights).hexdigest()) == (arrived.kind, arrived.sha256)
    assert [] == site.spools()
