"""The part of the contract of an outbox that is about what runs leave behind them.

The one rule: what was kept is found by a later run, the oldest first, and by one alone.
"""

from __future__ import annotations

import pytest

from ....domain.ports.outbox import Outbox, Spool
from ..waiting import run_concurrently
from .harness import MODEL, OTHER, OutboxKit


class LeftOverContract(OutboxKit):
    """Spools that wait for a later run."""

    def test_nothing_is_left_over_at_first(self, outbox: Outbox) -> None:
        """No spool, and no error either."""
        assert outbox.claim_orphans(MODEL) == []

    def test_a_living_run_leaves_nothing_over(self, outbox: Outbox, later: Outbox) -> None:
        """Its spool is its own, also in the eyes of others."""
        spool = outbox.open(MODEL)
        spool.append(b"mine\n")

        assert outbox.claim_orphans(MODEL) == []
        assert later.claim_orphans(MODEL) == []
        spool.release(keep=False)

    def test_what_was_kept_is_found_by_a_later_run(self, outbox: Outbox, later: Outbox) -> None:
        """The journal, the files, and the same name."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        self.write(f"{spool.folder}/1-last.pt", b"weights")
        spool.release(keep=True)

        (found,) = later.claim_orphans(MODEL)

        assert spool.name == found.name
        assert found.read(0, 100) == b"one\n"
        assert self.exists(f"{found.folder}/1-last.pt")
        found.release(keep=False)

    def test_a_spool_that_was_taken_over_is_written_on(self, outbox: Outbox, later: Outbox) -> None:
        """Behind what was there."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        spool.release(keep=True)
        (found,) = later.claim_orphans(MODEL)

        found.append(b"two\n")

        assert found.read(0, 100) == b"one\ntwo\n"
        found.release(keep=False)

    def test_what_is_left_over_is_claimed_once(self, outbox: Outbox, later: Outbox) -> None:
        """Two runs that start together must not both send it."""
        outbox.open(MODEL).release(keep=True)

        (found,) = later.claim_orphans(MODEL)

        assert outbox.claim_orphans(MODEL) == []
        assert later.claim_orphans(MODEL) == []
        found.release(keep=False)

    def test_of_many_claims_at_once_each_spool_goes_to_one(self, outbox: Outbox, later: Outbox) -> None:
        """Nobody gets what another one has, and nothing is overlooked by all of them."""
        spools = [outbox.open(MODEL) for _ in range(10)]
        names = [spool.name for spool in spools]
        for spool in spools:
            spool.release(keep=True)
        claimed: list[Spool] = []

        run_concurrently(lambda number: claimed.extend((outbox, later)[number % 2].claim_orphans(MODEL)), threads=8)

        assert sorted(names) == sorted(spool.name for spool in claimed)
        for spool in claimed:
            spool.release(keep=False)

    def test_what_was_claimed_may_be_left_over_again(self, outbox: Outbox, later: Outbox) -> None:
        """The second run could not deliver it either."""
        outbox.open(MODEL).release(keep=True)
        for _ in range(3):
            (found,) = later.claim_orphans(MODEL)
            found.append(b"tried\n")
            found.release(keep=True)

        (found,) = outbox.claim_orphans(MODEL)

        assert found.read(0, 100) == b"tried\n" * 3
        found.release(keep=False)

    def test_the_oldest_comes_first(self, outbox: Outbox, later: Outbox) -> None:
        """However quickly they followed each other, and in whatever order they were given up."""
        spools = [outbox.open(MODEL) for _ in range(12)]
        names = [spool.name for spool in spools]
        for spool in reversed(spools):
            spool.release(keep=True)

        found = later.claim_orphans(MODEL)

        assert names == [spool.name for spool in found]
        for spool in found:
            spool.release(keep=False)

    def test_what_is_not_kept_is_gone(self, outbox: Outbox, later: Outbox) -> None:
        """With everything in it."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        self.write(f"{spool.folder}/1-last.pt", b"weights")

        spool.release(keep=False)

        assert later.claim_orphans(MODEL) == []
        assert not self.exists(f"{spool.folder}/1-last.pt")
        assert not self.exists(spool.folder)

    @pytest.mark.parametrize("keep", [True, False])
    def test_one_release_does_not_touch_the_others(self, outbox: Outbox, later: Outbox, *, keep: bool) -> None:
        """Neither the spools of runs that live, nor those that wait for one."""
        waiting, ending, living = (outbox.open(MODEL) for _ in range(3))
        waiting.append(b"waiting\n")
        living.append(b"living\n")
        waiting.release(keep=True)

        ending.release(keep=keep)

        assert living.read(0, 100) == b"living\n"
        left = later.claim_orphans(MODEL)
        assert [waiting.name, ending.name][: 1 + keep] == [spool.name for spool in left]
        for spool in [*left, living]:
            spool.release(keep=False)

    @pytest.mark.parametrize("keep", [True, False])
    def test_releasing_twice_is_harmless(self, outbox: Outbox, later: Outbox, *, keep: bool) -> None:
        """Nothing comes back, and nothing more goes."""
        spool = outbox.open(MODEL)
        spool.release(keep=keep)
        spool.release(keep=keep)

        left = later.claim_orphans(MODEL)

        assert len(left) == keep
        for found in left:
            found.release(keep=False)

    def test_models_are_kept_apart(self, outbox: Outbox, later: Outbox) -> None:
        """What is left of one is not sent to another."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        spool.release(keep=True)

        assert later.claim_orphans(OTHER) == []
        other = outbox.open(OTHER)
        other.release(keep=False)
        (found,) = later.claim_orphans(MODEL)
        assert found.read(0, 100) == b"one\n"
        found.release(keep=False)
