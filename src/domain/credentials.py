"""Who asks: an API key, or a bearer token where a browser session gave one.

The one rule: the secret leaves this module as a request header and in no other way.
"""

from __future__ import annotations

import re

import attrs

from .errors import AuthenticationFailed

# What RFC 9110 allows in a field value without quoting, less the space: a line break here would forge a header.
_SAFE = re.compile(r"[!-~]+")


def redact(secret: str) -> str:
    """The last four characters behind an ellipsis, or nothing of a secret too short to hide behind four."""
    return f"'…{secret[-4:]}'" if len(secret) > 8 else "'…'"  # noqa: PLR2004 - never more than half is shown


def redact_optional(secret: str | None) -> str:
    """The same where there may be no secret: for a repr."""
    return "None" if secret is None else redact(secret)


def _is_header_safe(_: object, __: object, value: str) -> None:
    if not isinstance(value, str) or _SAFE.fullmatch(value) is None:
        raise AuthenticationFailed("the key is empty or holds blanks, line breaks or characters beyond ASCII")


class _Unprinted(str):
    """A header's value that is not in its own repr: crash reporters print the locals of each frame."""

    __slots__ = ()

    def __repr__(self) -> str:
        return redact(str(self))


@attrs.frozen
class Credentials:
    """An API key (the default) or a bearer token, and the header that carries it.

    Raises:
        AuthenticationFailed: for a secret that cannot stand in a header.
    """

    secret: str = attrs.field(repr=redact, validator=_is_header_safe)
    is_bearer: bool = False

    @classmethod
    def bearer(cls, token: str) -> Credentials:
        """The id token of a browser session, as on Colab."""
        return cls(token, is_bearer=True)

    def scrubbed(self, text: str) -> str:
        """*text* without the secret: servers like to quote the key that they refuse."""
        return text.replace(self.secret, redact(self.secret))

    def headers(self) -> dict[str, str]:
        """The one header that proves who asks."""
        if self.is_bearer:
            return {"authorization": _Unprinted(f"Bearer {self.secret}")}
        return {"x-api-key": _Unprinted(self.secret)}
