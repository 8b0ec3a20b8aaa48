"""Records as people see them: what another HUB leaves out, or says without sense, is blank."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hubport.app.cli.model_views import details, listing
from hubport.app.cli.tables import number
from hubport.app.command_name import command

RECORD = {"id": "Ab3Cd5Ef7Gh9Ij1Kl2Mn", "status": "new", "url": "https://hub.example/models/Ab3Cd5Ef7Gh9Ij1Kl2Mn"}


@pytest.mark.parametrize(
    "nonsense",
    [
        {"last_seen": 1e300},
        {"last_seen": True},
        {"last_seen": "yesterday"},
        {"meta": "mine"},
        {"train_args": ["epochs"]},
        {"progress": 7},
        {"progress": {"epoch": "last", "best": None}},
        {"progress": {"best": {"name": "map", "value": 1e300}}},
        {"progress": {"best": ["map", 1], "last": "map"}},
        {"best_metric": 7},
        {"checkpoints": {"epoch": 1}},
        {"checkpoints": [None, 7, "last.pt"]},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_blank(nonsense: dict[str, Any]) -> None:
    assert listing([RECORD]) == listing([RECORD | nonsense])
    assert details(RECORD) == details(RECORD | nonsense)


def test_what_was_seen_in_the_future_is_not_seen_just_now() -> None:
    """The server's clock was wrong for a while, or ours is."""
    shown = details(RECORD | {"last_seen": time.time() + 5 * 365 * 86_400, "state": "disconnected"})

    assert "in the future" in shown
    assert "state      disconnected" in shown


def test_a_checkpoint_whose_size_makes_no_sense_is_shown_without_it() -> None:
    assert "epoch of epoch 1  ?  sha256" in details(
        RECORD | {"checkpoints": [{"type": "epoch", "epoch": 1, "size": 1e300}]}
    )


def best_of(**said: Any) -> tuple[str, list[str]]:
    """What the list says, and what the details say."""
    record = RECORD | said
    (head, row), lines = listing([record]).splitlines(), details(record).splitlines()
    column = row[head.index("BEST") : head.index("LAST SEEN")].strip()
    return column, [" ".join(line.split()) for line in lines if line.startswith(("best", "last "))]


def test_the_best_value_is_shown_with_its_epoch() -> None:
    progress = {"epoch": 4, "best": {"name": "val/f1", "value": 0.9, "epoch": 3}}

    assert ("val/f1 0.9000", ["best val/f1 0.9000 at epoch 3"]) == best_of(progress=progress)


def test_a_last_value_is_called_so_and_what_to_do_about_it_is_said() -> None:
    progress = {"epoch": 4, "best": None, "last": {"name": "my own", "value": 7, "epoch": 4}}
    change = command(f"models update {RECORD['id']} --best-metric 'my own' --best-direction max") + " (or min)"
    said = ["last my own 7 at epoch 4", f"best unknown, until you say whether more is better: {change}"]

    assert ("my own 7 (last)", said) == best_of(progress=progress)


def test_a_metric_that_was_chosen_and_never_came_is_named() -> None:
    said = {"progress": {"epoch": 1, "best": None}, "best_metric": "val/f2"}

    assert ("val/f2 (no value)", ["best val/f2 (no value)"]) == best_of(**said)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (3157200, "3,157,200"),
        (0.5, "0.5000"),
        (0.123456, "0.1235"),
        (9999.4567, "9999"),
        (12345.678, "12346"),
        (0.0001234, "0.0001234"),
        (0.00001234, "1.234e-5"),
        (1234567.8, "1.235e6"),
        (-1e300, "-1.000e300"),
    ],
)
def test_a_value_has_the_digits_that_it_has_on_the_pages(value: float, shown: str) -> None:
    """The same values as in ``test_pages_modules.py``."""
    assert shown == number(value)


def test_the_state_is_the_word_of_the_hub() -> None:
    failed = RECORD | {"state": "failed", "error": "ValueError", "is_connected": False, "last_seen": 1.0}

    assert "failed (ValueError)" in listing([failed])
    assert "state      failed (ValueError)" in details(failed)
    assert "failed (ValueError), in the trash" in details(failed | {"trashed": True})
    assert "state  training" in details(RECORD | {"state": "training"})


def test_of_a_hub_that_knows_no_state_the_status_is_shown() -> None:
    assert "state      new\n" in details(RECORD | {"last_seen": 1.0})


def test_runs_are_shown_where_there_is_more_than_one() -> None:
    first = {"id": "agent-1", "name": "python-8.0.100-local", "state": "disconnected", "error": None}
    second = {"id": "agent-2", "name": None, "state": "failed", "error": "ValueError", "last_seen": None}
    shown = details(RECORD | {"agents": [first, second, None]}).splitlines()

    assert "agent-1" not in details(RECORD | {"agents": [first]})
    assert [
        "agent  agent-1  disconnected  python-8.0.100-local",
        "agent  agent-2  failed (ValueError)",
    ] == [line for line in shown if line.startswith("agent")]
