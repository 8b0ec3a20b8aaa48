"""What a disk or a power cut has made of a dead run's journal: what it hit is skipped and counted, the rest arrives."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from hubport.testing.lab import HANG_TIMEOUT, Hang
from tests.integration.conftest import TrainerSandbox

EPOCHS = 60


@pytest.fixture
def journal(site: TrainerSandbox) -> Path:
    """The journal of a trainer that was killed with everything in it."""
    site.lab.always(Hang(), on="metrics")
    child = site.start("logs_numbers", 0, "alone", HUBPORT_METRICS_INTERVAL="3600", HUBPORT_REQUEST_TIMEOUT="3600")
    assert "ready" == child.line()
    for _ in range(4 * EPOCHS):
        child.line()
    site.lab.ledger.wait_for_hanging("metrics")
    child.kill()
    site.lab.heal()
    (spool,) = site.spools()
    return spool / "journal"


def numbers_of(lines: set[bytes]) -> set[int]:
    """The numbers in a journal's metrics lines, by their looks: each ends with one."""
    return {int(line.split(b": ")[-1].rstrip(b"}]")) for line in lines if b'["m", ' in line}


def delivered(site: TrainerSandbox) -> dict[str, int]:
    """What the next start delivers, and what it found wrong."""
    with site.connect(exit_timeout=HANG_TIMEOUT) as session:
        assert session.flush(timeout=HANG_TIMEOUT)
    assert session.status().is_complete, str(session.status())
    assert [] == site.spools()
    return session.status().reasons


def torn_in_the_last_line(whole: bytes) -> bytes:
    return whole[:-7]


def torn_and_written_on(whole: bytes) -> bytes:
    """Half a line, from a kill or a full disk, and whole ones behind it."""
    first, *rest = whole.splitlines(keepends=True)
    return b"".join([first, *rest[:40], rest[40][:9], *rest[41:]])


def flipped(whole: bytes) -> bytes:
    """A byte in each of a dozen lines."""
    chance = random.Random("flipped")
    lines = whole.splitlines(keepends=True)
    for number in chance.sample(range(1, len(lines)), 12):
        line = bytearray(lines[number])
        line[chance.randrange(len(line) - 1)] ^= 1 << chance.randrange(7)
        lines[number] = bytes(line)
    return b"".join(lines)


def zeroed(whole: bytes) -> bytes:
    """A block that never reached the disk before the power went."""
    return whole[:2048] + bytes(512) + whole[2560:]


def with_a_tail_of_zeros(whole: bytes) -> bytes:
    """The size reached the disk, and the last block did not."""
    return whole + bytes(4096)


def with_nonsense(whole: bytes) -> bytes:
    """Lines of another program, or of a hubport to come."""
    return whole + b'nonsense\n00000000 ["m", 7, {}]\n\xff\xfe\n\n' + whole[-60:]


DAMAGES = [torn_in_the_last_line, torn_and_written_on, flipped, zeroed, with_a_tail_of_zeros, with_nonsense]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_costs_the_lines_that_it_hit_and_the_rest_arrives(
    site: TrainerSandbox, journal: Path, damage: Callable[[bytes], bytes]
) -> None:
    whole = journal.read_bytes()
    damaged = damage(whole)
    journal.write_bytes(damaged)
    intact = set(damaged.splitlines()) & set(whole.splitlines())

    reasons = delivered(site)

    arrived = {number for values in site.hub.metrics(site.model_id).values() for number in values.values()}
    assert numbers_of(intact) <= arrived
    assert arrived <= numbers_of(set(whole.splitlines()))
    was_seen = reasons.get("damaged line in the outbox", 0)
    assert (damage in {torn_in_the_last_line, with_a_tail_of_zeros}) or was_seen == 1, reasons


def test_a_checkpoint_whose_snapshot_is_gone_or_cut_short_is_counted_as_lost(site: TrainerSandbox) -> None:
    site.lab.always(Hang(), on="upload")
    spools: list[Path] = []
    for epoch in (0, 1000):
        before = len(site.lab.ledger)
        child = site.start("rewrites_last", epoch, site.folder)
        assert ["ready", str(epoch)] == [child.line(), child.line()]
        site.lab.ledger.wait_for_hanging("upload", since=before)
        child.kill()
        (spool,) = set(site.spools()) - set(spools)
        spools.append(spool)
    site.lab.heal()
    for file in spools[0].glob("*.pt"):
        file.unlink()
    for file in spools[1].glob("*.pt"):
        file.write_bytes(file.read_bytes()[:-1])

    with site.connect(exit_timeout=HANG_TIMEOUT) as session:
        session.log_metrics(0, {"loss": 1.0})
        session.flush(timeout=HANG_TIMEOUT)

    report = session.status()
    assert () == site.hub.checkpoints(site.model_id)
    assert report.checkpoints.lost >= 1
    assert 0 == report.checkpoints.waiting
    assert [0] == list(site.hub.metrics(site.model_id))
