"""HTTP/1.1, as far as the lab reads and writes it.

The one rule: it judges nothing. What a client sent is taken apart as it came, and what a test wants said is said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

import attrs

from ....domain.ports.http import Request, Response
from ...loopback_server import parsed_form

_WITHOUT_BODY = frozenset({204, 304})


def _names_only(headers: Mapping[str, str]) -> str:
    """Header names without values: a key is among the values."""
    return f"<{', '.join(headers)}>"


@attrs.frozen
class Head:
    """The first line and the headers of a request, names in lower case."""

    method: str
    path: str
    version: str
    headers: Mapping[str, str] = attrs.field(repr=_names_only)

    @classmethod
    def parse(cls, data: bytes) -> Head:
        """Take *data* apart, which ends with an empty line.

        Raises:
            ValueError: when it is no head of a request.
        """
        first, *lines = data.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        method, path, version = first.split(" ")
        if not data.endswith(b"\r\n\r\n") or not version.startswith("HTTP/1."):
            raise ValueError("this is not the head of an HTTP/1 request")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise ValueError("a header has no colon")
            name = name.strip().lower()
            headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
        return cls(method, path, version, headers)

    @property
    def length(self) -> int:
        """The bytes of the body that it announces.

        Raises:
            ValueError: when that is no number.
        """
        text = self.headers.get("content-length", "0")
        if not (text.isascii() and text.isdigit()):
            raise ValueError("the content-length is no number")
        return int(text)

    @property
    def is_last(self) -> bool:
        """Whether the client wants the connection closed after the answer."""
        wish = self.headers.get("connection", "close" if self.version == "HTTP/1.0" else "").lower()
        return wish == "close"

    def request(self, body: bytes) -> Request:
        """What is asked, with *body*.

        Raises:
            ValueError: when the body is neither JSON nor a form, or the path makes no sense.
        """
        method = "GET" if self.method == "HEAD" else self.method
        content_type = self.headers.get("content-type", "")
        if content_type.startswith("multipart/form-data"):
            fields, file = parsed_form(body, content_type)
            return Request(method, self.path, self.headers, fields=fields, file=file)
        return Request(method, self.path, self.headers, json=json.loads(body) if body else None)


def rendered(response: Response, *, head: Head | None = None) -> bytes:
    """*response* as it goes over the wire, in answer to *head*."""
    reason = HTTPStatus(response.status).phrase if response.status in HTTPStatus.__members__.values() else "Unknown"
    lines = [f"HTTP/1.1 {response.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    has_body = response.status not in _WITHOUT_BODY
    if has_body and "content-length" not in response.headers:
        lines.append(f"content-length: {len(response.body)}")
    if head is not None and head.is_last:
        lines.append("connection: close")
    text = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return text + response.body if has_body and (head is None or head.method != "HEAD") else text
