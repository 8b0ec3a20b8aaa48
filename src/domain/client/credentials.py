"""Who asks: an API key, or a bearer token where a browser session gave one.

The one rule: the secret leaves this module as a request header and in no other way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from ..errors import AuthenticationFailed

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

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (redact(str(self)),)


@attrs.frozen
class Credentials:
    """An API key (the default) or a bearer token, and the header that carries it.

    A pickle of it holds no secret: what is read from one can prove nothing.

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
        return text.replace(self.secret, redact(self.secret)) if self.secret else text

    def removed_from(self, value: Any) -> Any:
        """*value*, which came as JSON, without the secret in any of its texts and names."""
        if isinstance(value, str):
            return self.scrubbed(value)
        if isinstance(value, Mapping):
            return {self.removed_from(name): self.removed_from(part) for name, part in value.items()}
        return [self.removed_from(part) for part in value] if isinstance(value, list) else value

    def headers(self) -> dict[str, str]:
        """The one header that proves who asks.

        Raises:
            AuthenticationFailed: where this was read from a pickle.
        """
        if not self.secret:
            raise AuthenticationFailed("these credentials were pickled, and a pickle holds no key")
        if self.is_bearer:
            return {"authorization": _Unprinted(f"Bearer {self.secret}")}
        return {"x-api-key": _Unprinted(self.secret)}

    def __getstate__(self) -> dict[str, Any]:
        return {"secret": "", "is_bearer": self.is_bearer}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)

    def __copy__(self) -> Credentials:
        return self

    def __deepcopy__(self, memo: object) -> Credentials:
        return self
