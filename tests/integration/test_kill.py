"""Kill -9 at any point: what was acknowledged to the trainer arrives, and nothing else does.

``HUBPORT_KILL_ROUNDS=2000`` makes it a long run, ``HUBPORT_KILL_SEED`` another one.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import signal
import threading

import pytest

from hubport.domain.checkpoint import CheckpointKind
from hubport.testing.lab import (
    Answer,
    DripHeaders,
    DropAnswer,
    Hang,
    Html,
    Refuse,
    Reset,
    ResetAnswer,
    Script,
    Stall,
    Status,
    TruncateAnswer,
)
from tests.integration.conftest import TrainerSandbox

ROUNDS = int(os.environ.get("HUBPORT_KILL_ROUNDS", "200"))
SEED = os.environ.get("HUBPORT_KILL_SEED", "hubport")
MOST = 120
PER_EPOCH = 4

#: What the HUB does to a trainer for a part of a round.
WEATHER: list[Script] = [
    Answer(),
    Refuse(),
    Hang(),
    Stall(after=20),
    DripHeaders(),
    Reset(),
    Reset(after=30),
    DropAnswer(),
    ResetAnswer(),
    TruncateAnswer(),
    Status(503),
    Html(),
]


def numbers_in(values: dict[int, dict[str, int]]) -> set[int]:
    """The numbers, which must be as they were logged."""
    found = set()
    for epoch, named in values.items():
        for name, number in named.items():
            assert (number // PER_EPOCH, f"n{number % PER_EPOCH}") == (epoch, name)
            found.add(number)
    return found


def numbers_received(site: TrainerSandbox) -> set[int]:
    """All that ever came over the wire, by the ledger of the HUB."""
    found: set[int] = set()
    for entry in site.hub.received("metrics"):
        epochs = entry.json["metrics"].items()
        found |= numbers_in({int(epoch): json.loads(text) for epoch, text in epochs})
    return found


def lived(
    site: TrainerSandbox, script: str, *arguments: object, chance: random.Random, by: int, most: int
) -> list[int]:
    """One life, which the signal *by* ends at a random point; the numbers that it was told are safe."""
    child = site.start(
        script,
        *arguments,
        HUBPORT_METRICS_INTERVAL="0.001",
        HUBPORT_CHECKPOINT_INTERVAL="0.001",
        HUBPORT_SIGNAL_TIMEOUT="0.2",
    )
    lines = chance.randint(1, most)
    begins, ends = sorted(chance.choices(range(lines + 1), k=2))
    told: list[str] = []
    if chance.random() < 0.1:  # somewhere on its way to the first line
        threading.Event().wait(chance.uniform(0, 0.05))
    else:
        assert "ready" == child.line()
        for line in range(lines):
            if line == begins:
                site.lab.always(chance.choice(WEATHER))
            if line == ends:
                site.lab.heal()
            told.append(child.line())
    if by == signal.SIGKILL:
        status = child.kill()
    else:
        child.signal(by)
        status = child.end()
    told += [line for line in child.rest() if line != "ready"]
    site.lab.heal()
    # What the dead one has sent last must not come after what the next one sends: the HUB keeps what came last.
    site.lab.hear_out()
    assert -by == status
    return [*map(int, told)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "rounds"), [(signal.SIGKILL, ROUNDS), (signal.SIGTERM, max(ROUNDS // 20, 1))], ids=["SIGKILL", "SIGTERM"]
)
def test_200_kills_lose_nothing_that_was_acknowledged_and_invent_nothing(
    site: TrainerSandbox, by: int, rounds: int
) -> None:
    acknowledged: set[int] = set()
    unknown: set[int] = set()  # a trainer that is killed in the call does not hear whether it was in time
    first = 0
    for round_ in range(rounds):
        chance = random.Random(f"{SEED} {by} {round_}")
        workers = "worker" if by == signal.SIGKILL and chance.random() < 0.3 else "alone"
        told = lived(site, "logs_numbers", first, workers, chance=chance, by=by, most=MOST)
        assert list(range(first, first + len(told))) == told
        acknowledged.update(told)
        after = first + len(told)
        unknown.add(after)
        # A life begins with a new epoch: what a trainer logs of an epoch replaces what an earlier one did.
        first = (after + PER_EPOCH) // PER_EPOCH * PER_EPOCH

    site.recover()

    held = numbers_in(site.hub.metrics(site.model_id))
    assert set() == acknowledged - held
    assert set() == held - acknowledged - unknown
    assert held == numbers_received(site)
    assert len(acknowledged) > rounds


def content(epoch: int) -> bytes:
    """What rewrites_last.py writes."""
    return b"%08d" % epoch * (10_000 + 7 * epoch)


def test_each_checkpoint_is_one_version_and_the_newest_snapshot_survives_each_kill(site: TrainerSandbox) -> None:
    first = 0
    for round_ in range(max(ROUNDS // 10, 1)):
        chance = random.Random(f"{SEED} checkpoints {round_}")
        told = lived(site, "rewrites_last", first, site.folder, chance=chance, by=signal.SIGKILL, most=40)
        site.recover()

        arrived = site.hub.checkpoints(site.model_id)
        if told:
            assert told[-1] <= arrived[-1].epoch <= told[-1] + 1
        for checkpoint in arrived:
            assert hashlib.sha256(content(checkpoint.epoch)).hexdigest() == checkpoint.sha256
            assert (checkpoint.epoch % 2 == 0) == checkpoint.is_best
        first += len(told) + 2


@pytest.mark.parametrize("kind", [CheckpointKind.EPOCH, CheckpointKind.FINAL])
def test_killed_in_the_middle_of_an_upload(site: TrainerSandbox, kind: CheckpointKind) -> None:
    weights = random.Random(SEED).randbytes(3_000_000)
    (site.folder / "last.pt").write_bytes(weights)
    final = kind is CheckpointKind.FINAL
    child = site.start("trains", site.folder, "finish" if final else "end", HUBPORT_CHECKPOINT_INTERVAL="0.001")
    assert "delivered" == child.line()
    if final:
        child.say()
        assert "ready" == child.line()
        site.lab.ledger.wait_for(lambda: 2 == len(site.hub.checkpoints(site.model_id)))
    site.lab.always(Stall(after=1_000_000), on="upload")
    child.say()
    site.lab.ledger.wait_for_hanging("upload")
    child.kill()
    (site.folder / "last.pt").unlink()
    site.lab.heal()

    site.recover()

    arrived = site.hub.checkpoints(site.model_id)
    expected = [(CheckpointKind.EPOCH, 0), (CheckpointKind.EPOCH, 2)] + ([(CheckpointKind.FINAL, 2)] if final else [])
    assert expected == [(checkpoint.kind, checkpoint.epoch) for checkpoint in arrived]
    assert {hashlib.sha256(weights).hexdigest()} == {checkpoint.sha256 for checkpoint in arrived}
    assert ("trained" if final else "training") == site.hub.model(site.model_id).status
    assert {0, 1, 2} == set(site.hub.metrics(site.model_id))


@pytest.mark.parametrize(
    "script",
    [Hang(), Reset(), Answer()],
    ids=["a HUB that has not answered", "a HUB that is no more", "a HUB that answers"],
)
def test_killed_before_each_step_that_changes_the_disk_or_the_wire(site: TrainerSandbox, script: Script) -> None:
    kinds = ("metrics", "upload", "heartbeat")
    for step in itertools.count():
        for kind in kinds:
            site.lab.always(script, on=kind)
        first = 10 * step
        child = site.start("killed_at_a_step", site.folder, first, step, HUBPORT_METRICS_INTERVAL="0")
        told = child.rest()
        status = child.end()
        site.lab.heal()
        site.recover()

        arrived = {epoch for epoch in site.hub.metrics(site.model_id) if epoch >= first}
        safe = {int(line.split()[1]) for line in told if line.startswith("metrics")}
        assert safe <= arrived <= {first, first + 1, first + 2}
        snapshots = [one for one in site.hub.checkpoints(site.model_id) if one.epoch == first]
        assert snapshots or f"checkpoint {first}" not in told
        assert {hashlib.sha256(b"%08d" % first * 100).hexdigest()} >= {one.sha256 for one in snapshots}
        if status == 0:
            break
        assert -signal.SIGKILL == status, child.stderr
    assert step > 30
