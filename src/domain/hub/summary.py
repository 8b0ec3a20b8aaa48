"""How far a model has come, out of its metrics.

The one rule: what was counted once is not read again. Only epochs that came since are folded in.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ..metrics import from_text
from ..ports.hub_store import Series
from .bodies import sendable
from .recent import Recent

#: Which metric says how good a model is, the first that is there: a piece of its name, and whether more is better.
_TELLING = (
    ("mAP50-95", True),
    ("mAP_0.5:0.95", True),
    ("mAP", True),
    ("fitness", True),
    ("accuracy", True),
    ("metrics/", True),
    ("val/loss", False),
    ("val/", False),
    ("loss", False),
)
_MOST = 1000


@attrs.frozen
class Best:
    """The best value of the most telling metric, and the epoch that had it."""

    name: str
    value: float
    epoch: int
    rank: int


@attrs.frozen
class Summary:
    """``epoch`` is the newest with metrics, ``revision`` how much of them was read."""

    revision: int = 0
    epoch: int | None = None
    best: Best | None = None

    def with_series(self, series: Series) -> Summary:
        """The same with what came since. A value that an epoch has lost again may stay the best."""
        epoch, best = self.epoch, self.best
        for number, text in series.epochs.items():
            epoch = number if epoch is None else max(epoch, number)
            found = _best(number, values_of(text))
            if found is not None and (best is None or _is_better(found, best)):
                best = found
        return Summary(series.revision, epoch, best)

    def as_json(self) -> dict[str, Any]:
        """For clients."""
        best = self.best
        shown = None if best is None else {"name": best.name, "value": best.value, "epoch": best.epoch}
        return {"epoch": self.epoch, "best": shown}


@attrs.define
class Summaries:
    """The summaries of the models that were asked for last. Two threads that fold at once only do the same twice."""

    _known: Recent[Summary] = attrs.field(factory=lambda: Recent(_MOST), init=False, repr=False)

    def of(self, model_id: str, read: Callable[[int], Series]) -> Summary:
        """The summary of a model, whose metrics after a revision are to be had from *read*."""
        summary = self._known.get(model_id) or Summary()
        series = read(summary.revision)
        if series.revision < summary.revision:  # another model under its ID
            summary, series = Summary(), read(0)
        summary = summary.with_series(series)
        self._known.put(model_id, summary)
        return summary


def values_of(text: str) -> Mapping[str, Any]:
    """An epoch's values; none when the text is no JSON object. NaN of old clients, which is no JSON, is ``None``."""
    try:
        values = json.loads(from_text(text), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return {}
    return {sendable(name): value for name, value in values.items()} if isinstance(values, dict) else {}


def _best(epoch: int, values: Mapping[str, Any]) -> Best | None:
    for rank, (piece, _) in enumerate(_TELLING):
        for name, value in values.items():
            if (
                piece in name
                and isinstance(value, int | float)
                and not isinstance(value, bool)
                and math.isfinite(value)
            ):
                return Best(name, float(value), epoch, rank)
    return None


def _is_better(found: Best, best: Best) -> bool:
    if found.rank != best.rank or found.name != best.name:
        return found.rank < best.rank
    is_more = _TELLING[found.rank][1]
    return found.value > best.value if is_more else found.value < best.value
