"""A HUB of one's own: served to others, or used on the spot.

The one rule: nothing is said to be ready before it listens, and a key is made only when there is somebody to show it
to.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol

import attrs

from ...domain.base_url import validate_base_url
from ...domain.errors import InvalidSettings
from ...domain.hub.api.context import HubContext
from ...domain.hub.api.hub import HubApi
from ...domain.hub.api.in_process import InProcessHub
from ...domain.hub.ports.blobs import Blobs
from ...domain.hub.ports.store import HubStore
from ...domain.ports.clock import Clock
from ...domain.ports.http import Http
from ...domain.ports.private_file import PrivateFile
from ..command_name import command
from .environment import SystemEnvironment, owner
from .key_usage import KeyUsageRecorder
from .keys import KeyAdmin
from .settings import DATA_DIR, SERVE_PORT, HubSettings
from .sweep import BlobSweeper

#: Seconds that requests under way have to end when the HUB is stopped.
STOP_TIMEOUT = 5.0
_FIRST_KEY = "first"


class Server(Protocol):
    """A server that listens."""

    @property
    def url(self) -> str:
        """Where."""
        ...

    def close(self, *, timeout: float) -> None:
        """Listen no more, and give what is under way *timeout* seconds."""
        ...


@attrs.frozen
class ServerInfo:
    """A HUB that listens.

    ``address`` is what clients call it, and ``listening`` where its own socket is; ``key`` is the first one, made just
    now, if any was.
    """

    address: str
    key: str | None = attrs.field(repr=False)
    has_keys: bool
    listening: str = attrs.Factory(lambda self: self.address, takes_self=True)


def make_folder(settings: HubSettings) -> None:
    """The HUB's own folder, for this user alone.

    Raises:
        InvalidSettings: when it cannot be made, or nothing can be written there.
    """
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        problem = None if os.access(folder, os.W_OK | os.X_OK) else "Permission denied"
    except OSError as exc:
        problem = exc.strerror or str(exc)
    if problem is not None:
        raise InvalidSettings(
            f"{DATA_DIR} (--data-dir)",
            f"nothing can be kept in {folder}: {problem}; name a folder that this user can write to",
        )


@attrs.frozen(kw_only=True)
class HubService:
    """A HUB over ``store`` and ``blobs``; ``listen`` puts ``hub`` behind a socket."""

    settings: HubSettings
    clock: Clock
    store: HubStore
    blobs: Blobs
    keys: KeyAdmin
    uses: KeyUsageRecorder
    listen: Callable[[], Server]
    address_file: PrivateFile
    start_lock: Callable[[], AbstractContextManager[None]]

    @contextmanager
    def serving(self) -> Iterator[ServerInfo]:
        """Serve until the block ends; uploads under way then have five seconds.

        The first start of all makes a key, when it listens.

        Raises:
            InvalidSettings: when it may not listen, or cannot.
        """
        with ExitStack() as stack:
            stack.callback(self.close)
            has_keys = self.keys.has_any(is_trashed=False)
            is_first = not has_keys and not self.keys.has_any(is_trashed=True)
            if self.settings.is_remote and not (has_keys or is_first):
                raise InvalidSettings(
                    "--allow-remote", f"all keys were revoked: make one with `{command('keys create')}`"
                )
            server = self._listening()
            stack.callback(server.close, timeout=STOP_TIMEOUT)
            sweep = BlobSweeper(self.store, self.blobs)
            sweep.start()
            stack.callback(sweep.close)
            key = self._first_key() if is_first else None
            address = self.settings.address(server.url, socket.gethostname())
            yield ServerInfo(address, key, has_keys or is_first, server.url)

    def _first_key(self) -> str | None:
        """The key of the first start; ``None`` where another server has started meanwhile, which shows its own."""
        with self.start_lock():
            if self.keys.has_any(is_trashed=False) or self.keys.has_any(is_trashed=True):
                return None
            return self.keys.create(_FIRST_KEY)[1]

    def note_address(self, address: str) -> None:
        """For who works on the folder without a server: what its models' pages are called."""
        with contextlib.suppress(OSError):  # they then have the address that a HUB has by default
            self.address_file.write(f"{address}\n".encode())

    def noted_address(self) -> str:
        """The address that the last server had, or that the next one would have."""
        try:
            noted = self.settings.address_file.read_text("utf-8").strip()
            return validate_base_url(noted, setting="address", allow_plain_http=True)
        except (OSError, ValueError):
            return self.settings.url or f"http://127.0.0.1:{SERVE_PORT}"

    def direct(self) -> Http:
        """The HUB without a server, for whoever may read its store: every key is good."""
        context = HubContext(self.store, self.blobs, SystemEnvironment(self.clock, owner), keep=self.settings.keep)
        return InProcessHub(HubApi(context), self.noted_address)

    def close(self) -> None:
        """Give back what is open."""
        self.uses.close()
        self.store.close()

    def _listening(self) -> Server:
        where = f"{self.settings.host}:{self.settings.port}"
        try:
            return self.listen()
        except OSError as exc:
            raise InvalidSettings(
                f"nothing can listen at {where}", f"{exc.strerror or exc}; take another --port, or --host"
            ) from exc
