"""From a model's identifier to a running session.

The one rule: everything that can be wrong is found out here, before a thread runs or a handler is set.
"""

from __future__ import annotations

import attrs

from ..domain.credentials import Credentials
from ..domain.errors import AuthenticationFailed
from ..domain.hub_protocol import HubProtocol
from ..domain.model_record import ModelRecord
from ..domain.model_ref import ModelRef
from ..domain.ports.clock import Clock
from ..domain.ports.filesystem import Filesystem
from ..domain.ports.http import Http
from ..domain.ports.outbox import Outbox
from ..domain.ports.signals import Signals
from ..domain.train_plan import TrainPlan
from .delivery import Delivery, Ports
from .handshake import Handshake
from .log import logger
from .session import TrainingSession
from .settings import Settings


@attrs.frozen
class Claim:
    """A model, and the credentials that the HUB took for it."""

    model_id: str
    credentials: Credentials


@attrs.frozen(kw_only=True)
class Connector:
    """The ports and settings that sessions are made with, and the three steps to one."""

    settings: Settings
    http: Http
    clock: Clock
    filesystem: Filesystem
    signals: Signals
    outbox: Outbox

    def connect(self, model: str, api_key: str | Credentials | None = None) -> TrainingSession:
        """All three steps; see :func:`hubport.connect`."""
        deadline = self._deadline()
        claim = self.authenticate(model, api_key, deadline=deadline)
        return self.start(claim, *self.fetch(claim, deadline=deadline))

    def authenticate(self, model: str, api_key: str | Credentials | None, *, deadline: float | None = None) -> Claim:
        """Read *model*, find the key, and have the HUB check it."""
        ref = ModelRef.parse(model, web_root=self.settings.web_root)
        # The argument, then the identifier, which is an argument too, then the environment.
        found = api_key or ref.api_key or self.settings.api_key
        if not found:
            raise AuthenticationFailed(f"no key for the HUB at {self.settings.api_root}")
        claim = Claim(ref.model_id, found if isinstance(found, Credentials) else Credentials(found))
        self._handshake(claim, deadline).authenticate()
        return claim

    def fetch(self, claim: Claim, *, deadline: float | None = None) -> tuple[ModelRecord, TrainPlan]:
        """The HUB's record of the model, and what follows from it."""
        record = self._handshake(claim, deadline).fetch(claim.model_id)
        return record, TrainPlan.of(record, model_url=self.settings.model_url(record.id))

    def start(self, claim: Claim, record: ModelRecord, plan: TrainPlan) -> TrainingSession:
        """Start the session."""
        log = logger(model_id=record.id)
        ports = Ports(http=self.http, clock=self.clock, filesystem=self.filesystem, outbox=self.outbox)
        protocol = HubProtocol(claim.credentials)
        return TrainingSession(
            record=record,
            plan=plan,
            settings=self.settings,
            clock=self.clock,
            signals=self.signals,
            log=log,
            deliver=lambda: Delivery(record.id, protocol, self.settings, ports, log),
        )

    def _deadline(self) -> float:
        return self.clock.now() + self.settings.connect_within

    def _handshake(self, claim: Claim, deadline: float | None) -> Handshake:
        return Handshake(
            HubProtocol(claim.credentials),
            self.http,
            self.clock,
            deadline=self._deadline() if deadline is None else deadline,
            api_root=self.settings.api_root,
        )
