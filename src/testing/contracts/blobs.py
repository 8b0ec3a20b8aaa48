"""The contract of :class:`~hubport.domain.hub.ports.blobs.Blobs`.

The one rule: a blob is there whole or not at all.
"""

from __future__ import annotations

import gc
import random

import pytest

from ...domain.hub.ports.blobs import Blobs
from .blob_reading import NAME, BlobReadingContract, stored
from .waiting import run_concurrently


class BlobsContract(BlobReadingContract):
    """Bytes by name. Override the fixture :meth:`blobs`."""

    # Keeping.

    def test_what_was_not_kept_is_none(self, blobs: Blobs) -> None:
        """Not an error, and not an empty blob."""
        assert blobs.open(NAME) is None
        assert blobs.open(NAME, start=3) is None

    @pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_001])
    def test_what_was_kept_comes_back(self, blobs: Blobs, size: int) -> None:
        """Byte for byte, with its size and SHA-256."""
        content = random.Random(size).randbytes(size)  # noqa: S311 - bytes to compare

        assert stored(content) == self.kept(blobs, content)
        assert content == self.content(blobs)

    def test_pieces_of_any_size_make_one_blob(self, blobs: Blobs) -> None:
        """In the order in which they were written; also empty ones."""
        pending = blobs.create()
        for data in (b"a", b"", b"bc", b"e" * 200_000, b"d"):
            pending.write(data)

        assert stored(b"abc" + b"e" * 200_000 + b"d") == pending.commit(NAME)
        assert b"abc" + b"e" * 200_000 + b"d" == self.content(blobs)

    def test_a_draft_is_seen_by_nobody(self, blobs: Blobs) -> None:
        """Until it is kept, the name has nothing, or what it had."""
        pending = self.written(blobs, b"first")
        assert blobs.open(NAME) is None
        pending.commit(NAME)

        self.written(blobs, b"second").discard()
        another = self.written(blobs, b"third")
        assert b"first" == self.content(blobs)
        another.discard()

    def test_keeping_again_replaces(self, blobs: Blobs) -> None:
        """Also by less."""
        self.kept(blobs, b"a first and longer content")

        assert stored(b"second") == self.kept(blobs, b"second")
        assert b"second" == self.content(blobs)

    def test_names_are_kept_apart(self, blobs: Blobs) -> None:
        """By token, by file, and by case."""
        names = [
            NAME,
            NAME.replace("token", "other"),
            NAME.replace("-3", "-30"),
            NAME.swapcase(),
            "a/b.pt",
            "a.b/pt",
        ]
        for name in names:
            self.kept(blobs, name.encode(), name)

        assert [name.encode() for name in names] == [self.content(blobs, name) for name in names]

    @pytest.mark.parametrize(
        "name",
        ["", "/", "token", "token/", "/file", "../file", "token/..", "token/.", "a/b/c", "token/a\0b", "/etc/passwd"],
    )
    def test_what_is_no_name_has_no_blob(self, blobs: Blobs, name: str) -> None:
        """Whoever asks for a path is told that there is nothing."""
        self.kept(blobs, b"content")

        assert blobs.open(name) is None
        blobs.delete(name)
        with pytest.raises(OSError, match="no name for a blob"):
            self.kept(blobs, b"another", name)
        assert b"content" == self.content(blobs)

    # Dropping.

    def test_a_dropped_draft_leaves_nothing(self, blobs: Blobs) -> None:
        """Half a checkpoint is none."""
        pending = self.written(blobs, b"half a checkpoint")
        pending.discard()

        assert blobs.open(NAME) is None
        assert 0 == blobs.sweep(lambda _: True, older_than=0)

    def test_a_dropped_draft_leaves_what_was_there(self, blobs: Blobs) -> None:
        """Replaced is what was replaced whole."""
        self.kept(blobs, b"whole")
        self.written(blobs, b"half a checkpoint").discard()

        assert b"whole" == self.content(blobs)

    def test_dropping_twice_or_after_keeping_does_nothing(self, blobs: Blobs) -> None:
        """So that whoever receives can always drop at the end."""
        kept = self.written(blobs, b"kept")
        kept.commit(NAME)
        kept.discard()
        dropped = self.written(blobs, b"dropped")
        dropped.discard()
        dropped.discard()

        assert b"kept" == self.content(blobs)

    @pytest.mark.parametrize("end", ["kept", "dropped", "refused"])
    def test_a_draft_that_is_over_takes_nothing_more(self, blobs: Blobs, end: str) -> None:
        """Whatever ended it: what came before would be missing, or stand twice."""
        pending = self.written(blobs, b"first")
        if end == "kept":
            pending.commit(NAME)
        elif end == "dropped":
            pending.discard()
        else:
            with pytest.raises(OSError, match="no name"):
                pending.commit("no name")
        with pytest.raises(OSError, match="over"):
            pending.write(b"second")
        with pytest.raises(OSError, match="over"):
            pending.commit(NAME)
        if end == "kept":
            assert b"first" == self.content(blobs)
        else:
            assert blobs.open(NAME) is None

    def test_a_forgotten_draft_leaves_nothing_open(self, blobs: Blobs) -> None:
        """Neither kept nor dropped: no warning of an open file, and no blob."""
        pending = self.written(blobs, b"forgotten")
        del pending
        gc.collect()

        assert blobs.open(NAME) is None

    # Reading.

    # Deleting.

    # Sweeping.

    # Many at once.

    def test_drafts_are_kept_apart(self, blobs: Blobs) -> None:
        """Written in turns, each is its own."""
        first, second = blobs.create(), blobs.create()
        for _ in range(3):
            first.write(b"1")
            second.write(b"2")

        assert stored(b"222") == second.commit("token/2.pt")
        assert stored(b"111") == first.commit("token/1.pt")
        assert b"111" == self.content(blobs, "token/1.pt")
        assert b"222" == self.content(blobs, "token/2.pt")

    def test_many_threads_see_whole_blobs(self, blobs: Blobs) -> None:
        """Everybody keeps the same name, and whoever reads finds one of them, never a mixture."""
        contents = [bytes([65 + number]) * 300_000 for number in range(4)]
        self.kept(blobs, contents[0])

        def work(thread: int) -> None:
            for _ in range(5):
                assert stored(contents[thread]) == self.kept(blobs, contents[thread])
                assert self.content(blobs) in contents

        run_concurrently(work, threads=4)

    def test_many_threads_keep_names_of_their_own(self, blobs: Blobs) -> None:
        """None takes another's place, also where one drops what it began."""

        def work(thread: int) -> None:
            for number in range(5):
                self.written(blobs, b"dropped").discard()
                self.kept(blobs, b"%d %d" % (thread, number), f"token{thread}/{number}.pt")

        run_concurrently(work, threads=4)
        for thread in range(4):
            for number in range(5):
                assert b"%d %d" % (thread, number) == self.content(blobs, f"token{thread}/{number}.pt")
