"""A client of bare sockets, which sees every byte of what a server of the lab says, and how a connection ends."""

from __future__ import annotations

import json
import socket
from types import TracebackType

import attrs

from hubport.testing import FakeHub
from hubport.testing.lab import HANG_TIMEOUT, Lab

METRICS = {"metrics": {"0": '{"loss": 1.0}'}, "type": "metrics"}


@attrs.frozen
class Heard:
    """What a server has said until the end of the connection, and whether that was a reset."""

    data: bytes
    is_reset: bool


class Client:
    """One connection to *lab*."""

    def __init__(self, lab: Lab) -> None:
        self.sock = socket.create_connection(("127.0.0.1", lab.port), timeout=HANG_TIMEOUT)

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def hear(self, size: int) -> bytes:
        """So many bytes, or fewer where no more come."""
        found = b""
        while len(found) < size and (piece := self.sock.recv(size - len(found))):
            found += piece
        return found

    def answer(self) -> tuple[int, bytes]:
        """Status and body of the next whole answer."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.sock.recv(1)
            assert byte, head
            head += byte
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        return int(head.split()[1]), self.hear(length)

    def rest(self) -> Heard:
        """All that is still said."""
        found = b""
        try:
            while piece := self.sock.recv(1 << 16):
                found += piece
        except ConnectionResetError:
            return Heard(found, is_reset=True)
        return Heard(found, is_reset=False)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sock.close()


def get(path: str, key: str | None = None) -> bytes:
    """A request without a body."""
    headers = "" if key is None else f"x-api-key: {key}\r\n"
    return f"GET {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n".encode()


def post(path: str, body: bytes, key: str | None = None, *, kind: str = "application/json") -> bytes:
    """A request with a body."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [] if key is None else [f"X-Api-Key: {key}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def metrics(hub: FakeHub, model_id: str) -> bytes:
    """One epoch of metrics."""
    return post(f"/v1/models/{model_id}", json.dumps(METRICS).encode(), hub.api_key)


def upload(hub: FakeHub, model_id: str, content: bytes) -> bytes:
    """A checkpoint of epoch 0."""
    fields = {"epoch": "0", "type": "epoch", "isBest": "False"}
    parts = [f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()]
    head = b'--b\r\nContent-Disposition: form-data; name="last.pt"; filename="last.pt"\r\n\r\n'
    body = b"".join(parts) + head + content + b"\r\n--b--\r\n"
    return post(f"/v1/models/{model_id}/upload", body, hub.api_key, kind="multipart/form-data; boundary=b")
