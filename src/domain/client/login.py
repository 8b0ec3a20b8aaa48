"""The HUB that a user has logged in to: its address and the key for it, which belong together.

The one rule: what is read is checked as an argument would be, and no error quotes it.
"""

from __future__ import annotations

import json
from typing import Any

import attrs

from ..base_url import validate_base_url
from ..errors import AuthenticationFailed
from .credentials import Credentials, redact

_VERSION = 1


@attrs.frozen(kw_only=True)
class Login:
    """Where a HUB is, and the key for it. ``allow_plain_http``: its user has allowed plain http to that address."""

    api_root: str
    web_root: str
    api_key: str = attrs.field(repr=redact)
    allow_plain_http: bool = False

    def encode(self) -> bytes:
        """As a file holds it."""
        return json.dumps({"version": _VERSION, **attrs.asdict(self)}, indent=2).encode() + b"\n"

    @classmethod
    def decode(cls, data: bytes, *, name: str) -> Login:
        """Read what :meth:`encode` wrote; *name* says in errors where that was. Fields that are not known are ignored.

        Raises:
            ValueError: for anything else, or an InvalidSettings, which is one.
        """
        try:
            fields = json.loads(data)
        except (ValueError, RecursionError):
            raise ValueError("it is no JSON") from None
        if not isinstance(fields, dict):
            raise ValueError("it is no JSON object")  # noqa: TRY004 - one kind of error for everything that the file may be
        allow_plain_http = fields.get("allow_plain_http") is True
        key = _text(fields, "api_key")
        try:
            Credentials(key)
        except AuthenticationFailed as exc:
            raise ValueError(exc.problem) from None
        # No key is ever sent to the web root.
        return cls(
            api_root=validate_base_url(_text(fields, "api_root"), setting=name, allow_plain_http=allow_plain_http),
            web_root=validate_base_url(_text(fields, "web_root"), setting=name, allow_plain_http=True),
            api_key=key,
            allow_plain_http=allow_plain_http,
        )


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ValueError(f"it has no {name}")  # noqa: TRY004 - likewise
    return value
