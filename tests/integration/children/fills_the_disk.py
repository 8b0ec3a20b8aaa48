"""A training on a small disk: more epochs than there is room for, and a checkpoint; then there is room again.

Says "connected", and waits for a line. Says as JSON what its session reports when the disk is full and what lies in its
spool, and waits for a line. Says what ``finish`` reports.
"""

import json
import os
import sys
from pathlib import Path

import hubport

EPOCHS = 300


def say(thing: object) -> None:
    os.write(1, f"{json.dumps(thing)}\n".encode())
    sys.stdin.readline()


def main(model: str, folder: str) -> None:
    weights = Path(folder) / "last.pt"
    weights.write_bytes(b"weights" * 10_000)
    with hubport.connect(model) as session:
        say("connected")
        for epoch in range(EPOCHS):
            session.log_metrics(epoch, {"loss": 1.0, "text": "x" * 200})
        session.upload_checkpoint(weights, epoch=1)
        status = session.status()
        say([status.as_json(), sorted(path.name for path in Path(status.spool).iterdir())])
        for epoch in range(EPOCHS, EPOCHS + 10):
            session.log_metrics(epoch, {"loss": 1.0})
        session.upload_checkpoint(weights, epoch=2)
        say(session.finish(timeout=60).as_json())


main(*sys.argv[1:])
