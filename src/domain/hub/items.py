"""What a HUB holds besides models: projects, datasets, and the keys of its users.

The one rule: a key itself is nowhere in here, only its hash and its last four characters.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import attrs

#: Characters of the ID of a model, a project, a dataset or a key.
ID_LENGTH = 20


@attrs.frozen
class StoredFile:
    """A file that was received whole. ``token`` makes its address unguessable."""

    name: str
    token: str
    size: int
    sha256: str

    @property
    def blob(self) -> str:
        """Its name among the blobs."""
        return f"{self.token}/{self.name}"

    @property
    def path(self) -> str:
        """Where it is downloaded: it ends as the file does and has no query, because clients look at both."""
        return f"/files/{self.blob}"


@attrs.frozen
class Project:
    """What models are filed under; ``meta`` is its owner's own JSON, ``created`` unix seconds."""

    id: str
    name: str
    created: float = 0.0
    meta: Mapping[str, Any] = attrs.field(factory=dict)
    is_trashed: bool = False

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """What goes when it goes: nothing."""
        return ()


@attrs.frozen
class Dataset:
    """What models train on. Until ``file`` is there, a client is told that it is still being processed."""

    id: str
    name: str
    created: float = 0.0
    meta: Mapping[str, Any] = attrs.field(factory=dict)
    file: StoredFile | None = None
    is_trashed: bool = False

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """What goes when it goes."""
        return () if self.file is None else (self.file,)


@attrs.frozen
class Key:
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
    def of(cls, key: str, *, name: str, created: float) -> Key:
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
