"""A lab around a HUB with one model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hubport.domain.hub.model import HubModel
from hubport.testing import FakeHub
from hubport.testing.lab import Lab, Zygote


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def model(hub: FakeHub) -> HubModel:
    return hub.create_model()


@pytest.fixture
def lab(hub: FakeHub) -> Iterator[Lab]:
    with Lab(hub) as lab:
        yield lab


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    with Zygote() as zygote:
        yield zygote
