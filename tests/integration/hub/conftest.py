"""What the tests of the served HUB share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubport.testing.lab import Zygote
from hubport.testing.lab.sandbox import bare_environment
from tests.integration.adapters.child_process import unmeasured
from tests.integration.hub.browser import chromium, hub, visit, visitor
from tests.integration.hub.postgres import Cluster, postgres
from tests.integration.hub.stores import PRELOAD

__all__ = ["chromium", "hub", "postgres", "visit", "visitor"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, of either kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'hub.db'}"
        return
    cluster = request.getfixturevalue("postgres")
    assert isinstance(cluster, Cluster)
    with cluster.database() as url:
        yield url


@pytest.fixture(scope="session")
def store_zygote() -> Iterator[Zygote]:
    with Zygote(preload=PRELOAD, env=bare_environment() | unmeasured()) as zygote:
        yield zygote
