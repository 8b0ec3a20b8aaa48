"""A HUB over fakes behind the real server, and a client that says bytes."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import string
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import attrs

from hubport.adapters.web.limits import Limits
from hubport.adapters.web.server import HubServer
from hubport.domain.hub.api.context import HubContext
from hubport.domain.hub.api.hub import HubApi
from hubport.domain.hub.model import HubModel
from hubport.domain.hub.ports.blobs import Blobs
from hubport.domain.hub.ports.environment import HubEnvironment
from hubport.domain.hub.ports.store import HubStore
from hubport.domain.hub.rate_limit import RateLimiter
from hubport.testing.fakes.blobs import FakeBlobs
from hubport.testing.fakes.hub_store import FakeHubStore
from hubport.testing.lab import HANG_TIMEOUT

KEY = "0123456789abcdef" * 2 + "0123456789"
MODEL = "abcdefghijklmnopqrst"
PATH = f"/v1/models/{MODEL}"
_PLENTY = 1 << 62


class Environment(HubEnvironment):
    """One key, until it is revoked."""

    def __init__(self) -> None:
        self.is_revoked = False

    def new_id(self) -> str:
        return "".join(secrets.choice(string.ascii_letters) for _ in range(20))

    def new_token(self) -> str:
        return self.new_id()

    def wall(self) -> float:
        return time.time()

    def user(self, headers: Mapping[str, str]) -> str | None:
        is_his = headers.get("x-api-key") == KEY or headers.get("authorization") == f"Bearer {KEY}"
        return "user" if is_his and not self.is_revoked else None


@attrs.frozen
class Answered:
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> str:
        """What the envelope of an error says; it must be one."""
        assert "application/json" == self.headers["content-type"]
        envelope = json.loads(self.body)
        assert envelope["success"] is False
        assert envelope["message"]
        return str(envelope["message"])

    @property
    def data(self) -> Any:
        return json.loads(self.body)["data"]


TalkT = TypeVar("TalkT", bound="Talk")


class Talk:
    """One connection, byte by byte."""

    def __init__(self, server: HubServer, *, receive: int | None = None) -> None:
        self.sock = socket.socket()
        self.sock.settimeout(HANG_TIMEOUT)
        if receive is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.sock.connect(("127.0.0.1", server.port))
        self._held = bytearray()

    def say(self, data: bytes | str) -> None:
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def ask(self, method: str, path: str, body: bytes = b"", /, *, key: str | None = KEY, **headers: str) -> None:
        """A whole request; a header ``_`` is none."""
        self.say(head(method, path, body, key=key, **headers) + body)

    def heard(self, method: str = "GET") -> Answered:
        """The next answer, whole."""
        while True:
            first = self.until(b"\r\n\r\n").decode("latin-1")
            line, *lines = first.removesuffix("\r\n\r\n").split("\r\n")
            status = int(line.split(" ")[1])
            if status != 100:
                break
        pairs = (one.partition(":") for one in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        size = 0 if method == "HEAD" or status == 304 else int(headers.get("content-length", "0"))
        return Answered(status, headers, self.exactly(size))

    def until(self, end: bytes) -> bytes:
        """Everything up to *end*."""
        while (at := self._held.find(end)) < 0:
            self._more()
        return self._taken(at + len(end))

    def exactly(self, size: int) -> bytes:
        while len(self._held) < size:
            self._more()
        return self._taken(size)

    def rest(self) -> bytes:
        """Everything to the end of the connection, however it ends."""
        with contextlib.suppress(ConnectionError, EOFError):
            while True:
                self._more()
        return self._taken(len(self._held))

    def is_over(self) -> bool:
        """Wait for the end of the connection; whether nothing came before."""
        return self.rest() == b""

    def close(self) -> None:
        self.sock.close()

    def __enter__(self: TalkT) -> TalkT:  # noqa: PYI019 - typing.Self came with 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _more(self) -> None:
        piece = self.sock.recv(1 << 16)
        if not piece:
            raise EOFError(f"the server has closed after {bytes(self._held[:200])!r}")
        self._held += piece

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken


def head(method: str, path: str, body: bytes = b"", /, *, key: str | None = KEY, **headers: str) -> bytes:
    """The head of a request with *body*, which *headers* (``_`` for ``-``) may say otherwise."""
    wanted = {"host": "hub.test:8421"} | ({"content-length": str(len(body))} if body else {})
    wanted |= {"x-api-key": key} if key is not None else {}
    wanted |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in wanted.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


def chunked(*pieces: bytes, end: bool = True) -> bytes:
    """*pieces* as a chunked body."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + (b"0\r\n\r\n" if end else b"")


def form(*parts: tuple[str, bytes], end: bytes = b"--b--\r\n") -> bytes:
    """Parts with these Content-Dispositions (after ``form-data``), bounded by ``b``."""
    return b"".join(part(disposition, content) for disposition, content in parts) + end


def part(disposition: str, content: bytes) -> bytes:
    return b"--b\r\nContent-Disposition: form-data" + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"


FORM = {"content_type": "multipart/form-data; boundary=b"}
FIELDS = (('; name="epoch"', b"1"), ('; name="type"', b"epoch"))


def checkpoint(content: bytes) -> bytes:
    """A good upload."""
    return form(*FIELDS, ('; name="last.pt"; filename="last.pt"', content))


def hub(
    store: HubStore | None = None,
    blobs: Blobs | None = None,
    environment: Environment | None = None,
    allowance: RateLimiter | None = None,
) -> HubApi:
    """A HUB with the model ``MODEL``, which may be asked as often as one likes, or as *allowance* says."""
    store = store or FakeHubStore()
    if store.models.get(MODEL) is None:
        store.models.save(HubModel(MODEL, name="a model", data="coco8.yaml"))
    plenty = RateLimiter(_PLENTY, 1.0)
    return HubApi(HubContext(store, blobs or FakeBlobs(), environment or Environment()), allowance or plenty, plenty)


@contextmanager
def served(
    *,
    store: HubStore | None = None,
    blobs: Blobs | None = None,
    environment: Environment | None = None,
    allowance: RateLimiter | None = None,
    root: str | None = None,
    log: Any = None,
    **limits: Any,
) -> Iterator[HubServer]:
    """It behind a server with *limits*."""
    with HubServer(hub(store, blobs, environment, allowance), root=root, log=log, limits=Limits(**limits)) as server:
        yield server
