"""What a HUB holds besides models: projects, datasets, and the keys of its users.

The one rule: a key itself is nowhere in here, only its hash and its last four characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from .stored_file import StoredFile

#: Characters of the ID of a model, a project, a dataset or a key.
ID_LENGTH = 20


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
