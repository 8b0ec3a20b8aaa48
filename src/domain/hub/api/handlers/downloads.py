"""Downloads: checkpoints and datasets.

The one rule: the address is the permission. It is long-lived and nobody can guess it, since a resuming trainer
downloads without a key, and a link that expires loses a run.
"""

from __future__ import annotations

import re

from ...stored_file import StoredFile
from ..context import HubContext
from ..messages import ApiError, BlobRange, HubRequest, HubResponse
from ..routing import Route
from .attachments import holders

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def _give_file(hub: HubContext, request: HubRequest, token: str, name: str) -> HubResponse:
    file = _file(hub, token, name)
    if file is None:
        raise ApiError(404, "there is no such file: it was replaced by a newer one, or its model was deleted")
    etag = f'"{file.sha256}"'
    headers = {
        "content-type": "application/octet-stream",
        "accept-ranges": "bytes",
        "etag": etag,
        # What is at an address never changes.
        "cache-control": "private, max-age=31536000, immutable",
        "content-disposition": f'attachment; filename="{name}"',
    }
    if _holds(request.headers.get("if-none-match", ""), etag):
        return HubResponse(304, {name: headers[name] for name in ("etag", "cache-control", "accept-ranges")})
    wanted = request.headers.get("range", "")
    # A client that has the beginning of another file wants all of this one.
    if wanted and request.headers.get("if-range", etag) == etag:
        found = _range(wanted, file.size)
        if found is not None:
            start, end = found
            if start >= end:
                raise ApiError(416, f"the file has {file.size} bytes", {"content-range": f"bytes */{file.size}"})
            headers |= {"content-range": f"bytes {start}-{end - 1}/{file.size}", "content-length": str(end - start)}
            return HubResponse(206, headers, blob=BlobRange(file.blob, start, end - start))
    headers["content-length"] = str(file.size)
    return HubResponse(200, headers, blob=BlobRange(file.blob, 0, file.size))


def _file(hub: HubContext, token: str, name: str) -> StoredFile | None:
    """The file that was stored under this address."""
    held = (file for item in holders(hub.store, name) if not item.is_trashed for file in item.files)
    return next((file for file in held if file.token == token and file.name == name), None)


def _holds(header: str, etag: str) -> bool:
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in header.split(","))


def _range(header: str, size: int) -> tuple[int, int] | None:
    """From where to where (exclusive); ``None`` for what is no single range of bytes, which is answered whole."""
    found = _RANGE.fullmatch(header.replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        length = min(int(found[2]), size)
        return (size - length, size) if length else (size, size)
    start = int(found[1])
    if found[2] and int(found[2]) < start:
        return None
    return start, min(int(found[2]) + 1, size) if found[2] else size


ROUTES = (
    Route(
        "GET",
        "/files/{token}/{file}",
        "download",
        "Download a file by the address that was given for it. HEAD and Range are understood.",
        _give_file,
        is_open=True,
        response_schema="File",
        errors=(404, 416),
    ),
)
