"""What ``connect`` says to the HUB before there is a session: who we are, and which model.

The one rule: this is the one place where a failure of the network raises into the trainer, within a deadline.
"""

from __future__ import annotations

import attrs

from ...domain.client.backoff import Backoff
from ...domain.client.model_record import ModelRecord
from ...domain.client.outcome import Outcome, Verdict
from ...domain.client.protocol import HubProtocol, hub_identity
from ...domain.errors import AuthenticationFailed, HubRefused, HubUnreachable
from ...domain.ports.clock import Clock
from ...domain.ports.http import Http, Request
from ..exchange import exchange


@attrs.define
class Handshake:
    """Asks until there is an answer that means something, or the time is over."""

    protocol: HubProtocol
    http: Http
    clock: Clock
    deadline: float
    api_root: str
    backoff: Backoff = attrs.field(factory=lambda: Backoff(first=0.5, cap=2.0))
    is_down: bool = False
    """Whether the last thing that was asked had no answer, or none of the HUB's own, and may have one in a while."""

    def authenticate(self) -> str | None:
        """Make sure that the HUB takes the key; what the HUB is called, where it says so.

        Raises:
            AuthenticationFailed: when it does not.
            HubUnreachable, HubRefused: when it could not be asked.
        """
        return hub_identity(self._ask(self.protocol.authenticate()).data)

    def fetch(self, model_id: str) -> ModelRecord:
        """The record of *model_id*.

        Raises:
            AuthenticationFailed, HubUnreachable, HubRefused: as above; 404 when there is no such model.
            InvalidModelRecord: when the answer holds no record.
        """
        return ModelRecord.from_data(self._ask(self.protocol.fetch_model(model_id)).data, asked_for=model_id)

    def _ask(self, request: Request) -> Outcome:
        failures = 0
        # The first silence had the most time, and says best why.
        first_silence: HubUnreachable | None = None
        while True:
            try:
                left = max(self.deadline - self.clock.now(), 0.001)
                response = exchange(self.http, request, timeout=left)
                result = self.protocol.understood(response, wall=self.clock.wall())
            except HubUnreachable as exc:
                first_silence, result = first_silence or exc, Outcome.unreachable(exc.cause)
            if result.verdict is Verdict.DELIVERED:
                return result
            if result.verdict is Verdict.UNAUTHORIZED:
                said = f" ({result.message})" if result.message else ""
                raise AuthenticationFailed(f"the HUB at {self.api_root} does not take this key{said}")
            failures += 1
            again_at = self.clock.now() + max(self.backoff.delay(failures), result.hold or 0.0)
            # Here somebody waits for the answer: also a proxy's 404 is better said at once than asked for again.
            if result.verdict is Verdict.REJECTED or result.is_client_error or again_at >= self.deadline:
                self.is_down = result.verdict is Verdict.RETRY and not (result.is_client_error or result.is_redirect)
                if result.is_silence and first_silence is not None:
                    raise first_silence
                raise HubRefused(result.status, result.message or "without a message")
            self._wait(again_at)

    def _wait(self, until: float) -> None:
        alarm = self.clock.alarm()
        try:
            while self.clock.now() < until:
                alarm.wait(until)
        finally:
            alarm.retire()
