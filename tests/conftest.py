"""What holds for every test."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The contract classes assert, and are not test modules of ours by name: ask for the telling messages.
pytest.register_assert_rewrite("hubport.testing")

# A busy machine is no failure. In CI hypothesis' own profile holds: no such limits there either, and no chance.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if "CI" not in os.environ:
    settings.load_profile("patient")


# Messages name the command as the shell finds it: `hubport`, wherever the tests are started from.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"

# No test reads the login of whoever runs it.
os.environ["HUBPORT_CONFIG_FILE"] = os.devnull


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first: what is begun last decides when the last process ends.

    pytest-randomly has shuffled them before, and the sort is stable: the order is random within both halves.
    """
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def lock_watch(request: pytest.FixtureRequest) -> Iterator[object]:
    """The locks of hubport know their rank, and none is taken in a wrong order, by whatever thread."""
    if "unit" in request.path.parts:  # no session and no server runs there
        yield None
        return
    from tests.locks import ranked_locks  # after the call for asserts to be rewritten

    with ranked_locks() as watch:
        yield watch
    assert set() == watch.wrong, "docs/explanation/architecture.md has the order of locks"
