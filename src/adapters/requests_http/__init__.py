"""HTTP by requests.

The one rule: one end for one request, once its host has an address and a connection. requests' own read time-out starts
again with each packet, so a server that drips one byte a second holds its caller for ever; here the reader of the
answer knows when it must be through.
"""

from __future__ import annotations

import errno
import io
import os
import queue
import secrets
import socket
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from importlib import metadata
from typing import Any, cast
from urllib.parse import urlsplit

import requests
import urllib3.connection
import urllib3.connectionpool
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from ...domain.client.multipart import MultipartFraming
from ...domain.errors import HubUnreachable
from ...domain.hosts import is_loopback
from ...domain.ports.http import FilePart, Http, Reader, Request, Response
from .causes import cause

#: A send or a receive that moves nothing for so many seconds is given up, however long the whole may take.
STALL_AFTER = 60.0
# One send of this size must get through within STALL_AFTER: an upload lives from about 4 kB/s upwards.
_CHUNK = 1 << 18
_LONGEST_ANSWER = 1 << 28


class _Limits(threading.local):
    """When the request that this thread is sending must be through; urllib3 has no place to hand that down."""

    deadline = 0.0
    stall_after = STALL_AFTER

    def left(self) -> float:
        """The time-out of the next operation on the socket.

        Raises:
            TimeoutError: when the time is over.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request's time is over")
        return min(left, self.stall_after)


_LIMITS = _Limits()


class _FormBody:
    """A multipart body of known length that is read from the file as it is sent.

    No ``read`` method on purpose: http.client would read 16 KiB at a time, an iterator it sends as it comes.
    """

    def __init__(self, envelope: MultipartFraming, file: FilePart) -> None:
        self._envelope = envelope
        self._file = file
        self._reader: Reader | None = None

    def __len__(self) -> int:
        return len(self._envelope.head) + self._file.size + len(self._envelope.tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._envelope.head
        left = self._file.size
        self._reader = self._file.open()
        while left:
            chunk = self._reader.read(min(_CHUNK, left))
            if not chunk:
                raise OSError(f"{self._file.name} ended {left} bytes early")
            left -= len(chunk)
            yield chunk
        yield self._envelope.tail

    def close(self) -> None:
        """Close the file: a traceback may keep the iteration, and what it has opened, alive for long."""
        if self._reader is not None:
            self._reader.close()


class _BoundedReader(io.RawIOBase):
    """A socket's reading side that ends with its request, however the bytes trickle in."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = cast("io.RawIOBase", sock.makefile("rb", buffering=0))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_LIMITS.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_BoundedReader(sock))


class _HttpConnection(urllib3.connection.HTTPConnection):
    response_class = _BoundedResponse

    def connect(self) -> None:
        self.timeout = _LIMITS.left()
        super().connect()

    def send(self, data: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(_LIMITS.left())
        super().send(data)


class _HttpsConnection(_HttpConnection, urllib3.connection.HTTPSConnection):
    pass


class _Queue(queue.LifoQueue[Any]):
    """A pool's idle connections, and a lock that a forked child finds open.

    urllib3 empties each pool when the interpreter ends, in a child too, and there a thread of the parent's may have
    held the lock at the fork. The child's copies of the parent's connections are dropped without a word on the wire.
    """

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        _QUEUES.add(self)


_QUEUES: weakref.WeakSet[_Queue] = weakref.WeakSet()


def _renew_queues() -> None:
    for idle in list(_QUEUES):
        _Queue.__init__(idle, idle.maxsize)  # mutex, conditions and content, all of them


os.register_at_fork(after_in_child=_renew_queues)


class _HttpPool(urllib3.connectionpool.HTTPConnectionPool):
    ConnectionCls = _HttpConnection
    QueueCls = _Queue


class _HttpsPool(urllib3.connectionpool.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection
    QueueCls = _Queue


class _BoundedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        if "socks" not in str(args[0] if args else kwargs.get("proxy", "")):  # whose connections are of another kind
            manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return manager


class _Session(requests.Session):
    """Never looks where a redirect leads: ``allow_redirects=False`` alone reads the target, and chokes on a bad one."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Secrets:
    """As a request's ``auth``: sets the headers that are not in their own repr.

    requests 2.28.0 to 2.28.2 take plain ``str`` and ``bytes`` alone among the headers that they check, and a plain text
    would be in the locals of each of their frames. They check nothing after this. With an ``auth`` of ours they do not
    look for a password in ~/.netrc either.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers.update(self._headers)
        return prepared


class RequestsHttp(Http):
    """One ``requests.Session`` below *root*: TLS verified, proxies and CA bundle from the environment, no cookies."""

    def __init__(self, root: str, *, stall_after: float = STALL_AFTER) -> None:
        self._root = root.rstrip("/")
        self._stall_after = stall_after
        self._host = host = urlsplit(self._root).hostname or ""
        # A proxy from the environment cannot reach this machine's loopback, and would be shown the key.
        self._proxies = {"no_proxy": host} if is_loopback(host) else None
        self._session = _Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["user-agent"] = f"hubport/{metadata.version('hubport')}"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _BoundedAdapter(pool_connections=1, pool_maxsize=4))

    def send(self, request: Request, *, timeout: float) -> Response:
        """Send *request*; see :meth:`~hubport.domain.ports.http.Http.send`."""
        _LIMITS.deadline = time.monotonic() + timeout
        _LIMITS.stall_after = self._stall_after
        headers = {name: value for name, value in request.headers.items() if type(value) is str}
        hidden = {name: value for name, value in request.headers.items() if name not in headers}
        body: _FormBody | None = None
        if request.file is not None:
            envelope = MultipartFraming.around(request.fields or {}, request.file.name, boundary=secrets.token_hex(16))
            headers["content-type"] = envelope.content_type
            body = _FormBody(envelope, request.file)
        try:
            with self._session.request(
                request.method,
                self._root + request.path,
                headers=headers,
                auth=_Secrets(hidden),
                json=request.json,
                data=cast("Any", body or request.fields),
                timeout=_LIMITS.left(),
                proxies=self._proxies,
                allow_redirects=False,
                stream=True,
            ) as answer:
                names = {name.lower(): value for name, value in answer.headers.items()}
                return Response(answer.status_code, names, _content(answer))
        except (requests.exceptions.InvalidHeader, UnicodeError):
            # Without the chain: the reason quotes the header, which may be the key.
            raise HubUnreachable(self._root, "a header holds characters that cannot be sent") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            why = cause(exc, host=self._host, patience=min(timeout, self._stall_after))
            raise HubUnreachable(self._root, why) from exc
        finally:
            if body is not None:
                body.close()

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()


def _content(answer: requests.Response) -> bytes:
    answer.raw.enforce_content_length = True  # urllib3 1.26 takes half an answer for whole
    content = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        content += chunk
        if len(content) > _LONGEST_ANSWER:
            raise OSError(errno.EMSGSIZE, f"the answer is longer than {_LONGEST_ANSWER} bytes")
    return bytes(content)
