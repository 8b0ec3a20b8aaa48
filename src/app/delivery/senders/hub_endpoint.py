"""What the workers of metrics and checkpoints do, and the way to the HUB that all three share.

The one rule: a sender writes down that something is settled only after the HUB has said so. A crash in between sends
it a second time, which is harmless, and never loses it.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ....domain.client.outcome import Outcome, Verdict
from ....domain.client.protocol import HubProtocol
from ....domain.ports.clock import Clock
from ....domain.ports.http import Http, Request
from ....domain.ports.outbox import Spool, SpoolSealed
from ...exchange import exchange
from ...log import EventLogger
from ..counters import DeliveryCounters


@attrs.define
class HubEndpoint:
    """The way to one model in the HUB, as every sender needs it; ``deadline`` tells when the session must end.

    ``protocol`` may be another one tomorrow, with another key.
    """

    model_id: str
    protocol: HubProtocol
    http: Http
    clock: Clock
    log: EventLogger
    counters: DeliveryCounters
    deadline: Callable[[], float]

    def send(self, make: Callable[[HubProtocol], Request], *, timeout: float) -> Outcome:
        """What becomes of the request that *make* makes, in *timeout* seconds and never beyond the session's end.

        Raises:
            HubUnreachable: when there is no answer.
            InvalidAdapter: when ``http`` breaks its port.
        """
        protocol = self.protocol
        timeout = max(min(timeout, self.deadline() - self.clock.now()), 0.001)
        response = exchange(self.http, make(protocol), timeout=timeout)
        result = protocol.understood(response, wall=self.clock.wall())
        if result.verdict is Verdict.UNAUTHORIZED and protocol is not self.protocol:
            # The key was changed while this was under way: its refusal says nothing of the new one.
            return attrs.evolve(result, verdict=Verdict.RETRY)
        return result

    def note(self, spool: Spool, line: bytes) -> None:
        """Write *line* down, if there is room: without it something is sent twice later, which is harmless."""
        try:
            spool.append(line)
        except SpoolSealed:
            pass  # the journal is judged already
        except OSError as exc:
            self.counters.count_failure(f"note not kept: {exc.strerror}")
