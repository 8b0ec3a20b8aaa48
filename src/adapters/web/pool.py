"""Threads for what blocks.

The one rule: whoever has begun something here waits for its end, also when it is cancelled: a draft is never dropped
while another thread writes to it.

Not ``ThreadPoolExecutor``: its futures are made for threads that wait for each other, and cost a small call more than
the call itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Pool:
    """*threads* threads, which end with the process."""

    def __init__(self, threads: int) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"hubport-web-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def begin(self, call: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Have it done, and wait for it later with :meth:`end`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                result = call(*args)
            except BaseException as exc:  # noqa: BLE001 - it comes out where it is waited for
                settle: Callable[[], None] = _Failed(future, exc)
            else:
                settle = _Done(future, result)
            with contextlib.suppress(RuntimeError):  # the loop is over, and nobody waits
                loop.call_soon_threadsafe(settle)

        self._work.put(work)
        return future

    async def end(self, begun: asyncio.Future[T]) -> T:
        """Its result; a cancellation comes out after its end."""
        try:
            return await asyncio.shield(begun)
        except asyncio.CancelledError:
            await asyncio.wait([begun])
            begun.exception()  # seen: nobody else will look
            raise

    async def run(self, call: Callable[..., T], *args: Any) -> T:
        """Have it done, and wait for it."""
        return await self.end(self.begin(call, *args))

    def close(self) -> None:
        """Begin nothing more. What is under way ends by itself."""
        for _ in self._threads:
            self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work  # its arguments are not kept until there is more to do


class _Done:
    def __init__(self, future: asyncio.Future[T], result: T) -> None:
        self._future, self._result = future, result

    def __call__(self) -> None:
        if not self._future.done():
            self._future.set_result(self._result)


class _Failed:
    def __init__(self, future: asyncio.Future[Any], exc: BaseException) -> None:
        self._future, self._exc = future, exc

    def __call__(self) -> None:
        if not self._future.done():
            self._future.set_exception(self._exc)
