"""Logs through an outage, and says how much memory that took: ``{"seconds": s, "every": s}`` after ``"connected"``.

The one rule: memory is compared with what the process had after some calls with the HUB up, so that nothing is counted
that is needed in good times too.
"""

from __future__ import annotations

import threading
import time

from benchmarks.programs.clients import connected, options
from benchmarks.programs.proc import memory, reset_high_water, threads
from benchmarks.programs.speech import hear, say
from benchmarks.wire import values

WARM_UP = 200


def main() -> None:
    wanted = options()
    client = connected(wanted)
    pause = threading.Event()
    for step in range(WARM_UP):
        client.log(step, values(step))
        pause.wait(0.01)
    say("connected")
    hear()  # the HUB is down when this returns
    before = reset_high_water()
    calls = most = 0
    due = time.monotonic()
    until = due + wanted["seconds"]
    while time.monotonic() < until:
        client.log(WARM_UP + calls, values(calls))
        calls += 1
        if calls % 100 == 0:
            most = max(most, threads() - 1)
        due += wanted["every"]
        pause.wait(max(due - time.monotonic(), 0))
    say({"calls": calls, "peak": memory("VmHWM") - before, "threads": most})


if __name__ == "__main__":
    main()
