"""Small calls of many clients, answered in one go.

The one rule: nobody waits when nobody else is there. Who comes in one turn of the event loop goes together; who comes
while a group is under way goes with the next one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from .thread_pool import ThreadPool

RiderT = TypeVar("RiderT")
T = TypeVar("T")

_MOST = 64


class RequestBatcher(Generic[RiderT, T]):
    """*drive* turns many items into their results, in a thread of *pool*; one batch at a time."""

    def __init__(self, pool: ThreadPool, drive: Callable[[Sequence[RiderT]], Sequence[T]]) -> None:
        self._pool = pool
        self._drive = drive
        self._waiting: deque[tuple[RiderT, asyncio.Future[T]]] = deque()
        self._is_under_way = False

    async def submit(self, item: RiderT) -> T:
        """The result of *item*.

        Raises:
            Exception: what ``drive`` has raised, for every item of the batch.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if not self._is_under_way:
            self._is_under_way = True
            # After this turn: the others whose calls the loop has just read are a moment behind. Without them
            # the first would go alone, again and again, and all others wait for it.
            asyncio.get_running_loop().call_soon(self._dispatch)
        return await future

    def _dispatch(self) -> None:
        group = [self._waiting.popleft() for _ in range(min(_MOST, len(self._waiting)))]
        # Not awaited by anybody who could be cancelled: a client that goes takes no other item of the batch with it.
        begun = self._pool.submit(self._drive, [item for item, _ in group])
        begun.add_done_callback(lambda begun: self._resolve([future for _, future in group], begun))

    def _resolve(self, futures: Sequence[asyncio.Future[T]], begun: asyncio.Future[Sequence[T]]) -> None:
        error = begun.exception()
        for number, future in enumerate(futures):
            if future.done():  # its client has gone
                continue
            if error is None:
                future.set_result(begun.result()[number])
            else:
                future.set_exception(error)
        self._is_under_way = bool(self._waiting)
        if self._is_under_way:
            self._dispatch()
