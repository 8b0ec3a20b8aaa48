"""Which adapter stands behind which port of a HUB of one's own.

The one rule: what the extras bring is imported when it is built, so that neither ``import hubport`` nor a command that
needs no HUB pays for it, and who lacks an extra is told which one.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from dependency_injector import containers, providers

from ...adapters.file_lock import file_lock
from ...adapters.os_private_file import OsPrivateFile
from ...adapters.system_clock import SystemClock
from ...adapters.web.limits import Limits
from ...domain.errors import InvalidSettings
from ...domain.hub.api.context import HubContext
from ...domain.hub.api.hub import HubApi
from ...domain.hub.ports.blobs import Blobs
from ...domain.hub.ports.store import HubStore
from ...domain.hub.rate_limit import RateLimiter
from ...domain.ports.clock import Clock
from ...domain.ports.private_file import PrivateFile
from ..extras import from_extra
from ..log import logger
from .environment import SystemEnvironment
from .key_usage import KeyUsageRecorder
from .keys import KeyAdmin, KeyAuthenticator
from .service import HubService, Server
from .settings import BLOBS, DATA_DIR, DATABASE, HubSettings

_MINUTE = 60.0


_OWN_HUB = "a HUB of your own"


def _store(settings: HubSettings) -> HubStore:
    with from_extra("hub", _OWN_HUB):
        from ...adapters.sql_hub import SqlHubStore  # noqa: PLC0415
    if (misplaced := settings.misplaced_database) is not None:
        wanted = settings.database_url.partition(":///")[2]
        raise InvalidSettings(
            f"{DATABASE} (--database)" if settings.database else f"{DATA_DIR} (--data-dir)",
            f"this database lies in {misplaced}, where an earlier version read the percent signs of the path as those "
            f"of a URL. Stop what uses it and move it, with the -wal and -shm beside it, to {wanted}",
        )
    return SqlHubStore(settings.database_url)


def _blobs(settings: HubSettings) -> Blobs:
    place = settings.blobs_location
    if place.startswith("s3://"):
        with from_extra("hub,s3", "a HUB with its files in a bucket"):
            from ...adapters.s3_blobs import S3Blobs  # noqa: PLC0415
        try:
            return S3Blobs(place, spool=settings.spool)
        except ValueError as exc:
            raise InvalidSettings(f"{BLOBS} (--blobs)", str(exc)) from exc
    from ...adapters.folder_blobs import FolderBlobs  # noqa: PLC0415 - it knows what POSIX alone has

    return FolderBlobs(place)


def _hub(settings: HubSettings, clock: Clock, store: HubStore, blobs: Blobs, authenticator: KeyAuthenticator) -> HubApi:
    context = HubContext(store, blobs, SystemEnvironment(clock, authenticator.user), keep=settings.keep)
    return HubApi(context, RateLimiter(settings.rate_limit, _MINUTE))


def _server(settings: HubSettings, hub: HubApi) -> Server:
    with from_extra("hub", _OWN_HUB):
        from ...adapters.web.server import HubServer  # noqa: PLC0415
    limits = Limits(upload=settings.max_upload)
    return HubServer(hub, host=settings.host, port=settings.port, limits=limits, root=settings.url, log=logger())


class HubContainer(containers.DeclarativeContainer):
    """Everything that a HUB is made of. ``settings`` must be given."""

    settings: providers.Provider[HubSettings] = providers.Dependency(instance_of=HubSettings)
    clock: providers.Provider[Clock] = providers.ThreadSafeSingleton(SystemClock)
    store: providers.Provider[HubStore] = providers.ThreadSafeSingleton(_store, settings)
    blobs: providers.Provider[Blobs] = providers.ThreadSafeSingleton(_blobs, settings)
    keys: providers.Provider[KeyAdmin] = providers.ThreadSafeSingleton(KeyAdmin, store.provided.keys, clock)
    uses: providers.Provider[KeyUsageRecorder] = providers.ThreadSafeSingleton(
        KeyUsageRecorder, store.provided.keys, clock
    )
    authenticator: providers.Provider[KeyAuthenticator] = providers.ThreadSafeSingleton(
        KeyAuthenticator, store.provided.keys, clock, uses
    )
    hub: providers.Provider[HubApi] = providers.ThreadSafeSingleton(_hub, settings, clock, store, blobs, authenticator)
    server: providers.Provider[Server] = providers.Factory(_server, settings, hub)
    address_file: providers.Provider[PrivateFile] = providers.Factory(OsPrivateFile, settings.provided.address_file)
    start_lock: providers.Provider[AbstractContextManager[None]] = providers.Factory(
        file_lock, settings.provided.lock_file, clock
    )
    service: providers.Provider[HubService] = providers.Factory(
        HubService,
        settings=settings,
        clock=clock,
        store=store,
        blobs=blobs,
        keys=keys,
        uses=uses,
        listen=server.provider,
        address_file=address_file,
        start_lock=start_lock.provider,
    )
