"""Times single calls: ``{"calls": n, "bare": m, "every": seconds or null}`` for each block of bare appends and calls.

The one rule: what is timed is the call alone. Pacing, values and book-keeping lie outside.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.clients import bare_append
from benchmarks.programs.clients import connected, options
from benchmarks.programs.speech import hear, say
from benchmarks.wire import values

WARM_UP = 50
Log = Callable[[int, Mapping[str, float]], object]


def block(log: Log, first: int, calls: int, every: float | None) -> list[float]:
    """Microseconds of each of *calls* calls from step *first* on, one *every* so many seconds or back to back."""
    pause = threading.Event()
    times = []
    due = time.perf_counter()
    for step in range(first, first + calls):
        wanted = values(step)
        if every is not None:
            due += every
            pause.wait(max(due - time.perf_counter(), 0))
        started = time.perf_counter_ns()
        log(step, wanted)
        times.append((time.perf_counter_ns() - started) / 1e3)
    return times


def main() -> None:
    wanted = options()
    bare = bare_append.Client("", Path.cwd())
    client = connected(wanted)
    block(bare.log, 0, WARM_UP, None)
    block(client.log, 0, WARM_UP, None)
    say("ready")
    step = WARM_UP
    while order := hear():
        calls, every = order["calls"], order["every"]
        answer = {"bare": block(bare.log, step, order["bare"], every), "client": block(client.log, step, calls, every)}
        step += calls
        say(answer)
    client.close()


if __name__ == "__main__":
    main()
