"""A training session: what a trainer holds while it trains.

The one rule: after ``connect`` nothing that the network does raises into the trainer or holds it. Records go into the
outbox, workers drain it, and only ``flush``, ``finish`` and ``close`` wait, each against one deadline.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import attrs

from ...domain.client.credentials import Credentials
from ...domain.client.model_record import ModelRecord
from ...domain.client.protocol import HubProtocol
from ...domain.client.train_plan import TrainPlan
from ...domain.ports.clock import Clock
from ...domain.ports.outbox import SpoolSealed
from ...domain.run_end import RunEnd
from ..delivery.report import Report
from ..delivery.upload_progress import progress
from ..log import logger
from ..settings import Settings
from . import running
from .lifecycle import Lifecycle, State
from .running import Target
from .unsent import COPY, Unsent


class TrainingSession:
    """Keeps one training connected to its HUB; made by :func:`hubport.connect`.

    ``model_file`` and ``train_args`` are what the HUB says to train, ``record`` is all that it says of the model.
    Use it as a context manager: leaving it stops heartbeats and drains what it can in ``Settings.exit_timeout`` s.
    The HUB is told whether the run was closed or failed, and of an exception the class.
    One that nobody holds any more ends in the same way. A copy of it, by pickle, copy or a spawned process, holds the
    same of the model, no key, and does nothing.
    """

    def __init__(
        self,
        record: ModelRecord,
        plan: TrainPlan,
        settings: Settings,
        clock: Clock,
        lifecycle: Lifecycle,
        *,
        credentials: Credentials,
    ) -> None:
        self.record = record
        self.model_id = record.id
        self.model_url = settings.model_url(record.id)
        self.model_file = plan.model_file
        self.train_args: dict[str, Any] = plan.train_args
        self.settings = settings
        self._clock = clock
        self._credentials: Credentials | None = credentials
        self._lifecycle = lifecycle
        # Not at exit: then the life ends by itself, and its end may be waited for.
        weakref.finalize(self, lifecycle.abandon).atexit = False

    @property
    def agent_id(self) -> str | None:
        """The name that the HUB gave to this run; ``None`` until the first heartbeat is answered."""
        return self._lifecycle.engine.delivery.agent_id if self._lifecycle.engine else None

    def log_metrics(self, epoch: int, values: Mapping[str, object]) -> None:
        """Log *values* of *epoch* (from 0): names to numbers or text.

        Returns as soon as they would survive ``kill -9``. Several calls for one epoch add up; the newest wins for a
        name. What is no number or text, such as a list, is left out with one warning.

        Raises:
            InvalidMetrics: (a ``TypeError``) for what is left out, where ``Settings.strict`` is set.
            SessionClosed: after ``finish`` or ``close``.
        """
        if engine := self._lifecycle.open("log_metrics", "metrics"):
            try:
                engine.recorder.log_metrics(epoch, values)
            except SpoolSealed:
                raise self._lifecycle.closed("log_metrics") from None

    def log_text(self, epoch: int, text: str) -> None:
        """Log JSON *text* for *epoch*, in place of what was logged for it before.

        Raises:
            SessionClosed: after ``finish`` or ``close``.
        """
        self.log_queue({epoch: text})

    def log_queue(self, queue: Mapping[Any, object]) -> None:
        """The same for several epochs, which go out together: how the drop-in logs. A value may be a mapping, too.

        Raises:
            InvalidMetrics: for what cannot be sent, where ``Settings.strict`` is set.
            SessionClosed: after ``finish`` or ``close``.
        """
        number = len(queue) if isinstance(queue, Mapping) else 1
        if engine := self._lifecycle.open("log_text", "metrics", number):
            try:
                engine.recorder.log_queue(queue)
            except SpoolSealed:
                raise self._lifecycle.closed("log_text") from None

    def upload_checkpoint(self, path: str | os.PathLike[str], *, epoch: int, is_best: bool = False) -> None:
        """Send the file *path* as it is now, as the checkpoint of *epoch*: at most one in 900 s, the newest wins.

        Returns when a snapshot is taken: *path* may be written again at once. A missing file is a warning. So is an
        *epoch* that is no whole number from 0: the newest logged epoch stands in for it.

        Raises:
            InvalidMetrics: for a bad argument, where ``Settings.strict`` is set.
            SessionClosed: after ``finish`` or ``close``.
        """
        if engine := self._lifecycle.open("upload_checkpoint", "checkpoints"):
            try:
                engine.recorder.upload_checkpoint(path, epoch, is_best=is_best)
            except SpoolSealed:
                raise self._lifecycle.closed("upload_checkpoint") from None

    def use_key(self, api_key: str | Credentials) -> None:
        """Go on with another key, where the HUB refuses the one in use: what was kept meanwhile is sent with it.

        Raises:
            AuthenticationFailed: when it cannot be a key. Whether the HUB takes it shows when something is sent.
            SessionClosed: after ``finish`` or ``close``.
        """
        if engine := self._lifecycle.open("use_key"):
            credentials = api_key if isinstance(api_key, Credentials) else Credentials(api_key)
            self._credentials = credentials
            engine.delivery.go_on_with(HubProtocol(credentials))

    def flush(self, *, timeout: float) -> bool:
        """Send what waits now, without pacing, for *timeout* seconds at most; whether nothing waits any more.

        Raises:
            SessionClosed: after ``finish`` or ``close``.
        """
        engine = self._lifecycle.open("flush")
        # Nothing ever waits in a disabled session; of a copy nobody knows.
        if engine is None:
            return self.is_disabled and self.status().is_complete
        timeout = engine.recorder.validator.timeout(timeout, self.settings.request_timeout)
        return engine.delivery.drain(self._clock.now() + timeout)

    def finish(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        epoch: int = 0,
        map: float | None = None,
        timeout: float | None = None,
    ) -> Report:
        """Send everything, then the final weights *path*, then close; wait *timeout* seconds (one hour) at most.

        *epoch* and *map* (mAP50-95) are those of the weights. Where *path* is missing, ``last.pt`` beside it is sent.
        Without *path* nothing final is sent, and the model stays open in the HUB. An *epoch* or a *map* that is no
        number is a warning, and the weights are sent.

        Raises:
            InvalidMetrics: for a bad argument, where ``Settings.strict`` is set.
            SessionClosed: after ``finish`` or ``close``.
        """
        engine = self._lifecycle.open("finish", "" if path is None else "checkpoints")
        if engine is None:
            return self.status()
        deadline = self._clock.now() + engine.recorder.validator.timeout(timeout, self.settings.finish_timeout)
        if path is not None:
            self.send_final(path, epoch=epoch, map=map, deadline=deadline)
        return self._lifecycle.end(deadline)

    def send_final(
        self, path: str | os.PathLike[str], *, epoch: int, map: float | None, deadline: float | None = None
    ) -> bool:
        """What ``finish`` does before it closes; whether nothing waits any more at *deadline*, an instant."""
        engine = self._lifecycle.open("send_final", "checkpoints")
        if engine is None:
            return False
        name, number, best_map = engine.recorder.final(path, epoch, map)
        deadline = self._clock.now() + self.settings.finish_timeout if deadline is None else deadline
        on_fault = engine.delivery.counters.count_failure
        bar = progress(f"Uploading {self.model_id}", wanted=self.settings.progress, on_fault=on_fault)
        try:
            with self._lifecycle.log.beside(bar):
                # Metrics first, since a HUB may take a finished model's for late; but not for ever, when it takes none.
                engine.delivery.drain_metrics(deadline, longest=self.settings.request_timeout)
                if name is not None:
                    engine.recorder.keep_final(name, number, best_map)
                return engine.delivery.drain(deadline, progress=bar)
        finally:
            bar.end()
            if engine.delivery.counters.final_delivered:
                for lifecycle in running.of_model(self.target):
                    if lifecycle is not self._lifecycle:
                        lifecycle.stop_heartbeats()  # or they would keep a finished model alive

    def close(self, *, timeout: float | None = None) -> Report:
        """Stop heartbeats, send what can be sent *timeout* seconds (2), and let go. A second call changes nothing."""
        engine = self._lifecycle.engine
        if engine is None:
            return self.status()
        timeout = engine.recorder.validator.timeout(timeout, self.settings.exit_timeout)
        return self._lifecycle.end(self._clock.now() + timeout)

    def status(self) -> Report:
        """What was delivered and what waits, as of now. Never waits."""
        return self._lifecycle.report()

    @property
    def target(self) -> Target:
        """What this session reports to, and one session of a process at a time."""
        return Target(self.settings.outbox_key, self.model_id)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing but a heartbeat is under way."""
        return self._lifecycle.engine is None or self._lifecycle.engine.delivery.is_idle

    @property
    def state(self) -> str:
        """``running`` or ``closed``; or ``disabled``, ``forked``, ``copy``: one that reports nothing."""
        return self._lifecycle.state.value

    @property
    def is_running(self) -> bool:
        """Whether it is neither closed nor a copy in a forked child."""
        return self._lifecycle.state is State.RUNNING

    @property
    def is_closed(self) -> bool:
        """Whether it has ended."""
        return self._lifecycle.state is State.CLOSED

    @property
    def is_forked(self) -> bool:
        """Whether this is a copy in a forked child, which does nothing."""
        return self._lifecycle.state is State.FORKED

    @property
    def is_disabled(self) -> bool:
        """Whether another rank of this distributed training is the one that reports, and this one does nothing."""
        return self._lifecycle.state is State.DISABLED

    @property
    def is_copy(self) -> bool:
        """Whether this was made by pickle or copy: it knows its model, has no key, and does nothing."""
        return self._lifecycle.state is State.COPY

    @property
    def is_beating(self) -> bool:
        """Whether heartbeats are sent."""
        engine = self._lifecycle.running
        return engine is not None and engine.delivery.is_beating

    def stop_heartbeats(self) -> None:
        """No heartbeat from now on but a last one, which tells the HUB that the run was closed. Waits for nothing."""
        self._lifecycle.stop_heartbeats()

    def start_heartbeats(self) -> None:
        """Heartbeats again, the first at once: the HUB shows the run as training again."""
        if engine := self._lifecycle.running:
            engine.delivery.start_heartbeats()

    def pace(self, *, metrics: float, checkpoint: float, heartbeat: float) -> None:
        """Other intervals than those of the settings from now on, in seconds."""
        if engine := self._lifecycle.running:
            engine.delivery.metrics.pacer.interval = metrics
            engine.delivery.checkpoints.pacer.interval = checkpoint
            engine.delivery.heartbeats.pacer.interval = heartbeat

    def __enter__(self) -> TrainingSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lifecycle.end(self._clock.now() + self.settings.exit_timeout, RunEnd.of(kind))

    def __getstate__(self) -> dict[str, Any]:
        # For pickle, copy and spawned processes: what the trainer reads of it goes along, what sends does not.
        state = {name: value for name, value in self.__dict__.items() if name not in {"_clock", "_lifecycle"}}
        if self._credentials is not None:  # a HUB may quote the key in what it says of the model
            clean = self._credentials.removed_from
            state |= {name: clean(state[name]) for name in ("model_file", "train_args")}
            state |= {"record": attrs.evolve(self.record, raw=clean(self.record.raw)), "_credentials": None}
        return state | {"settings": attrs.evolve(self.settings, api_key=None)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        unsent = Unsent(COPY, self.model_url, self.settings.rank, logger(model_id=self.model_id))
        self._lifecycle = Lifecycle(self.model_id, self.model_url, state=State.COPY, unsent=unsent)

    def __repr__(self) -> str:
        return f"<TrainingSession {self.model_url} {self._lifecycle.state.value}>"
