"""Any interleaving of logging, faults, restarts, revoked keys, small disks and time ends with: the HUB holds what was
logged, less exactly those records that the session has said to be lost.

``HUBPORT_EXAMPLES=1000`` makes it a long run, for which pytest wants ``-o faulthandler_timeout=0``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import hubport
from hubport import Count, Credentials
from hubport.app.session.connect import factory
from hubport.app.session.factory import ModelAccess
from tests.session.conftest import Stage

EXAMPLES = int(os.environ.get("HUBPORT_EXAMPLES", "40"))
KINDS = st.sampled_from([None, "metrics", "upload", "heartbeat"])
DURATIONS = st.floats(0.1, 2000)
UNLIMITED = 1 << 30
LIMITS = st.sampled_from([UNLIMITED, UNLIMITED, 500, 3000, 10_000])


class AnySchedule(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="hubport-any-"))
        self.stage = Stage(self.folder)
        # An epoch is what the newest run that logged it made of it: the HUB replaces epochs whole.
        self.logged: dict[int, dict[str, float]] = {}
        self.ever: dict[int, set[str]] = {}
        self.this_run: set[int] = set()
        self.calls = 0
        self.keys = 0
        self.uploaded: list[int] = []
        self.has_lost = False

    @initialize(limit=LIMITS)
    def begin(self, limit: int) -> None:
        self.limit = limit
        self.connect()

    def connect(self) -> None:
        self.session: hubport.TrainingSession = self.stage.connect(outbox_limit=self.limit)
        self.this_run = set()

    def lost(self, kind: str) -> int:
        count: Count = getattr(self.session.status(), kind)
        return count.lost

    @rule(epoch=st.integers(0, 5), name=st.sampled_from("abc"), value=st.integers(0, 9))
    def log(self, epoch: int, name: str, value: int) -> None:
        before = self.lost("metrics")
        self.session.log_metrics(epoch, {name: value})
        if before != self.lost("metrics"):
            assert self.limit < UNLIMITED
            self.has_lost = True
            return
        if epoch not in self.this_run:
            self.logged[epoch] = {}
            self.this_run.add(epoch)
        self.logged[epoch][name] = value
        self.ever.setdefault(epoch, set()).add(name)

    @rule(count=st.integers(1, 40))
    def log_many(self, count: int) -> None:
        for _ in range(count):
            self.calls += 1
            self.log(100 + self.calls, "n", self.calls)

    @rule(size=st.sampled_from([0, 0, 500, 2000, 5000]))
    def upload(self, size: int) -> None:
        self.calls += 1
        self.stage.disk.files["last.pt"] = str(self.calls).encode() + bytes(size)
        self.session.upload_checkpoint("last.pt", epoch=self.calls)
        self.uploaded.append(self.calls)

    @rule(seconds=DURATIONS, on=KINDS)
    def outage(self, seconds: float, on: str | None) -> None:
        self.stage.hub.down(seconds=seconds, on=on)

    @rule(calls=st.integers(1, 3), on=KINDS)
    def lost_answers(self, calls: int, on: str | None) -> None:
        self.stage.hub.lose_answers(calls=calls, on=on)

    @rule(seconds=DURATIONS, on=KINDS, status=st.sampled_from([408, 425, 500, 502, 503]))
    def bad_status(self, seconds: float, on: str | None, status: int) -> None:
        self.stage.hub.refuse(status, seconds=seconds, on=on)

    @rule(seconds=st.floats(1, 500))
    def rate_limited(self, seconds: float) -> None:
        self.stage.hub.rate_limit(seconds, calls=2)

    @rule(calls=st.integers(1, 3), status=st.sampled_from([200, 201, 302, 502]))
    def garbled(self, calls: int, status: int) -> None:
        self.stage.hub.garble(status=status, calls=calls)

    @rule(by=st.floats(0.1, 30), calls=st.integers(1, 3), on=KINDS)
    def slow(self, by: float, calls: int, on: str | None) -> None:
        self.stage.hub.slow(by, calls=calls, on=on)

    @rule(seconds=st.floats(0.01, 1000))
    def time_passes(self, seconds: float) -> None:
        self.stage.clock.advance(seconds)

    @rule(seconds=st.floats(-1e6, 1e6))
    def the_calendar_jumps(self, seconds: float) -> None:
        self.stage.clock.shift_wall(seconds)

    @rule(timeout=st.floats(0.1, 100))
    def flush(self, timeout: float) -> None:
        before = self.stage.clock.now()
        self.session.flush(timeout=timeout)
        assert self.stage.clock.now() <= before + timeout + 1e-6

    @rule()
    def the_key_is_revoked(self) -> None:
        self.keys += 1
        self.stage.hub.api_key = f"{self.keys:042x}"

    @rule()
    def another_key_is_used(self) -> None:
        self.session.use_key(self.stage.hub.api_key)

    @rule()
    def journals_are_written_anew(self) -> None:
        """At the next metrics call, whatever their size."""
        for reader in self.stage.delivery(self.session)._readers:
            reader._rewritten_from = -1

    @rule()
    def crash_and_restart(self) -> None:
        self.crash()
        self.connect()

    @rule(timeout=st.floats(0, 100), outage=st.floats(0, 50), on=KINDS)
    def crash_and_sync_and_restart(self, timeout: float, outage: float, on: str | None) -> None:
        """What ``hubport sync`` does, as far as it comes."""
        self.crash()
        self.stage.hub.down(seconds=outage, on=on)
        before = self.stage.clock.now()
        claim = ModelAccess(self.stage.model_id, Credentials(self.stage.hub.api_key))
        syncing = factory(settings=self.stage.settings(), **self.stage.ports())
        report = syncing.send_orphans(claim, self.stage.model_id, deadline=before + timeout)
        assert self.stage.clock.now() <= before + timeout + 1e-6
        assert report is None or 0 == report.metrics.lost
        self.stage.clock.settle()
        self.stage.outbox.crash()
        self.stage.hub.heal()
        self.connect()

    def crash(self) -> None:
        self.count()
        self.stage.crash(self.session)

    def count(self) -> None:
        report = self.session.status()
        for count in (report.metrics, report.checkpoints):
            assert min(count.logged, count.delivered, count.superseded, count.lost, count.waiting) >= 0
        assert self.stage.held(self.session) >= 0
        self.has_lost |= report.checkpoints.lost > 0

    @rule()
    def close_and_restart(self) -> None:
        self.count()
        self.session.close()
        self.stage.clock.settle()
        self.stage.outbox.crash()  # a request may still have been under way: its process ends
        self.stage.hub.heal()
        self.connect()

    @invariant()
    def nothing_is_invented(self) -> None:
        for epoch, values in self.stage.hub.metrics(self.stage.model_id).items():
            assert set(values) <= self.ever[epoch]

    def teardown(self) -> None:
        try:
            self.stage.hub.heal()
            self.session.use_key(self.stage.hub.api_key)
            self.session.flush(timeout=4000)
            self.count()
            report = self.session.close()
            assert self.has_lost or report.is_complete, str(report)
            assert (0, 0) == (report.metrics.waiting, report.checkpoints.waiting)
            assert report.metrics.logged == report.metrics.delivered + report.metrics.lost
            assert self.logged == self.stage.hub.metrics(self.stage.model_id)
            held = [checkpoint.epoch for checkpoint in self.stage.hub.checkpoints(self.stage.model_id)]
            assert set(held) <= set(self.uploaded)
            assert self.has_lost or self.uploaded[-1:] == held[-1:]
            assert 0 == self.stage.held(self.session)
            assert {"last.pt", "best.pt"} == set(self.stage.disk.files)
            # A slow heartbeat may have been under way at the end, or a dead run's request: it goes on to its own end,
            # and the spool goes after it.
            self.stage.clock.advance(60)
            assert [] == self.stage.outbox.spools
        finally:
            shutil.rmtree(self.folder)


AnySchedule.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None)
TestAnySchedule = AnySchedule.TestCase
