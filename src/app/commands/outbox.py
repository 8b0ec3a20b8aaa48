"""``hubport status`` and ``hubport sync``: what waits on this machine, and sending it.

The one rule: what is shown is what the journals say, and nothing is sent to a HUB that was not asked for by name.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs

from ...adapters.disk_outbox import DiskOutbox
from ...domain.credentials import Credentials
from ..command_name import command
from ..connector import Claim
from ..container import Container
from ..hub_access import key_for, with_login
from ..report import Report
from ..settings import Settings, no_hub
from ..survey import SpoolStatus, State, survey
from ..sync import left_over, sync
from .arguments import add_hub, seconds
from .here import hub_settings
from .tables import age, size, table

#: A reason may be a HUB's own words, and they are what the line is for.
_LONGEST_REASON = 300
_COLUMNS = ("MODEL", "HUB", "AGE", "SIZE", "STATE", "WAITING", "WHY")


def add(commands: Any) -> None:
    """Put them on the command line."""
    status = commands.add_parser("status", help="what waits on this machine, of every run and for every HUB")
    status.add_argument("--json", action="store_true", help="the spools as JSON on stdout")
    status.set_defaults(run=_status)

    send = commands.add_parser("sync", help="send what runs that are over have left on this machine")
    add_hub(send)
    send.add_argument("--within", type=seconds, metavar="SECONDS", help="give up after so long (3600)")
    send.add_argument("--refused", action="store_true", help="also, once more, what the HUB has refused")
    send.add_argument("--dry-run", action="store_true", help="only show what would be sent")
    send.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    send.set_defaults(run=_sync)


def _surveyed(settings: Settings) -> list[SpoolStatus]:
    """Every spool of this user, whichever HUB it is for."""
    root = settings.outboxes_dir
    folders = sorted(root.iterdir()) if root.is_dir() else []
    return [status for folder in folders for status in _with_hubs(survey(DiskOutbox(folder).seen()), folder, settings)]


def _with_hubs(statuses: list[SpoolStatus], folder: Path, settings: Settings) -> list[SpoolStatus]:
    """The same, with the HUB that the *folder* is for where a damaged journal does not say it."""
    ours = settings.hub_root if settings.is_named and folder == settings.outbox_dir else ""
    hub = next((status.hub for status in statuses if status.hub), ours)
    return [status if status.hub else attrs.evolve(status, hub=hub) for status in statuses]


def _status(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    statuses = _surveyed(settings)
    if options.json:
        print(json.dumps([status.as_json() for status in statuses], indent=2))
        return 0
    if not statuses:
        print(f"Nothing waits in {settings.outboxes_dir}.")
        return 0
    print(_table(statuses))
    print(f"\nIn {settings.outboxes_dir}, a folder for each run.")
    for hub in sorted({status.hub for status in left_over(statuses) if status.hub}):
        print(f"To send what waits for {hub}: HUB_API_KEY=<its key> {command(f'sync --hub {hub}')}")
    return 0


def _sync(options: argparse.Namespace) -> int:
    settings, logins = hub_settings(options)
    settings = with_login(settings, logins)
    found = left_over(_surveyed(settings), refused=options.refused)
    ours = [status for status in found if settings.is_named and status.hub == settings.hub_root]
    others = Counter(status.hub for status in found if status.hub and status not in ours)
    again = " --refused" if options.refused else ""
    for hub, number in sorted(others.items()):
        print(
            f"hubport: {number} runs have left something for {hub}: {command(f'sync{again} --hub {hub}')}",
            file=sys.stderr,
        )
    if found and not settings.is_named:
        raise no_hub()
    named = settings.hub_root if settings.is_named else None
    if options.dry_run:
        if options.json:
            print(json.dumps({"hub": named, "waiting": [status.as_json() for status in ours]}, indent=2))
        else:
            print(_table(ours) if ours else _nothing(settings))
        return 0
    reports = _sent(ours, settings, key_for(settings, logins, options.api_key), options) if ours else []
    if options.json:
        print(json.dumps({"hub": named, "models": [report.as_json() for report in reports]}, indent=2))
    elif not reports:
        print(_nothing(settings))
    return 0 if all(report.is_complete for report in reports) else 1


def _sent(
    spools: Sequence[SpoolStatus], settings: Settings, key: Credentials, options: argparse.Namespace
) -> list[Report]:
    container = Container(settings=settings)
    connector, clock = container.connector(), container.clock()
    claims = [Claim(model_id, key) for model_id in dict.fromkeys(status.model_id for status in spools)]
    within = settings.finish_within if options.within is None else options.within

    def tell(report: Report) -> None:
        if not options.json:
            print(report, flush=True)

    with closing(container.http()):
        connector.authenticate(claims[0])
        deadline = clock.now() + within
        return sync(connector, clock, claims, deadline=deadline, tell=tell, refused=options.refused)


def _nothing(settings: Settings) -> str:
    if not settings.is_named:
        return f"Nothing waits in {settings.outboxes_dir}."
    return f"Nothing waits for {settings.hub_root} in {settings.outbox_dir}."


def _table(statuses: Sequence[SpoolStatus]) -> str:
    return table(
        [_COLUMNS, *(_row(status) for status in statuses)], longest=_LONGEST_REASON, whole=(0, len(_COLUMNS) - 1)
    )


def _row(status: SpoolStatus) -> tuple[str, ...]:
    damaged = f"; {status.damaged} damaged lines" if status.damaged else ""
    refused = f"; {status.refused} refused" if status.refused and status.state is not State.REFUSED else ""
    return (
        status.model_id,
        status.hub or "?",
        age(time.time() - status.begun),
        size(status.size),
        status.state.value,
        status.waiting,
        f"{status.reason}{refused}{damaged}",
    )
