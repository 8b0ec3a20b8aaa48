"""Posts of metrics that come while others are being stored: they go together, and each client hears its own answer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import ExitStack

from hubport.domain.hub.ports.store import MetricsError, MetricsWrite
from hubport.testing.fakes.hub_store import FakeHubStore
from hubport.testing.lab import HANG_TIMEOUT
from tests.integration.hub.wires import MODEL, PATH, Talk, served


class Held(FakeHubStore):
    """Puts nothing before it may, and remembers what came together."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may = threading.Event(), threading.Event()
        self.groups: list[list[int]] = []

    def write_metrics(self, puts: Sequence[MetricsWrite]) -> Sequence[MetricsError | None]:
        self.groups.append(sorted(epoch for put in puts for epoch in put.epochs))
        self.asked.set()
        assert self.may.wait(HANG_TIMEOUT)
        return super().write_metrics(puts)


def metrics(epoch: int) -> bytes:
    return b'{"metrics": {"%d": "{}"}}' % epoch


def test_who_comes_meanwhile_goes_with_the_next_group_and_hears_his_own_answer() -> None:
    store = Held()
    calls = [(PATH, metrics(1), 200), (PATH, b"{half", 400), (PATH, metrics(2), 200), (PATH, b"{}", 422)]
    calls += [(PATH.replace(MODEL, "A" * 20), metrics(3), 404), (PATH, metrics(4), 200)]
    with served(store=store) as server, ExitStack() as stack:
        first, last, *others = (stack.enter_context(Talk(server)) for _ in range(2 + len(calls)))
        for talk in others:
            talk.ask("GET", "/")
            assert 200 == talk.heard().status
        first.ask("POST", PATH, metrics(0))
        assert store.asked.wait(HANG_TIMEOUT)
        for talk, (path, body, _) in zip(others, calls, strict=True):
            talk.ask("POST", path, body)
        # An answer by way of a thread: by then the server has read what was said before.
        last.ask("GET", "/openapi.json")
        assert 200 == last.heard().status
        store.may.set()

        assert 200 == first.heard().status
        assert [status for _, _, status in calls] == [talk.heard().status for talk in others]
    assert [[0], [1, 2, 3, 4]] == store.groups
    assert [0, 1, 2, 4] == list(store.metrics(MODEL).epochs)
