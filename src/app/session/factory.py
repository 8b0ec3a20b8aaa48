"""From a model's identifier to a running session.

The one rule: everything that can be wrong is found out here, before a thread runs or a handler is set.
"""

from __future__ import annotations

import attrs

from ...domain.client.credentials import Credentials
from ...domain.client.model_record import ModelRecord
from ...domain.client.protocol import HubProtocol
from ...domain.client.train_plan import TrainPlan
from ...domain.errors import (
    AlreadyTrained,
    DatasetNotReady,
    HubRefused,
    HubUnreachable,
    InvalidModelRecord,
)
from ...domain.ports.clock import Clock
from ...domain.ports.filesystem import Filesystem
from ...domain.ports.http import Http
from ...domain.ports.model_cache import ModelCache
from ...domain.ports.outbox import Outbox
from ...domain.ports.signals import Signals
from ..delivery import spools
from ..delivery.counters import DeliveryCounters
from ..delivery.delivery import Delivery
from ..delivery.recorder import Recorder
from ..delivery.report import Report
from ..log import EventLogger, logger, say
from ..outbox.backlog_reader import BacklogReader
from ..settings import Settings
from . import fork, running
from .handshake import Handshake
from .lifecycle import Engine, Lifecycle
from .rank import Rank, rank
from .running import Target
from .training_session import TrainingSession
from .unsent import IMPORTED, Unsent


@attrs.frozen
class ModelAccess:
    """A model, and the credentials for it.

    ``hub_id`` is what that HUB is called, whatever its address, where it has said so.
    """

    model_id: str
    credentials: Credentials
    hub_id: str | None = None


@attrs.frozen(kw_only=True)
class SessionFactory:
    """The ports and settings that sessions are made with, and the steps to one."""

    settings: Settings
    http: Http
    clock: Clock
    filesystem: Filesystem
    signals: Signals
    outbox: Outbox
    model_cache: ModelCache

    def connect(self, access: ModelAccess) -> TrainingSession:
        """Open and start; see :func:`hubport.connect`."""
        return self.start(*self.open(access))

    def open(self, access: ModelAccess) -> tuple[ModelAccess, ModelRecord, TrainPlan]:
        """Have the HUB check the key of *access*, and fetch the record of its model and what follows from it."""
        handshake = self._handshake(access)
        try:
            if self._reports:  # a thousand ranks need the model, and not a thousand opinions of the key
                access = attrs.evolve(access, hub_id=handshake.authenticate())
            return access, *self._fetch(access, handshake)
        except (HubUnreachable, HubRefused) as exc:
            kept = self._kept(access, exc) if handshake.is_down else None
            if kept is None:
                raise
            return access, *kept

    def fetch(self, access: ModelAccess) -> tuple[ModelRecord, TrainPlan]:
        """The HUB's record of the model as it is now, and what follows from it."""
        return self._fetch(access, self._handshake(access))

    def authenticate(self, access: ModelAccess) -> str | None:
        """Have the HUB check the key alone; what the HUB is called."""
        return self._handshake(access).authenticate()

    def _fetch(self, access: ModelAccess, handshake: Handshake) -> tuple[ModelRecord, TrainPlan]:
        record = handshake.fetch(access.model_id)
        if self._reports:
            self._keep(access, record)
        try:
            return record, self._plan(record)
        except AlreadyTrained:
            if self._reports:  # no session will ever come for what the runs of a finished model have left
                self.send_orphans(access, record.id, deadline=handshake.deadline)
            raise

    def _plan(self, record: ModelRecord) -> TrainPlan:
        return TrainPlan.of(record, model_url=self.settings.model_url(record.id))

    def _keep(self, access: ModelAccess, record: ModelRecord) -> None:
        try:
            self.model_cache.put(access.model_id, record.for_keeping(access.credentials.scrubbed))
        except (OSError, RecursionError) as exc:  # a convenience for a later start, and no reason to miss this one
            logger(model_id=record.id).debug("record.not_kept", cause=str(exc))

    def _kept(self, access: ModelAccess, silence: HubUnreachable | HubRefused) -> tuple[ModelRecord, TrainPlan] | None:
        """What an earlier connect has kept, where that is asked for."""
        data = self.model_cache.get(access.model_id) if self.settings.start_offline else None
        if data is None:
            return None
        try:
            record = ModelRecord.from_data(data, asked_for=access.model_id)
            plan = self._plan(record)
        except (InvalidModelRecord, DatasetNotReady):
            return None  # nothing to start from, so that it is the silence that counts
        logger(model_id=record.id).warning(
            "connect.offline",
            cause=str(silence),
            consequence="training starts from what the HUB said last time; what is logged is kept until it is back",
        )
        return record, plan

    @property
    def _reports(self) -> bool:
        """Whether this process, of all that run the script, is the one that reports."""
        return self._rank.number == 0 and not self._is_imported

    @property
    def _rank(self) -> Rank:
        return rank(self.settings.rank)

    @property
    def _is_imported(self) -> bool:
        return self.settings.rank is None and fork.imports_script()

    def send_orphans(
        self, access: ModelAccess, model_id: str, *, deadline: float, refused: bool = False, by_force: bool = False
    ) -> Report | None:
        """Send what dead runs of a model have left, until *deadline*; ``None`` when that is nothing.

        What the HUB has *refused* of it is sent again where that is wanted, and *by_force* also what runs on other
        machines have, which may live.
        """
        counters = DeliveryCounters()
        log = logger(on_fault=counters.count_failure, model_id=model_id)
        readers = spools.claim_orphans(
            model_id, self.outbox, counters, log, hub_id=access.hub_id, refused=refused, by_force=by_force
        )
        if not readers:
            return None
        delivery = self._delivery(access, model_id, readers, counters, log)
        delivery.start(sends_heartbeats=False, deadline=deadline)
        delivery.end(deadline)
        return delivery.report(model_url=self.settings.model_url(model_id), state="synced")

    def start(
        self, access: ModelAccess, record: ModelRecord, plan: TrainPlan, *, sends_heartbeats: bool = True
    ) -> TrainingSession:
        """Start the session, and unless it is to be silent the heartbeats.

        Raises:
            InvalidSettings: when nothing can be kept in the outbox.
        """
        counters = DeliveryCounters()
        log = logger(on_fault=counters.count_failure, model_id=record.id)
        if not self._reports:
            return self._disabled(access, record, plan, log)
        target = Target(self.settings.outbox_key, record.id)
        if (earlier := running.swap(target, None)) is not None:
            earlier.replace()  # first, so that this session claims what that one leaves
        lifecycle = Lifecycle(record.id, self.settings.model_url(record.id))
        session = TrainingSession(record, plan, self.settings, self.clock, lifecycle, credentials=access.credentials)
        own = spools.open_spool(record.id, self.settings, self.outbox, hub_id=access.hub_id)
        readers = [
            *spools.claim_orphans(record.id, self.outbox, counters, log, hub_id=access.hub_id, is_for_run=True),
            own,
        ]
        spools.tell_of_others(record.id, self.outbox, log)
        delivery = self._delivery(access, record.id, readers, counters, log)
        recorder = Recorder(
            own.spool,
            delivery,
            self.filesystem,
            limit=self.settings.outbox_limit,
            strict=self.settings.strict,
            log=log,
        )
        engine = Engine(delivery, recorder)
        lifecycle.begin(
            engine,
            settings=self.settings,
            clock=self.clock,
            signals=self.signals,
            log=log,
            sends_heartbeats=sends_heartbeats,
        )
        if (earlier := running.swap(target, lifecycle)) is not None:  # of another thread, which has connected just now
            earlier.replace()
        if sends_heartbeats and self.settings.announce:
            log.info("session.started", url=session.model_url)
            if log.is_unheard:  # good news is no warning, and who has configured nothing sees only those
                say(f"hubport: this training is at {session.model_url}")
        return session

    def _disabled(self, access: ModelAccess, record: ModelRecord, plan: TrainPlan, log: EventLogger) -> TrainingSession:
        its, unsent, model_url = self._rank, None, self.settings.model_url(record.id)
        if its.number != 0:
            log.warning(
                "session.disabled",
                rank=its.number,
                says=its.source,
                consequence="this process sends nothing: rank 0 reports for all",
                remedy="HUBPORT_RANK=0, where this is a training of its own",
            )
        else:
            unsent = Unsent(IMPORTED, model_url, self.settings.rank, log)
            log.warning(
                "session.disabled",
                cause=IMPORTED,
                consequence="this session sends nothing: that of the process that started this one does",
                remedy='call connect under `if __name__ == "__main__":`, or in the function that this process runs',
            )
        self.http.close()
        lifecycle = Lifecycle(record.id, model_url, unsent=unsent)
        return TrainingSession(record, plan, self.settings, self.clock, lifecycle, credentials=access.credentials)

    def _delivery(
        self,
        access: ModelAccess,
        model_id: str,
        readers: list[BacklogReader],
        counters: DeliveryCounters,
        log: EventLogger,
    ) -> Delivery:
        return Delivery(
            model_id,
            HubProtocol(access.credentials),
            self.settings,
            http=self.http,
            clock=self.clock,
            filesystem=self.filesystem,
            readers=readers,
            counters=counters,
            log=log,
        )

    def _handshake(self, access: ModelAccess) -> Handshake:
        return Handshake(
            HubProtocol(access.credentials),
            self.http,
            self.clock,
            deadline=self.clock.now() + self.settings.connect_timeout,
            api_root=self.settings.hub_root,
        )
