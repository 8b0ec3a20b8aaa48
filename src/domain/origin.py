"""Where a HUB may be.

The one rule: a key never crosses a network in the clear, unless somebody asked for exactly that.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from .errors import InvalidSettings

_PRINTABLE = re.compile(r"[!-~]+")


def checked_root(url: str, *, setting: str, allow_plain_http: bool = False) -> str:
    """*url* without a slash at its end, when it is the root of an https server, or of an http one on loopback.

    Raises:
        InvalidSettings: naming *setting*, which says where *url* came from.
    """
    try:
        # urlsplit drops line breaks and blanks in silence.
        parts = urlsplit(url if _PRINTABLE.fullmatch(url) else "")
        host, _ = parts.hostname or "", parts.port
    except (ValueError, TypeError):
        parts, host = urlsplit(""), ""
    if parts.scheme not in {"http", "https"} or not host:
        # Not quoted: it may be a key that was pasted here.
        raise InvalidSettings(setting, "this is no http or https URL; give one such as http://127.0.0.1:8421")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise InvalidSettings(setting, "give scheme, host, port and path alone: no user, password, query or fragment")
    if parts.scheme == "http" and not allow_plain_http and not is_loopback(host):
        raise InvalidSettings(
            setting,
            f"plain http would carry the key to {host} in the clear: use https, "
            "or set HUBPORT_ALLOW_PLAIN_HTTP=1 (allow_plain_http=True) if that network is yours",
        )
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine by its name or address alone; nothing is resolved."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
