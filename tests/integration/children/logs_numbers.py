"""Logs numbers from the first one on, for ever, four to an epoch, and says each when it is safe.

Says "ready" when its session runs. With "worker" as the last argument it has a process of its own besides, as a data
loader is, which must not outlive it nor keep what it leaves.
"""

import itertools
import os
import signal
import sys

import hubport


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def main(model: str, first: str, workers: str) -> None:
    session = hubport.connect(model)
    if workers == "worker" and os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            signal.pause()
    say("ready")
    for number in itertools.count(int(first)):
        session.log_metrics(number // 4, {f"n{number % 4}": number})
        say(str(number))


main(*sys.argv[1:])
