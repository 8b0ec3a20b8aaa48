"""The key of a user: what the HUB keeps of it, and what it never keeps."""

from __future__ import annotations

import hashlib
import hmac

import attrs

from .items import ID_LENGTH


@attrs.frozen
class ApiKey:
    """A user's key as the HUB remembers it. In the trash it is revoked.

    A key has 168 random bits: nobody searches those, so that a slow hash would only slow down every request.
    """

    id: str
    name: str
    sha256: str
    tail: str
    created: float = 0.0
    last_used: float | None = None
    is_trashed: bool = False

    @classmethod
    def of(cls, key: str, *, name: str, created: float) -> ApiKey:
        """What to remember of *key*."""
        return cls(key_id(key), name, _digest(key), key[-4:], created)

    def is_of(self, key: str) -> bool:
        """Whether it is *key*'s and not revoked; compared in constant time."""
        return hmac.compare_digest(self.sha256, _digest(key)) and not self.is_trashed


def key_id(key: str) -> str:
    """Where *key* is found: the beginning of its hash, which says nothing of the key."""
    return _digest(key)[:ID_LENGTH]


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
