"""Kill -9 at any point: what was acknowledged to the trainer arrives, and nothing else does.

``HUBPORT_KILL_ROUNDS=200`` makes it the long run of docs; ``HUBPORT_KILL_SEED`` another one.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
from collections.abc import Callable
from typing import Any

import pytest

from hubport.domain.checkpoint import Kind
from tests.integration.conftest import Site

ROUNDS = int(os.environ.get("HUBPORT_KILL_ROUNDS", "16"))
SEED = os.environ.get("HUBPORT_KILL_SEED", "hubport")
MOST = 400
PER_EPOCH = 4

#: What the HUB does to a trainer for a part of a round.
WEATHER: dict[str, Callable[[Site], None]] = {
    "fair": lambda site: None,
    "down": lambda site: site.hub.down(),
    "refusing": lambda site: site.hub.refuse(503),
    "losing answers": lambda site: site.hub.lose_answers(),
    "silent": lambda site: site.hub.hold(),
    "cut off": lambda site: site.wire.cut(),
}


def logged_numbers(site: Site) -> set[int]:
    """What the HUB holds, which must be as it was logged."""
    held = set()
    for epoch, values in site.hub.metrics(site.model_id).items():
        for name, number in values.items():
            assert (number // PER_EPOCH, f"n{number % PER_EPOCH}") == (epoch, name)
            held.add(number)
    return held


class Lives:
    """Trainers on one machine, one after the other, each from its first number to its death."""

    def __init__(self, site: Site, what: str, **environment: Any) -> None:
        self._site = site
        self._family = site.start("lives", what, site.folder, **environment)

    def live(self, first: int, chance: random.Random, *, by: int, most: int = MOST) -> list[int]:
        """One life, which the signal *by* ends; the numbers that it was told are safe."""
        self._family.say(str(first))
        pid = int(self._family.line().removeprefix("ready "))
        lines = chance.randint(1, most)
        begins, ends = sorted(chance.choices(range(lines + 1), k=2))
        weather = chance.choice(list(WEATHER))
        told: list[int] = []
        for line in range(lines):
            if line == begins:
                WEATHER[weather](self._site)
            if line == ends:
                clear_up(self._site)
            told.append(int(self._family.line()))
        os.kill(pid, by)
        while not (line_ := self._family.line()).startswith("ended "):
            told.append(int(line_))
        assert f"ended {-by}" == line_
        clear_up(self._site)
        assert list(range(first, first + len(told))) == told
        return told


def clear_up(site: Site) -> None:
    site.hub.heal()
    site.hub.drop()
    site.wire.mend()


@pytest.mark.parametrize(
    ("by", "rounds"), [(signal.SIGKILL, ROUNDS), (signal.SIGTERM, max(ROUNDS // 4, 1))], ids=["SIGKILL", "SIGTERM"]
)
def test_nothing_that_was_acknowledged_is_lost_and_nothing_is_invented(site: Site, by: int, rounds: int) -> None:
    lives = Lives(site, "numbers", HUBPORT_METRICS_EVERY="0.001", HUBPORT_SIGNAL_WITHIN="0.2")
    acknowledged: set[int] = set()
    unknown: set[int] = set()  # a trainer that is killed in the call does not hear whether it was in time
    first = 0
    for round_ in range(rounds):
        told = lives.live(first, random.Random(f"{SEED} {by} {round_}"), by=by)
        acknowledged.update(told)
        unknown.add(told[-1] + 1)
        # A life begins with a new epoch: what a trainer logs of an epoch replaces what an earlier one did.
        first = (told[-1] + 1 + PER_EPOCH) // PER_EPOCH * PER_EPOCH

    site.recover()

    held = logged_numbers(site)
    assert set() == acknowledged - held
    assert set() == held - acknowledged - unknown


def content(epoch: int) -> bytes:
    """What rewrites_last.py writes."""
    return b"%08d" % epoch * (10_000 + 7 * epoch)


def test_each_checkpoint_is_one_version_and_the_newest_snapshot_survives(site: Site) -> None:
    lives = Lives(site, "checkpoints", HUBPORT_CHECKPOINT_EVERY="0.001")
    first = 0
    for round_ in range(max(ROUNDS // 2, 1)):
        chance = random.Random(f"{SEED} checkpoints {round_}")
        told = lives.live(first, chance, by=signal.SIGKILL, most=40)
        site.recover()

        arrived = site.hub.checkpoints(site.model_id)
        assert told[-1] <= arrived[-1].epoch <= told[-1] + 1
        for checkpoint in arrived:
            assert hashlib.sha256(content(checkpoint.epoch)).hexdigest() == checkpoint.sha256
            assert (checkpoint.epoch % 2 == 0) == checkpoint.is_best
        first = told[-1] + 2


@pytest.mark.parametrize("kind", [Kind.EPOCH, Kind.FINAL])
def test_killed_in_the_middle_of_an_upload(site: Site, kind: Kind) -> None:
    weights = random.Random(SEED).randbytes(3_000_000)
    (site.folder / "last.pt").write_bytes(weights)
    final = kind is Kind.FINAL
    child = site.start("trains", site.folder, "finish" if final else "end", HUBPORT_CHECKPOINT_EVERY="0.001")
    assert "delivered" == child.line()
    if final:
        child.say()
        assert "ready" == child.line()
        site.hub.wait_until(lambda: 2 == len(site.hub.checkpoints(site.model_id)))
    site.wire.cut_after(1_000_000)
    child.say()
    site.wire.broken()
    child.kill()
    (site.folder / "last.pt").unlink()
    site.wire.mend()

    site.recover()

    arrived = site.hub.checkpoints(site.model_id)
    expected = [(Kind.EPOCH, 0), (Kind.EPOCH, 2)] + ([(Kind.FINAL, 2)] if final else [])
    assert expected == [(checkpoint.kind, checkpoint.epoch) for checkpoint in arrived]
    assert {hashlib.sha256(weights).hexdigest()} == {checkpoint.sha256 for checkpoint in arrived}
    assert ("trained" if final else "training") == site.hub.model(site.model_id).status
    assert {0, 1, 2} == set(site.hub.metrics(site.model_id))
