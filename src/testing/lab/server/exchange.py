"""One request, and what a script may do with it.

The one rule: what happens is in the ledger before the client can know of it. So a test that has seen an answer, or the
end of a connection, finds it there.
"""

from __future__ import annotations

from typing import NoReturn

from ....domain.errors import HubUnreachable
from ....domain.hub.api.messages import envelope
from ....domain.ports.http import Http, Response
from .connection import ClientLeft, LetGo, ServerConnection
from .http1 import Head, rendered
from .ledger import End, Entry, Ledger
from .raw_server import RawServer

_PATIENCE = 60.0


class NoAnswer(ConnectionError):
    """The HUB behind gave no answer, so the client gets none."""


class Exchange:
    """A request whose head has come. A script takes of its body and says what it likes; then the turn is over."""

    def __init__(
        self, talk: ServerConnection, head: Head, *, number: int, ledger: Ledger, behind: Http, server: RawServer
    ) -> None:
        self.head = head
        self._talk = talk
        self._number = number
        self._ledger = ledger
        self._behind = behind
        self._server = server
        self._body = bytearray()
        #: Whether it came to its end, and the connection takes another request.
        self.is_answered = False

    @property
    def entry(self) -> Entry:
        """Its line in the ledger."""
        return self._ledger[self._number]

    # Taking.

    def take(self, most: int | None = None) -> None:
        """Take so many more bytes of the body, or all that are left.

        Raises:
            ClientLeft: when the client went before.
        """
        left = self.head.length - len(self._body)
        wanted = left if most is None else min(most, left)
        piece = self._talk.body(wanted)
        self._body += piece
        self._ledger.note(self._number, received=len(self._body))
        if len(piece) < wanted:
            raise ClientLeft

    def commit(self) -> Response:
        """Take the whole request, and hand it to the HUB behind: its answer.

        Raises:
            NoAnswer: when the HUB behind gives none.
        """
        self.take()
        try:
            request = self.head.request(bytes(self._body))
        except (ValueError, RecursionError):
            return envelope(400, "the body is neither JSON nor a whole multipart form, or the path makes no sense")
        self._talk.is_elsewhere = True
        try:
            response = self._behind.send(request, timeout=_PATIENCE)
        except HubUnreachable as exc:
            raise NoAnswer from exc
        finally:
            self._talk.is_elsewhere = False
        self._ledger.note(self._number, committed=response.status < 300)
        return response

    # Saying.

    def answer(self, response: Response) -> None:
        """Take what is left of the request, and answer *response*: the turn is over, the connection goes on."""
        self.take()
        self.is_answered = True
        self._end(End.ANSWERED, status=response.status)
        self._talk.say(rendered(response, head=self.head))

    def say(self, data: bytes, *, status: int | None = None) -> None:
        """Say *data*, with which the client is told *status*."""
        if status is not None:
            self._ledger.note(self._number, status=status)
        self._talk.say(data)

    def drip(self, data: bytes, *, every: float) -> NoReturn:
        """Say *data* over and over, a byte *every* so many seconds.

        Raises:
            ClientLeft, LetGo: when the client, or the test, had enough.
        """
        self._ledger.note(self._number, hangs=True)
        while self._talk.drip(data, every=every):
            pass
        raise self._why_over()

    def hang(self) -> NoReturn:
        """Say nothing more.

        Raises:
            ClientLeft, LetGo: when the client, or the test, had enough.
        """
        self._ledger.note(self._number, hangs=True)
        self._talk.pause()
        raise self._why_over()

    def wait_until_healed(self) -> None:
        """Say nothing until the test heals the lab.

        Raises:
            ClientLeft: when the client had enough before.
        """
        self._ledger.note(self._number, hangs=True)
        self._talk.pause()
        if not self._talk.was_rung:
            raise ClientLeft
        self._ledger.note(self._number, hangs=False)

    def _why_over(self) -> ConnectionError:
        return LetGo() if self._talk.was_rung else ClientLeft()

    # Ending.

    def finish(self) -> None:
        """Close the connection in good order: the client hears its end where it is."""
        self._end(End.BROKEN)
        self._talk.finish()

    def linger(self) -> None:
        """Close our side, and hear the client out, so that nothing that was said is lost."""
        self._end(End.BROKEN)
        self._talk.finish()
        self._talk.drain()

    def reset(self) -> None:
        """End the connection as a crash does."""
        self._end(End.BROKEN)
        self._talk.reset()

    def restart(self) -> None:
        """End every connection, and listen again at the same port.

        This connection ends last, so that its client, when it comes again, finds somebody.
        """
        self._end(End.BROKEN)
        self._server.restart()
        self._talk.reset()

    def _end(self, end: End, **changes: object) -> None:
        self._ledger.note(self._number, end=end, hangs=False, **changes)
