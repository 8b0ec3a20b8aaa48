"""``hubport keys``: who may use the HUB of this machine.

The one rule: a key is written where it is made, once, and nowhere else.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ....domain.hub.api_key import ApiKey
from ....domain.terminal_text import sanitize
from ...command_name import command
from ...hub.container import HubContainer
from ...hub.keys import KeyAdmin
from ...hub.service import make_folder
from ...hub.settings import HubSettings
from ..arguments import add_location_options, text
from ..hub_selection import require_local_hub
from ..tables import ago, table


def add(commands: Any) -> None:
    """Put it on the command line."""
    keys = commands.add_parser("keys", help="make, list and revoke the keys of a HUB on this machine")
    actions = keys.add_subparsers(required=True, metavar="ACTION")

    create = actions.add_parser("create", help="make a key, and show it once")
    create.add_argument("--name", type=text(), default="unnamed", help="what the list calls it")
    create.set_defaults(run=_create)

    listed = actions.add_parser("list", help="all keys, by ID and their last four characters")
    listed.set_defaults(run=_list)

    revoke = actions.add_parser("revoke", help="take keys back; they stay in the list")
    revoke.add_argument("ids", nargs="+", metavar="ID", help="as the list has it")
    revoke.set_defaults(run=_revoke)

    for action in (create, listed, revoke):
        add_location_options(action)
        action.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def _create(options: argparse.Namespace) -> int:
    settings = HubSettings.from_env(data_dir=options.data_dir, database=options.database)
    make_folder(settings)
    with _keys(settings) as keys:
        key, secret = keys.create(options.name)
    if options.json:
        print(json.dumps(_shown(key) | {"key": secret}, indent=2))
    else:
        print(f"  export HUB_API_KEY={secret}\n\nIt is shown once: only its hash is kept. Its ID is {key.id}.")
    return 0


def _list(options: argparse.Namespace) -> int:
    with _keys(require_local_hub(options)) as keys:
        found = keys.all()
    if options.json:
        print(json.dumps([_shown(key) for key in found], indent=2))
    elif not found:
        print(f"No keys: `{command('keys create')}` makes one.")
    else:
        print(table([("ID", "NAME", "KEY", "MADE", "LAST USED", ""), *(_row(key) for key in found)]))
    return 0


def _revoke(options: argparse.Namespace) -> int:
    revoked: list[ApiKey] = []
    try:
        with _keys(require_local_hub(options)) as keys:
            revoked.extend(keys.revoke(key_id) for key_id in dict.fromkeys(options.ids))
    finally:  # what was done is said, also where the next ID is none
        if options.json and revoked:
            print(json.dumps([_shown(key) for key in revoked], indent=2))
        elif not options.json:
            for key in revoked:
                print(f"{key.id} ({sanitize(key.name)}, …{key.tail}) is good no more.")
    return 0


@contextmanager
def _keys(settings: HubSettings) -> Iterator[KeyAdmin]:
    container = HubContainer(settings=settings)
    store = container.store()
    try:
        yield container.keys()
    finally:
        store.close()


def _shown(key: ApiKey) -> dict[str, Any]:
    names = ("id", "name", "tail", "created", "last_used")
    return {name: getattr(key, name) for name in names} | {"is_revoked": key.is_trashed}


def _row(key: ApiKey) -> tuple[str, ...]:
    now = time.time()
    used = "never" if key.last_used is None else ago(now - key.last_used)
    return key.id, key.name, f"…{key.tail}", ago(now - key.created), used, "revoked" if key.is_trashed else ""
