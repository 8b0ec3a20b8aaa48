"""A served HUB for each test, and the environments of the clients, without which these tests fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compat.hub.peers import PEER, Late
from tests.compat.hub.served import ServedHub, served_hub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ServedHub]:
    with served_hub(tmp_path / "data") as served:
        yield served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a client runs."""
    path = tmp_path / "client"
    path.mkdir()
    return path


@pytest.fixture
def late(hub: ServedHub, folder: Path) -> Iterator[Late]:
    if not (PEER / ".installed").exists():
        pytest.fail(f"{PEER.name}, the environment of the later clients, is missing or incomplete: run `make peer`")
    with Late(hub.url, hub.key, folder) as process:
        yield process
