"""Logs at a steady pace until it is killed, and keeps count of the calls that have returned.

The one rule: a call counts when it has returned and not before. The count lies in a shared mapping of a file, which
outlives the process as the page cache does.
"""

from __future__ import annotations

import itertools
import mmap
import threading
from pathlib import Path

from benchmarks.programs.clients import connected, options
from benchmarks.programs.speech import hear, say
from benchmarks.wire import values

COUNT = "acknowledged"


def main() -> None:
    wanted = options()
    path = Path(COUNT)
    path.write_bytes(bytes(8))
    with path.open("r+b") as file:
        acknowledged = mmap.mmap(file.fileno(), 8)
    client = connected(wanted)
    say("connected")
    hear()
    pause = threading.Event()
    for step in itertools.count(1):
        client.log(step, values(step))
        acknowledged[:] = step.to_bytes(8, "little")
        if step == wanted["say_at"]:
            say("now")  # and on it goes: a signal comes at any point of what follows
        pause.wait(wanted["every"])


if __name__ == "__main__":
    main()
