"""Any interleaving of logging, faults, restarts and time ends with: the HUB holds what was logged."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import hubport
from tests.session.conftest import Stage

KINDS = st.sampled_from([None, "metrics", "upload", "heartbeat"])
DURATIONS = st.floats(0.1, 2000)


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
        self.uploaded: list[int] = []

    @initialize()
    def connect(self) -> None:
        self.session: hubport.TrainingSession = self.stage.connect()
        self.this_run = set()

    @rule(epoch=st.integers(0, 5), name=st.sampled_from("abc"), value=st.integers(0, 9))
    def log(self, epoch: int, name: str, value: int) -> None:
        self.session.log_metrics(epoch, {name: value})
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

    @rule()
    def upload(self) -> None:
        self.calls += 1
        self.stage.disk.files["last.pt"] = str(self.calls).encode()
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

    @rule(within=st.floats(0.1, 100))
    def flush(self, within: float) -> None:
        before = self.stage.clock.now()
        self.session.flush(within=within)
        assert self.stage.clock.now() <= before + within + 1e-6

    @rule()
    def crash_and_restart(self) -> None:
        self.stage.crash(self.session)
        self.connect()

    @rule()
    def close_and_restart(self) -> None:
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
            self.session.flush(within=4000)
            report = self.session.close()
            assert report.is_complete, str(report)
            assert self.logged == self.stage.hub.metrics(self.stage.model_id)
            held = [checkpoint.epoch for checkpoint in self.stage.hub.checkpoints(self.stage.model_id)]
            assert self.uploaded[-1:] == held[-1:]
        finally:
            shutil.rmtree(self.folder)


AnySchedule.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnySchedule = AnySchedule.TestCase
