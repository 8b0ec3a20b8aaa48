"""Threads for what blocks.

The one rule: who has submitted a call waits for its end, also when cancelled. So no pending blob is discarded while
another thread writes to it.

Not ``ThreadPoolExecutor``: its futures are made for threads that wait for each other, and cost a small call more than
the call itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class ThreadPool:
    """*threads* threads, until :meth:`close`."""

    def __init__(self, threads: int) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._run, name=f"hubport-web-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, call: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Have it done, and wait for it later with :meth:`result`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is over, and nobody waits
                try:
                    result = call(*args)
                except BaseException as exc:  # noqa: BLE001 - it comes out where it is waited for
                    loop.call_soon_threadsafe(_settle, future, None, exc)
                else:
                    loop.call_soon_threadsafe(_settle, future, result, None)

        self._work.put(work)
        return future

    async def result(self, begun: asyncio.Future[T]) -> T:
        """Its result; a cancellation comes out after its end.

        Raises:
            RuntimeError: after :meth:`close`, which has waited long enough.
        """
        if self._is_closed and not begun.done():
            raise RuntimeError("the server has ended")
        try:
            return await asyncio.shield(begun)
        except asyncio.CancelledError:
            if not self._is_closed:
                await asyncio.wait([begun])
                begun.exception()  # seen: nobody else will look
            raise

    async def run(self, call: Callable[..., T], *args: Any) -> T:
        """Have it done, and wait for it."""
        return await self.result(self.submit(call, *args))

    def close(self, deadline: float) -> None:
        """Begin nothing more, and wait for the end of what is under way, until *deadline* (monotonic seconds)."""
        self._is_closed = True
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work  # its arguments are not kept until there is more to do


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():  # cancelled meanwhile
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
