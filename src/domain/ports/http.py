"""The way to the HUB: one method.

The one rule: a status, whatever it is, is a :class:`Response`; only "no answer" raises. (The model is httpx's
``BaseTransport``.) So a fake HUB *is* an adapter, and the wire format needs no HTTP library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import attrs


class Reader(Protocol):
    """What a file is read by. It is no whole file object: it has no place, no length, no name and no descriptor."""

    def read(self, size: int, /) -> bytes:
        """At most *size* bytes; none at the end.

        Raises:
            OSError: when the file cannot be read, or the session ends meanwhile.
        """
        ...

    def close(self) -> None:
        """Close it."""
        ...


@attrs.frozen
class FilePart:
    """The one file of a multipart form: ``name`` is its field name and its file name, ``size`` is in bytes.

    ``open`` gives a fresh reader at the start of the file for each attempt, or raises an ``OSError``. An adapter reads
    it in chunks, never whole, reads exactly ``size`` bytes, and closes it.
    """

    name: str
    size: int
    open: Callable[[], Reader] = attrs.field(repr=False)


def _names_only(headers: Mapping[str, str]) -> str:
    """Header names without values: a key is among the values."""
    return f"<{', '.join(headers)}>"


@attrs.frozen
class Request:
    """What is asked of the HUB. ``path`` begins with a slash and hangs below the adapter's root.

    Without that slash the root and the path could make another host's address, and the key would go there: such a path
    is a ``ValueError``.

    At most one of ``json`` (any JSON value), and ``fields`` with ``file`` (a multipart form) is set.
    """

    method: str
    path: str = attrs.field(validator=attrs.validators.matches_re(r"/(?!/)[!-~]*"))
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=_names_only)
    json: Any = None
    fields: Mapping[str, str] | None = None
    file: FilePart | None = None


@attrs.frozen
class Response:
    """What came back: the status, the headers by lower-case name, and the body, whole."""

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""


@runtime_checkable
class Http(Protocol):
    """Sends one request and gives the answer to it."""

    def send(self, request: Request, *, timeout: float) -> Response:
        """Send *request*, with an end to it after *timeout* seconds at the latest.

        Redirects are not followed: they would carry the key to another host.

        An adapter that raises anything else, or returns no :class:`Response`, breaks its port. That is no outage, and
        nobody waits for its end: ``connect`` raises ``InvalidAdapter``; a session logs it once, keeps what was logged
        and tries again at its usual pace, while ``flush``, ``finish`` and ``close`` try once and return.

        Raises:
            HubUnreachable: when there is no answer: refused, dropped, cut short or timed out, or when the request's own
                file cannot be opened or read.
        """
        ...

    def close(self) -> None:
        """Give back connections. Sending afterwards is allowed and opens new ones."""
        ...
