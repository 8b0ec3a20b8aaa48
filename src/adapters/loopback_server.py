"""Any :class:`~hubport.domain.ports.http.Http` behind a real socket on this machine.

The one rule: the answers are the wrapped object's own. What it cannot say by an answer (no answer at all) it says by
closing the connection.
"""

from __future__ import annotations

import io
import json
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from ..domain.errors import HubUnreachable
from ..domain.ports.http import FilePart, Http, Request, Response


class LoopbackServer:
    """Serves *http* on 127.0.0.1 (*port* 0 takes a free one) until :meth:`close`; also a context manager."""

    def __init__(self, http: Http, *, port: int = 0) -> None:
        class Handler(_Handler):
            behind = http

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        # The poll interval bounds close() alone: requests are accepted as they come.
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="hubport-loopback", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> LoopbackServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Handler(BaseHTTPRequestHandler):
    behind: Http
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one packet each; with Nagle's algorithm the second would wait for the first's receipt.
    disable_nagle_algorithm = True
    # A client that goes quiet with its connection open must not hold a thread for ever.
    timeout = 60.0

    def _answer(self) -> None:
        try:
            response = self.behind.send(self._request(), timeout=self.timeout)
        except HubUnreachable:
            self.close_connection = True
            return
        except ValueError as exc:
            response = Response(400, {"content-type": "application/json"}, _error(str(exc)))
        try:
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            if "content-length" not in response.headers:
                self.send_header("content-length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)
        except OSError:
            self.close_connection = True  # the client is gone

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names that http.server looks for

    def _request(self) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length") or 0))
        content_type = headers.get("content-type", "")
        if content_type.startswith("multipart/form-data"):
            fields, file = parsed_form(body, content_type)
            return Request(self.command, self.path, headers, fields=fields, file=file)
        return Request(self.command, self.path, headers, json=json.loads(body) if body else None)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name for it
        """Say nothing: the ledger of what is behind says more."""


def _error(message: str) -> bytes:
    return json.dumps({"success": False, "message": message}).encode()


def parsed_form(body: bytes, content_type: str) -> tuple[dict[str, str], FilePart | None]:
    """The text fields and the file of a multipart form that is in memory whole.

    Raises:
        ValueError: when *body* is not such a form.
    """
    _, found, boundary = content_type.partition("boundary=")
    delimiter = b"--" + boundary.strip('"').encode()
    if not found or not body.startswith(delimiter) or not body.rstrip().endswith(delimiter + b"--"):
        raise ValueError("the multipart form is cut short, or its boundary is not where its header says")
    fields: dict[str, str] = {}
    file: FilePart | None = None
    for part in (b"\r\n" + body).split(b"\r\n" + delimiter)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        parameters = dict(_parameters(head.decode()))
        if "filename" in parameters:
            file = FilePart(parameters["filename"], len(content), partial(io.BytesIO, content))
        else:
            fields[parameters.get("name", "")] = content.decode()
    return fields, file


def _parameters(head: str) -> list[tuple[str, str]]:
    disposition = next((line for line in head.split("\r\n") if line.lower().startswith("content-disposition:")), "")
    pairs = (piece.strip().partition("=") for piece in disposition.split(";")[1:])
    return [(name, value.strip('"')) for name, _, value in pairs]
