"""Under which address a client reaches us.

The one rule: what a client calls us is copied into links, so that it is checked to the letter.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ...domain.hub.api.messages import ApiError

_LONGEST = 255
_HOST = re.compile(r"(?:[0-9A-Za-z](?:[0-9A-Za-z._-]*[0-9A-Za-z])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


@lru_cache(maxsize=64)
def base_url(host: str) -> str:
    """The root of the links for a client whose Host header says *host*.

    Raises:
        ApiError: 400 when that is no host and port.
    """
    if len(host) > _LONGEST or not _HOST.fullmatch(host):
        raise ApiError(400, "the Host header is no host and port")
    return f"http://{host}"
