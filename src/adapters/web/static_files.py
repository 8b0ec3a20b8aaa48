"""The pages: a few files that were there when the server started.

The one rule: a name from outside is looked up in a list, and never reaches the disk.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import attrs

from ...domain.hub.api.messages import ApiError, HubResponse
from ...domain.hub.api.routing import PARTS

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_MISSING = "missing.html"
#: A path that is deeper is no mistake of a person.
_DEEPEST = 32
_MODEL = re.compile(f"/models/{PARTS['id']}/?")
_FOLDER = Path(__file__).parent / "pages"


@attrs.frozen
class StaticFiles:
    """The files of *folder*, in memory, each as its whole answer."""

    _files: dict[str, HubResponse]

    @classmethod
    def of(cls, folder: Path = _FOLDER) -> StaticFiles:
        """All files there of a kind that pages are made of."""
        return cls({file.name: _answer(file) for file in folder.iterdir() if file.suffix in _KINDS})

    def answer(self, method: str, path: str, query: str, if_none_match: str) -> HubResponse | None:
        """What is at *path*; ``None`` when that is no page's.

        Raises:
            ApiError: 404, or 405.
        """
        if path == "/":
            name = "index.html"
        elif path.startswith("/static/"):
            name = path.removeprefix("/static/")
        elif _MODEL.fullmatch(path):
            name = "model.html"
        else:
            return None
        found = self._files.get(name)
        if path.endswith("/") and name == "model.html":
            # The links in the page are relative; so is this one, for a HUB that lives below a path of another server.
            place = "../" + path.removesuffix("/").rpartition("/")[2] + (f"?{query}" if query else "")
            return HubResponse(301, {"location": place, "referrer-policy": "no-referrer"})
        if found is None or (path.startswith("/static/") and name.endswith(".html")):
            raise ApiError(404, f"there is nothing at {path[:100]}")
        if method not in {"GET", "HEAD"}:
            raise ApiError(405, f"{method[:20]} is not for {path[:100]}", {"allow": "GET, HEAD"})
        if found.headers["etag"] in if_none_match:
            return HubResponse(304, {name: found.headers[name] for name in ("etag", "cache-control")})
        return found

    def missing(self, path: str) -> HubResponse:
        """What a person sees who has asked for *path*, where there is nothing: a page with a link to the first one."""
        page = self._files[_MISSING]
        # Relative, as in every page, for a HUB that lives below a path of another server.
        root = "../" * min(path.count("/") - 1, _DEEPEST) or "./"
        headers = {name: value for name, value in page.headers.items() if name != "etag"}
        return HubResponse(404, headers | {"cache-control": "no-store"}, page.body.replace(b'"./', f'"{root}'.encode()))


def _answer(file: Path) -> HubResponse:
    content = file.read_bytes()
    return HubResponse(
        200,
        {
            "content-type": _KINDS[file.suffix],
            "etag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
            "cache-control": "no-cache",  # asked for each time, and not sent again
            "content-security-policy": _POLICY,
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
        },
        content,
    )
