"""``hubport serve``: a HUB for this machine, or for a team.

The one rule: the ready line is written when it listens and not before, and a key is written there once, and nowhere
else.
"""

from __future__ import annotations

import argparse
import json
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ....adapters.system_clock import SystemClock
from ....domain.client.model_ref import VENDOR_WEB_ROOT
from ....domain.errors import InvalidSettings
from ...command_name import command
from ...hub.container import HubContainer
from ...hub.service import ServerInfo, make_folder
from ...hub.settings import BLOBS, SERVE_PORT, HubSettings
from ..arguments import add_location_options, int_range, size

_INTERRUPTED = 130


def add(commands: Any) -> None:
    """Put it on the command line."""
    serve = commands.add_parser("serve", help="run a HUB of your own")
    serve.add_argument("--host", metavar="ADDRESS", help="listen there (127.0.0.1)")
    serve.add_argument(
        "--port", type=int_range(0, 65535), metavar="N", help=f"on this port ({SERVE_PORT}); 0: a free one"
    )
    add_location_options(serve)
    serve.add_argument(
        "--blobs",
        metavar="PLACE",
        help=f"files in this folder or s3://bucket/prefix (else {BLOBS}, else in the folder)",
    )
    serve.add_argument("--allow-remote", action="store_true", help="listen where other machines can reach it")
    serve.add_argument("--url", metavar="URL", help="its address for clients, where something stands in front of it")
    serve.add_argument(
        "--keep", type=int_range(1, 10_000), metavar="N", help="epoch checkpoints kept of each model (5)"
    )
    serve.add_argument("--rate-limit", type=int_range(1, 10**9), metavar="N", help="calls a minute for each key (6000)")
    serve.add_argument("--max-upload", type=size, metavar="SIZE", help="largest file that is taken (64GiB)")
    serve.add_argument("--json", action="store_true", help="the ready line as one line of JSON")
    serve.set_defaults(run=_run)


_OPTIONS = (
    "host",
    "port",
    "data_dir",
    "database",
    "blobs",
    "allow_remote",
    "url",
    "keep",
    "rate_limit",
    "max_upload",
)


def _run(options: argparse.Namespace) -> int:
    settings = HubSettings.from_env(**{name: getattr(options, name) for name in _OPTIONS})
    make_folder(settings)
    with _signals() as caught:
        service = HubContainer(settings=settings).service()
        with service.serving() as served:
            service.note_address(served.address)
            print(_as_json(served, settings) if options.json else _ready(served, settings), flush=True)
            caught.wait()
    return _INTERRUPTED if caught.number == signal.SIGINT else 0


class _Caught:
    """The first SIGTERM or SIGINT. A second one meets the system's own handling: it ends the process at once."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._alarm = SystemClock().alarm()

    def wait(self) -> None:
        while self.number is None:
            self._alarm.wait(None)

    def note(self, number: int, _: FrameType | None) -> None:
        # A handler takes no lock: ringing is made for handlers.
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)
        self.number = number
        self._alarm.ring()


@contextmanager
def _signals() -> Iterator[_Caught]:
    caught = _Caught()
    before = {number: signal.signal(number, caught.note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield caught
    finally:
        if caught.number is None:  # it failed: there is nothing to stop
            for number, handler in before.items():
                signal.signal(number, handler)


def _as_json(served: ServerInfo, settings: HubSettings) -> str:
    return json.dumps(
        {
            "url": served.address,
            "listening": served.listening,
            "key": served.key,
            "data_dir": str(settings.data_dir),
        }
    )


def _ready(served: ServerInfo, settings: HubSettings) -> str:
    url, key = served.address, served.key
    lines = [
        f"A HUB at {url}, with its data in {settings.data_dir} (Ctrl-C stops it).",
        *([] if settings.url is None else [f"It listens at {served.listening}."]),
        "",
        f"  export ULTRALYTICS_HUB_API={url} ULTRALYTICS_HUB_WEB={url}",
    ]
    if key is not None:
        lines += [
            f"  export HUB_API_KEY={key}",
            "",
            f"This key is shown once: only its hash is kept. (`{_create_key(settings)}` makes another.)",
            f"`{command(f'login {url}')}` asks for it, and keeps both for every shell.",
            "ultralytics 8.0 takes no HUB_API_KEY. Its model is, with an ID of your HUB:",
            "",
            f"  {VENDOR_WEB_ROOT}/models/{key}_<ID>",
            "",
            f"Models and curves: {url}/#key={key}",
        ]
    elif served.has_keys:
        lines += ["", f"Its keys are known to those who have them: `{_create_key(settings)}` makes another.", ""]
        lines += [f"Models and curves: {url}/"]
    else:
        lines += ["", f"All its keys were revoked, nobody gets in: `{_create_key(settings)}` makes one."]
    if settings.is_remote and url.startswith("http://"):
        lines += ["", "Keys cross the network in the clear: put a server with TLS before it (--url https://...)."]
    return "\n".join([*lines, ""])


def _create_key(settings: HubSettings) -> str:
    """The command that makes a key for this very HUB. A database is not repeated: its URL may hold a password."""
    try:
        usual: HubSettings | None = HubSettings.from_env()
    except InvalidSettings:  # a user without a home folder has no usual HUB
        usual = None
    is_usual = usual is not None and settings.data_dir == usual.data_dir
    folder = "" if is_usual else f" --data-dir {shlex.quote(str(settings.data_dir))}"
    database = "" if settings.database == (usual.database if usual else None) else " --database ..."
    return command(f"keys create{folder}{database}")
