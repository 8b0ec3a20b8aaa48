"""The front door.

The one rule: arguments beat environment beats defaults, and a port that is given replaces the container's own.
"""

from __future__ import annotations

from ..domain.credentials import Credentials
from ..domain.ports.clock import Clock
from ..domain.ports.filesystem import Filesystem
from ..domain.ports.http import Http
from ..domain.ports.outbox import Outbox
from ..domain.ports.records import Records
from ..domain.ports.signals import Signals
from .connector import Connector
from .container import Container
from .session import TrainingSession
from .settings import Settings


def connect(
    model: str,
    *,
    api_key: str | Credentials | None = None,
    settings: Settings | None = None,
    http: Http | None = None,
    clock: Clock | None = None,
    filesystem: Filesystem | None = None,
    signals: Signals | None = None,
    outbox: Outbox | None = None,
    records: Records | None = None,
) -> TrainingSession:
    """Connect a training to *model*: a URL, ``<KEY>_<ID>`` or ``<ID>``.

    The key comes from *api_key*, else from *model*, else from *settings*. These default to the environment's; to change
    one and keep the rest pass ``Settings.from_env(exit_within=10)``, since a bare ``Settings()`` reads no environment.
    The other arguments replace one port each, so that ``connect(ref, http=FakeHub(), clock=FakeClock())`` is the whole
    set-up of a test.

    Waits for the HUB, at most ``settings.connect_within`` seconds. Nothing after it does, but ``flush``, ``finish`` and
    ``close``. Where the HUB does not answer and ``settings.start_offline`` allows it, the session starts from what an
    earlier ``connect`` has kept of the model. In a distributed training rank 0 has the session, and every other rank
    gets one that does nothing (``is_bystander``).

    Raises:
        InvalidModelRef, InvalidSettings: what was asked for makes no sense.
        AuthenticationFailed: no key, or one that the HUB does not take.
        HubUnreachable, HubRefused: no answer, or an answer that is no success.
        AlreadyTrained, DatasetNotReady, InvalidModelRecord: there is nothing to train yet, or any more.
    """
    wired = connector(
        settings=settings,
        http=http,
        clock=clock,
        filesystem=filesystem,
        signals=signals,
        outbox=outbox,
        records=records,
    )
    return wired.connect(model, api_key)


def connector(*, settings: Settings | None = None, **ports: object) -> Connector:
    """A connector wired by the container, with each of *ports* that is not ``None`` in place of the container's."""
    settings = Settings.from_env() if settings is None else settings
    return Container(settings=settings, **{name: port for name, port in ports.items() if port is not None}).connector()
