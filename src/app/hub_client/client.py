"""One question to a HUB by somebody who waits for the answer.

The one rule: it is asked once, and whatever is no success is an error that says what to do.
"""

from __future__ import annotations

from typing import Any

import attrs

from ...domain.client.credentials import Credentials
from ...domain.client.outcome import Verdict
from ...domain.client.protocol import HubProtocol
from ...domain.errors import AuthenticationFailed, HubRefused
from ...domain.ports.clock import Clock
from ...domain.ports.http import Http, Request
from ..exchange import exchange

#: How long one answer may take, in seconds.
PATIENCE = 60.0


@attrs.frozen
class HubClient:
    """Asks the HUB behind ``http``, which errors call ``api_root``; each question ends after ``timeout`` seconds."""

    http: Http
    clock: Clock
    credentials: Credentials
    api_root: str
    timeout: float = PATIENCE

    @property
    def protocol(self) -> HubProtocol:
        """How a question is put."""
        return HubProtocol(self.credentials)

    def request(self, request: Request) -> Any:
        """The ``data`` of the answer, ``None`` where it has none.

        Raises:
            HubUnreachable: without an answer.
            AuthenticationFailed: when the key is not taken.
            HubRefused: for any other answer that is no success.
        """
        response = exchange(self.http, request, timeout=self.timeout)
        result = self.protocol.understood(response, wall=self.clock.wall())
        if result.verdict is Verdict.UNAUTHORIZED:
            raise AuthenticationFailed(f"the HUB at {self.api_root} does not take this key")
        if result.verdict is not Verdict.DELIVERED:
            raise HubRefused(result.status, result.message or "without a message")
        return result.data

    def request_data(self, request: Request) -> Any:
        """The same where there must be data.

        Raises:
            HubRefused: also when there is none.
        """
        data = self.request(request)
        if data is None:
            raise HubRefused(200, "no data in the answer")
        return data
