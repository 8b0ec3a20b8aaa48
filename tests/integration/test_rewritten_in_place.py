"""The trainer rewrites last.pt in place while it is being sent: what arrives is one version, by its SHA-256."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from hubport.domain.checkpoint import CheckpointKind
from hubport.testing.contracts.waiting import BackgroundThread
from hubport.testing.lab import HANG_TIMEOUT, Exchange, Script
from tests.integration.conftest import TrainerSandbox

TIMES = 1000
SIZE = 96 << 10


def content(version: int) -> bytes:
    return b"%08d" % version * (SIZE // 8)


def write(path: Path, version: int) -> None:
    """In place, piece by piece: the file is the same one, and as long as before, at every moment."""
    with path.open("r+b", buffering=0) as file:
        whole = content(version)
        for start in range(0, SIZE, 16 << 10):
            file.write(whole[start : start + (16 << 10)])


@pytest.mark.slow
def test_1000_uploads_of_a_file_that_is_rewritten_meanwhile_are_each_one_version(site: TrainerSandbox) -> None:
    last = site.folder / "last.pt"
    last.write_bytes(content(0))
    inode = last.stat().st_ino
    session = site.connect(checkpoint_interval=0.0, heartbeat_interval=3600.0)
    for version in range(TIMES):
        write(last, version)
        session.upload_checkpoint(last, epoch=version)
        # The next versions come while this one is under way; none of them is uploaded.
        write(last, TIMES + version)
        write(last, 2 * TIMES + version)
        session.flush(timeout=HANG_TIMEOUT)
    report = session.close(timeout=HANG_TIMEOUT)

    assert inode == last.stat().st_ino
    assert (TIMES, TIMES) == (report.checkpoints.logged, report.checkpoints.delivered)
    arrived = site.hub.checkpoints(site.model_id)
    assert list(range(TIMES)) == [checkpoint.epoch for checkpoint in arrived]
    torn = [c.epoch for c in arrived if c.sha256 != hashlib.sha256(content(c.epoch)).hexdigest()]
    assert [] == torn


@attrs.frozen
class InTwoHalves(Script):
    """Takes a part of the body, waits for the test, and then takes the rest and answers."""

    has_begun: threading.Event = attrs.field(factory=threading.Event)
    may_end: threading.Event = attrs.field(factory=threading.Event)

    def play(self, turn: Exchange) -> None:
        turn.take(100_000)
        self.has_begun.set()
        assert self.may_end.wait(HANG_TIMEOUT)
        turn.answer(turn.commit())


@pytest.mark.parametrize("kind", [CheckpointKind.EPOCH, CheckpointKind.FINAL])
def test_a_file_that_is_rewritten_cut_short_or_removed_in_the_middle_of_its_upload(
    site: TrainerSandbox, kind: CheckpointKind
) -> None:
    """Larger than what the kernel buffers: its end is not read before it has changed."""
    weights = random.Random(kind.value).randbytes(30_000_000)
    last = site.folder / "last.pt"
    session = site.connect(checkpoint_interval=0.0)
    changes: list[Callable[[], object]] = [
        lambda: last.write_bytes(weights[::-1]),
        lambda: os.truncate(last, 7),
        last.unlink,
    ]
    for epoch, change in enumerate(changes if kind is CheckpointKind.EPOCH else changes[:1]):
        last.write_bytes(weights)
        halves = InTwoHalves()
        site.lab.play(halves, on="upload")
        if kind is CheckpointKind.EPOCH:
            session.upload_checkpoint(last, epoch=epoch)
            sending = BackgroundThread(lambda: session.flush(timeout=HANG_TIMEOUT))
        else:
            sending = BackgroundThread(lambda: session.send_final(last, epoch=0, map=0.5))
        assert halves.has_begun.wait(HANG_TIMEOUT)
        change()
        halves.may_end.set()
        sending.join()
    session.close(timeout=HANG_TIMEOUT)
    assert {hashlib.sha256(weights).hexdigest()} == {c.sha256 for c in site.hub.checkpoints(site.model_id)}
    assert session.status().checkpoints.logged == session.status().checkpoints.delivered
