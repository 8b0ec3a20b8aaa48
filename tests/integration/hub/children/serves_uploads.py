"""Serves a HUB whose files lie in the folder that is its argument; for each line it says how much memory it took."""

from __future__ import annotations

import sys
from pathlib import Path

from hubport.adapters.folder_blobs import FolderBlobs
from tests.integration.hub.wires import served


def peak() -> int:
    """The most KiB of memory that this process has ever held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


with served(blobs=FolderBlobs(sys.argv[1])) as server:
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    for _ in sys.stdin:
        sys.stdout.write(f"{peak()}\n")
        sys.stdout.flush()
