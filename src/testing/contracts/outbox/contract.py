"""The contract of :class:`~hubport.domain.ports.outbox.Outbox`.

The one rule: what was appended is read, whole and in its order, by whoever owns the spool; and no two own it at a time.
"""

from __future__ import annotations

from collections import Counter

import pytest

from ....domain.ports.outbox import Outbox, Spool, SpoolSealed
from ..waiting import BackgroundThread, run_concurrently
from .compaction import RewritingContract
from .harness import MODEL, MUCH
from .listing import SeenContract
from .orphans import LeftOverContract


def _lines(first: int, last: int) -> list[bytes]:
    return [f"line {number}\n".encode() for number in range(first, last)]


class OutboxContract(LeftOverContract, RewritingContract, SeenContract):
    """Spools that outlive their run.

    Override the fixture ``outbox``; ``later`` where a later process would have an object of its own; and ``write``,
    ``remove`` and ``exists`` where a spool's folder is not on this machine.
    """

    def test_a_new_spool_is_empty(self, outbox: Outbox) -> None:
        """Not even the model's name is in it: what the lines mean is not its business."""
        spool = outbox.open(MODEL)

        assert spool.read(0, MUCH) == b""
        spool.release(keep=False)

    def test_what_was_appended_is_read(self, outbox: Outbox) -> None:
        """In its order, byte for byte."""
        spool = outbox.open(MODEL)
        for line in _lines(0, 100):
            spool.append(line)

        assert b"".join(_lines(0, 100)) == spool.read(0, MUCH)
        spool.release(keep=False)

    def test_lines_hold_any_bytes_and_any_length(self, outbox: Outbox) -> None:
        """One of a few megabytes, one of nothing, and what is no text."""
        wanted = [bytes(byte for byte in range(256) if byte != 10) + b"\n", b"\n", b"x" * 3_000_000 + b"\n", b"end\n"]
        spool = outbox.open(MODEL)
        for line in wanted:
            spool.append(line)

        assert b"".join(wanted) == self.journal(spool)
        spool.release(keep=False)

    @pytest.mark.parametrize("piece", [1, 7, 64, MUCH])
    def test_pieces_make_the_whole(self, outbox: Outbox, piece: int) -> None:
        """Wherever they are cut."""
        spool = outbox.open(MODEL)
        for line in _lines(0, 20):
            spool.append(line)

        assert b"".join(_lines(0, 20)) == self.journal(spool, piece=piece)
        spool.release(keep=False)

    def test_a_piece_is_never_longer_than_asked_for(self, outbox: Outbox) -> None:
        """Memory is bounded by whoever reads."""
        spool = outbox.open(MODEL)
        spool.append(b"0123456789\n")

        assert spool.read(2, 3) == b"234"
        assert spool.read(9, 100) == b"9\n"
        assert spool.read(11, 100) == b""
        assert spool.read(1000, 100) == b""
        assert spool.read(0, 0) == b""
        spool.release(keep=False)

    def test_reading_does_not_move_where_is_written(self, outbox: Outbox) -> None:
        """A worker reads while the trainer logs."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        spool.read(0, 2)
        spool.append(b"two\n")

        assert spool.read(0, 100) == b"one\ntwo\n"
        assert spool.read(4, 100) == b"two\n"
        spool.release(keep=False)

    def test_two_runs_have_two_spools(self, outbox: Outbox) -> None:
        """Of the same model, at the same time."""
        first, second = outbox.open(MODEL), outbox.open(MODEL)
        first.append(b"first\n")
        second.append(b"second\n")

        assert first.name != second.name
        assert first.folder != second.folder
        assert first.read(0, 100) == b"first\n"
        assert second.read(0, 100) == b"second\n"
        first.release(keep=False)
        second.release(keep=False)

    def test_a_folder_takes_files(self, outbox: Outbox) -> None:
        """It exists, and the journal does not mind."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        self.write(f"{spool.folder}/1-last.pt", b"weights")
        spool.append(b"two\n")

        assert self.exists(f"{spool.folder}/1-last.pt")
        assert spool.read(0, 100) == b"one\ntwo\n"
        spool.release(keep=False)

    def test_runs_may_begin_while_others_end(self, outbox: Outbox, later: Outbox) -> None:
        """Many short runs of one model side by side: opening never fails because another run is just letting go."""

        def live(number: int) -> None:
            for _ in range(50):
                spool = (outbox, later)[number % 2].open(MODEL)
                spool.append(b"one\n")
                assert spool.read(0, 100) == b"one\n"
                spool.release(keep=False)

        run_concurrently(live, threads=8)

        assert outbox.claim_orphans(MODEL) == []

    def test_a_sealed_spool_takes_no_line(self, outbox: Outbox) -> None:
        """It says so, and what was there is read as before."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        for _ in range(2):
            spool.seal()
            with pytest.raises(SpoolSealed):
                spool.append(b"two\n")

        assert spool.read(0, 100) == b"one\n"
        spool.release(keep=False)

    def test_a_released_spool_takes_no_line(self, outbox: Outbox, later: Outbox) -> None:
        """It may be another's at any time."""
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        spool.release(keep=True)

        with pytest.raises(OSError):  # noqa: PT011 - sealed by its release, or simply gone
            spool.append(b"two\n")

        (found,) = later.claim_orphans(MODEL)
        assert found.read(0, 100) == b"one\n"
        found.release(keep=False)

    def test_a_seal_is_for_one_run(self, outbox: Outbox, later: Outbox) -> None:
        """Whoever takes the spool over writes on; other spools never noticed."""
        spool, other = outbox.open(MODEL), outbox.open(MODEL)
        spool.seal()
        other.append(b"other\n")
        spool.release(keep=True)

        (found,) = later.claim_orphans(MODEL)
        found.append(b"taken over\n")

        assert found.read(0, 100) == b"taken over\n"
        found.release(keep=False)
        other.release(keep=False)

    def test_after_a_seal_the_journal_stands_still(self, outbox: Outbox) -> None:
        """What another thread was writing is written before the seal is there, or is told to be sealed out."""
        for _ in range(20):
            spool = outbox.open(MODEL)
            kept: list[bytes] = []
            wanted: list[bytes] = []

            def work(thread: int, spool: Spool = spool, kept: list[bytes] = kept, seen: list[bytes] = wanted) -> None:
                if thread == 0:
                    spool.seal()
                    seen.append(self.journal(spool))
                    return
                for number in range(50):
                    try:
                        spool.append(f"{thread} {number}\n".encode())
                    except SpoolSealed:
                        return
                    kept.append(f"{thread} {number}\n".encode())

            run_concurrently(work, threads=4)

            assert wanted == [self.journal(spool)]
            assert Counter(kept) == Counter(wanted[0].splitlines(keepends=True))
            spool.release(keep=False)

    def test_many_threads_lose_nothing_and_tear_nothing(self, outbox: Outbox) -> None:
        """A reader in between sees whole lines, but for the last."""
        spool = outbox.open(MODEL)
        wanted = Counter(f"{thread} {number} {'x' * number}\n".encode() for thread in range(8) for number in range(200))
        seen: list[bytes] = []

        def read() -> None:
            start = 0
            while len(seen) < wanted.total():
                piece = spool.read(start, 1 << 16)
                whole = piece[: piece.rfind(b"\n") + 1]
                seen.extend(whole.splitlines(keepends=True))
                start += len(whole)

        def write(thread: int) -> None:
            for number in range(200):
                spool.append(f"{thread} {number} {'x' * number}\n".encode())

        reading = BackgroundThread(read)
        run_concurrently(write, threads=8)
        reading.join()

        assert wanted == Counter(seen)
        assert wanted == Counter(self.journal(spool).splitlines(keepends=True))
        spool.release(keep=False)
