"""A training on a disk with room for so many bytes in a file; at its end there is room again."""

import json
import os
import resource
import sys
from pathlib import Path

import hubport

EPOCHS = 300


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def room(size: int) -> None:
    # The kernel writes what fits, and says EFBIG for the rest: a line may be torn anywhere.
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def main(model: str, folder: str, size: str) -> None:
    weights = Path(folder) / "last.pt"
    weights.write_bytes(b"weights" * 10_000)
    with hubport.connect(model) as session:
        room(int(size))
        for epoch in range(EPOCHS):
            session.log_metrics(epoch, {"loss": 1.0})
        session.upload_checkpoint(weights, epoch=1)
        say(json.dumps(session.status().as_json()))
        left = [path.name for path in Path(session.status().spool).iterdir()]
        room(resource.RLIM_INFINITY)
        for epoch in range(EPOCHS, EPOCHS + 10):
            session.log_metrics(epoch, {"loss": 1.0})
        session.upload_checkpoint(weights, epoch=2)
        say(json.dumps(session.finish(within=60).as_json()))
        say(json.dumps(left))


main(*sys.argv[1:])
