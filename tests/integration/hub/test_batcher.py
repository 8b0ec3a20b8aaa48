"""Calls that are answered together: who goes with whom, and what becomes of them when something goes wrong."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest

from hubport.adapters.web.batcher import RequestBatcher
from hubport.adapters.web.thread_pool import ThreadPool
from hubport.testing.lab import HANG_TIMEOUT


class Driver:
    """Doubles what rides, notes who went together, and takes nobody through before ``gate`` is open."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.begun = asyncio.Event()
        self.gate = threading.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, riders: Sequence[int]) -> list[int]:
        self.groups.append([*riders])
        self._loop.call_soon_threadsafe(self.begun.set)
        assert self.gate.wait(HANG_TIMEOUT)
        if 0 in riders:
            raise ZeroDivisionError
        return [2 * rider for rider in riders]


def convoyed(scene: Callable[[RequestBatcher[int, int], Driver], Awaitable[None]]) -> None:
    async def run() -> None:
        driver, pool = Driver(), ThreadPool(1)
        try:
            await asyncio.wait_for(scene(RequestBatcher(pool, driver), driver), HANG_TIMEOUT)
        finally:
            driver.gate.set()
            pool.close(time.monotonic() + HANG_TIMEOUT)

    asyncio.run(run())


def test_who_comes_in_one_turn_goes_together() -> None:
    async def scene(convoy: RequestBatcher[int, int], driver: Driver) -> None:
        driver.gate.set()
        assert [2, 4, 6] == await asyncio.gather(*map(convoy.submit, (1, 2, 3)))
        assert 8 == await convoy.submit(4)
        assert [[1, 2, 3], [4]] == driver.groups

    convoyed(scene)


def test_who_comes_while_a_group_is_under_way_goes_with_the_next() -> None:
    async def scene(convoy: RequestBatcher[int, int], driver: Driver) -> None:
        first = asyncio.ensure_future(convoy.submit(1))
        await driver.begun.wait()
        others = asyncio.gather(*map(convoy.submit, range(2, 100)))
        await asyncio.sleep(0)
        driver.gate.set()

        assert 2 == await first
        assert [2 * rider for rider in range(2, 100)] == await others
        assert [[1], [*range(2, 66)], [*range(66, 100)]] == driver.groups

    convoyed(scene)


def test_an_error_is_everybodys_and_the_next_group_goes() -> None:
    async def scene(convoy: RequestBatcher[int, int], driver: Driver) -> None:
        driver.gate.set()
        outcomes = await asyncio.gather(convoy.submit(0), convoy.submit(1), return_exceptions=True)

        assert [ZeroDivisionError, ZeroDivisionError] == [type(outcome) for outcome in outcomes]
        assert 4 == await convoy.submit(2)

    convoyed(scene)


@pytest.mark.parametrize("is_under_way", [True, False])
def test_who_gives_up_takes_nobody_along(*, is_under_way: bool) -> None:
    async def scene(convoy: RequestBatcher[int, int], driver: Driver) -> None:
        first, second = (asyncio.ensure_future(convoy.submit(rider)) for rider in (1, 2))
        await (driver.begun.wait() if is_under_way else asyncio.sleep(0))
        first.cancel()
        driver.gate.set()

        assert 4 == await second
        assert 6 == await convoy.submit(3)
        assert first.cancelled()

    convoyed(scene)
