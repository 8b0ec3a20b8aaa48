"""Times how long a checkpoint holds its caller: ``"copy"`` for one plain copy, ``"upload"`` for the client.

The one rule: before each of them everything that was written is on the disk, and as much memory as it needs was just
used and given back. Memory that a virtual machine touches for the first time costs ten times as much, and whoever comes
first would pay for it.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from benchmarks.programs.clients import connected, options
from benchmarks.programs.speech import hear, say


def copied(path: Path) -> float:
    """Seconds of one plain copy; it is gone afterwards."""
    started = time.perf_counter()
    shutil.copyfile(path, "copy.pt")
    took = time.perf_counter() - started
    Path("copy.pt").unlink()
    return took


def main() -> None:
    wanted = options()
    path = Path.cwd() / "last.pt"
    path.write_bytes(os.urandom(wanted["size"]))
    client = connected(wanted)
    say("ready")
    epoch = 0
    while order := hear():
        os.sync()
        took = copied(path)
        if order != "copy":
            started = time.perf_counter()
            client.upload(str(path), epoch)
            took = time.perf_counter() - started
            epoch += 1
        if order == "upload and flush":
            client.flush()
        say(took)
    client.close()


if __name__ == "__main__":
    main()
