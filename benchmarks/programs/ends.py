"""Trains a little, meets a HUB that is dead, and ends: by its last line, by ``finish``, or by a signal from outside.

The one rule: the instant at which the end begins is this process's own, on the clock that all processes share.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from benchmarks.programs.clients import connected, options
from benchmarks.programs.speech import hear, say
from benchmarks.wire import values


def main() -> None:
    wanted = options()
    path = Path.cwd() / "last.pt"
    path.write_bytes(os.urandom(1 << 20))
    client = connected(wanted)
    client.log(0, values(0))
    say("connected")
    hear()  # the HUB is dead when this returns
    for step in range(1, 6):
        client.log(step, values(step))
    say("ready")
    how = hear()
    if how == "signal":
        say("training")
        threading.Event().wait()
    say(time.monotonic())
    if how == "finish":
        client.finish(str(path), wanted["within"])
        say(time.monotonic())
        os._exit(0)


if __name__ == "__main__":
    main()
