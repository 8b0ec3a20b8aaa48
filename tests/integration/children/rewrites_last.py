"""Rewrites last.pt in place for each epoch from the first one on, for ever, and says each when its snapshot is safe."""

import itertools
import os
import sys
from pathlib import Path

import hubport


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def main(model: str, first: str, folder: str) -> None:
    last = Path(folder) / "last.pt"
    session = hubport.connect(model)
    say("ready")
    for epoch in itertools.count(int(first)):
        last.write_bytes(b"%08d" % epoch * (10_000 + 7 * epoch))  # the test knows this by heart
        session.upload_checkpoint(last, epoch=epoch, is_best=epoch % 2 == 0)
        say(str(epoch))


main(*sys.argv[1:])
