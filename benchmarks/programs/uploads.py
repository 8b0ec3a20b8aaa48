"""Uploads a file twice: the first time for its memory, the second time, when nothing is new any more, for its time.

The one rule: an upload is over when the HUB has said so, also where the client's call returns sooner.

``"way": "request"`` is hubport's upload request alone, without a session and its snapshot: what the others do.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.programs.clients import connected, options
from benchmarks.programs.proc import memory, reset_high_water
from benchmarks.programs.speech import say
from benchmarks.wire import KEY, MODEL_ID


def by_client(wanted: Mapping[str, Any]) -> Callable[[str], None]:
    """The client's public call, and whatever it takes until the HUB has everything."""
    client = connected(wanted)
    flush = getattr(client, "flush", lambda: None)

    def upload(path: str) -> None:
        client.upload(path, 1)
        flush()

    return upload


def by_request(wanted: Mapping[str, Any]) -> Callable[[str], None]:
    """The adapter that sends hubport's uploads."""
    ports = importlib.import_module("hubport.domain.ports.http")
    files = importlib.import_module("hubport.adapters.os_filesystem").OsFilesystem()
    http = importlib.import_module("hubport.adapters.requests_http").RequestsHttp(wanted["url"])
    fields = {"epoch": "1", "type": "epoch", "isBest": "False"}

    def upload(path: str) -> None:
        part = ports.FilePart("last.pt", files.size(path), partial(files.open, path))
        headers = {"x-api-key": KEY}
        request = ports.Request("POST", f"/v1/models/{MODEL_ID}/upload", headers, fields=fields, file=part)
        assert http.send(request, timeout=600).status == 200

    return upload


def main() -> None:
    wanted = options()
    upload = (by_request if wanted["way"] == "request" else by_client)(wanted)
    small = Path("small.pt")
    small.write_bytes(bytes(1000))
    upload(str(small))  # whatever is loaded or allocated at the first time is no part of the file's
    before = reset_high_water()
    upload(wanted["path"])
    grown = memory("VmHWM") - before
    started = time.perf_counter()
    upload(wanted["path"])
    say({"seconds": time.perf_counter() - started, "grown": grown})


if __name__ == "__main__":
    main()
