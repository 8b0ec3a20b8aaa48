"""``hubport serve``: a HUB in memory, on this machine."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ...adapters.loopback_server import LoopbackServer
from ...adapters.memory.hub import FakeHub
from ...adapters.system_clock import SystemClock
from .arguments import between

SERVE_PORT = 8421


def add(commands: Any) -> None:
    """Put it on the command line."""
    serve = commands.add_parser("serve", help="run a HUB on this machine, in memory")
    serve.add_argument(
        "--port", type=between(0, 65535), default=SERVE_PORT, metavar="N", help=f"on 127.0.0.1 ({SERVE_PORT})"
    )
    serve.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    hub = FakeHub()
    try:
        listening = LoopbackServer(hub, port=options.port)
    except OSError as exc:
        print(f"hubport: port {options.port} of 127.0.0.1: {exc.strerror}; take another: --port N", file=sys.stderr)
        return 1
    with listening as server:
        hub.root = server.url
        print(
            f"A HUB in memory at {server.url}: what it holds is gone when it stops (Ctrl-C).\n\n"
            f"  export ULTRALYTICS_HUB_API={server.url} ULTRALYTICS_HUB_WEB={server.url}\n"
            f"  export HUB_API_KEY={hub.api_key}\n",
            flush=True,
        )
        SystemClock().alarm().wait(None)
    return 0
