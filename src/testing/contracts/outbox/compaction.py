"""The part of the contract of an outbox that is about writing a journal anew.

The one rule: there is the old journal or the new one, whole, and what is appended is in whichever there is.
"""

from __future__ import annotations

import errno
from collections import Counter
from functools import partial

import pytest

from ....domain.ports.outbox import Outbox, Spool, SpoolSealed
from ..waiting import meanwhile, run_concurrently
from .harness import MODEL, OutboxKit


class RewritingContract(OutboxKit):
    """Journals that give back what is settled."""

    def test_a_rewritten_journal_is_what_was_made(self, outbox: Outbox) -> None:
        """Shorter, longer or empty; and the next line stands behind it."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        for content in (b"ONE\n", b"1\n", b"", b"x" * 3_000_000 + b"\n", b"1\n2\n"):
            spool.compact(partial(bytes, content))

            assert content == self.journal(spool)
            spool.append(b"behind\n")
            assert content + b"behind\n" == self.journal(spool)
        spool.release(keep=False)

    def test_the_size_is_that_of_the_journal(self, outbox: Outbox, later: Outbox) -> None:
        """Empty, appended to, rewritten, and taken over."""
        spool = outbox.open(MODEL)
        assert spool.size == 0
        spool.append(b"one\n")
        spool.append(b"three\n")
        assert spool.size == 10
        spool.compact(lambda: b"1\n3\n")
        assert spool.size == 4
        spool.append(b"four\n")
        assert spool.size == 9
        spool.release(keep=True)

        (found,) = later.claim_orphans(MODEL)

        assert found.size == 9
        found.append(b"5\n")
        assert found.size == 11
        found.compact(lambda: b"")
        assert found.size == 0
        found.release(keep=False)

    def test_who_makes_the_new_journal_reads_the_old_one(self, outbox: Outbox) -> None:
        """All of it, as it is in that moment; and is asked once."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        spool.append(b"two\n")
        read: list[bytes] = []

        def make() -> bytes:
            read.append(self.journal(spool))
            return read[0].upper()

        spool.compact(make)

        assert read == [b"one\ntwo\n"]
        assert self.journal(spool) == b"ONE\nTWO\n"
        spool.release(keep=False)

    @pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "no room"), ValueError("no sense"), MemoryError()])
    def test_a_maker_that_fails_leaves_the_journal_as_it_was(self, outbox: Outbox, failure: Exception) -> None:
        """It is told so, and the spool goes on, also with a second try."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")

        def fail() -> bytes:
            raise failure

        with pytest.raises(type(failure)) as caught:
            spool.compact(fail)

        assert failure is caught.value
        spool.append(b"two\n")
        assert self.journal(spool) == b"one\ntwo\n"
        assert spool.size == 8
        spool.compact(lambda: b"new\n")
        assert self.journal(spool) == b"new\n"
        spool.release(keep=False)

    def test_a_sealed_spool_is_not_rewritten(self, outbox: Outbox, later: Outbox) -> None:
        """Its owner has judged it, or it may be another's by now."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        spool.seal()

        with pytest.raises(SpoolSealed):
            spool.compact(lambda: b"new\n")

        assert self.journal(spool) == b"one\n"
        spool.release(keep=True)
        with pytest.raises(OSError):  # noqa: PT011 - sealed by its release, or simply gone
            spool.compact(lambda: b"new\n")
        (found,) = later.claim_orphans(MODEL)
        assert self.journal(found) == b"one\n"
        found.release(keep=False)

    def test_a_later_run_finds_the_new_journal(self, outbox: Outbox, later: Outbox) -> None:
        """With the files beside it, under the old name; and may write it anew in its turn."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        self.write(f"{spool.folder}/1-last.pt", b"weights")
        for _ in range(3):
            spool.compact(lambda: b"new\n")
        spool.release(keep=True)

        (found,) = later.claim_orphans(MODEL)

        assert spool.name == found.name
        assert self.journal(found) == b"new\n"
        assert self.exists(f"{found.folder}/1-last.pt")
        found.compact(lambda: b"newer\n")
        found.append(b"two\n")
        found.release(keep=True)
        (again,) = outbox.claim_orphans(MODEL)
        assert self.journal(again) == b"newer\ntwo\n"
        again.release(keep=False)

    def test_a_rewritten_spool_goes_as_a_whole(self, outbox: Outbox, later: Outbox) -> None:
        """Nothing of either journal is left."""
        spool = outbox.open(MODEL)
        spool.compact(lambda: b"new\n")

        spool.release(keep=False)

        assert later.claim_orphans(MODEL) == []
        assert not self.exists(spool.folder)

    def test_one_rewrite_does_not_touch_the_others(self, outbox: Outbox, later: Outbox) -> None:
        """Neither a living run's journal nor one that waits."""
        waiting, living, mine = (outbox.open(MODEL) for _ in range(3))
        for spool in (waiting, living, mine):
            spool.append(b"old\n")
        waiting.release(keep=True)

        mine.compact(lambda: b"new\n")

        assert self.journal(living) == b"old\n"
        (found,) = later.claim_orphans(MODEL)
        assert waiting.name == found.name
        assert self.journal(found) == b"old\n"
        for spool in (found, living, mine):
            spool.release(keep=False)

    def test_while_others_append_nothing_is_lost_and_nothing_is_doubled(self, outbox: Outbox) -> None:
        """Every line is in the journal once, each thread's in its order, however often it was written anew."""
        spool = outbox.open(MODEL)
        threads, lines = 4, 300

        def write(thread: int) -> None:
            for number in range(lines):
                spool.append(f"{thread} {number} {'x' * (number % 50)}\n".encode())

        with meanwhile(lambda: spool.compact(lambda: self.journal(spool))):
            run_concurrently(write, threads=threads)

        found = self.journal(spool).splitlines(keepends=True)
        for thread in range(threads):
            wanted = [f"{thread} {number} {'x' * (number % 50)}\n".encode() for number in range(lines)]
            assert wanted == [line for line in found if line.startswith(b"%d " % thread)]
        assert threads * lines == len(found)
        assert sum(map(len, found)) == spool.size
        spool.release(keep=False)

    def test_what_is_appended_is_seen_by_the_maker_or_stands_behind_what_it_made(self, outbox: Outbox) -> None:
        """Never in between: a journal that was made from less than there was would lose a line."""
        spool = outbox.open(MODEL)
        seen: Counter[bytes] = Counter()

        def write(number: int) -> None:
            for line in range(200):
                spool.append(b"%d %d\n" % (number, line))

        def take() -> bytes:
            """All that is there goes out of the journal."""
            seen.update(self.journal(spool).splitlines(keepends=True))
            return b""

        with meanwhile(lambda: spool.compact(take)):
            run_concurrently(write, threads=4)
        seen.update(self.journal(spool).splitlines(keepends=True))

        assert Counter(b"%d %d\n" % (number, line) for number in range(4) for line in range(200)) == seen
        spool.release(keep=False)

    def test_it_is_owned_all_the_while(self, outbox: Outbox, later: Outbox) -> None:
        """No claimant gets it in the moment in which the one journal takes the other's place."""
        spool = outbox.open(MODEL)
        stolen: list[Spool] = []

        with meanwhile(lambda: stolen.extend(later.claim_orphans(MODEL))):
            for number in range(300):
                spool.compact(partial(b"%d\n".__mod__, number))

        assert stolen == []
        assert self.journal(spool) == b"299\n"
        spool.release(keep=False)

    def test_who_looks_sees_an_owned_spool_with_one_journal_or_the_other(self, outbox: Outbox, later: Outbox) -> None:
        """Never half of one, and never one that is nobody's."""
        spool = outbox.open(MODEL)
        old, new = b"old\n" * 50, b"new\n" * 70
        spool.compact(lambda: old)

        def compact() -> None:
            spool.compact(lambda: new)
            spool.compact(lambda: old)

        with meanwhile(compact):
            for _ in range(500):
                (seen,) = later.list_spools()
                assert seen.is_owned
                assert seen.size >= len(old)
                with seen.open() as reader:
                    assert reader.read() in {old, new}
        spool.release(keep=False)

    def test_a_rewrite_that_follows_the_other_costs_no_more_room(self, outbox: Outbox, later: Outbox) -> None:
        """What a rewrite gives back is given back, and not kept beside the new journal."""
        spool = outbox.open(MODEL)
        for _ in range(20):
            spool.compact(lambda: b"x" * 999 + b"\n")

        (seen,) = later.list_spools()

        assert seen.size == 1000
        spool.release(keep=False)
