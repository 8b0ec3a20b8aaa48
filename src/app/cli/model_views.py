"""A HUB's models as people see them on a terminal.

The one rule: a record is believed in nothing. What another HUB leaves out is blank, and what makes no sense is too.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..command_name import command
from .tables import ago, number, pairs, size, table

_COLUMNS = ("ID", "NAME", "STATE", "EPOCHS", "BEST", "LAST SEEN")
_SHORT_HASH = 16
_SENSELESS = 1e18


def listing(records: Sequence[Mapping[str, Any]]) -> str:
    """A line for each."""
    return table([_COLUMNS, *(_row(record) for record in records)])


def details(record: Mapping[str, Any]) -> str:
    """Everything of one."""
    return pairs((name, value) for name, value in _lines(record) if value)


def _row(record: Mapping[str, Any]) -> tuple[str, ...]:
    return record["id"], _name(record), _state(record), _epochs(record), _best(record), _seen(record)


def _lines(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "id", record["id"]
    yield "name", _name(record)
    yield "page", record["url"]
    yield "state", _state(record)
    yield "trains", record.get("base_model") or record.get("cfg") or record.get("weights") or ""
    arguments = _part(record, "train_args")
    yield "with", ", ".join(f"{name}={value}" for name, value in arguments.items() if value not in ("", None))
    yield "epochs", _epochs(record)
    yield from _told(record)
    yield "last seen", " by ".join(filter(None, (_seen(record), str(record.get("agent") or ""))))
    agents = _objects(record, "agents")
    # One agent is the run that the lines above are about.
    for agent in agents if len(agents) > 1 else ():
        yield "agent", _agent(agent)
    for checkpoint in _objects(record, "checkpoints"):
        yield "checkpoint", _checkpoint(checkpoint)


def _agent(agent: Mapping[str, Any]) -> str:
    return "  ".join(filter(None, (str(agent.get("id")), _word(agent), _seen(agent), str(agent.get("name") or ""))))


def _checkpoint(checkpoint: Mapping[str, Any]) -> str:
    length = _number(checkpoint.get("size"))
    return "  ".join(
        (
            f"{checkpoint.get('type')} of epoch {checkpoint.get('epoch')}",
            "?" if length is None else size(length),
            f"sha256 {str(checkpoint.get('sha256'))[:_SHORT_HASH]}…",
            str(checkpoint.get("url")),
        )
    )


def _name(record: Mapping[str, Any]) -> str:
    return str(_part(record, "meta").get("name") or "")


def _state(record: Mapping[str, Any]) -> str:
    """The HUB's own word, and what comes with it."""
    words = _word(record)
    return f"{words}, in the trash" if record.get("trashed") is True else words


def _word(run: Mapping[str, Any]) -> str:
    # A HUB that knows no such word has a status.
    state, error = str(run.get("state") or run.get("status") or ""), run.get("error")
    return f"{state} ({error})" if isinstance(error, str) and error else state


def _epochs(record: Mapping[str, Any]) -> str:
    """How many there were, counted from 1 as people do."""
    epoch, epochs = _part(record, "progress").get("epoch"), record.get("epochs")
    done = epoch + 1 if isinstance(epoch, int) else 0
    return f"{done} of {epochs}" if isinstance(epochs, int) else str(done or "")


def _best(record: Mapping[str, Any]) -> str:
    """The best value, or the last one, called so; which it is, is the HUB's to say."""
    progress = _part(record, "progress")
    for which, label in (("best", ""), ("last", " (last)")):
        shown = _part(progress, which)
        value = _number(shown.get("value"))
        if value is not None:
            return f"{shown.get('name')} {number(value)}{label}"
    metric = record.get("best_metric")
    return f"{metric} (no value)" if isinstance(metric, str) and metric else ""


def _told(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """How good it is, and the epoch that was; what to do where nobody knows."""
    progress = _part(record, "progress")
    for which in ("best", "last"):
        shown = _part(progress, which)
        value = _number(shown.get("value"))
        if value is not None:
            yield which, f"{shown.get('name')} {number(value)} at epoch {shown.get('epoch')}"
            if which == "last":
                metric = shlex.quote(str(shown.get("name")))
                change = command(f"models update {record['id']} --best-metric {metric} --best-direction max")
                yield "best", f"unknown, until you say whether more is better: {change} (or min)"
            return
    yield "best", _best(record)


def _seen(record: Mapping[str, Any]) -> str:
    seen = _number(record.get("last_seen"))
    return "" if seen is None else ago(time.time() - seen)


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = record.get(name)
    return found if isinstance(found, Mapping) else {}


def _objects(record: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    found = record.get(name)
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []


def _number(value: Any) -> float | None:
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_one and abs(value) < _SENSELESS else None
