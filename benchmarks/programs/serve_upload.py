"""Sends a file as the body of one request: ``{"head": text, "before": text, "path": file, "after": text}``.

The one rule: the kernel moves the file. This program is as fast as a client can be.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.programs.clients import options
from benchmarks.programs.speech import hear, say

_PATIENCE = 600


def upload(address: tuple[str, int], head: str, before: str, path: str, after: str) -> float:
    """Seconds from the first byte to the answer."""
    size = Path(path).stat().st_size
    length = len(before.encode()) + size + len(after.encode())
    with socket.create_connection(address, timeout=_PATIENCE) as sock, Path(path).open("rb") as file:
        started = time.perf_counter()
        sock.sendall(f"{head}content-length: {length}\r\n\r\n{before}".encode())
        sock.sendfile(file)
        sock.sendall(after.encode())
        answer = sock.recv(1 << 16)
        took = time.perf_counter() - started
    if b" 200 " not in answer[:16]:
        raise ValueError(f"the server says {answer[:300]!r}")
    return took


def main() -> None:
    place = urlsplit(options()["url"])
    say("ready")
    while order := hear():
        say(upload((place.hostname or "", place.port or 80), **order))


if __name__ == "__main__":
    main()
