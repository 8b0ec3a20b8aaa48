"""Answers that carry no data of their own, for the document of the API: refusals, and files.

The one rule: the headers that a client may count on are said here, each with its form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....domain.metrics import LARGEST_EPOCH
from .response_schemas import Schema, digits_up_to, ref

_WHOLE: Schema = {"type": "integer", "minimum": 0}
_WAIT = {"required": True, "schema": _WHOLE, "description": "Seconds until asking makes sense again."}

#: What a HUB may refuse, by status: what it means, the headers, and what the message says, for example.
REFUSALS: Mapping[int, tuple[str, Mapping[str, Any], str]] = {
    400: (
        "What came is no HTTP request, no JSON object or no whole form, or the form has no file.",
        {},
        "the body is not a JSON object",
    ),
    401: (
        "No key, or none of this HUB's.",
        {
            "WWW-Authenticate": {
                "required": True,
                "schema": {"type": "string", "const": "Bearer"},
                "description": "How to say who asks, beside `x-api-key`.",
            }
        },
        "this key is not one of this HUB's: check it, or create one with `hubport keys create`",
    ),
    404: (
        "There is nothing at this path, or what was there is deleted or in the trash.",
        {},
        "there is no model 5TW9g7mc7cmuPCbQ3WNf in this HUB",
    ),
    405: (
        "This path is for other methods.",
        {
            "Allow": {
                "required": True,
                "schema": {"type": "string", "pattern": "^[A-Z]+(, [A-Z]+)*$"},
                "description": "Those methods.",
            }
        },
        "PUT is not for /v1/models",
    ),
    408: ("The request did not come in time.", {}, "the request took too long"),
    413: (
        "The body is larger than this HUB takes, or an epoch would be.",
        {},
        "the body is longer than this HUB takes",
    ),
    416: (
        "The file has no such bytes.",
        {
            "Content-Range": {
                "required": True,
                "schema": {"type": "string", "pattern": r"^bytes \*/[0-9]+$"},
                "description": "How many it has.",
            }
        },
        "the file has 6260 bytes",
    ),
    422: (
        "The body or the query is well formed and makes no sense; the message names the part.",
        {},
        "meta.name is missing: give the project a name",
    ),
    429: (
        "Too many calls with this key, or too many from this address without one.",
        {
            "X-RateLimit-Limit": {"required": True, "schema": _WHOLE, "description": "How many may come at once."},
            "X-RateLimit-Remaining": {"required": True, "schema": _WHOLE, "description": "0."},
            "X-RateLimit-Reset": {
                "required": True,
                "schema": _WHOLE,
                "description": "When asking makes sense again, in unix seconds.",
            },
            "Retry-After": _WAIT,
        },
        "too many calls with this key: wait 1 s",
    ),
    414: ("The URL is too long.", {}, "the URL is longer than 8192 bytes"),
    431: ("The headers are too long, or too many.", {}, "the headers are longer than 32768 bytes"),
    500: ("The HUB failed at this call. Its log says more.", {}, "the HUB failed at this request: see its log"),
    501: (
        "The vendor's HUB did this, and this one does not; or the body comes in a transfer coding that is not known.",
        {},
        "this HUB exports no models: download the weights and export them with your trainer",
    ),
    503: (
        "The HUB has too much to do: try again.",
        {"Retry-After": {**_WAIT, "required": False}},
        "this HUB has too many connections: try again in a minute",
    ),
    505: (
        "The request is of another version of HTTP.",
        {},
        "this HUB speaks HTTP/1.1 and no other version",
    ),
}

#: What any call may meet, whatever it is.
ANY = (400, 405, 408, 413, 414, 429, 431, 500, 501, 503, 505)


_ETAG: Schema = {"type": "string", "pattern": '^"[0-9a-f]{64}"$'}
_RANGES = {"required": True, "schema": {"const": "bytes"}}
_LASTING = {"required": True, "schema": {"type": "string"}, "description": "What is at an address never changes."}
_CACHED = {
    "ETag": {"required": True, "schema": _ETAG, "description": "The file's SHA-256."},
    "Cache-Control": _LASTING,
    "Accept-Ranges": _RANGES,
}
_SENT = {
    **_CACHED,
    "Content-Length": {"required": True, "schema": _WHOLE},
    "Content-Disposition": {"required": True, "schema": {"type": "string", "pattern": "^attachment; filename="}},
}
_PART = {"Content-Range": {"required": True, "schema": {"type": "string", "pattern": r"^bytes [0-9]+-[0-9]+/[0-9]+$"}}}

#: What a request for a file may carry.
FILE_HEADERS: Sequence[Mapping[str, Any]] = (
    {
        "name": "Range",
        "in": "header",
        "description": "One range of bytes. What is none is answered with the whole file.",
        "schema": {"type": "string", "pattern": "^bytes=([0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})$"},
        "example": "bytes=0-1023",
    },
    {
        "name": "If-Range",
        "in": "header",
        "description": "The ETag of what is there already: of another file all is sent.",
        "schema": _ETAG,
    },
    {"name": "If-None-Match", "in": "header", "description": "The ETag of what is there already.", "schema": _ETAG},
)


#: What one who listens may say and hears.
LISTENER_HEADERS: Sequence[Mapping[str, Any]] = (
    {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "For `text/event-stream`, in place of `after`: the id of the last event that was heard.",
        "schema": {"type": "string", "pattern": f"^{digits_up_to(LARGEST_EPOCH)}$"},
    },
)
EVENTS: Schema = {
    "type": "string",
    "description": "Events whose id is a revision and whose data is `Changes` as one line of JSON, at once and with "
    "each change. An event `gone`, whose data is `Error`, is the last.",
}


def files() -> dict[str, Any]:
    """The answers with a file, or a part of one, by status."""
    content = {
        "application/octet-stream": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
    }
    return {
        "200": {"description": "The file.", "headers": _SENT, "content": content},
        "206": {"description": "The part that was asked for.", "headers": {**_SENT, **_PART}, "content": content},
        "304": {"description": "It is there already.", "headers": _CACHED},
    }


def refusals() -> dict[str, Any]:
    """Each refusal as a response, by status."""
    return {
        str(status): {
            "description": described,
            **({"headers": headers} if headers else {}),
            "content": {
                "application/json": {"schema": ref("Error"), "example": {"success": False, "message": message}}
            },
        }
        for status, (described, headers, message) in REFUSALS.items()
    }
