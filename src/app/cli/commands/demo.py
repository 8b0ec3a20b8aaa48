"""``hubport demo``: train a real classifier against a HUB, and show what arrived.

The one rule: nothing is left behind that was not asked for.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs

from ....domain.client.credentials import Credentials
from ...command_name import command
from ...demo.demo import Demo, DemoResult
from ...demo.digits import must_be_installed
from ...hub.container import HubContainer
from ...hub.service import make_folder
from ...hub.settings import SERVE_PORT, HubSettings
from ...hub_client.client import HubClient
from ...session.connect import connect
from ...session.container import Container
from ...session.hub_access import key_for
from ...settings import Settings
from ..arguments import add_key, int_range
from ..hub_selection import hub_settings

_USERS = ""


def add(commands: Any) -> None:
    """Put it on the command line."""
    demo = commands.add_parser("demo", help="train a real classifier against a HUB, and show what arrived")
    demo.add_argument("--epochs", type=int_range(1, 100_000), default=20, metavar="N", help="how long to train (20)")
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
    demo.add_argument("--no-wait", action="store_true", help="end at once, also in a terminal, and the page with it")
    demo.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    demo.set_defaults(run=_run)


@attrs.frozen
class _Where:
    """The HUB to train against; ``page`` is where people look at a model, ``again`` how to see it later."""

    url: str
    key: Credentials
    page: Callable[[str], str | None]
    again: Callable[[str], str] | None = None


def _run(options: argparse.Namespace) -> int:
    def say(line: str) -> None:
        if not options.json:
            print(line, flush=True)

    with tempfile.TemporaryDirectory(prefix="hubport-demo-") as folder, _hub(options, Path(folder)) as hub:
        # The pages of a HUB elsewhere need not be at its API's address, but then somebody has said where they are.
        settings = Settings.from_env(api_root=hub.url, state_dir=Path(folder) / "state", announce=False)
        if not options.hub:
            settings = attrs.evolve(settings, web_root=hub.url)
        container = Container(settings=settings)
        with closing(container.http()) as http:
            result = Demo(
                client=HubClient(http, container.clock(), hub.key, settings.hub_root),
                folder=Path(folder),
                connect=lambda model_id: connect(model_id, api_key=hub.key, settings=settings),
                page=hub.page,
                say=say,
            ).run(options.epochs)
        status = _shown(result, as_json=options.json)
        page = hub.page(result.model_url)
        if page is not None and _is_watched(options):
            _wait_for_enter(say, f"The page is there until you press Enter: {page}")
        if hub.again is not None:
            say(hub.again(result.model_url))
    return status


def _is_watched(options: argparse.Namespace) -> bool:
    """Whether somebody sits at a terminal who may want to look at the page."""
    if options.json or options.no_wait:
        return False
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def _wait_for_enter(say: Callable[[str], None], prompt: str) -> None:
    """Until Enter, the end of the input, or Ctrl-C: whoever is done looking may say so in any way."""
    # The prompt within: somebody who has read it may press Ctrl-C before this thread goes on.
    with contextlib.suppress(KeyboardInterrupt):
        say(prompt)
        sys.stdin.readline()


def _shown(result: DemoResult, *, as_json: bool) -> int:
    print(json.dumps(result.as_json(), indent=2) if as_json else result, flush=True)
    for fault in result.missing:
        print(f"hubport: missing in the HUB: {fault}", file=sys.stderr)
    return 1 if result.missing else 0


@contextmanager
def _hub(options: argparse.Namespace, folder: Path) -> Iterator[_Where]:
    """The HUB to train against; one of our own keeps its data in *folder*, unless it is to be kept."""
    if options.hub:
        settings, logins = hub_settings(options)
        yield _Where(settings.hub_root, key_for(settings, logins, options.api_key), lambda _: None)
        return
    must_be_installed()  # before anything is begun that is to be kept
    if options.keep is None:
        own = HubSettings(data_dir=folder / "hub", port=0)
    else:
        own = HubSettings.from_env(data_dir=options.keep or None, port=0)
    make_folder(own)
    service = HubContainer(settings=own).service()
    with service.serving() as served:
        key = served.key or service.keys.create("demo")[1]
        yield _Where(served.address, Credentials(key), lambda url: f"{url}#key={key}", _again(options, key))


def _again(options: argparse.Namespace, key: str) -> Callable[[str], str] | None:
    """How to see what is kept: the command, and where its page is then, with the key, which no HUB can show again."""
    if options.keep is None:
        return None
    folder = f" --data-dir {shlex.quote(options.keep)}" if options.keep else ""

    def said(model_url: str) -> str:
        model_id = model_url.rpartition("/")[2]
        return (
            f"To see it again: http://127.0.0.1:{SERVE_PORT}/models/{model_id}#key={key}\n"
            f"It is kept: {command(f'serve{folder}')}"
        )

    return said
