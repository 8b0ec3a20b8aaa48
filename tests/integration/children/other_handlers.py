"""A training in a program with signal handlers of its own, set after the session was made, with or without a session.

Says what happens to it, line by line. *how* is the shape of the program's handler:

``first``, ``last``  calls the earlier handler before, or after, its own work
``exit``             leaves with status 9 after the earlier handler
``loop``             is asyncio's, and was set before the session was made
``later loop``       the same, set after it
``back``             the program puts the handler back that it had set before the session was made
``ended``            as ``first``, and the session is closed before the signal
``put back``         the same, and the program takes its own handler away and puts the earlier one back
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import hubport

stopped = threading.Event()


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def own(number: int, _: FrameType | None) -> None:
    say("own")
    stopped.set()


def in_front(how: str, earlier: Any) -> Callable[[int, FrameType | None], None]:
    def handler(number: int, frame: FrameType | None) -> None:
        if how == "last":
            own(number, frame)
        if callable(earlier):
            earlier(number, frame)
        if how == "exit":
            sys.exit(9)
        if how != "last":
            own(number, frame)

    return handler


def connect(model: str, *, is_wanted: bool) -> hubport.TrainingSession | None:
    if not is_wanted:
        return None
    session = hubport.connect(model)
    session.log_metrics(0, {"loss": 1.0})
    assert session.flush(timeout=60)
    session.log_metrics(1, {"loss": 1.0})
    return session


def wait() -> None:
    """Until a handler has stopped the training."""
    while not stopped.wait(0.1):
        pass


async def in_loop(number: int, connecting: Callable[[], Any], *, is_first: bool) -> None:
    loop, met = asyncio.get_running_loop(), asyncio.Event()

    def call() -> None:
        say("own")
        met.set()

    if not is_first:
        connecting()
    loop.add_signal_handler(number, call)
    if is_first:
        connecting()
    say("ready")
    await met.wait()
    await asyncio.sleep(0.3)  # a second call would come now


def main(model: str, how: str, number: int, *, is_wanted: bool) -> None:
    def connecting() -> hubport.TrainingSession | None:
        return connect(model, is_wanted=is_wanted)

    try:
        if how.endswith("loop"):
            asyncio.run(in_loop(number, connecting, is_first=how == "loop"))
        else:
            if how == "back":
                signal.signal(number, own)
            session = connecting()
            earlier = signal.getsignal(number)
            signal.signal(number, own if how == "back" else in_front(how, earlier))
            if how in {"ended", "put back"} and session is not None:
                session.close()
            if how == "put back":
                signal.signal(number, earlier)
            say("ready")
            wait()
            say("goes on")
            sys.stdin.readline()
    finally:
        say("finally")


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), is_wanted=sys.argv[4] == "with")
