"""A trainer of many threads, against a real server."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import hubport
from hubport import SessionClosed, TrainingSession
from hubport.adapters.disk_outbox import DiskOutbox, DiskSpool
from hubport.testing.contracts.waiting import BackgroundThread, run_concurrently
from hubport.testing.lab import HANG_TIMEOUT
from tests.integration.conftest import TrainerSandbox

THREADS = 8
EACH = 250


def together(*works: Callable[[], object]) -> None:
    """Call all of *works* at once, each in a thread, and wait for them."""
    run_concurrently(lambda number: works[number](), threads=len(works))


def test_all_that_many_threads_log_arrives(site: TrainerSandbox) -> None:
    session = site.connect(metrics_interval=0.0)

    def log(thread: int) -> None:
        for number in range(EACH):
            session.log_metrics(number, {f"thread {thread}": number})

    together(*(partial(log, thread) for thread in range(THREADS)))
    report = session.finish(timeout=HANG_TIMEOUT)

    assert THREADS * EACH == report.metrics.logged
    assert THREADS * EACH == report.metrics.delivered
    names = [f"thread {thread}" for thread in range(THREADS)]
    assert {number: dict.fromkeys(names, number) for number in range(EACH)} == {
        epoch: dict(sorted(values.items())) for epoch, values in site.hub.metrics(site.model_id).items()
    }
    assert [] == site.spools()


def test_many_threads_flush_and_upload_while_others_log(site: TrainerSandbox) -> None:
    last = site.folder / "last.pt"
    last.write_bytes(b"weights" * 1000)
    session = site.connect(metrics_interval=0.0, checkpoint_interval=0.0, heartbeat_interval=0.1)

    def log() -> None:
        for number in range(EACH):
            session.log_metrics(number, {"a": number})

    def flush() -> None:
        for _ in range(20):
            session.flush(timeout=HANG_TIMEOUT)

    def upload(first: int) -> None:
        # No epoch twice: of two equal checkpoints of one epoch, both delivered, the HUB holds one.
        for epoch in range(first, 40, 2):
            session.upload_checkpoint(last, epoch=epoch)
            session.status()

    together(log, log, flush, flush, partial(upload, 0), partial(upload, 1))
    report = session.finish(last, epoch=40, map=0.5, timeout=HANG_TIMEOUT)

    assert report.is_complete, str(report)
    assert 41 == report.checkpoints.logged
    assert report.checkpoints.delivered == len(site.hub.checkpoints(site.model_id))
    assert "trained" == site.hub.model(site.model_id).status
    assert {number: {"a": number} for number in range(EACH)} == site.hub.metrics(site.model_id)
    assert [] == site.spools()


def test_what_is_logged_while_another_thread_closes_is_safe_or_refused(site: TrainerSandbox) -> None:
    acknowledged: set[int] = set()

    def log_until_closed(session: TrainingSession, number: int) -> None:
        try:
            while True:
                session.log_metrics(number, {"number": number})
                acknowledged.add(number)
                number += 2
        except SessionClosed:
            return

    def close_when_some_are_delivered(session: TrainingSession) -> None:
        site.lab.ledger.wait_for(lambda: session.status().metrics.delivered)
        session.close(timeout=HANG_TIMEOUT)

    for _ in range(8):
        session = site.connect(metrics_interval=0.0)
        first = max(acknowledged, default=-1) + 1
        together(
            partial(close_when_some_are_delivered, session),
            *(partial(log_until_closed, session, first + thread) for thread in range(2)),
        )
    site.recover()

    assert acknowledged == acknowledged & set(site.hub.metrics(site.model_id))


class Interrupted(DiskOutbox):
    """An outbox in which a thread that logs is interrupted just before it writes, for as long as a test likes."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.is_armed = False
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.written = threading.Event()
        self.at_release: Callable[[], object] = int

    def open(self, model_id: str) -> DiskSpool:
        spool = super().open(model_id)
        append, release = spool.append, spool.release

        def held_append(line: bytes) -> None:
            if self.is_armed and b'["m"' in line:
                self.is_armed = False
                self.reached.set()
                # Not for ever: a session may also wait for this call before it ends.
                self.go_on.wait(1.0)
                try:
                    append(line)
                finally:
                    self.written.set()
            else:
                append(line)

        def watched_release(*, keep: bool) -> None:
            self.at_release()
            release(keep=keep)

        vars(spool).update(append=held_append, release=watched_release)
        return spool


@pytest.mark.parametrize("moment", ["before the journal goes", "after it has gone"])
def test_a_record_that_is_written_in_the_last_moment_of_a_close_is_not_lost(site: TrainerSandbox, moment: str) -> None:
    settings = hubport.Settings(api_root=site.url, web_root=site.url, state_dir=site.state_dir, handle_signals=False)
    outbox = Interrupted(settings.outbox_dir)
    session = hubport.connect(site.model_id, api_key=site.hub.api_key, settings=settings, outbox=outbox)
    outbox.is_armed = True
    acknowledged = []

    def log() -> None:
        with contextlib.suppress(SessionClosed):
            session.log_metrics(7, {"a": 1.0})
            acknowledged.append(7)

    def let_it_write() -> None:
        outbox.go_on.set()
        outbox.written.wait(HANG_TIMEOUT)

    logging = BackgroundThread(log)
    assert outbox.reached.wait(HANG_TIMEOUT)
    if moment == "before the journal goes":
        outbox.at_release = let_it_write
    session.close(timeout=HANG_TIMEOUT)
    outbox.go_on.set()
    logging.join()
    site.recover()

    assert acknowledged == list(site.hub.metrics(site.model_id))
