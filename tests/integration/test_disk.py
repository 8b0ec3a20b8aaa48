"""The disk below the outbox: full, or not there at all."""

from __future__ import annotations

import contextlib
import json
import threading
from pathlib import Path

import pytest

import hubport
from tests.integration.conftest import Site

EPOCHS = 300


@pytest.mark.parametrize("size", [4096, 5000, 5001])
def test_a_full_disk_costs_what_did_not_fit_and_nothing_else(site: Site, size: int) -> None:
    child = site.start("fills_the_disk", site.folder, size, HUBPORT_METRICS_EVERY="0", HUBPORT_CHECKPOINT_EVERY="0")
    full, end, files = (json.loads(line) for line in child.rest())
    assert 0 == child.end(), child.stderr

    lost = full["metrics"]["lost"]
    assert 0 < lost < EPOCHS
    assert 1 == full["checkpoints"]["lost"]
    assert ["journal"] == files  # and no half of a snapshot
    assert lost == end["metrics"]["lost"]
    assert EPOCHS + 10 - lost == end["metrics"]["delivered"]
    assert 0 == end["metrics"]["waiting"]
    kept = [*range(EPOCHS - lost), *range(EPOCHS, EPOCHS + 10)]
    assert kept == list(site.hub.metrics(site.model_id))
    assert [2] == [checkpoint.epoch for checkpoint in site.hub.checkpoints(site.model_id)]
    warnings = [line for line in child.stderr.splitlines() if line.startswith("outbox.full ")]
    # One for each cause: a line that was cut short, and those after it that did not begin.
    assert {"lost='metrics'", "lost='checkpoints'"} == {line.split()[2] for line in warnings}
    assert len(warnings) <= 3


def ours() -> list[str]:
    """The threads of sessions in this process."""
    names = (thread.name for thread in threading.enumerate())
    return [name for name in names if name.startswith("hubport-") and name != "hubport-loopback"]


def open_journals() -> list[str]:
    """The journals that this process has open. (Files of other threads come and go while we look.)"""
    found = []
    for file in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(file.readlink()))
    return [name for name in found if "journal" in name]


@pytest.mark.parametrize("place", ["a file/state", "a file"])
def test_a_state_folder_that_cannot_be_is_said_at_once_and_leaves_nothing(site: Site, place: str) -> None:
    (site.folder / "a file").write_bytes(b"")
    with pytest.raises(hubport.InvalidSettings, match="HUBPORT_STATE_DIR"):
        site.connect(state_dir=site.folder / place)
    assert [] == ours()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only there the names of open files can be seen")
def test_sessions_one_after_the_other_leave_no_thread_and_no_file(site: Site) -> None:
    (site.folder / "last.pt").write_bytes(b"weights")

    def live(epoch: int) -> None:
        with site.connect() as session:
            session.log_metrics(epoch, {"loss": 1.0})
            session.upload_checkpoint(site.folder / "last.pt", epoch=epoch)
            assert 1 == len(open_journals())

    for epoch in range(20):
        live(epoch)
        assert [] == open_journals()
    assert [] == ours()
    assert list(range(20)) == list(site.hub.metrics(site.model_id))
    assert [] == site.spools()


def test_what_a_session_had_to_leave_is_given_up_when_its_last_request_ends(site: Site) -> None:
    session = site.connect(heartbeat_every=3600)
    site.hub.wait_until(lambda: site.hub.received("heartbeat"))
    site.hub.hold()
    session.log_metrics(0, {"loss": 1.0})
    site.hub.wait_until(lambda: site.hub.held["metrics"])
    report = session.close(within=0.1)
    assert 1 == report.metrics.waiting
    threads = [thread for thread in threading.enumerate() if thread.name == "hubport-metrics"]
    site.hub.drop()
    for thread in threads:
        thread.join(60)
    site.recover()
    assert [0] == list(site.hub.metrics(site.model_id))


def test_a_living_trainers_records_are_its_own(site: Site) -> None:
    (site.folder / "last.pt").write_bytes(b"weights")
    child = site.start("trains", site.folder, "end", HUBPORT_METRICS_EVERY="3600", HUBPORT_CHECKPOINT_EVERY="3600")
    assert "delivered" == child.line()
    child.say("log")
    assert "ready" == child.line()
    with site.connect() as second:
        second.log_metrics(9, {"loss": 1.0})
    assert [0, 9] == list(site.hub.metrics(site.model_id))
    assert 1 == len(site.spools())
    child.kill()
    site.recover()
    assert [0, 1, 2, 9] == list(site.hub.metrics(site.model_id))
