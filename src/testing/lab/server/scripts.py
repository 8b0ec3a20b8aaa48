"""What goes wrong on the way of a request and its answer: small values with names that read well.

The one rule: a script never ends by the clock. It ends when it has said its part, when the client goes, or when the
test lets it go; so a test that waits for it waits for something that happens.

Bytes of a body are counted as they are announced by ``Content-Length``; ``every`` is in seconds.
"""

from __future__ import annotations

from typing import Protocol

import attrs

from .exchange import Exchange
from .http1 import rendered

_EVERY = 0.05
_LONG = 1 << 40


class Script(Protocol):
    """Something that may happen to a request."""

    def play(self, turn: Exchange) -> None:
        """Do it. When this returns and nothing was answered, the connection is closed."""
        ...


@attrs.frozen
class Answer(Script):
    """Hands the request to the HUB behind, and gives its answer: what happens when nothing was ordered."""

    def play(self, turn: Exchange) -> None:
        """Answer."""
        turn.answer(turn.commit())


# Nobody, or nothing.


@attrs.frozen
class Refuse(Script):
    """Nobody listens: a connection is refused. For ``Lab.always`` alone, since nobody can count what is refused."""

    def play(self, turn: Exchange) -> None:
        """End what was accepted before."""
        turn.reset()


@attrs.frozen
class Hang(Script):
    """Takes the whole request, and never answers."""

    def play(self, turn: Exchange) -> None:
        """Hang."""
        turn.take()
        turn.hang()


@attrs.frozen
class Stall(Script):
    """Takes so many bytes of the body and no more, and never answers.

    Of a large body it is not seen when the client goes: the news of that waits behind what nobody takes.
    """

    after: int = 0

    def play(self, turn: Exchange) -> None:
        """Take no more."""
        turn.take(self.after)
        turn.hang()


@attrs.frozen
class Late(Script):
    """Takes the whole request, and answers when the test calls ``heal``: the HUB was busy, and comes through."""

    def play(self, turn: Exchange) -> None:
        """Answer, once the test says so."""
        turn.take()
        turn.wait_until_healed()
        turn.answer(turn.commit())


# Too slow to be of use.


@attrs.frozen
class DripHeaders(Script):
    """Says status 200, and then a header byte by byte, for ever."""

    every: float = _EVERY

    def play(self, turn: Exchange) -> None:
        """Drip."""
        turn.take()
        turn.say(b"HTTP/1.1 200 OK\r\nx-padding: ", status=200)
        turn.drip(b"x", every=self.every)


@attrs.frozen
class DripBody(Script):
    """Says status 200 with all headers, and then a body of spaces byte by byte, for ever."""

    every: float = _EVERY

    def play(self, turn: Exchange) -> None:
        """Drip."""
        turn.take()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % _LONG
        turn.say(head, status=200)
        turn.drip(b" ", every=self.every)


# Cut off.


@attrs.frozen
class Reset(Script):
    """Resets the connection when so many bytes of the body have come."""

    after: int = 0

    def play(self, turn: Exchange) -> None:
        """Take, and reset."""
        turn.take(self.after)
        turn.reset()


@attrs.frozen
class Restart(Script):
    """When so many bytes of the body have come, the server goes, with every connection, and comes back at its port."""

    after: int = 0

    def play(self, turn: Exchange) -> None:
        """Take, and restart."""
        turn.take(self.after)
        turn.restart()


@attrs.frozen
class DropAnswer(Script):
    """The HUB behind takes the request, and the client never hears of it."""

    def play(self, turn: Exchange) -> None:
        """Commit, and go."""
        turn.commit()
        turn.reset()


@attrs.frozen
class ResetAnswer(Script):
    """The HUB behind takes the request, and the connection is reset after so many bytes of its answer."""

    after: int = 20

    def play(self, turn: Exchange) -> None:
        """Commit, begin to answer, and reset."""
        response = turn.commit()
        turn.say(rendered(response)[: self.after], status=response.status)
        turn.reset()


@attrs.frozen
class TruncateAnswer(Script):
    """The HUB behind takes the request, and its answer ends, in good order, so many bytes before the end."""

    by: int = 1

    def play(self, turn: Exchange) -> None:
        """Commit, answer too little, and close."""
        response = turn.commit()
        turn.say(rendered(response)[: -self.by], status=response.status)
        turn.finish()
