"""How long after the n-th failure in a row. ``outcome.py`` says whether to try again, and ``pacing.py`` when.

The one rule: full jitter below a doubling cap, on top of the least gap between two calls, and never sooner than the
server asked. A pure function of its arguments: the draw comes from the run's own name, so that runs spread out and a
test repeats itself.
"""

from __future__ import annotations

import zlib
from datetime import timezone
from email.utils import parsedate_to_datetime

import attrs

#: What a server may ask for at most, in seconds. (urllib3 believes six hours.)
LONGEST_RETRY_AFTER = 3600.0


@attrs.frozen
class Backoff:
    """``floor`` to ``floor + min(cap, first * 2**(n-1))`` seconds after the n-th failure, spread evenly."""

    seed: str = ""
    first: float = 2.0
    cap: float = 60.0
    floor: float = 0.0

    def delay(self, failures: int) -> float:
        """Seconds to wait after *failures* (1 or more) in a row."""
        return self.floor + self.draw(failures) * self.bound(failures)

    def draw(self, what: object) -> float:
        """A number from 0 to 1, always the same for this seed and *what*."""
        return zlib.crc32(f"{self.seed}:{what}".encode()) / 2**32

    def bound(self, failures: int) -> float:
        """The end of the range that the jitter is drawn from."""
        # Beyond 2**32 every cap is reached, and a float would overflow at 2**1024.
        return min(self.cap, self.first * 2.0 ** min(failures - 1, 32))


def retry_after(value: str | None, *, wall: float) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, as seconds or as a date; ``None`` when it says nothing.

    Between 0 and an hour, whatever it says. *wall* is the time of the answer in unix seconds. (RFC 9110, 10.2.3)
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.removeprefix("-").isdigit():
        # Twenty digits say "long" as well as any more, and int() refuses thousands of them.
        seconds = float(text[:20])
    else:
        try:
            date = parsedate_to_datetime(text)
            # A date without a zone is universal time (RFC 9110, 5.6.7), wherever this machine stands.
            seconds = (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp() - wall
        except (TypeError, ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
