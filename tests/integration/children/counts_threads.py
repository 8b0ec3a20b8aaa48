"""A training that logs and uploads as fast as it can, and counts its threads and processes all the time.

Says "ready". An empty line on standard input lets it work until a second one comes: then it says as JSON the most
threads besides its main one, by the kernel's count and by Python's, and the most child processes.
"""

import contextlib
import json
import os
import select
import sys
import threading
from pathlib import Path

import hubport


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def of_the_kernel() -> tuple[int, int]:
    tasks = [*Path("/proc/self/task").iterdir()]
    children: list[str] = []
    for task in tasks:
        with contextlib.suppress(OSError):  # a thread that has just ended
            children += (task / "children").read_text().split()
    return len(tasks), len(children)


def is_told_something() -> bool:
    return bool(select.select([0], [], [], 0)[0])


def main(model: str, folder: str) -> None:
    last = Path(folder) / "last.pt"
    last.write_bytes(b"weights" * 1000)
    session = hubport.connect(model)
    say("ready")
    epoch = 0
    while os.read(0, 1):
        most, least = [0, 0, 0], epoch + 50
        while epoch < least or not is_told_something():
            session.log_metrics(epoch, {"loss": 1.0})
            if epoch % 10 == 0:
                session.upload_checkpoint(last, epoch=epoch)
                session.flush(timeout=0)
            threads, children = of_the_kernel()
            most = [max(pair) for pair in zip(most, (threads - 1, threading.active_count() - 1, children), strict=True)]
            epoch += 1
        os.read(0, 1)
        say(json.dumps(most))


main(*sys.argv[1:])
