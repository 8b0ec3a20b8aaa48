"""Records as files: ``<root>/<model>.json``, private to this user.

The one rule: a new record takes the old one's place in one step.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..domain.ports.records import Records


class DiskRecords(Records):
    """A folder of this user, made when something is first kept."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = Path(root)

    def get(self, model_id: str) -> dict[str, Any] | None:
        try:
            record = json.loads(self._path(model_id).read_bytes())
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
        except BaseException:
            with contextlib.suppress(OSError):
                Path(making).unlink()
            raise

    def _path(self, model_id: str) -> Path:
        return self._root / f"{model_id}.json"
