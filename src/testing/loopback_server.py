"""Any :class:`~hubport.domain.ports.http.Http` behind a real socket on this machine.

The one rule: the answers are the wrapped object's own. What it cannot say by an answer (no answer at all) it says by
closing the connection.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import traceback
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

from ..domain.errors import HubUnreachable
from ..domain.ports.http import FilePart, Http, Request, Response

_LOG = logging.getLogger(__name__)
_LONGEST_LENGTH = 15
#: Everything is in memory here.
_LONGEST_BODY = 1 << 31
_WITHOUT_BODY = frozenset({204, 304})


class LoopbackServer:
    """Serves *http* on 127.0.0.1 (*port* 0 takes a free one) until :meth:`close`; also a context manager."""

    def __init__(self, http: Http, *, port: int = 0) -> None:
        class Handler(_Handler):
            behind = http

        self._server = _Server(("127.0.0.1", port), Handler)
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that die in the middle of a request: they are what this is for."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _BadRequestError(Exception):
    """What came cannot be understood, and where the next request begins is not known either."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


class _Handler(BaseHTTPRequestHandler):
    behind: Http
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one packet each; with Nagle's algorithm the second would wait for the first's receipt.
    disable_nagle_algorithm = True
    # A client that goes quiet with its connection open must not hold a thread for ever.
    timeout = 60.0

    def _answer(self) -> None:
        try:
            body = self._body()
            response = self.behind.send(self._request(body), timeout=self.timeout)
        except HubUnreachable:
            self.close_connection = True
            return
        except _BadRequestError as exc:
            self.close_connection = True
            response = _error(exc.status, exc.message)
        except (ValueError, RecursionError):
            response = _error(400, "the body is neither JSON nor a whole multipart form, or the path makes no sense")
        except OSError:
            raise
        except Exception:  # noqa: BLE001 - a fault of what is behind is an answer too
            self.log_error("%s", traceback.format_exc())
            response = _error(500, "the HUB failed at this request: see its log")
        self._write(response)

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815 - the names that http.server wants

    def _body(self) -> bytes:
        """Exactly what was announced: less or more would be taken for the next request."""
        if "transfer-encoding" in self.headers:
            raise _BadRequestError(411, "send a Content-Length: bodies in chunks are not understood here")
        announced = self.headers.get("content-length", "0")
        if not (announced.isascii() and announced.isdigit()) or len(announced) > _LONGEST_LENGTH:
            raise _BadRequestError(400, "the Content-Length is not a number of bytes")
        if int(announced) > _LONGEST_BODY:
            raise _BadRequestError(413, f"the body is longer than {_LONGEST_BODY} bytes, which is all that fits here")
        body = self.rfile.read(int(announced))
        if len(body) < int(announced):
            raise _BadRequestError(400, f"the body ended after {len(body)} of {announced} bytes")
        return body

    def _request(self, body: bytes) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        content_type = headers.get("content-type", "")
        method = "GET" if self.command == "HEAD" else self.command
        if content_type.startswith("multipart/form-data"):
            fields, file = parsed_form(body, content_type)
            return Request(method, self.path, headers, fields=fields, file=file)
        if content_type.startswith("application/x-www-form-urlencoded"):  # a form whose client had no file
            return Request(method, self.path, headers, fields=dict(parse_qsl(body.decode(), keep_blank_values=True)))
        return Request(method, self.path, headers, json=json.loads(body) if body else None)

    def _write(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        has_body = response.status not in _WITHOUT_BODY
        if has_body and "content-length" not in response.headers:
            self.send_header("content-length", str(len(response.body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        if has_body and self.command != "HEAD":
            self.wfile.write(response.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Say what http.server finds wrong by itself as JSON too."""
        self.close_connection = True
        self._write(_error(int(code), message or explain or "this is no HTTP request"))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name for it
        """Say nothing: the ledger of what is behind says more."""

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002
        _LOG.error(format, *args)


def _error(status: int, message: str) -> Response:
    body = json.dumps({"success": False, "message": message}).encode()
    return Response(status, {"content-type": "application/json"}, body)


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
