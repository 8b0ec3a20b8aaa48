"""The disk below the outbox: full, or not there at all."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hubport
from hubport.testing.lab import HANG_TIMEOUT, Child, Hang
from hubport.testing.lab.disks.small_disk import CannotMount, FileLimit, SmallDisk, Tmpfs, small_disk
from tests.integration.conftest import TrainerSandbox
from tests.threads import threads_since

EPOCHS = 300


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


@pytest.fixture(
    params=[(Tmpfs, 49_152), (FileLimit, 4096), (FileLimit, 5000), (FileLimit, 5001)],
    ids=lambda kind: f"{kind[0].__name__} of {kind[1]}",
)
def disk(request: pytest.FixtureRequest, folder: Path) -> Iterator[SmallDisk]:
    """One that is full on a page's border, and one for which the last line may be torn anywhere."""
    kind, size = request.param
    try:
        disk: SmallDisk = kind(folder, size)
    except CannotMount as exc:
        pytest.skip(str(exc))
    with disk:
        yield disk


def said(child: Child) -> Any:
    return json.loads(child.line())


def test_a_full_disk_costs_what_did_not_fit_and_nothing_else(site: TrainerSandbox, disk: SmallDisk) -> None:
    child = site.start(
        "fills_the_disk",
        site.folder,
        HUBPORT_STATE_DIR=str(disk.path),
        HUBPORT_METRICS_INTERVAL="0",
        HUBPORT_CHECKPOINT_INTERVAL="0",
    )
    assert "connected" == said(child)
    disk.admit(child.pid)
    child.say()
    full, files = said(child)
    disk.resize(1 << 30)
    child.say()
    end = said(child)
    child.say()
    assert 0 == child.end(), child.stderr

    lost = full["metrics"]["lost"]
    assert 0 < lost < EPOCHS
    assert 1 == full["checkpoints"]["lost"]
    assert ["journal", "owner.0"] == sorted(files)  # and no half of a snapshot
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


def test_what_a_full_disk_holds_of_a_killed_trainer_is_whole(site: TrainerSandbox, disk: SmallDisk) -> None:
    site.lab.always(Hang(), on="metrics")
    child = site.start("fills_the_disk", site.folder, HUBPORT_STATE_DIR=str(disk.path), HUBPORT_METRICS_INTERVAL="0")
    assert "connected" == said(child)
    disk.admit(child.pid)
    child.say()
    full, _ = said(child)
    child.kill()
    site.lab.heal()
    disk.resize(1 << 30)

    with site.connect(state_dir=disk.path, exit_timeout=HANG_TIMEOUT) as session:
        assert session.flush(timeout=HANG_TIMEOUT)
    assert session.status().is_complete, str(session.status())
    assert list(range(EPOCHS - full["metrics"]["lost"])) == list(site.hub.metrics(site.model_id))


def test_on_a_full_disk_checkpoints_that_wait_give_way_to_metrics(site: TrainerSandbox, folder: Path) -> None:
    last = site.folder / "last.pt"
    last.write_bytes(b"weights" * 10_000)
    with small_disk(folder, 128 << 10) as disk:
        if disk.kind != "tmpfs":
            pytest.skip("a limit on the size of files is not full for all of them together")
        session = site.connect(state_dir=disk.path, checkpoint_interval=3600.0, metrics_interval=3600.0)
        site.lab.always(Hang(), on="metrics")
        session.upload_checkpoint(last, epoch=0)
        assert session.flush(timeout=HANG_TIMEOUT)  # its snapshot is gone too: there is room for one at a time
        session.upload_checkpoint(last, epoch=1)
        for epoch in range(400):
            session.log_metrics(epoch, {"text": "x" * 200})
        status = session.status()
        assert (0, 1) == (status.metrics.lost, status.checkpoints.lost)
        assert 1 == status.reasons["checkpoint given up to make room"]
        site.lab.heal()
        assert session.flush(timeout=HANG_TIMEOUT)
        session.close(timeout=HANG_TIMEOUT)
        assert list(range(400)) == list(site.hub.metrics(site.model_id))
        assert [0] == [checkpoint.epoch for checkpoint in site.hub.checkpoints(site.model_id)]


def test_a_start_on_a_full_disk_says_which_setting_names_another(
    site: TrainerSandbox, folder: Path, request: pytest.FixtureRequest
) -> None:
    with small_disk(folder, 32 << 10) as disk:
        if disk.kind != "tmpfs":
            pytest.skip("a limit on the size of files is not full for all of them together")
        with pytest.raises(OSError, match="No space"):
            (disk.path / "ballast").write_bytes(bytes(1 << 20))
        with pytest.raises(hubport.InvalidSettings, match=r"HUBPORT_STATE_DIR.*No space left"):
            site.connect(state_dir=disk.path)
        assert [] == ours(request)


@pytest.fixture(autouse=True)
def _threads_of_others(request: pytest.FixtureRequest) -> None:
    """Those of sessions that an earlier test left with a request under way: they end with it, and not before."""
    request.node.stash[_THEIRS] = set(threading.enumerate())


_THEIRS = pytest.StashKey[set[threading.Thread]]()


def ours(request: pytest.FixtureRequest) -> list[str]:
    """The threads of this test's sessions."""
    names = (thread.name for thread in threads_since(request.node.stash[_THEIRS]))
    return [name for name in names if name.startswith("hubport-") and name != "hubport-loopback"]


def open_journals() -> list[str]:
    """The journals that this process has open. (Files of other threads come and go while we look.)"""
    found = []
    for file in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(file.readlink()))
    return [name for name in found if "journal" in name]


@pytest.mark.parametrize("place", ["a file/state", "a file"])
def test_a_state_folder_that_cannot_be_is_said_at_once_and_leaves_nothing(
    site: TrainerSandbox, place: str, request: pytest.FixtureRequest
) -> None:
    (site.folder / "a file").write_bytes(b"")
    with pytest.raises(hubport.InvalidSettings, match="HUBPORT_STATE_DIR"):
        site.connect(state_dir=site.folder / place)
    assert [] == ours(request)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only there the names of open files can be seen")
def test_sessions_one_after_the_other_leave_no_thread_and_no_file(
    site: TrainerSandbox, request: pytest.FixtureRequest
) -> None:
    (site.folder / "last.pt").write_bytes(b"weights")

    def live(epoch: int) -> None:
        with site.connect(exit_timeout=HANG_TIMEOUT) as session:
            session.log_metrics(epoch, {"loss": 1.0})
            session.upload_checkpoint(site.folder / "last.pt", epoch=epoch)
            assert 1 == len(open_journals())

    for epoch in range(20):
        live(epoch)
        assert [] == open_journals()
    assert [] == ours(request)
    assert list(range(20)) == list(site.hub.metrics(site.model_id))
    assert [] == site.spools()


def test_what_a_session_had_to_leave_is_given_up_when_its_last_request_ends(site: TrainerSandbox) -> None:
    session = site.connect(heartbeat_interval=3600)
    site.lab.ledger.wait_for(lambda: site.hub.received("heartbeat"))
    site.lab.always(Hang())
    session.log_metrics(0, {"loss": 1.0})
    site.lab.ledger.wait_for_hanging("metrics")
    report = session.close(timeout=0.1)
    assert 1 == report.metrics.waiting
    threads = [thread for thread in threading.enumerate() if thread.name == "hubport-metrics"]
    site.lab.heal()
    for thread in threads:
        thread.join(HANG_TIMEOUT)
    site.recover()
    assert [0] == list(site.hub.metrics(site.model_id))
