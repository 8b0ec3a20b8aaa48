"""Records as people see them: what another HUB leaves out, or says without sense, is blank."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hubport.app.commands.model_views import listing, portrait

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
        {"checkpoints": {"epoch": 1}},
        {"checkpoints": [None, 7, "last.pt"]},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_blank(nonsense: dict[str, Any]) -> None:
    assert listing([RECORD]) == listing([RECORD | nonsense])
    assert portrait(RECORD) == portrait(RECORD | nonsense)


def test_what_was_seen_in_the_future_is_not_seen_just_now() -> None:
    """The server's clock was wrong for a while, or ours is."""
    shown = portrait(RECORD | {"last_seen": time.time() + 5 * 365 * 86_400, "is_connected": False})

    assert "in the future" in shown
    assert "new, disconnected" in shown


def test_a_checkpoint_whose_size_makes_no_sense_is_shown_without_it() -> None:
    assert "epoch of epoch 1  ?  sha256" in portrait(
        RECORD | {"checkpoints": [{"type": "epoch", "epoch": 1, "size": 1e300}]}
    )
