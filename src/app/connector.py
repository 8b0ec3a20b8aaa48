"""From a model's identifier to a running session.

The one rule: everything that can be wrong is found out here, before a thread runs or a handler is set.
"""

from __future__ import annotations

import attrs
import structlog

from ..domain.credentials import Credentials
from ..domain.errors import AlreadyTrained, AuthenticationFailed
from ..domain.hub_protocol import HubProtocol
from ..domain.model_record import ModelRecord
from ..domain.model_ref import ModelRef
from ..domain.ports.clock import Clock
from ..domain.ports.filesystem import Filesystem
from ..domain.ports.http import Http
from ..domain.ports.outbox import Outbox
from ..domain.ports.signals import Signals
from ..domain.train_plan import TrainPlan
from . import spools
from .backlog_reader import BacklogReader
from .delivery import Delivery, Ports
from .handshake import Handshake
from .intake import Intake
from .log import logger
from .report import Report, Tally
from .session import TrainingSession
from .settings import Settings


@attrs.frozen
class Claim:
    """A model, and the credentials that the HUB took for it."""

    model_id: str
    credentials: Credentials


@attrs.frozen(kw_only=True)
class Connector:
    """The ports and settings that sessions are made with, and the steps to one."""

    settings: Settings
    http: Http
    clock: Clock
    filesystem: Filesystem
    signals: Signals
    outbox: Outbox

    def connect(self, model: str, api_key: str | Credentials | None = None) -> TrainingSession:
        """Open and start; see :func:`hubport.connect`."""
        return self.start(*self.open(model, api_key))

    def open(self, model: str, api_key: str | Credentials | None) -> tuple[Claim, ModelRecord, TrainPlan]:
        """Read *model*, find the key, have the HUB check it, and fetch the record and what follows from it."""
        ref = ModelRef.parse(model, web_root=self.settings.web_root)
        # The argument, then the identifier, which is an argument too, then the environment.
        found = api_key or ref.api_key or self.settings.api_key
        if not found:
            raise AuthenticationFailed(f"no key for the HUB at {self.settings.api_root}")
        claim = Claim(ref.model_id, found if isinstance(found, Credentials) else Credentials(found))
        handshake = self._handshake(claim)
        handshake.authenticate()
        return claim, *self._fetch(claim, handshake)

    def fetch(self, claim: Claim) -> tuple[ModelRecord, TrainPlan]:
        """The HUB's record of the model as it is now, and what follows from it."""
        return self._fetch(claim, self._handshake(claim))

    def _fetch(self, claim: Claim, handshake: Handshake) -> tuple[ModelRecord, TrainPlan]:
        record = handshake.fetch(claim.model_id)
        try:
            return record, TrainPlan.of(record, model_url=self.settings.model_url(record.id))
        except AlreadyTrained:
            # No session will ever come for what the runs of a finished model have left: it goes now.
            self.send_left_over(claim, record.id, deadline=handshake.deadline)
            raise

    def send_left_over(self, claim: Claim, model_id: str, *, deadline: float) -> Report | None:
        """Send what dead runs of a model have left, until *deadline*; ``None`` when that is nothing."""
        log = logger(model_id=model_id)
        tally = Tally()
        readers = spools.left_over(model_id, self.outbox, tally, log)
        if not readers:
            return None
        delivery = self._delivery(claim, model_id, readers, tally, log)
        delivery.start(beats=False)
        delivery.end(deadline)
        return delivery.report(model_url=self.settings.model_url(model_id), state="synced")

    def start(self, claim: Claim, record: ModelRecord, plan: TrainPlan, *, beats: bool = True) -> TrainingSession:
        """Start the session, and unless it is to be silent the heartbeats.

        Raises:
            InvalidSettings: when nothing can be kept in the outbox.
        """
        log = logger(model_id=record.id)
        tally = Tally()
        own = spools.opened(record.id, self.settings, self.outbox)
        readers = [*spools.left_over(record.id, self.outbox, tally, log), own]
        delivery = self._delivery(claim, record.id, readers, tally, log)
        return TrainingSession(
            record=record,
            plan=plan,
            settings=self.settings,
            clock=self.clock,
            signals=self.signals,
            log=log,
            delivery=delivery,
            intake=Intake(own.spool, delivery, self.filesystem, limit=self.settings.outbox_limit, log=log),
            beats=beats,
        )

    def _delivery(
        self,
        claim: Claim,
        model_id: str,
        readers: list[BacklogReader],
        tally: Tally,
        log: structlog.stdlib.BoundLogger,
    ) -> Delivery:
        ports = Ports(http=self.http, clock=self.clock, filesystem=self.filesystem)
        protocol = HubProtocol(claim.credentials)
        return Delivery(model_id, protocol, self.settings, ports, readers=readers, tally=tally, log=log)

    def _handshake(self, claim: Claim) -> Handshake:
        return Handshake(
            HubProtocol(claim.credentials),
            self.http,
            self.clock,
            deadline=self.clock.now() + self.settings.connect_within,
            api_root=self.settings.api_root,
        )
