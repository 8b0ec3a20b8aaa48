"""``hubport models``: the models of a HUB.

The one rule: nothing is deleted for good without somebody having said so twice.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import attrs

from ....domain.client.model_ref import is_model_id
from ....domain.errors import InvalidSettings
from ....domain.terminal_text import counted, sanitize
from ...command_name import command
from ...hub_client.models import NewModel
from ..arguments import add_hub, add_location_options, int_range, text
from ..hub_selection import open_hub
from ..metrics_csv import metrics_csv
from ..model_views import details, listing
from ..output_file import write_whole
from ..standard_streams import write_bytes

_MANY = 10**9
_STDOUT = "-"
_FIELDS = (
    "weights",
    "data",
    "epochs",
    "imgsz",
    "batch",
    "patience",
    "device",
    "cache",
    "name",
    "best_metric",
    "best_direction",
)


def add(commands: Any) -> None:
    """Put it on the command line."""
    models = commands.add_parser(
        "models",
        help="list, make and delete the models of a HUB, and read their metrics",
        description="The HUB is the one that --hub, --data-dir or --database names; else that of ULTRALYTICS_HUB_API, "
        "with the key in HUB_API_KEY; else the one that `hubport login` has kept; else the one in this machine's data "
        "directory, without a server and a key.",
    )
    actions = models.add_subparsers(required=True, metavar="ACTION")
    everywhere = [
        _list_arguments(actions),
        _create_arguments(actions),
        _named(actions, "show", _show, "one model, with its checkpoints"),
        _update_arguments(actions),
        _delete_arguments(actions),
        _named(actions, "restore", _restore, "take models out of the trash", nargs="+"),
        _csv_arguments(actions),
    ]
    for action in everywhere:
        add_location_options(action)
        add_hub(action)
        action.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def _named(actions: Any, name: str, run: Any, about: str, *, nargs: str | None = None) -> Any:
    action = actions.add_parser(name, help=about)
    dest = "model" if nargs is None else "models"
    action.add_argument(dest, nargs=nargs, metavar="MODEL", help="its ID, or the address of its page")
    action.set_defaults(run=run)
    return action


def _list_arguments(actions: Any) -> Any:
    listed = actions.add_parser("list", help="models, newest first")
    listed.add_argument("--limit", type=int_range(1, _MANY), metavar="N", help="so many at most (all)")
    listed.add_argument("--query", type=text(), metavar="TEXT", help="only those with it in name or ID")
    listed.add_argument("--trash", action="store_true", help="those in the trash")
    listed.set_defaults(run=_list)
    return listed


def _create_arguments(actions: Any) -> Any:
    create = actions.add_parser("create", help="make a model to train")
    create.add_argument(
        "--weights", type=text(), required=True, metavar="FILE", help="what to train: yolov8n.pt; .yaml: from scratch"
    )
    create.add_argument(
        "--data",
        type=text(),
        required=True,
        metavar="NAME",
        help="a dataset: coco8.yaml, a URL, or the ID of one that the HUB has",
    )
    defaults = attrs.fields_dict(NewModel)
    for name, least, about in (
        ("epochs", 1, "how long to train"),
        ("imgsz", 1, "size of the images in pixels"),
        ("batch", -1, "images in a batch; -1: the trainer finds out"),
        ("patience", 0, "epochs without progress before it stops"),
    ):
        default = defaults[name].default
        create.add_argument(
            f"--{name}", type=int_range(least, _MANY), default=default, metavar="N", help=f"{about} ({default})"
        )
    create.add_argument("--device", type=text(), metavar="TEXT", help="cpu, 0, or 0,1 (the trainer's choice)")
    create.add_argument("--cache", type=text(), metavar="TEXT", help="ram or disk (the trainer's choice)")
    create.add_argument("--name", type=text(), metavar="TEXT", help="what people call it (what it is trained from)")
    _best_arguments(create, "the metric that says how good it is (told from the metrics' names)")
    create.set_defaults(run=_create)
    return create


def _update_arguments(actions: Any) -> Any:
    update = _named(actions, "update", _update, "change what people call a model, or which metric says how good it is")
    update.add_argument("--name", type=text(), metavar="TEXT", help="what people call it")
    _best_arguments(update, "the metric that says how good it is; '': told from the metrics' names")
    return update


def _best_arguments(action: Any, about: str) -> None:
    action.add_argument("--best-metric", type=text(1000, or_empty=True), metavar="NAME", help=about)
    action.add_argument(
        "--best-direction", choices=("max", "min"), help="whether its best value is the greatest (told from its name)"
    )
    action.set_defaults(wrong_usage=action.error)


def _delete_arguments(actions: Any) -> Any:
    delete = _named(actions, "delete", _delete, "put models into the trash", nargs="+")
    delete.add_argument("--hard", action="store_true", help="for good, with metrics and checkpoints")
    delete.add_argument("--yes", action="store_true", help="do not ask before that")
    return delete


def _csv_arguments(actions: Any) -> Any:
    export = _named(actions, "export-csv", _export, "a model's metrics: a row an epoch, a column a metric")
    export.add_argument("file", nargs="?", metavar="FILE", help="written there, in one step (stdout; so is -)")
    return export


def _list(options: argparse.Namespace) -> int:
    with open_hub(options) as hub:
        records = list(hub.all(query=options.query or "", is_trashed=options.trash, limit=options.limit))
    if options.json:
        print(json.dumps(records, indent=2))
    elif records:
        print(listing(records))
    else:
        print(_none(options))
    return 0


def _none(options: argparse.Namespace) -> str:
    if options.query is not None:
        where = " in the trash" if options.trash else ""
        return f"No model{where} has {sanitize(options.query)!r} in its name or its ID."
    return "The trash is empty." if options.trash else f"No models: `{command('models create')}` makes one."


def _show(options: argparse.Namespace) -> int:
    with open_hub(options) as hub:
        record = hub.read(hub.id_of(options.model))
    print(json.dumps(record, indent=2) if options.json else details(record))
    return 0


def _create(options: argparse.Namespace) -> int:
    _must_name_metric(options)
    given = {name: getattr(options, name) for name in _FIELDS}
    with open_hub(options) as hub:
        record = hub.create(NewModel(**{name: value for name, value in given.items() if value is not None}))
    if is_model_id(options.data) and record.get("data") == options.data:
        print(f"hubport: the HUB has no dataset of the ID {options.data}: it is taken for a name", file=sys.stderr)
    print(json.dumps(record, indent=2) if options.json else details(record))
    return 0


def _update(options: argparse.Namespace) -> int:
    _must_name_metric(options)
    changes: dict[str, Any] = {} if options.name is None else {"meta": {"name": options.name}}
    if options.best_metric is not None:
        changes |= {"best_metric": options.best_metric or None, "best_direction": options.best_direction}
    if not changes:
        options.wrong_usage("say what to change: --name, or --best-metric")
    with open_hub(options) as hub:
        record = hub.change(hub.id_of(options.model), changes)
    print(json.dumps(record, indent=2) if options.json else details(record))
    return 0


def _must_name_metric(options: argparse.Namespace) -> None:
    if options.best_direction is not None and not options.best_metric:
        options.wrong_usage("--best-direction needs --best-metric: name the metric that it is for")


def _delete(options: argparse.Namespace) -> int:
    with open_hub(options) as hub:
        ids = list(dict.fromkeys(hub.id_of(model) for model in options.models))
        if options.hard and not options.yes and not _is_sure(ids):
            print("hubport: nothing was deleted", file=sys.stderr)
            return 1
        deleted: list[dict[str, str]] = []
        try:
            for model_id in ids:
                hub.delete(model_id, is_hard=options.hard)
                deleted.append({"id": model_id, "deleted": "for good" if options.hard else "trash"})
        finally:  # what was done is said, also where the next one is not there
            if options.json and deleted:
                print(json.dumps(deleted, indent=2))
            elif not options.json:
                how = "is gone." if options.hard else f"is in the trash: `{command('models restore')}` takes it out."
                for each in deleted:
                    print(each["id"], how)
    return 0


def _is_sure(ids: list[str]) -> bool:
    if not sys.stdin.isatty():
        raise InvalidSettings("--hard", "there is no terminal to ask on: say --yes to delete for good")
    print(
        f"Delete {', '.join(ids)} for good, with metrics and checkpoints? [y/N] ", end="", file=sys.stderr, flush=True
    )
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _restore(options: argparse.Namespace) -> int:
    records: list[dict[str, Any]] = []
    with open_hub(options) as hub:
        ids = list(dict.fromkeys(hub.id_of(model) for model in options.models))
        try:
            records.extend(hub.restore(model_id) for model_id in ids)
        finally:
            if records:
                print(json.dumps(records, indent=2) if options.json else listing(records))
    return 0


def _export(options: argparse.Namespace) -> int:
    file = None if options.file == _STDOUT else options.file
    if options.json and file is None:
        raise InvalidSettings("--json", "the table goes to stdout: name a FILE for it")
    with open_hub(options) as hub:
        model_id = hub.id_of(options.model)
        series = hub.series(model_id)
    content = metrics_csv(series)
    if file is None:
        write_bytes(content.encode())  # not through the translation of line ends
        return 0
    path = Path(file)
    write_whole(path, content.encode())
    epochs = len({epoch for values in series.values() for epoch in values})
    result = {"id": model_id, "file": str(path), "epochs": epochs, "metrics": len(series)}
    said = f"{sanitize(str(path))}: {counted(epochs, 'epoch')} of {counted(len(series), 'metric')}"
    print(json.dumps(result, indent=2) if options.json else said)
    return 0
