"""``hubport demo``: train a real classifier against a HUB, and show what arrived."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs

from ...adapters.loopback_server import LoopbackServer
from ...adapters.memory.hub import FakeHub
from ...domain.credentials import Credentials
from ...domain.errors import AuthenticationFailed
from ..connect import connect
from ..container import Container
from ..demo import Demo, DemoResult
from ..settings import Settings
from .arguments import between


def add(commands: Any) -> None:
    """Put it on the command line."""
    demo = commands.add_parser("demo", help="train a real classifier against a HUB, and show what arrived")
    demo.add_argument("--epochs", type=between(1, 100_000), default=20, metavar="N", help="how long to train (20)")
    demo.add_argument("--hub", metavar="URL", help="a HUB elsewhere, instead of an embedded one")
    demo.add_argument("--api-key", metavar="KEY", help="the key for --hub (else HUB_API_KEY)")
    demo.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    demo.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    def say(line: str) -> None:
        if not options.json:
            print(line, flush=True)

    with tempfile.TemporaryDirectory(prefix="hubport-demo-") as folder, _hub(options) as (url, key):
        # The pages of a HUB elsewhere need not be at its API's address, but then somebody has said where they are.
        settings = Settings.from_env(api_root=url, state_dir=Path(folder) / "state", api_key=key)
        if not options.hub:
            settings = attrs.evolve(settings, web_root=url)
        container = Container(settings=settings)
        credentials = Credentials(key)
        with closing(container.http()) as http:
            result = Demo(
                http=http,
                clock=container.clock(),
                credentials=credentials,
                api_root=settings.api_root,
                folder=Path(folder),
                connect=lambda model_id: connect(model_id, api_key=credentials, settings=settings),
                say=say,
            ).run(options.epochs)
    return _shown(result, as_json=options.json)


def _shown(result: DemoResult, *, as_json: bool) -> int:
    print(json.dumps(result.as_json(), indent=2) if as_json else result)
    for fault in result.missing:
        print(f"hubport: missing in the HUB: {fault}", file=sys.stderr)
    return 1 if result.missing else 0


@contextmanager
def _hub(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The address and the key of the HUB to train against."""
    if options.hub:
        key = options.api_key or Settings.from_env(api_root=options.hub).api_key
        if not key:
            raise AuthenticationFailed(f"no key for the HUB at {options.hub}: give --api-key")
        yield options.hub, key
        return
    hub = FakeHub()
    with LoopbackServer(hub) as server:
        hub.root = server.url
        yield server.url, hub.api_key
