"""The order of locks that docs/explanation/architecture.md writes down is the one that holds.

Every test of a session fails that sees another one: see ``tests/conftest.py``. This one takes most of the locks.
"""

from __future__ import annotations

import threading
from pathlib import Path

from hubport.adapters.disk_outbox import DiskOutbox
from hubport.testing.contracts.waiting import run_concurrently
from tests.locks import LEAF, RANKS, RankedLock, Watch
from tests.session.conftest import Stage


def test_a_session_takes_its_locks_in_the_order_that_is_written_down(
    stage: Stage, tmp_path: Path, lock_watch: Watch
) -> None:
    stage.disk.files |= {f"{number}.pt": b"weights" for number in range(4)}
    stage.outbox = DiskOutbox(tmp_path / "outbox")  # type: ignore[assignment]
    session = stage.connect()

    def train(thread: int) -> None:
        for epoch in range(thread, 40, 4):
            session.log_metrics(epoch, {"a": 1.0})
            session.upload_checkpoint("last.pt", epoch=epoch, is_best=epoch % 3 == 0)
            session.status()

    run_concurrently(train, threads=4)
    stage.clock.advance(1000)
    stage.hub.down()
    session.log_metrics(50, {"a": 1.0})
    stage.clock.advance(100)
    session.flush(timeout=10)
    stage.hub.heal()
    assert session.finish("best.pt", epoch=50, map=0.5).final_delivered
    assert {
        "WorkerGroup.lock",
        "DeliveryCounters._lock",
        "FailureLog._lock",
        "UploadQueue._lock",
        "Lifecycle._closing",
    } <= lock_watch.names
    assert {"running._LOCK", "spool.NO_FORK"} <= lock_watch.names
    assert ("UploadQueue._settling", "DiskSpool._lock") in lock_watch.pairs
    assert set() == lock_watch.wrong


def test_a_wrong_order_is_seen() -> None:
    watch = Watch()
    outer, inner, leaf, other = (
        RankedLock(threading.RLock(), name, watch)
        for name in ("UploadQueue._settling", "DiskSpool._lock", "DeliveryCounters._lock", "WorkerGroup.lock")
    )
    with outer, inner, leaf, outer:
        pass
    assert set() == watch.wrong
    with leaf, other:
        pass
    with inner:
        outer.acquire()
        outer.release()
    assert {
        "WorkerGroup.lock inside DeliveryCounters._lock",
        "UploadQueue._settling inside DiskSpool._lock",
    } == watch.wrong
    assert max(RANKS.values()) < LEAF
