"""Placeholders for what the last ``ultralytics`` imports beyond those of 2023, on the same terms.

It asks the metadata of its libraries for their versions, filters warnings by classes of theirs, and imports its own
networks and data loaders with everything that these need. A HUB session touches none of it.

The one rule: as in ``heavy_imports``, this file knows names, and nothing of how the client uses them.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.metadata
import sys
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
heavy_imports: Any = importlib.import_module("heavy_imports")

LIBRARIES = frozenset({*heavy_imports.HEAVY, "polars", "ultralytics_thop"})
PARTS = ("ultralytics.data", "ultralytics.engine", "ultralytics.models", "ultralytics.nn")
"""Of the client itself: what trains."""


class _Metadata(importlib.metadata.Distribution):
    """The metadata of a library that is not there."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read_text(self, filename: str) -> str | None:
        if filename != "METADATA":
            return None
        return f"Metadata-Version: 2.1\nName: {self._name}\nVersion: {heavy_imports.VERSION}\n"

    def locate_file(self, path: Any) -> Any:
        return Path(path)


class _LateFinder(heavy_imports._HeavyFinder):  # type: ignore[misc]
    """Finds the libraries, the parts and the metadata."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] in LIBRARIES or fullname.startswith(PARTS):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def find_distributions(
        self, context: importlib.metadata.DistributionFinder.Context
    ) -> Iterator[importlib.metadata.Distribution]:
        if context.name is not None and context.name in LIBRARIES:
            yield _Metadata(context.name)


def install() -> None:
    """Answer these imports with placeholders from now on, and keep this process on loopback."""
    sys.meta_path.insert(0, _LateFinder())
    # A filter of warnings wants a class of them.
    setattr(importlib.import_module("torch.jit"), "TracerWarning", UserWarning)  # noqa: B010 - it has every attribute
    heavy_imports.keep_on_loopback()
