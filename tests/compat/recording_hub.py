"""A HUB on loopback that answers by script and writes down what it was asked.

It is an oracle for requests, not a HUB: it keeps no state of a model, so that what a client sends is compared with what
another client sends and never with what a server of ours would have made of it.

The one rule: a request is recorded whole *before* it is answered. Whoever has an answer knows that the record is there.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import attrs

HANG_TIMEOUT = 30.0
"""Seconds after which a wait is called hopeless. A guard against hanging, never a measure of speed."""

KINDS = (
    ("auth", re.compile(r"POST /v1/auth")),
    ("model", re.compile(r"GET /v1/models/[^/]+")),
    ("metrics", re.compile(r"POST /v1/models/[^/]+")),
    ("upload", re.compile(r"POST /v1/models/[^/]+/upload")),
    ("heartbeat", re.compile(r"POST /v1/agent/heartbeat/models/[^/]+")),
)
"""The five requests of a training session. Anything else is of the kind ``other``."""


def kind_of(method: str, path: str) -> str:
    """Name the kind of a request, by its method and path alone."""
    line = f"{method} {path}"
    return next((kind for kind, pattern in KINDS if pattern.fullmatch(line)), "other")


@attrs.frozen
class FilePart:
    """The file part of a form: how it was called, and what it held by size and digest."""

    name: str
    filename: str
    size: int
    sha256: str


@attrs.frozen
class Recorded:
    """One request, reduced to what the protocol says about it."""

    kind: str
    method: str
    path: str
    credentials: Mapping[str, str]
    """The two headers that carry a key, by lower-case name, where sent."""
    content_type: str
    """Without its parameters: the boundary of a form is nobody's business."""
    framing: str
    """How the length was told: ``length``, ``chunked``, or ``none`` for no body at all."""
    json: Any = None
    text: str = ""
    """A body that is neither JSON nor a form."""
    fields: tuple[tuple[str, str], ...] = ()
    files: tuple[FilePart, ...] = ()
    headers: Mapping[str, str] = attrs.field(factory=dict, eq=False, repr=False)


@attrs.frozen
class Answer:
    """What to say to a request: a status, and a body that is JSON or bytes sent as they are."""

    status: int = 200
    body: object = attrs.field(factory=lambda: {"success": True, "message": "", "data": {}})

    def payload(self) -> tuple[bytes, str]:
        """Return the bytes and their media type."""
        if isinstance(self.body, bytes):
            return self.body, "text/html"
        return json.dumps(self.body).encode(), "application/json"


@attrs.frozen
class HubScript:
    """What the HUB answers, by kind. The last answer of a kind stands for all that follow."""

    record: Mapping[str, object] = attrs.field(factory=dict)
    answers: Mapping[str, tuple[Answer, ...]] = attrs.field(factory=dict)
    agent_id: str = "agent-of-the-hub"

    def answer(self, kind: str, nth: int) -> Answer:
        """Return the answer to the ``nth`` request (from 0) of a kind."""
        scripted = self.answers.get(kind, ())
        if scripted:
            return scripted[min(nth, len(scripted) - 1)]
        data: Mapping[str, object] = {}
        if kind == "model":
            data = self.record
        elif kind == "heartbeat":
            data = {"agentId": self.agent_id}
        elif kind == "other":
            return Answer(404, {"success": False, "message": "no such path", "data": {}})
        return Answer(200, {"success": True, "message": "", "data": data})


def _parts(body: bytes, boundary: bytes) -> list[tuple[str, str | None, bytes]]:
    """Split a multipart form into ``(field name, file name or None, content)``."""
    found = []
    for piece in body.split(b"--" + boundary)[1:-1]:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        disposition = head.decode("utf-8", "replace")
        name = re.search(r'\bname="([^"]*)"', disposition)
        filename = re.search(r'\bfilename="([^"]*)"', disposition)
        found.append((name[1] if name else "", filename[1] if filename else None, content.removesuffix(b"\r\n")))
    return found


def _contents(content_type: str, body: bytes) -> dict[str, Any]:
    """What a body says, as the attributes of a ``Recorded``."""
    media_type, _, parameters = content_type.partition(";")
    if media_type == "multipart/form-data":
        parts = _parts(body, parameters.partition("boundary=")[2].strip('"').encode())
        return {
            "fields": tuple((name, content.decode()) for name, filename, content in parts if filename is None),
            "files": tuple(
                FilePart(name, filename, len(content), hashlib.sha256(content).hexdigest())
                for name, filename, content in parts
                if filename is not None
            ),
        }
    try:
        return {"json": json.loads(body) if body else None}
    except ValueError:
        return {"text": body.decode("utf-8", "replace")}


class _Handler(BaseHTTPRequestHandler):
    """Records, then answers. One instance a connection."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def _body(self) -> tuple[bytes, str]:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks), "chunked"
        length = self.headers.get("Content-Length")
        return (b"", "none") if length is None else (self.rfile.read(int(length)), "length")

    def _handle(self) -> None:
        body, framing = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        content_type = headers.get("content-type", "")
        answer = self.server.hub.take(
            Recorded(
                kind=kind_of(self.command, self.path),
                method=self.command,
                path=self.path,
                credentials={name: headers[name] for name in ("x-api-key", "authorization") if name in headers},
                content_type=content_type.partition(";")[0],
                framing=framing,
                headers=headers,
                **_contents(content_type, body),
            )
        )
        payload, media_type = answer.payload()
        self.send_response(answer.status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Keep quiet: the ledger says it all."""


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close() waits for every handler, so that none outlives its test
    hub: RecordingHub

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that dies in mid-sentence is one of the things to be seen; anything else is a fault of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class RecordingHub:
    """The server, its script and its ledger. A context manager: it serves inside the ``with``."""

    def __init__(self, script: HubScript) -> None:
        """Take the script; nothing listens before ``__enter__``."""
        self.script = script
        self._ledger: list[Recorded] = []
        self._news = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.hub = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="recording-hub")

    @property
    def url(self) -> str:
        """The root that ``ULTRALYTICS_HUB_API`` is set to."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> RecordingHub:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop serving and give the port back."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, recorded: Recorded) -> Answer:
        """Write a request down and say what the script answers to it."""
        with self._news:
            nth = sum(1 for earlier in self._ledger if earlier.kind == recorded.kind)
            self._ledger.append(recorded)
            self._news.notify_all()
        return self.script.answer(recorded.kind, nth)

    def ledger(self) -> dict[str, list[Recorded]]:
        """Return all requests so far by kind, each kind in its order of arrival."""
        with self._news:
            kinds = dict.fromkeys(recorded.kind for recorded in self._ledger)
            return {kind: [one for one in self._ledger if one.kind == kind] for kind in kinds}

    def counts(self) -> Counter[str]:
        """Return how many requests of each kind have arrived."""
        with self._news:
            return Counter(recorded.kind for recorded in self._ledger)

    def wait_for(self, counts: Mapping[str, int]) -> bool:
        """Wait until at least so many requests of each kind have arrived; False when the guard ran out."""

        def arrived() -> bool:
            seen = Counter(recorded.kind for recorded in self._ledger)
            return all(seen[kind] >= number for kind, number in counts.items())

        with self._news:
            return self._news.wait_for(arrived, timeout=HANG_TIMEOUT)
