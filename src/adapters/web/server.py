"""The server: a socket, an event loop in a thread of its own, and an end.

The one rule: when ``close`` returns, nobody listens and nothing is under way any more.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

import structlog
from uvicorn.config import Config
from uvicorn.server import ServerState

from ...domain.hub.api.hub import HubApi
from .application import HubApplication
from .connection.protocol import GuardedProtocol
from .limits import Limits

_BACKLOG = 512
#: Errors of the system's for which a new connection cannot be taken now.
_NO_MORE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
#: Seconds after those for what is under way: for threads that end what they had begun.
_AFTER = 5.0
#: Of the loop, until a connection that was accepted is one that we know.
_TURNS = 5
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where such a server is reached from here


class HubServer:
    """Serves *hub* at *host* and *port* (0 takes a free one) until :meth:`close`; also a context manager.

    *root* is what links hang below: without it, whatever a client calls us by. *is_shared* lets other processes listen
    at the same port. *log* takes structlog's events: ``web.request`` for each at debug, ``web.failed``.

    Raises:
        OSError: when it cannot listen there.
    """

    def __init__(
        self,
        hub: HubApi,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        root: str | None = None,
        is_shared: bool = False,
        log: Any = None,
    ) -> None:
        self._limits = limits or Limits()
        self._socket = _listening(host, port, is_shared=is_shared)
        shown = _ANY.get(host, host)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{f'[{shown}]' if ':' in shown else shown}:{self.port}"
        self._started, self._ending = threading.Event(), threading.Event()
        self._hub, self._root = hub, root.rstrip("/") if root is not None else None
        self._log = log or _quiet()
        self._timeout = 0.0
        self._refused = 0
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="hubport-web", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    def close(self, timeout: float = 10.0) -> None:
        """Listen no more, finish what is under way *timeout* so many seconds, and cut the rest.

        What a thread is in the middle of (a transaction, an fsync) it may end within five seconds more. A second time
        does nothing.
        """
        if not self._ending.is_set():
            self._timeout = timeout
            self._ending.set()
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def __enter__(self) -> HubServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as exc:
            if self._started.is_set():
                raise
            self._failure = exc  # the constructor's
        finally:
            self._started.set()
            self._socket.close()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        app = HubApplication(self._hub, self._limits, root=self._root, own=self.url, log=self._log)
        config = Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=int(self._limits.keepalive_timeout),
        )
        config.load()
        state = ServerState()
        self._loop.set_exception_handler(self._told)
        lost = asyncio.Event()
        server = await self._loop.create_server(
            lambda: self._accepted(GuardedProtocol(config, state, self._limits, self._loop, lost.set)),
            sock=self._socket,
            backlog=_BACKLOG,
        )
        self._started.set()
        try:
            await self._end.wait()
        finally:
            app.closing.set()
            # First nobody is accepted any more, and those who just were are seen to: a server of asyncio that is closed
            # before that loses them, with an error for each.
            self._loop.remove_reader(self._socket)
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            server.close()
            deadline = self._loop.time() + self._timeout
            await _ended(state, lost, deadline)
            # Nobody is there any more to be held up by a loop that stands still.
            app.close(deadline + _AFTER)

    def _told(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log a failure of the loop's own: once where there are no more file descriptors, for as long as that lasts.

        asyncio stops accepting for a second then, and says so for each connection that waits.
        """
        exc = context.get("exception")
        if not (isinstance(exc, OSError) and exc.errno in _NO_MORE and "accept" in context.get("message", "")):
            loop.default_exception_handler(context)
            return
        if not self._refused:
            self._log.error("web.accept_paused", cause=exc.strerror, remedy="raise `ulimit -n`, or stop other programs")
        self._refused += 1

    def _accepted(self, protocol: GuardedProtocol) -> GuardedProtocol:
        if self._refused:
            self._log.error("web.accept_resumed")
            self._refused = 0
        return protocol


async def _ended(state: ServerState, lost: asyncio.Event, deadline: float) -> None:
    """Let what is under way come to its end, and cut the rest."""
    loop = asyncio.get_running_loop()
    for connection in list(state.connections):
        connection.shutdown()
    while state.connections and (left := deadline - loop.time()) > 0:
        lost.clear()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(lost.wait(), left)
    tasks = list(state.tasks)
    for task in tasks:
        task.cancel()
    for connection in list(state.connections):
        connection.transport.abort()
    if tasks:
        await asyncio.wait(tasks, timeout=deadline + _AFTER - loop.time())
    while state.connections:  # a socket is closed a turn of the loop after its abort
        lost.clear()
        await lost.wait()


def _listening(host: str, port: int, *, is_shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG, reuse_port=is_shared)


def _quiet() -> Any:
    """The standard library's logger ``hubport``, silent below WARNING unless somebody wants more."""
    return structlog.wrap_logger(
        logging.getLogger("hubport"),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
