"""The client that a program is told to measure.

The one rule: a program knows of a client what :class:`Client` says, and nothing else.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast


class Client(Protocol):
    """What each module of ``benchmarks.clients`` has; those that only log have no ``upload``."""

    def log(self, step: int, values: Mapping[str, float]) -> object:
        """Log one step."""
        ...

    def upload(self, path: str, epoch: int) -> object:
        """Send a checkpoint."""
        ...

    def flush(self) -> object:
        """Wait until everything is sent."""
        ...

    def finish(self, path: str, timeout: float) -> object:
        """Send the final checkpoint *path*, and end."""
        ...

    def close(self) -> object:
        """End, at once where that can be."""
        ...


def options() -> dict[str, Any]:
    """What the benchmark has asked for."""
    found: dict[str, Any] = json.loads(sys.argv[1])
    return found


def connected(wanted: Mapping[str, Any]) -> Client:
    """The client of *wanted*, connected to its HUB, with the working directory as its folder."""
    module = importlib.import_module(f"benchmarks.clients.{wanted['client']}")
    return cast("Client", module.Client(wanted["url"], Path.cwd()))
