"""``hubport status`` and ``hubport sync``: what waits on this machine, and sending it.

The one rule: what is shown is what the journals say, and nothing is sent to a HUB that was not asked for by name.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from ....adapters.disk_outbox import DiskOutbox
from ....domain.client.credentials import Credentials
from ....domain.errors import HubError
from ....domain.terminal_text import counted
from ...command_name import command
from ...delivery.report import Report
from ...outbox.status import SpoolStatus, State, spool_statuses, unreadable
from ...session.container import Container
from ...session.factory import ModelAccess
from ...session.hub_access import key_for, with_login
from ...session.sync import discard, sendable_spools, sync
from ...settings import Settings, no_hub
from ..arguments import add_hub, seconds
from ..hub_selection import hub_settings
from ..spool_table import spool_table

_TAKE_OVER = "also what a run on another machine has that may still live"


def add(commands: Any) -> None:
    """Put them on the command line."""
    status = commands.add_parser("status", help="what waits on this machine, of every run and for every HUB")
    status.add_argument("--json", action="store_true", help="the spools as JSON on stdout")
    status.set_defaults(run=_status)

    send = commands.add_parser("sync", help="send what runs that are over have left on this machine")
    add_hub(send)
    send.add_argument("--timeout", type=seconds, metavar="SECONDS", help="give up after so long (3600)")
    send.add_argument("--refused", action="store_true", help="also, once more, what the HUB has refused")
    send.add_argument("--take-over", action="store_true", help=_TAKE_OVER)
    send.add_argument("--dry-run", action="store_true", help="only show what would be sent")
    send.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    send.set_defaults(run=_sync)

    drop = commands.add_parser("discard", help="throw away what runs that are over have left on this machine")
    drop.add_argument("what", nargs="+", metavar="MODEL|SPOOL", help="all that is left of a model, or one run's folder")
    drop.add_argument("--yes", action="store_true", help="do not ask")
    drop.add_argument("--take-over", action="store_true", help=_TAKE_OVER)
    drop.add_argument("--json", action="store_true", help="what was thrown away as JSON on stdout")
    drop.set_defaults(run=_discard)


def _surveyed(settings: Settings) -> list[SpoolStatus]:
    """Every spool of this user, whichever HUB it is for, and what cannot be read."""
    root = settings.outboxes_dir
    try:
        folders = sorted(root.iterdir())
    except FileNotFoundError:
        return []
    except OSError as exc:
        return [unreadable(str(root), exc.strerror or type(exc).__name__)]
    return [
        status
        for folder in folders
        for status in _with_hubs(spool_statuses(DiskOutbox(folder).list_spools()), folder, settings)
    ]


def _with_hubs(statuses: list[SpoolStatus], folder: Path, settings: Settings) -> list[SpoolStatus]:
    """The same, with the HUB that the *folder* is for where a damaged journal does not say it."""
    ours = settings.hub_root if settings.is_named and folder == settings.outbox_dir else ""
    hub = next((status.hub for status in statuses if status.hub), ours)

    def hub_of(status: SpoolStatus) -> str:
        # The folder's own name is less than an address, and more than nothing.
        return status.hub or hub or (folder.name if status.state is State.UNREADABLE else "")

    return [attrs.evolve(status, hub=hub_of(status)) for status in statuses]


def _status(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    statuses = _surveyed(settings)
    hidden = [status for status in statuses if status.state is State.UNREADABLE]
    if options.json:
        print(json.dumps([status.as_json() for status in statuses], indent=2))
    elif not statuses:
        print(f"Nothing waits in {settings.outboxes_dir}.")
    else:
        print(spool_table(statuses))
        print(f"\nIn {settings.outboxes_dir}, a folder for each run.")
        if any(not status.is_in_use for status in statuses):
            print(f"To throw away what nobody wants: {command('discard MODEL')}")
        for hub in sorted({status.hub for status in statuses if status.state is State.WAITING and status.hub}):
            print(f"To send what waits for {hub}: HUB_API_KEY=<its key> {command(f'sync --hub {hub}')}")
    _complain(hidden, "what waits in it is not known")
    return 1 if hidden else 0


def _sync(options: argparse.Namespace) -> int:
    settings, logins = hub_settings(options)
    settings = with_login(settings, logins)
    named = settings.hub_root if settings.is_named else None
    surveyed = _surveyed(settings)
    found = sendable_spools(surveyed, refused=options.refused)
    ours = [status for status in found if status.hub == named]
    if options.take_over:
        ours += [status for status in surveyed if status.is_elsewhere and status.hub == named]
    key = None if named is None else partial(key_for, settings, logins, options.api_key)
    access = None if options.dry_run or key is None else _claim(ours, found, settings, key)
    if access is not None and access.hub_id is not None:  # what was kept for this HUB under another address
        ours += [status for status in found if status.hub_id == access.hub_id and status not in ours]
    _name_others([status for status in found if status not in ours], again=" --refused" if options.refused else "")
    hidden = [s for s in surveyed if s.state is State.UNREADABLE and (named is None or s.hub in {named, ""})]
    _complain(hidden, "nothing of it is sent")
    if named is not None and not options.refused:
        _name_refused(surveyed, named)
    if found and named is None:
        raise no_hub()
    result: dict[str, Any] = {"hub": named}
    text = "" if hidden else _nothing(settings)
    is_complete = not hidden
    if options.dry_run:
        result["waiting"] = [status.as_json() for status in ours]
        text = spool_table(ours) if ours else text
    else:
        reports = _sent(ours, settings, access, options) if ours and access is not None else []
        result["models"] = [report.as_json() for report in reports]
        is_stuck = _unclaimed(ours, {report.model_id for report in reports}, settings)
        text = "" if reports or is_stuck else text
        is_complete &= all(report.is_complete for report in reports) and not is_stuck
    if hidden:
        result["unreadable"] = [status.as_json() for status in hidden]
    if options.json:
        print(json.dumps(result, indent=2))
    elif text:
        print(text)
    return 0 if is_complete else 1


def _name_others(others: Sequence[SpoolStatus], *, again: str) -> None:
    for hub, number in sorted(Counter(status.hub for status in others if status.hub).items()):
        left = f"{counted(number, 'run')} {'has' if number == 1 else 'have'} left something for {hub}"
        print(f"hubport: {left}: {command(f'sync{again} --hub {hub}')}", file=sys.stderr)


def _name_refused(surveyed: Sequence[SpoolStatus], hub: str) -> None:
    """Say that there is something that a sync leaves alone unless it is asked for."""
    number = sum(1 for status in surveyed if status.refused and status.hub == hub and not status.is_in_use)
    if number:
        print(
            f"hubport: {hub} has refused something of {counted(number, 'run')}, which is kept: "
            f"{command('status')} says why, and {command(f'sync --refused --hub {hub}')} sends it once more",
            file=sys.stderr,
        )


def _complain(hidden: Sequence[SpoolStatus], consequence: str) -> None:
    for status in hidden:
        remedy = "" if status.model_id else "; HUBPORT_STATE_DIR names another folder"
        print(f"hubport: {status.spool} cannot be read ({status.reason}): {consequence}{remedy}", file=sys.stderr)


def _unclaimed(ours: Sequence[SpoolStatus], models: AbstractSet[str], settings: Settings) -> bool:
    """Whether one of *ours* waits on, though its model is not among the *models* of which something was claimed."""
    names = {status.spool for status in ours if status.model_id not in models}
    found = [status for status in _surveyed(settings) if status.state is State.WAITING and status.spool in names]
    for status in found:
        print(f"hubport: {status.spool} could not be taken over: can this user write to it?", file=sys.stderr)
    return bool(found)


def _claim(
    ours: Sequence[SpoolStatus], found: Sequence[SpoolStatus], settings: Settings, key: Callable[[], Credentials]
) -> ModelAccess | None:
    """The key that the HUB has taken, and what it is called; ``None`` where there is nothing to ask it for.

    Where nothing is kept for its address it is only asked whether it is one that something was kept for elsewhere: then
    no answer, or no key, is no error.
    """
    if not ours and not any(status.hub_id for status in found):
        return None
    try:
        access = ModelAccess("", key())
        container = Container(settings=settings)
        with closing(container.http()):
            return attrs.evolve(access, hub_id=container.factory().authenticate(access))
    except HubError:
        if ours:
            raise
        return None


def _sent(
    spools: Sequence[SpoolStatus], settings: Settings, access: ModelAccess, options: argparse.Namespace
) -> list[Report]:
    container = Container(settings=settings)
    factory, clock = container.factory(), container.clock()
    models = dict.fromkeys(status.model_id for status in spools)
    accesses = [attrs.evolve(access, model_id=model_id) for model_id in models]
    timeout = settings.finish_timeout if options.timeout is None else options.timeout

    def tell(report: Report) -> None:
        if not options.json:
            print(report, flush=True)

    with closing(container.http()):
        deadline = clock.now() + timeout
        return sync(
            factory,
            clock,
            accesses,
            deadline=deadline,
            tell=tell,
            refused=options.refused,
            by_force=options.take_over,
        )


def _discard(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    wanted = {text.rstrip("/") for text in options.what}

    def is_named(status: SpoolStatus) -> bool:
        return bool({status.model_id, status.spool, Path(status.spool).name} & wanted)

    named = [status for status in _surveyed(settings) if is_named(status)]
    missing = wanted - {name for s in named for name in (s.model_id, s.spool, Path(s.spool).name)}
    living = [s for s in named if s.is_in_use and not (options.take_over and s.is_elsewhere)]
    doomed = [status for status in named if status not in living and status.state is not State.UNREADABLE]
    for text in sorted(missing):
        print(f"hubport: nothing is left of {text}: {command('status')} shows what is", file=sys.stderr)
    for status in living:
        print(f"hubport: {status.spool} is kept: {status.reason}", file=sys.stderr)
    _complain([status for status in named if status.state is State.UNREADABLE], "it is kept")
    if doomed and not options.yes and not _confirmed(doomed):
        print("hubport: nothing was thrown away: confirm it with --yes", file=sys.stderr)
        return 1
    outboxes = {status.spool: DiskOutbox(Path(status.spool).parent) for status in doomed}
    gone = [status for status in doomed if discard(outboxes[status.spool], status, by_force=options.take_over)]
    for status in doomed:
        if status not in gone:
            print(f"hubport: {status.spool} is kept: it could not be taken over", file=sys.stderr)
    if options.json:
        print(json.dumps([status.as_json() for status in gone], indent=2))
    else:
        for status in gone:
            print(f"{status.spool} is gone, and with it {status.lost}.")
    return 0 if len(gone) == len(named) and not missing else 1


def _confirmed(doomed: Sequence[SpoolStatus]) -> bool:
    print(spool_table(doomed), file=sys.stderr)
    if not sys.stdin or not sys.stdin.isatty():
        return False
    print(f"Throw away {counted(len(doomed), 'run')}, for good? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _nothing(settings: Settings) -> str:
    if not settings.is_named:
        return f"Nothing waits in {settings.outboxes_dir}."
    return f"Nothing waits for {settings.hub_root} in {settings.outbox_dir}."
