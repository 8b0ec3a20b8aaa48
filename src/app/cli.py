"""The command ``hubport``.

The one rule: an error is one line on stderr that says what to do, and the exit status says what kind it was.

======  ==========================================================
0       all is well
1       it failed, or something did not arrive; the line says what
2       the command line makes no sense
130     interrupted
======  ==========================================================
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib import metadata
from pathlib import Path

import attrs

from ..adapters.loopback_server import LoopbackServer
from ..adapters.memory.hub import FakeHub
from ..adapters.system_clock import SystemClock
from ..domain.credentials import Credentials
from ..domain.errors import AuthenticationFailed, HubportError
from .connect import connect
from .container import Container
from .demo import Demo, DemoResult
from .digits import DemoExtraMissing
from .settings import Settings

SERVE_PORT = 8421


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (HubportError, DemoExtraMissing) as exc:
        print(f"hubport: {exc}", file=sys.stderr)
        return 1
    except OSError as exc:
        print(f"hubport: {exc.strerror or exc}{f': {exc.filename}' if exc.filename else ''}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hubport",
        description="Keeps a trainer connected to its HUB.",
        epilog="Exit status: 0 all is well, 1 it failed or something did not arrive, 2 wrong usage, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"hubport {metadata.version('hubport')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="train a real classifier against a HUB, and show what arrived")
    demo.add_argument("--epochs", type=_between(1, 100_000), default=20, metavar="N", help="how long to train (20)")
    demo.add_argument("--hub", metavar="URL", help="a HUB elsewhere, instead of an embedded one")
    demo.add_argument("--api-key", metavar="KEY", help="the key for --hub (else HUB_API_KEY)")
    demo.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    demo.set_defaults(run=_demo)

    serve = commands.add_parser("serve", help="run a HUB on this machine, in memory")
    serve.add_argument(
        "--port", type=_between(0, 65535), default=SERVE_PORT, metavar="N", help=f"on 127.0.0.1 ({SERVE_PORT})"
    )
    serve.set_defaults(run=_serve)
    return parser


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
        return int(text)

    return number


def _demo(options: argparse.Namespace) -> int:
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


def _serve(options: argparse.Namespace) -> int:
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
