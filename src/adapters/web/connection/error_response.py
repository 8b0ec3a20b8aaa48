"""What the server itself refuses, as JSON like everything else.

The one rule: no answer of the server is plain text or HTML, and none says how it came about.
"""

from __future__ import annotations

from http import HTTPStatus

from ....domain.hub.api.messages import envelope


def render(status: int, message: str) -> bytes:
    """A whole answer as it goes over the wire, after which the connection ends."""
    body = envelope(status, message).body
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body
