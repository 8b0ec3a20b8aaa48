"""What a trainer hands over, checked before it is written down.

The one rule: a bad value costs that value and one warning, never the call and never the training. Who wants errors
instead sets ``Settings.strict``.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Mapping
from typing import Any, TypeVar

from ...domain.errors import InvalidMetrics
from ...domain.metrics import EpochValues, epoch_number, flag, from_text, json_safe, number, sanitize
from ..log import EventLogger
from .counters import DeliveryCounters

T = TypeVar("T")
#: Warnings at most: a trainer may make up a new name in each epoch. All are counted.
_MOST_WARNINGS = 20


def _epoch(value: object) -> int:
    """As ``epoch_number``, and from text too: the keys of JSON, and arguments of a command line, are text."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = float(value) if "." in value else int(value)
    return epoch_number(value)


class Validator:
    """Checks the arguments of one session's calls; counts in *counters* and warns in *log*, or raises where *strict*.

    Each method raises ``InvalidMetrics`` in strict mode, and never otherwise.
    """

    def __init__(self, counters: DeliveryCounters, log: EventLogger, *, strict: bool) -> None:
        self._counters = counters
        self._log = log
        self._strict = strict
        self._warned: set[str] = set()

    def metrics(self, values: Mapping[str, object]) -> EpochValues | None:
        """The *values* that can be sent; ``None`` when none can."""
        try:
            return json_safe(values)
        except InvalidMetrics:
            if self._strict:
                raise
        safe, errors = sanitize(values)
        rest = "the other values are sent" if safe else "nothing of this call is sent"
        for error in errors:
            self._reject("metric value", error, f"this value is not sent; {rest}")
        return safe or None

    def queue(self, queue: object) -> dict[Any, object]:
        """A copy of the whole queue: a trainer's other threads may change theirs. Empty where it is no mapping."""
        if isinstance(queue, Mapping):
            return dict(queue)
        error = InvalidMetrics("metrics_queue", f"a mapping by epoch is needed, not {type(queue).__name__}")
        return self._checked("queue", error, {}, "nothing of it is sent")

    def queued(self, value: object) -> EpochValues | None:
        """What a trainer of 2023 queued for an epoch: JSON text, or a mapping as :meth:`metrics` takes it."""
        if isinstance(value, str):
            return from_text(str.__str__(value))
        if isinstance(value, Mapping):
            return self.metrics(value)
        error = InvalidMetrics("metrics", f"JSON text or a mapping is needed, not {type(value).__name__}")
        return self._checked("metric value", error, None, "nothing is sent for this epoch")

    def epoch(self, value: object) -> int | None:
        """The epoch of metrics; ``None`` where it cannot be read: nothing could be sent for it."""
        try:
            return _epoch(value)
        except InvalidMetrics as error:
            return self._checked("epoch", error, None, "nothing of this call is sent")

    def checkpoint_epoch(self, value: object, *, newest: int) -> int:
        """The epoch of a checkpoint; *newest* where it cannot be read: the file counts for more than its number."""
        try:
            return _epoch(value)
        except InvalidMetrics as error:
            return self._checked("epoch", error, newest, f"the checkpoint is sent as that of epoch {newest}")

    def number(self, name: str, value: object) -> float | None:
        """*value* as a float, ``None`` where there is none."""
        try:
            return number(name, value)
        except InvalidMetrics as error:
            return self._checked(name, error, None, "it is left out")

    def flag(self, name: str, value: object) -> bool:
        """*value* as a bool, false where it is neither."""
        try:
            return flag(name, value)
        except InvalidMetrics as error:
            return self._checked(name, error, instead=False, consequence="it is taken for false")

    def path(self, value: object) -> str | None:
        """*value* as a path, ``None`` where it cannot be one."""
        try:
            path = os.fsdecode(value)  # type: ignore[arg-type]
            if "\0" not in path:
                return path
            problem = "a path holds no NUL"
        except Exception:  # noqa: BLE001 - the class is the trainer's own
            problem = f"a path is needed, not {type(value).__name__}"
        return self._checked("path", InvalidMetrics("path", problem), None, "nothing is uploaded")

    def timeout(self, value: object, default: float) -> float:
        """*value* in seconds; *default* for ``None``, and where it is no number."""
        if value is None:
            return default
        try:
            seconds = float(value)  # type: ignore[arg-type]
        except Exception:  # noqa: BLE001 - the class is the trainer's own
            seconds = math.nan
        if not math.isnan(seconds):
            return seconds
        error = InvalidMetrics("timeout", f"a number of seconds is needed, not {type(value).__name__}")
        return self._checked("timeout", error, default, f"{default:g} seconds are taken")

    def _checked(self, kind: str, error: InvalidMetrics, instead: T, consequence: str) -> T:
        if self._strict:
            raise error
        self._reject(kind, error, consequence)
        return instead

    def _reject(self, kind: str, error: InvalidMetrics, consequence: str) -> None:
        self._counters.count_failure(f"invalid {kind}")
        # Two threads may both warn of one name: it is said twice, and nothing breaks.
        if error.name in self._warned or len(self._warned) >= _MOST_WARNINGS:
            return
        self._warned.add(error.name)
        self._log.warning("value.invalid", name=error.name[:200], problem=error.problem, consequence=consequence)
