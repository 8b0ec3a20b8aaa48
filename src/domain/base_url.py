"""Where a HUB may be.

The one rule: a key never crosses a network in the clear, unless somebody asked for exactly that.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .errors import InvalidSettings
from .hosts import is_loopback

_PRINTABLE = re.compile(r"[!-~]+")
_KEY = re.compile(r"[0-9A-Za-z]{42}")
#: Below the root of a HUB: its API, and the page of a model.
_BELOW = re.compile(r"(.*?)/+(?:v1(?:/.*)?|models/(?:[0-9A-Za-z]{42}_)?[0-9A-Za-z]{20}/*)", re.DOTALL)


def validate_base_url(url: str, *, setting: str, allow_plain_http: bool = False) -> str:
    """*url* without a slash at its end, when it is the root of an https server, or of an http one on loopback.

    Raises:
        InvalidSettings: naming *setting*, which says where *url* came from, and the root where it can be told.
    """
    try:
        # urlsplit drops line breaks and blanks in silence.
        parts = urlsplit(url if _PRINTABLE.fullmatch(url) else "")
        host, _ = parts.hostname or "", parts.port
    except (ValueError, TypeError):
        parts, host = urlsplit(""), ""
    if parts.scheme not in {"http", "https"} or not host:
        # Not quoted: it may be a key that was pasted here.
        raise InvalidSettings(
            setting, f"this is no URL: give one that begins with http:// or https://, such as {_with_scheme(url)}"
        )
    if "@" in parts.netloc:
        raise InvalidSettings(setting, "give scheme, host, port and path alone: no user and no password")
    below = _BELOW.fullmatch(parts.path)
    if below is not None or "?" in url or "#" in url:
        root = f"{parts.scheme}://{parts.netloc}{below[1] if below else parts.path}".rstrip("/")
        shown = "" if _KEY.search(root) else f", {root}"
        raise InvalidSettings(setting, f"this is a page or a path of a HUB: give the HUB's own address{shown}")
    if parts.scheme == "http" and not allow_plain_http and not is_loopback(host):
        raise InvalidSettings(
            setting,
            f"plain http would carry the key to {host} in the clear: use https, "
            "or set HUBPORT_ALLOW_PLAIN_HTTP=1 (allow_plain_http=True) if that network is yours",
        )
    return url.rstrip("/")


def _with_scheme(url: object) -> str:
    """What somebody may have meant who has left out ``http://``; an example where that cannot be told."""
    example = "http://127.0.0.1:8421"
    if not isinstance(url, str) or not _PRINTABLE.fullmatch(url) or "://" in url or set(url) & set("@?#\\"):
        return example
    try:
        parts = urlsplit(f"//{url}")
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return example
    is_host = ("." in host or is_loopback(host)) and not parts.path.strip("/") and not _KEY.search(url)
    return f"{'http' if is_loopback(host) else 'https'}://{parts.netloc}" if is_host else example
