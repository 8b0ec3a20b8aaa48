"""What became of one request: the status table.

The one rule: the HUB alone decides, in its own words, which are a JSON object. A page of HTML, an empty body or half a
body comes from something in between: with status 200 it is no delivery, and with status 404 or 403, while the HUB is
being deployed anew, no refusal. (413 is: proxies have limits of their own, and smaller calls get through.)

===================================  ==============================================================
not the HUB's words, 413 aside       again
1xx, 3xx, 408, 425, 429, 5xx         again
401, 403                             locked out: nothing is sent with this key any more
every other status                   refused: put aside, the rest goes on
2xx with ``success: false``          refused
===================================  ==============================================================
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs

from ..ports.http import Response
from .backoff import retry_after

_AGAIN = frozenset({408, 425, 429})
_LOCKED_OUT = frozenset({401, 403})
_TOO_LARGE = 413
_FULL = 507
#: Refusals that may be about one record among several: worth sending the halves apart.
_DIVISIBLE = frozenset({400, 413, 422})
_LONGEST_MESSAGE = 200
_FAULT = -1


class Verdict(Enum):
    """The four things that can become of a request."""

    DELIVERED = "delivered"
    RETRY = "again"
    REJECTED = "refused"
    UNAUTHORIZED = "locked out"


@attrs.frozen
class Outcome:
    """A verdict and its reason.

    ``status`` 0 stands for no answer at all, -1 for a fault on our side; ``hold`` is the HUB's Retry-After in seconds.
    """

    verdict: Verdict
    status: int
    message: str = ""
    hold: float | None = None
    data: Any = None

    @classmethod
    def unreachable(cls, cause: str) -> Outcome:
        """No answer."""
        return cls(Verdict.RETRY, 0, cause)

    @classmethod
    def fault(cls, cause: str) -> Outcome:
        """Something on our side went wrong, which says nothing of the HUB."""
        return cls(Verdict.RETRY, _FAULT, cause)

    @property
    def is_silence(self) -> bool:
        """Whether nobody answered, which concerns every kind of message."""
        return self.status == 0

    @property
    def is_client_error(self) -> bool:
        """Whether somebody, the HUB or a proxy, finds fault with the request itself."""
        return _is_client_error(self.status)

    @property
    def is_redirect(self) -> bool:
        """Whether somebody wants it at another address, where the key does not go."""
        return 300 <= self.status < 400  # noqa: PLR2004 - the HTTP class is its own name

    @property
    def is_divisible(self) -> bool:
        """Whether a part of what was refused might be taken."""
        return self.verdict is Verdict.REJECTED and self.status in _DIVISIBLE

    @property
    def reason(self) -> str:
        """A few words, the same for the same cause, to count by."""
        if self.status == _FAULT:
            return self.message
        if self.status == _FULL:
            return "the HUB's disk is full"
        return "no answer" if self.is_silence else f"status {self.status}"


def outcome(response: Response, *, wall: float) -> Outcome:
    """What *response*, received at *wall* (unix seconds), means for what was sent."""
    status = response.status
    envelope = _envelope(response)
    message = _message(response, envelope)
    hold = _hold(response, wall=wall)
    is_success = 200 <= status < 300  # noqa: PLR2004 - the HTTP classes are their own names
    is_refusal = _is_client_error(status)
    is_the_hubs = envelope is not None or status == _TOO_LARGE
    if not is_the_hubs or not (is_success or is_refusal):
        return Outcome(Verdict.RETRY, status, message, hold=hold)
    if status in _LOCKED_OUT:
        return Outcome(Verdict.UNAUTHORIZED, status, message)
    if is_refusal or (envelope or {}).get("success") is False:
        return Outcome(Verdict.REJECTED, status, message)
    return Outcome(Verdict.DELIVERED, status, message, data=(envelope or {}).get("data"))


def _is_client_error(status: int) -> bool:
    return 400 <= status < 500 and status not in _AGAIN  # noqa: PLR2004 - the HTTP class is its own name


def _envelope(response: Response) -> Mapping[str, Any] | None:
    try:
        body = json.loads(response.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _message(response: Response, envelope: Mapping[str, Any] | None) -> str:
    if envelope is None:
        kind = response.headers.get("content-type", "no content type").partition(";")[0]
        return f"not the HUB's JSON but {len(response.body)} bytes of {kind}"
    message = envelope.get("message")
    return message[:_LONGEST_MESSAGE] if isinstance(message, str) else ""


def _hold(response: Response, *, wall: float) -> float | None:
    """Seconds until the HUB wants to hear from us: ``Retry-After``, else ``X-RateLimit-Reset`` where a proxy ate it."""
    hold = retry_after(response.headers.get("retry-after"), wall=wall)
    reset = response.headers.get("x-ratelimit-reset", "")
    if hold is None and response.status == 429 and reset.isascii() and reset.isdigit():  # noqa: PLR2004
        hold = retry_after(str(math.ceil(float(reset[:20]) - wall)), wall=wall)
    return hold
