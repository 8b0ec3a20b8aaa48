"""pytest fixtures: ``pytest_plugins = ["hubport.testing.lab.fixtures"]`` in the root conftest.

The one rule: what a test has started ends with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes.zygote import Zygote
from .sandbox import Sandbox


@pytest.fixture(scope="session")
def hub_zygote() -> Iterator[Zygote]:
    """A process that forks trainers: one for all tests."""
    with Zygote() as zygote:
        yield zygote


@pytest.fixture
def hub_site(tmp_path: Path, hub_zygote: Zygote, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A HUB that breaks on demand, a model in it, and trainers in processes of their own."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with Sandbox(tmp_path, hub_zygote) as site:
        yield site
