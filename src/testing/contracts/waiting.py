"""How contracts wait for what other threads do.

The one rule: patience only ends what has failed already. A slow machine makes a contract slow and never makes it fail.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

#: Real seconds after which something that should have happened counts as hung.
HUNG_AFTER = 30.0
_LOOK_EVERY = 0.01


def eventually(condition: Callable[[], bool]) -> None:
    """Return when *condition* holds.

    Raises:
        AssertionError: when it does not for half a minute.
    """
    nobody = threading.Event()
    for _ in range(round(HUNG_AFTER / _LOOK_EVERY)):
        if condition():
            return
        nobody.wait(_LOOK_EVERY)
    raise AssertionError("what the test waits for did not happen")


class BackgroundThread:
    """Something done beside the test's own thread; what it raises is raised again by :meth:`join`."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._raised: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="contract-side", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as exc:  # noqa: BLE001 - it is raised where the test can see it
            self._raised = exc

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return not self._thread.is_alive()

    def join(self) -> None:
        """Wait for its end.

        Raises:
            AssertionError: when it does not end for half a minute.
        """
        self._thread.join(HUNG_AFTER)
        if not self.is_done:
            raise AssertionError("a thread of the test is held and does not come back")
        if self._raised is not None:
            raise self._raised


def run_concurrently(work: Callable[[int], Any], *, threads: int) -> None:
    """Call *work* with 0, 1, 2, ... in as many *threads*, which all begin together, and wait for them."""
    gate = threading.Barrier(threads)

    def begin(number: int) -> None:
        gate.wait(HUNG_AFTER)
        work(number)

    sides = [BackgroundThread(partial(begin, number)) for number in range(threads)]
    for side in sides:
        side.join()


@contextmanager
def meanwhile(*works: Callable[[], Any]) -> Iterator[None]:
    """Call each of *works* again and again, in a thread of its own, for as long as the block runs.

    Raises:
        AssertionError: when one does not come back; and what a work raises, at the end of the block.
    """
    is_over = threading.Event()

    def repeat(work: Callable[[], Any]) -> None:
        while not is_over.is_set():
            work()

    sides = [BackgroundThread(partial(repeat, work)) for work in works]
    try:
        yield
    finally:
        is_over.set()
        for side in sides:
            side.join()
