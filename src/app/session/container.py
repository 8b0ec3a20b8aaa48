"""The adapter behind each port of a session. Only this file and ``app/hub/container.py`` name dependency_injector.

The one rule: what is overridden is overridden in the constructor, ``Container(http=FakeHub())``, before anything is
built from it. There is one container for each session and none for the process.
"""

from __future__ import annotations

from dependency_injector import containers, providers

from ...adapters.disk_model_cache import DiskModelCache
from ...adapters.disk_outbox import DiskOutbox
from ...adapters.os_filesystem import OsFilesystem
from ...adapters.os_private_file import OsPrivateFile
from ...adapters.os_signals import OsSignals
from ...adapters.requests_http import RequestsHttp
from ...adapters.system_clock import SystemClock
from ...domain.ports.clock import Clock
from ...domain.ports.filesystem import Filesystem
from ...domain.ports.http import Http
from ...domain.ports.model_cache import ModelCache
from ...domain.ports.outbox import Outbox
from ...domain.ports.signals import Signals
from ..logins import Logins
from ..settings import Settings
from .factory import SessionFactory


def _logins(settings: Settings) -> Logins:
    return Logins(None if settings.config_file is None else OsPrivateFile(settings.config_file))


class Container(containers.DeclarativeContainer):
    """Everything that a session is made of. ``settings`` must be given."""

    settings: providers.Provider[Settings] = providers.Dependency(instance_of=Settings)
    http: providers.Provider[Http] = providers.ThreadSafeSingleton(RequestsHttp, settings.provided.hub_root)
    clock: providers.Provider[Clock] = providers.ThreadSafeSingleton(SystemClock)
    filesystem: providers.Provider[Filesystem] = providers.ThreadSafeSingleton(OsFilesystem)
    signals: providers.Provider[Signals] = providers.ThreadSafeSingleton(OsSignals)
    outbox: providers.Provider[Outbox] = providers.ThreadSafeSingleton(
        DiskOutbox, settings.provided.outbox_dir, beside=settings.provided.outboxes_dir
    )
    model_cache: providers.Provider[ModelCache] = providers.ThreadSafeSingleton(
        DiskModelCache, settings.provided.records_dir
    )
    logins: providers.Provider[Logins] = providers.Factory(_logins, settings)
    factory: providers.Provider[SessionFactory] = providers.Factory(
        SessionFactory,
        settings=settings,
        http=http,
        clock=clock,
        filesystem=filesystem,
        signals=signals,
        outbox=outbox,
        model_cache=model_cache,
    )
