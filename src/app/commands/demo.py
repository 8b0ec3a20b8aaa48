"""``hubport demo``: train a real classifier against a HUB, and show what arrived.

The one rule: nothing is left behind that was not asked for.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs

from ...domain.credentials import Credentials
from ..asking import Asking
from ..connect import connect
from ..container import Container
from ..demo import Demo, DemoResult
from ..digits import must_be_installed
from ..hub_access import key_for
from ..hub_container import HubContainer
from ..hub_service import make_folder
from ..hub_settings import HubSettings
from ..settings import Settings
from .arguments import add_key, between
from .here import hub_settings

_USERS = ""


def add(commands: Any) -> None:
    """Put it on the command line."""
    demo = commands.add_parser("demo", help="train a real classifier against a HUB, and show what arrived")
    demo.add_argument("--epochs", type=between(1, 100_000), default=20, metavar="N", help="how long to train (20)")
    where = demo.add_mutually_exclusive_group()
    where.add_argument("--hub", metavar="URL", help="a HUB elsewhere, instead of an embedded one")
    where.add_argument(
        "--keep",
        nargs="?",
        const=_USERS,
        metavar="DIR",
        help="keep what the embedded HUB holds, there or in the user's data directory (else nothing is left)",
    )
    add_key(demo)
    demo.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    demo.set_defaults(run=_run)


@attrs.frozen
class _Where:
    """The HUB to train against; ``page`` is where people look at a model, and ``again`` how to see it later."""

    url: str
    key: Credentials
    page: Callable[[str], str | None]
    again: str | None = None


def _run(options: argparse.Namespace) -> int:
    def say(line: str) -> None:
        if not options.json:
            print(line, flush=True)

    with tempfile.TemporaryDirectory(prefix="hubport-demo-") as folder, _hub(options, Path(folder)) as hub:
        # The pages of a HUB elsewhere need not be at its API's address, but then somebody has said where they are.
        settings = Settings.from_env(api_root=hub.url, state_dir=Path(folder) / "state")
        if not options.hub:
            settings = attrs.evolve(settings, web_root=hub.url)
        container = Container(settings=settings)
        with closing(container.http()) as http:
            result = Demo(
                asking=Asking(http, container.clock(), hub.key, settings.hub_root),
                folder=Path(folder),
                connect=lambda model_id: connect(model_id, api_key=hub.key, settings=settings),
                page=hub.page,
                say=say,
            ).run(options.epochs)
        status = _shown(result, as_json=options.json)
        if hub.again is not None:
            say(f"It is kept: {hub.again}")
    return status


def _shown(result: DemoResult, *, as_json: bool) -> int:
    print(json.dumps(result.as_json(), indent=2) if as_json else result, flush=True)
    for fault in result.missing:
        print(f"hubport: missing in the HUB: {fault}", file=sys.stderr)
    return 1 if result.missing else 0


@contextmanager
def _hub(options: argparse.Namespace, folder: Path) -> Iterator[_Where]:
    """The HUB to train against; one of our own keeps its data in *folder*, unless it is to be kept."""
    if options.hub:
        yield _Where(options.hub, key_for(*hub_settings(options), options.api_key), lambda _: None)
        return
    must_be_installed()  # before anything is begun that is to be kept
    if options.keep is None:
        settings = HubSettings(data_dir=folder / "hub", port=0)
    else:
        settings = HubSettings.from_env(data_dir=options.keep or None, port=0)
    make_folder(settings)
    service = HubContainer(settings=settings).service()
    with service.serving() as served:
        key = served.key or service.keys.create("demo")[1]
        yield _Where(served.address, Credentials(key), lambda url: f"{url}#key={key}", _again(options))


def _again(options: argparse.Namespace) -> str | None:
    if options.keep is None:
        return None
    return f"hubport serve --data-dir {shlex.quote(options.keep)}" if options.keep else "hubport serve"
