"""Records as files: ``<root>/<model>.<capitals>.json``, private to this user.

The one rule: a new record takes the old one's place in one step.

The capitals are a number with a bit for each letter of the identifier that is one: two identifiers that differ by case
alone have two files, also on a disk that does not tell ``a`` from ``A``.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..domain.ports.model_cache import ModelCache


class DiskModelCache(ModelCache):
    """A folder of this user, made when something is first kept. Without one nothing is kept."""

    def __init__(self, root: str | os.PathLike[str] | None) -> None:
        self._folder = None if root is None else Path(root)

    @property
    def _root(self) -> Path:
        if self._folder is None:
            raise FileNotFoundError(errno.ENOENT, "there is no folder to keep records in")
        return self._folder

    def get(self, model_id: str) -> dict[str, Any] | None:
        try:
            record = json.loads(self._content(model_id))
        except (OSError, ValueError, RecursionError):
            return None
        return record if isinstance(record, dict) else None

    def put(self, model_id: str, record: Mapping[str, Any]) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp makes it readable by this user alone. No fsync: after a power cut the next connect writes it anew.
        fd, making = tempfile.mkstemp(dir=self._root, prefix=".")
        try:
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                json.dump(dict(record), file)
            Path(making).replace(self._path(model_id))
            if self._has_old_file(model_id):
                self._old_path(model_id).unlink()
        except BaseException:
            with contextlib.suppress(OSError):
                Path(making).unlink()
            raise

    def _content(self, model_id: str) -> bytes:
        try:
            return self._path(model_id).read_bytes()
        except FileNotFoundError:
            if self._has_old_file(model_id):
                return self._old_path(model_id).read_bytes()
            raise

    def _has_old_file(self, model_id: str) -> bool:
        """Whether hubport 0.1.0 has kept a record of it. A disk may call another model's file by this name, too."""
        return self._old_path(model_id) in self._root.iterdir()

    def _old_path(self, model_id: str) -> Path:
        return self._root / f"{model_id}.json"

    def _path(self, model_id: str) -> Path:
        capitals = sum(1 << place for place, letter in enumerate(model_id) if letter.isupper())
        return self._root / f"{model_id}.{capitals:05x}.json"
