"""How far a model has come, out of its metrics: its newest epoch, and the best value of the metric that tells most.

The one rule: what was counted once is not read again, and yet it is as if all had been read now. Only epochs that came
since are folded in; where one of them takes back what is shown, all are read again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ..metrics import from_text
from .bounded_cache import BoundedCache
from .metric_names import Direction, Rank, metric_of
from .ports.store import MetricsDelta
from .storable_text import sendable

_MOST = 1000
_FIRST: Rank = (-1, 0, 0, 0, "")
#: Made once: json.loads would make one for each epoch.
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)


@attrs.frozen
class Objective:
    """Which metric says how good a model is, as its owner has set it. What is ``None`` is told from the names."""

    metric: str | None = None
    direction: Direction | None = None

    def direction_of(self, name: str) -> Direction | None:
        """Which value of a metric is the best; ``None``: unknown."""
        return self.direction if name == self.metric and self.direction is not None else metric_of(name).direction

    def rank_of(self, name: str) -> Rank | None:
        """Where a metric stands; ``None``: it is never shown."""
        if self.metric is None:
            return metric_of(name).rank
        return _FIRST if name == self.metric else None


@attrs.frozen
class MetricValue:
    """A value of a metric, and the epoch that had it."""

    name: str
    value: float
    epoch: int

    def as_json(self) -> dict[str, Any]:
        """For clients."""
        return attrs.asdict(self)


@attrs.frozen
class Progress:
    """``epoch`` is the newest with metrics, ``revision`` how much of them was read.

    ``best`` and ``last`` are values of one metric. Where its direction is unknown there is no best one.
    """

    revision: int = 0
    epoch: int | None = None
    best: MetricValue | None = None
    last: MetricValue | None = None
    objective: Objective = Objective()

    def with_series(self, series: MetricsDelta) -> Progress:
        """The same with what came since, where that :meth:`takes_back` nothing."""
        epoch, best, last = self.epoch, self.best, self.last
        for number, text in series.epochs.items():
            epoch = number if epoch is None else max(epoch, number)
            found = self._told(number, values_of(text))
            if found is None:
                continue
            if last is None or self._is_before(found.name, last.name):
                best, last = None, found
            elif found.name != last.name:
                continue
            elif number >= last.epoch:
                last = found
            direction = self.objective.direction_of(found.name)
            if direction is not None and (best is None or _is_better(direction, found, best)):
                best = found
        return attrs.evolve(self, revision=series.revision, epoch=epoch, best=best, last=last)

    def takes_back(self, series: MetricsDelta) -> bool:
        """Whether an epoch of *series* has lost, or made worse, a value that is shown."""
        for shown in (self.best, self.last):
            if shown is None or shown.epoch not in series.epochs:
                continue
            value = number_of(values_of(series.epochs[shown.epoch]).get(shown.name))
            if value is None:
                return True
            direction = self.objective.direction_of(shown.name)
            if shown is self.best and direction is not None and direction.is_better(shown.value, value):
                return True
        return False

    def as_json(self) -> dict[str, Any]:
        """For clients: ``last`` is there where it stands in for the best value, which is unknown."""
        best = None if self.best is None else self.best.as_json()
        shown = {"epoch": self.epoch, "best": best}
        return shown if self.last is None or best is not None else shown | {"last": self.last.as_json()}

    def _told(self, epoch: int, values: Mapping[str, Any]) -> MetricValue | None:
        """The value of the metric that tells most."""
        found: tuple[str, float] | None = None
        least: Rank | None = None
        rank_of = self.objective.rank_of
        for name, given in values.items():
            rank = rank_of(name)
            if rank is not None and (least is None or rank < least) and (value := number_of(given)) is not None:
                found, least = (name, value), rank
        return None if found is None else MetricValue(*found, epoch)

    def _is_before(self, name: str, other: str) -> bool:
        rank, other_rank = self.objective.rank_of(name), self.objective.rank_of(other)
        return rank is not None and other_rank is not None and rank < other_rank


@attrs.define
class Summaries:
    """The summaries of the models that were asked for last. Two threads that fold at once only do the same twice."""

    _known: BoundedCache[Progress] = attrs.field(factory=lambda: BoundedCache(_MOST), init=False, repr=False)

    def of(self, model_id: str, read: Callable[[int], MetricsDelta], objective: Objective = Objective()) -> Progress:
        """The summary of a model, whose metrics after a revision are to be had from *read*."""
        summary = self._known.get(model_id)
        if summary is None or summary.objective != objective:
            summary = Progress(objective=objective)
        series = read(summary.revision)
        # A revision that is less is another model's under this ID.
        if series.revision < summary.revision or summary.takes_back(series):
            summary, series = Progress(objective=objective), read(0)
        summary = summary.with_series(series)
        self._known.put(model_id, summary)
        return summary


def values_of(text: str) -> Mapping[str, Any]:
    """An epoch's values; none when the text is no JSON object. NaN of old clients, which is no JSON, is ``None``."""
    try:
        values = _DECODER.decode(from_text(text))
    except (ValueError, RecursionError):
        return {}
    return {sendable(name): value for name, value in values.items()} if isinstance(values, dict) else {}


def number_of(value: Any) -> float | None:
    """*value* as a number; ``None`` for what is none, or none that a double holds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _is_better(direction: Direction, found: MetricValue, best: MetricValue) -> bool:
    """Of equal values the first epoch's is the best."""
    if found.value == best.value:
        return found.epoch < best.epoch
    return direction.is_better(found.value, best.value)
