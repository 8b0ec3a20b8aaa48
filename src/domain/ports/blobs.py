"""Where a HUB keeps checkpoints.

The one rule: a blob is there whole or not at all.
"""

from __future__ import annotations

from typing import BinaryIO, Protocol, runtime_checkable

import attrs


@attrs.frozen
class Stored:
    """What was kept: bytes, and their SHA-256 in hex."""

    size: int
    sha256: str


@runtime_checkable
class Blobs(Protocol):
    """Bytes by name."""

    def put(self, name: str, content: BinaryIO) -> Stored:
        """Keep all of *content* under *name*, in place of what was there."""
        ...

    def open(self, name: str) -> BinaryIO | None:
        """A reader of *name*, or ``None``."""
        ...
