"""Numbers from repetitions, and how they are written.

The one rule: a median is never shown without its spread, and the worst of all repetitions is shown as what it is.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

import attrs


@attrs.frozen
class Spread:
    """The median of the repetitions, the smallest and the largest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Summarise *values*, of which there is at least one."""
        found = sorted(values)
        return cls(statistics.median(found), found[0], found[-1])

    def __str__(self) -> str:
        if self.low == self.high:
            return number(self.median)
        return f"{number(self.median)} ({number(self.low)} – {number(self.high)})"


def number(value: float) -> str:
    """Three significant digits, and no exponent."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(2 - math.floor(math.log10(abs(value))), 0)
    return f"{value:,.{min(digits, 3)}f}"


def growth(size: float) -> str:
    """So many bytes more, or less."""
    return f"{size / (1 << 20):+,.1f} MiB"


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that *share* of the *ordered* ones do not exceed."""
    return ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1]


def ratio(value: float, base: float) -> str:
    """*value* as a multiple of *base*."""
    return f"{value / base:.2f} ×" if base else "–"
