"""Whole answers that the HUB behind did not give: its own words with another status, or another's words.

The one rule: the HUB behind does not hear of the request. Its client has every byte of what was said to it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Literal, Protocol

import attrs

from ....domain.hub.api.messages import envelope
from ....domain.ports.http import Response
from .exchange import Exchange
from .http1 import rendered
from .scripts import Script

_HTML = b"<html><title>Welcome</title>Welcome to the hotel's network</html>"


class _Says(Script, Protocol):
    """Answers something of its own; the HUB behind does not hear of the request."""

    def response(self) -> Response:
        """What it answers."""
        ...

    def play(self, turn: Exchange) -> None:
        """Answer it."""
        turn.answer(self.response())


@attrs.frozen
class Status(_Says):
    """The HUB's own words with a status of the test's choice: ``Status(503)``, ``Status(422, "no such epoch")``."""

    status: int
    message: str = "refused by the test"

    def response(self) -> Response:
        """An envelope."""
        return envelope(self.status, self.message)


@attrs.frozen
class Html(_Says):
    """A page, as a proxy or a hotel's network has it: ``Html()``, ``Html(502)``, ``Html(404)``."""

    status: int = 200
    body: bytes = attrs.field(default=_HTML, repr=False)

    def response(self) -> Response:
        """The page."""
        return Response(self.status, {"content-type": "text/html"}, self.body)


@attrs.frozen
class Empty(_Says):
    """A status, and nothing at all."""

    status: int = 200

    def response(self) -> Response:
        """Nothing."""
        return Response(self.status)


@attrs.frozen
class Redirect(_Says):
    """Sends the client elsewhere: *to* is a whole address."""

    to: str
    status: int = 302

    def response(self) -> Response:
        """The address."""
        return Response(self.status, {"location": self.to, "content-type": "text/html"}, b"moved")


@attrs.frozen
class TooLarge(Script):
    """413 before the body is read. A server that does not *lingers* closes at once, which resets what is on its way."""

    lingers: bool = True

    def play(self, turn: Exchange) -> None:
        """Answer, and close."""
        turn.say(rendered(envelope(413, "the file is too large for this HUB")), status=413)
        if self.lingers:
            turn.linger()


@attrs.frozen
class RateLimited(_Says):
    """429: with all four headers, with none, as some proxies leave it, or with headers that make no sense."""

    seconds: int = 1
    headers: Literal["all", "none", "garbage"] = "all"

    def response(self) -> Response:
        """The envelope, and what of headers there is."""
        return envelope(429, "too many requests", headers=self._headers())

    def _headers(self) -> Mapping[str, str]:
        names = ("x-ratelimit-limit", "x-ratelimit-remaining", "retry-after", "x-ratelimit-reset")
        values = {
            "all": ("100", "0", str(self.seconds), str(int(time.time()) + self.seconds)),
            "none": (),
            "garbage": ("many", "", "-soon", "1e999"),
        }
        return dict(zip(names, values[self.headers], strict=False))


@attrs.frozen
class Raw(Script):
    """Says exactly these bytes to the whole request, and closes the connection in good order."""

    data: bytes

    def play(self, turn: Exchange) -> None:
        """Say them."""
        turn.take()
        turn.say(self.data)
        turn.linger()
