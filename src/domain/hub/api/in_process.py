"""A HUB without a wire: itself an :class:`~hubport.domain.ports.http.Http`.

The one rule: a client cannot tell it from a HUB at the other end of a connection, but by its speed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from urllib.parse import parse_qsl

from ...ports.http import FilePart, Http, Request, Response
from ..ports.blobs import PendingBlob
from .hub import HubApi
from .messages import HubRequest, UploadedFile, envelope

_CHUNK = 1 << 20


class InProcessHub(Http):
    """Hands requests to *hub*; its links hang below what *root* gives."""

    def __init__(self, hub: HubApi, root: Callable[[], str]) -> None:
        self._hub = hub
        self._root = root

    def send(self, request: Request, *, timeout: float) -> Response:
        """The HUB's answer, with the whole file in it where it is one.

        Raises:
            OSError: when the request's own file cannot be read, or the answer's blob.
        """
        path, _, query = request.path.partition("?")
        blobs = self._hub.context.blobs
        with ExitStack() as stack:
            sent = None
            if request.file is not None:
                pending = blobs.create()
                stack.callback(pending.discard)
                _copy(request.file, pending)
                sent = UploadedFile(request.file.name, pending)
            asked = HubRequest(
                request.method,
                path,
                self._root(),
                headers={name.lower(): value for name, value in request.headers.items()},
                query=dict(parse_qsl(query, keep_blank_values=True)),
                json=request.json,
                fields=request.fields,
                file=sent,
            )
            answer = self._hub.answer(asked)
        if request.method == "HEAD":
            return Response(answer.status, answer.headers)
        if answer.blob is None:
            return Response(answer.status, answer.headers, answer.body)
        reader = blobs.open(answer.blob.name, start=answer.blob.start)
        if reader is None:
            return envelope(404, "there is no such file any more")
        with reader:
            return Response(answer.status, answer.headers, reader.read(answer.blob.size))

    def close(self) -> None:
        """Nothing to give back."""


def _copy(file: FilePart, pending: PendingBlob) -> None:
    """All of *file*, as any adapter reads it: ``size`` bytes, no fewer and no more."""
    left = file.size
    with closing(file.open()) as reader:
        while left:
            chunk = reader.read(min(left, _CHUNK))
            if not chunk:
                raise OSError(f"{file.name} ended {left} bytes early")
            pending.write(chunk)
            left -= len(chunk)
