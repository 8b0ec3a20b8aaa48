"""Whose machine a host name means.

The one rule: nothing is resolved; the name alone counts.
"""

from __future__ import annotations

import ipaddress

_VENDOR = "ultralytics.com"


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine by its name or address alone; nothing is resolved."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_vendor(host: str) -> bool:
    """Whether *host* is one of the vendor's, whose HUB was switched off."""
    return host == _VENDOR or host.endswith(f".{_VENDOR}")
