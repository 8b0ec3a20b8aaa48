"""The part of the contract of an outbox that is about looking at it.

The one rule: looking claims nothing, changes nothing and costs nobody anything.
"""

from __future__ import annotations

import contextlib
import time

from ....domain.ports.outbox import Outbox, SpoolInfo
from ..waiting import meanwhile, run_concurrently
from .harness import MODEL, MUCH, OTHER, OutboxKit

# Instants as a float of unix seconds, and what a clock is set by meanwhile.
_ROUNDED = 0.5


def _content(seen: SpoolInfo) -> bytes:
    with seen.open() as reader:
        return reader.read(MUCH)


class SeenContract(OutboxKit):
    """Spools as anybody sees them."""

    def test_at_first_there_is_nothing_to_see(self, outbox: Outbox) -> None:
        """No spool, and no error either."""
        assert outbox.list_spools() == []

    def test_a_spool_is_seen_whoever_owns_it(self, outbox: Outbox, later: Outbox) -> None:
        """Alive, left over, and taken over."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        looks = [later.list_spools()]
        spool.release(keep=True)
        looks.append(later.list_spools())
        (found,) = later.claim_orphans(MODEL)
        looks.append(outbox.list_spools())

        assert [[True], [False], [True]] == [[seen.is_owned for seen in look] for look in looks]
        for (seen,) in looks:
            assert (spool.name, MODEL) == (seen.name, seen.model_id)
            assert _content(seen) == b"one\n"
        found.release(keep=False)
        assert later.list_spools() == []

    def test_it_is_seen_when_a_run_began(self, outbox: Outbox, later: Outbox) -> None:
        """In unix seconds, also after it has ended."""
        before = time.time()
        spool = outbox.open(MODEL)
        after = time.time()
        spool.release(keep=True)

        (seen,) = later.list_spools()

        assert seen.begun is not None
        assert before - _ROUNDED <= seen.begun <= after + _ROUNDED
        for found in later.claim_orphans(MODEL):
            found.release(keep=False)

    def test_the_oldest_comes_first_whatever_its_model(self, outbox: Outbox, later: Outbox) -> None:
        """Also where models are not in the order of the alphabet, and some are owned."""
        spools = [outbox.open(model) for model in (OTHER, MODEL, OTHER, MODEL, MODEL, OTHER)]
        for spool in spools[::2]:
            spool.release(keep=True)

        found = later.list_spools()

        assert [spool.name for spool in spools] == [seen.name for seen in found]
        assert [False, True] * 3 == [seen.is_owned for seen in found]
        for spool in [*later.claim_orphans(MODEL), *later.claim_orphans(OTHER), *spools[1::2]]:
            spool.release(keep=False)

    def test_the_size_is_of_the_journal_and_of_every_file_beside_it(self, outbox: Outbox, later: Outbox) -> None:
        """What it costs its owner on the disk."""
        spool, other = outbox.open(MODEL), outbox.open(MODEL)
        spool.append(b"12345\n")
        self.write(f"{spool.folder}/1-last.pt", b"x" * 1000)
        self.write(f"{spool.folder}/2-best.pt", b"x" * 200_000)
        other.append(b"1\n")

        assert [201_006, 2] == [seen.size for seen in later.list_spools()]
        spool.release(keep=False)
        other.release(keep=False)

    def test_looking_claims_nothing_and_changes_nothing(self, outbox: Outbox, later: Outbox) -> None:
        """The owner writes on, and what was left over is still there to be claimed."""
        living, left = outbox.open(MODEL), outbox.open(MODEL)
        left.append(b"left\n")
        left.release(keep=True)
        for number in range(20):
            for seen in later.list_spools():
                _content(seen)
            living.append(b"%d\n" % number)

        assert b"".join(b"%d\n" % number for number in range(20)) == self.journal(living)
        (found,) = later.claim_orphans(MODEL)
        assert self.journal(found) == b"left\n"
        living.release(keep=False)
        found.release(keep=False)

    def test_a_journal_can_be_read_while_its_owner_writes(self, outbox: Outbox, later: Outbox) -> None:
        """What was there when it was opened is read, whole."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        (seen,) = later.list_spools()
        with seen.open() as reader:
            assert reader.read(2) == b"on"
            spool.append(b"two\n")
            assert reader.read(2) == b"e\n"
            reader.seek(0)
            assert reader.read(4) == b"one\n"
        spool.release(keep=False)

    def test_a_spool_that_went_meanwhile_is_not_found_or_what_it_was(self, outbox: Outbox, later: Outbox) -> None:
        """Between a look and a second one its owner may have finished."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        (seen,) = later.list_spools()
        spool.release(keep=False)

        with contextlib.suppress(FileNotFoundError):
            assert _content(seen) == b"one\n"

    def test_a_glance_costs_no_claimant_its_spool(self, outbox: Outbox, later: Outbox) -> None:
        """Somebody asks for the status, again and again, while a training starts."""
        outbox.open(MODEL).release(keep=True)
        claims = []

        with meanwhile(later.list_spools, later.list_spools, later.list_spools):
            for _ in range(150):
                found = outbox.claim_orphans(MODEL)
                claims.append(len(found))
                for spool in found:
                    spool.release(keep=True)

        assert [1] * 150 == claims
        for spool in outbox.claim_orphans(MODEL):
            spool.release(keep=False)

    def test_runs_may_come_and_go_while_somebody_looks(self, outbox: Outbox, later: Outbox) -> None:
        """Nothing fails, and a run that lives is always seen, with files that come and go."""
        living = outbox.open(OTHER)

        def look() -> None:
            assert (living.name, True) in {(seen.name, seen.is_owned) for seen in later.list_spools()}

        def live(number: int) -> None:
            for run in range(40):
                spool = outbox.open(MODEL)
                self.write(f"{spool.folder}/1-last.pt", b"weights")
                self.write(f"{living.folder}/{number}-{run}-last.pt", b"weights")
                spool.append(b"one\n")
                spool.release(keep=False)
                self.remove(f"{living.folder}/{number}-{run}-last.pt")

        with meanwhile(look):
            run_concurrently(live, threads=3)

        assert [living.name] == [seen.name for seen in later.list_spools()]
        living.release(keep=False)
