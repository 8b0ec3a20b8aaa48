"""One call of a HUB: what is asked, and what is answered.

The one rule: every answer that is not a file is the envelope ``{"success", "message", "data"}``, and an error's message
says what to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs

from ...ports.http import Response
from ..ports.blobs import PendingBlob

#: Statuses from here on say that something was not done.
ERRORS = 400


class BodyKind(Enum):
    """What a call brings in its body."""

    NOTHING = "nothing"
    JSON = "json"
    FORM = "form"


@attrs.frozen
class UploadedFile:
    """The file of a form: its name as the client gave it, never to be used in a path, and what came of it, whole."""

    name: str
    pending: PendingBlob


@attrs.frozen
class HubRequest:
    """What a client asks. ``path`` has no query, ``headers`` are by lower-case name.

    ``root`` is the address under which this client reaches the HUB, ``peer`` the client's own, both as text.
    """

    method: str
    path: str
    root: str
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=lambda headers: f"<{', '.join(headers)}>")
    query: Mapping[str, str] = attrs.field(factory=dict)
    peer: str = ""
    json: Any = None
    fields: Mapping[str, str] | None = None
    file: UploadedFile | None = None

    def with_json(self, json: Any) -> HubRequest:
        """The same with this body."""
        return HubRequest(self.method, self.path, self.root, self.headers, self.query, self.peer, json)

    def json_object(self) -> Mapping[str, Any]:
        """The body.

        Raises:
            ApiError: 400 when it is no JSON object.
        """
        if not isinstance(self.json, Mapping):
            raise ApiError(400, "the body is not a JSON object")
        return self.json

    def query_flag(self, flag: str) -> bool:
        """Whether the query has *flag* set; clients write Python's ``True`` and ``None``.

        Raises:
            ApiError: 422 for what is neither yes nor no.
        """
        text = self.query.get(flag, "").lower()
        if text not in {"true", "1", "false", "0", "none", ""}:
            raise ApiError(422, f"{flag} is {text[:20]!r}, neither true nor false")
        return text in {"true", "1"}


@attrs.frozen
class BlobRange:
    """``size`` bytes of the blob ``name``, from byte ``start`` on."""

    name: str
    start: int
    size: int


@attrs.frozen
class HubResponse(Response):
    """What a client gets; ``blob`` is served in place of ``body``."""

    blob: BlobRange | None = None


class ApiError(Exception):
    """Becomes the answer *status* with *message*."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = headers

    def answer(self) -> HubResponse:
        """The same, to be sent."""
        return envelope(self.status, self.message, headers=self.headers)


def envelope(status: int, message: str = "", data: Any = None, headers: Mapping[str, str] | None = None) -> HubResponse:
    """An answer in the HUB's own form."""
    body: dict[str, Any] = {"success": status < ERRORS, "message": message}
    if data is not None:
        body["data"] = data
    return HubResponse(
        status, {"content-type": "application/json", **(headers or {})}, json.dumps(body, allow_nan=False).encode()
    )
