"""The session class of 2023, by name and behaviour, on this engine.

The one rule: a trainer that drove the old class from its callbacks goes on unchanged. What differs is listed in
docs/reference/drop-in.md, attribute by attribute and fault by fault.
"""

from __future__ import annotations

import copy
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import attrs

from ...domain.client.credentials import Credentials
from ...domain.client.model_record import ModelRecord
from ...domain.client.train_plan import TrainPlan
from ..log import logger
from . import running
from .connect import opened
from .factory import ModelAccess, SessionFactory
from .training_session import TrainingSession


class _RateLimits(dict[str, float]):
    """``{"metrics", "ckpt", "heartbeat"}`` in seconds; a change holds from the next call on."""

    def __init__(self, pace: Callable[[], None], limits: Mapping[str, float]) -> None:
        super().__init__(limits)
        self._pace = weakref.WeakMethod(pace)  # no cycle: a session that nobody holds lets go at once

    def __setitem__(self, name: str, every: float) -> None:
        super().__setitem__(name, float(every))
        if (pace := self._pace()) is not None:
            pace()

    def __reduce__(self) -> tuple[type[dict[str, float]], tuple[dict[str, float]]]:
        return dict, (dict(self),)  # a copy sets nobody's pace

    def update(self, *others: Any, **limits: float) -> None:
        for name, every in dict(*others, **limits).items():
            self[name] = every

    def __ior__(self, other: Any) -> _RateLimits:  # type: ignore[override,misc]
        self.update(other)
        return self


@attrs.frozen
class _Origin:
    """What a session is made of, for another one in its place."""

    factory: SessionFactory
    access: ModelAccess
    record: ModelRecord
    plan: TrainPlan

    def start(self, *, sends_heartbeats: bool = True) -> TrainingSession:
        """A session that runs."""
        return self.factory.start(self.access, self.record, self.plan, sends_heartbeats=sends_heartbeats)


class HUBTrainingSession:
    """Connects a trainer of 2023 to its HUB; *url* is a model's URL, ``<KEY>_<ID>`` or ``<ID>``.

    *options* are those of :func:`hubport.connect`. Raises what ``connect`` raises. A copy of it, by pickle, copy or a
    spawned process, holds the same of the model, no key, and does nothing.
    """

    def __init__(self, url: str, *, api_key: str | Credentials | None = None, **options: Any) -> None:
        wired, access = opened(url, api_key, **options)
        access, record, plan = wired.open(access)
        self._origin: _Origin | None = _Origin(wired, access, record, plan)
        self._session = self._origin.start()
        settings = self._session.settings
        self._rate_limits = _RateLimits(
            self._pace,
            {
                "metrics": settings.metrics_interval,
                "ckpt": settings.checkpoint_interval,
                "heartbeat": settings.heartbeat_interval,
            },
        )
        self.timers: dict[str, float] = {}
        self.metrics_queue: dict[Any, Any] = {}
        self.model_id = self._session.model_id
        self.model_url = self._session.model_url
        self.api_url = f"{settings.hub_root}/v1/models/{self.model_id}"
        self.auth_header = access.credentials.headers()
        self.model: dict[str, Any] = dict(record.raw)
        self.model_file = self._session.model_file
        self.train_args = self._session.train_args
        self._log = logger(model_id=self.model_id)

    @property
    def agent_id(self) -> str | None:
        """The name that the HUB gave to this run."""
        return self._session.agent_id

    @property
    def rate_limits(self) -> dict[str, float]:
        """Seconds between two calls: ``metrics``, ``ckpt`` and ``heartbeat``."""
        return self._rate_limits

    @rate_limits.setter
    def rate_limits(self, limits: Mapping[str, float]) -> None:
        self._rate_limits.update(limits)

    @property
    def alive(self) -> bool:
        """Whether heartbeats run; setting it to ``False`` stops them at once."""
        return self._session.is_beating

    @alive.setter
    def alive(self, value: bool) -> None:
        if value:
            if not self.alive:
                self._engine().start_heartbeats()
            return
        self._session.stop_heartbeats()
        if self._session.is_running and self._session.is_idle:
            # Threads, spool and handlers go back; what comes after all the same gets them anew.
            self._session.close()

    def _engine(self) -> TrainingSession:
        """The session below, made again where a call comes after its end: the old class went on sending then."""
        if self._session.is_closed and self._origin is not None and not running.is_running(self._session.target):
            self._session = self._origin.start(sends_heartbeats=False)
            self._session.stop_heartbeats()
            self._pace()
        return self._session

    def _pace(self) -> None:
        limits = self._rate_limits
        self._session.pace(metrics=limits["metrics"], checkpoint=limits["ckpt"], heartbeat=limits["heartbeat"])

    def upload_metrics(self) -> None:
        """Send what is in ``metrics_queue``: JSON text, or a mapping of names to numbers, by epoch.

        Returns when it is kept, before it is sent. What cannot be sent is left out with one warning.
        """
        if self.metrics_queue:
            self._engine().log_queue(self.metrics_queue)

    def upload_model(
        self, epoch: int, weights: str | Path, is_best: bool = False, map: float = 0.0, final: bool = False
    ) -> None:
        """Send the checkpoint *weights* of *epoch*; the *final* one waits until it has arrived, and ends the model."""
        if not final:
            self._engine().upload_checkpoint(weights, epoch=epoch, is_best=is_best)
            return
        # The old class lost what was still in the queue here: of a training of two epochs, everything.
        self.upload_metrics()
        self.metrics_queue = {}
        if not self._engine().send_final(weights, epoch=epoch, map=map) and self._session.is_running:
            self._log.warning("final.waiting", summary=str(self._session.status()))

    def _start_heartbeat(self) -> None:
        """Send heartbeats."""
        self.alive = True

    def _stop_heartbeat(self) -> None:
        """Send none any more."""
        self.alive = False

    def _register_signal_handlers(self) -> None:
        """The engine watches SIGTERM and SIGINT from the start, where it can."""

    def _handle_signal(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler's signature
        """Stop, send what is left, and leave with *signum*, as the old handler did. Our own handlers do not call it."""
        session, timeout = self._session, self._session.settings.signal_timeout
        # In a thread, and not longer than the deadline: whoever registered this as a handler may have interrupted code
        # that holds one of our locks.
        closing = threading.Thread(target=session.close, kwargs={"timeout": timeout}, daemon=True)
        closing.start()
        closing.join(timeout)
        sys.exit(signum)

    def _get_model(self) -> dict[str, Any]:
        """Fetch the model's record again, with what follows from it."""
        if self._origin is None or self._session.is_forked:
            return self.model  # the connections are the parent's
        record, plan = self._origin.factory.fetch(self._origin.access)
        self.model = dict(record.raw)
        self.model_file, self.train_args = plan.model_file, plan.train_args
        return self.model

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "_log"}
        if self._origin is not None:
            clean = self._origin.access.credentials.removed_from
            state |= {name: clean(state[name]) for name in ("model", "model_file", "train_args")}
        return state | {
            "_origin": None,
            "_session": copy.copy(self._session),
            "_rate_limits": dict(self._rate_limits),
            "auth_header": {},
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._rate_limits = _RateLimits(self._pace, state["_rate_limits"])
        self._log = logger(model_id=self.model_id)
