"""How often a client may ask: a bucket of tokens for each, filled at a steady rate. ``HubApi.admit`` makes it a 429.

The one rule: it knows no clock, and a refusal says in all four headers when asking makes sense again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import attrs

from .bounded_cache import BoundedCache

_MOST = 10_000


@attrs.define
class RateLimiter:
    """*calls* in *seconds* for each, which may come at once. Threads may share it: at worst a call is not counted."""

    calls: int
    seconds: float
    # Whoever was quiet for longest is forgotten: with a full bucket again where the clients are no more than that.
    _buckets: BoundedCache[tuple[float, float]] = attrs.field(
        factory=lambda: BoundedCache(_MOST), init=False, repr=False
    )

    def acquire(self, who: str, now: float) -> Mapping[str, str] | None:
        """One call of *who* at *now* (unix seconds): ``None`` when it is within bounds, else the headers of the 429."""
        rate = self.calls / self.seconds
        left, at = self._buckets.get(who) or (float(self.calls), now)
        left = min(float(self.calls), left + max(now - at, 0.0) * rate)
        is_within = left >= 1
        self._buckets.put(who, (left - 1 if is_within else left, now))
        if is_within:
            return None
        wait = math.ceil((1 - left) / rate)
        return {
            "x-ratelimit-limit": str(self.calls),
            "x-ratelimit-remaining": "0",
            "retry-after": str(wait),
            "x-ratelimit-reset": str(math.ceil(now) + wait),
        }
