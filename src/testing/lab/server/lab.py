"""A HUB on a real socket that breaks when it is told to, and writes down what it saw.

The one rule: what a test has ordered has happened when the order returns.
"""

from __future__ import annotations

import ssl
import threading

from ....domain.hub.api.messages import envelope
from ....domain.ports.http import Http, Request
from ...fakes.hub import FakeHub
from ...fakes.hub_faults import kind_of
from ..closing import Closeable
from .connection import ClientLeft, LetGo, ServerConnection
from .exchange import Exchange, NoAnswer
from .faults import Faults
from .http1 import Head, rendered
from .ledger import End, Ledger
from .raw_server import RawServer
from .scripts import Answer, Refuse, Script


class Lab(Closeable):
    """Serves *behind*, any :class:`~hubport.domain.ports.http.Http`, on 127.0.0.1; a context manager.

    Until something is ordered it answers as *behind* does. The links of a :class:`~hubport.testing.FakeHub` lead here
    from now on. *tls* is the server's side of TLS, as :mod:`.tls` makes it; *port* 0 takes a free one.
    """

    def __init__(self, behind: Http, *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.behind = behind
        self.ledger = Ledger()
        self._faults = Faults()
        self._lock = threading.Lock()
        self._under_way: dict[ServerConnection, int] = {}
        self._server = RawServer(self._converse, tls=tls, port=port, is_listening=False)
        self.port = self._server.port
        self.url = self._server.url
        if isinstance(behind, FakeHub):
            behind.root = self.url
        self._server.listen()

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return self._server.connections

    # What a test orders.

    def play(self, script: Script, *, on: str | None = None, times: int = 1) -> None:
        """Play *script* to the next *times* requests of the kind *on*, or of any kind.

        Kinds are ``auth``, ``model``, ``metrics``, ``upload``, ``heartbeat``, ``create``, ``read`` and ``file``.
        Several orders for one kind are played one after the other.

        Raises:
            ValueError: for ``Refuse``, which nobody can count.
        """
        self._faults.play(script, on, times)

    def always(self, script: Script, *, on: str | None = None) -> None:
        """Play *script* to every request of the kind *on*, or of any kind, until :meth:`heal`.

        Raises:
            ValueError: for ``Refuse`` with a kind: who is refused does not say what it wanted.
        """
        self._faults.always(script, on)
        if isinstance(script, Refuse):
            self._server.refuse()

    def heal(self) -> None:
        """End what was ordered: who hangs is let go, without an answer, and whoever comes is answered."""
        self._faults.heal()
        with self._lock:
            numbers = list(self._under_way.values())
            for talk in self._under_way:
                talk.ring()
        self.ledger.wait_for(
            lambda: all(self.ledger[number].end is not None for number in numbers), "the end of what was under way"
        )
        self._server.listen()

    def hear_out(self) -> None:
        """Wait until all is read and done that clients have sent who are gone: so that it comes before what follows.

        Raises:
            AssertionError: when a client is still there.
        """
        self._server.hear_out()

    def restart(self) -> None:
        """As an update does it: gone with every connection, and back at the same port. What was ordered holds on."""
        self._server.restart()

    def close(self) -> None:
        """Give the port back, and end every connection.

        Raises:
            Exception: what a script has raised.
        """
        self._server.close()

    # One connection.

    def _converse(self, talk: ServerConnection) -> None:
        while data := talk.head():
            try:
                head = Head.parse(data)
                _ = head.length
                kind = _kind(head)
            except ValueError as exc:
                talk.say(rendered(envelope(400, str(exc) or "this is no request")))
                return
            if not self._is_answered(talk, head, kind) or head.is_last:
                return

    def _is_answered(self, talk: ServerConnection, head: Head, kind: str) -> bool:
        """Play what is ordered for one request; whether the connection takes another."""
        with self._lock:
            # With the lock: whoever heals finds a request either with its script, or with none that is ordered.
            script = self._faults.met(kind)
            number = self.ledger.begin(
                connection=talk.number,
                kind=kind,
                method=head.method,
                path=head.path,
                headers=head.headers,
                announced=head.length,
                script=script,
            )
            if not isinstance(script, Answer):
                talk.listen_again()
                self._under_way[talk] = number
        turn = Exchange(talk, head, number=number, ledger=self.ledger, behind=self.behind, server=self._server)
        end: End | None = None
        try:
            script.play(turn)
        except ClientLeft:
            end = End.LET_GO if talk.is_hung_up else End.LEFT
        except LetGo:
            end = End.LET_GO
        except NoAnswer:
            turn.reset()
        except OSError:
            end = End.LET_GO if talk.is_hung_up else End.LEFT
        finally:
            with self._lock:
                self._under_way.pop(talk, None)
            # What the script has not said itself: how it failed, or that it was through without an answer.
            end = end or self.ledger[number].end or End.BROKEN
            self.ledger.note(number, end=end, hangs=False)
        if end is End.LET_GO:
            talk.reset()
        return turn.is_answered


def _kind(head: Head) -> str:
    return kind_of(Request("GET" if head.method == "HEAD" else head.method, head.path))
