"""The contract of :class:`~hubport.domain.hub.ports.blobs.Blobs`.

The one rule: a blob is there whole or not at all.
"""

from __future__ import annotations

import gc
import hashlib
import random
from typing import BinaryIO

import pytest

from ...domain.hub.ports.blobs import BlobInfo, Blobs, PendingBlob
from .waiting import run_concurrently

_NAME = "Tq8_token/Ab3Cd5Ef7Gh9Ij1Kl2Mn-epoch-3.pt"
_LATER = 3600.0


def _stored(content: bytes) -> BlobInfo:
    return BlobInfo(len(content), hashlib.sha256(content).hexdigest())


def _all(reader: BinaryIO) -> bytes:
    return b"".join(iter(lambda: reader.read(65_536), b""))


class BlobsContract:
    """Bytes by name. Override the fixture :meth:`blobs`."""

    @pytest.fixture
    def blobs(self) -> Blobs:
        """The store under test, empty."""
        raise NotImplementedError("override the fixture `blobs`")

    def written(self, blobs: Blobs, content: bytes, piece: int = 65_536) -> PendingBlob:
        """A pending blob of *content*, in pieces of so many bytes."""
        pending = blobs.create()
        for start in range(0, len(content), piece):
            pending.write(content[start : start + piece])
        return pending

    def kept(self, blobs: Blobs, content: bytes, name: str = _NAME) -> BlobInfo:
        """*content*, kept under *name*."""
        return self.written(blobs, content).commit(name)

    def content(self, blobs: Blobs, name: str = _NAME, start: int = 0) -> bytes:
        """All of *name* from *start* on, which must be there, read in pieces."""
        reader = blobs.open(name, start=start)
        assert reader is not None
        with reader:
            return _all(reader)

    # Keeping.

    def test_what_was_not_kept_is_none(self, blobs: Blobs) -> None:
        """Not an error, and not an empty blob."""
        assert blobs.open(_NAME) is None
        assert blobs.open(_NAME, start=3) is None

    @pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_001])
    def test_what_was_kept_comes_back(self, blobs: Blobs, size: int) -> None:
        """Byte for byte, with its size and SHA-256."""
        content = random.Random(size).randbytes(size)  # noqa: S311 - bytes to compare

        assert _stored(content) == self.kept(blobs, content)
        assert content == self.content(blobs)

    def test_pieces_of_any_size_make_one_blob(self, blobs: Blobs) -> None:
        """In the order in which they were written; also empty ones."""
        pending = blobs.create()
        for data in (b"a", b"", b"bc", b"e" * 200_000, b"d"):
            pending.write(data)

        assert _stored(b"abc" + b"e" * 200_000 + b"d") == pending.commit(_NAME)
        assert b"abc" + b"e" * 200_000 + b"d" == self.content(blobs)

    def test_a_draft_is_seen_by_nobody(self, blobs: Blobs) -> None:
        """Until it is kept, the name has nothing, or what it had."""
        pending = self.written(blobs, b"first")
        assert blobs.open(_NAME) is None
        pending.commit(_NAME)

        self.written(blobs, b"second").discard()
        another = self.written(blobs, b"third")
        assert b"first" == self.content(blobs)
        another.discard()

    def test_keeping_again_replaces(self, blobs: Blobs) -> None:
        """Also by less."""
        self.kept(blobs, b"a first and longer content")

        assert _stored(b"second") == self.kept(blobs, b"second")
        assert b"second" == self.content(blobs)

    def test_names_are_kept_apart(self, blobs: Blobs) -> None:
        """By token, by file, and by case."""
        names = [
            _NAME,
            _NAME.replace("token", "other"),
            _NAME.replace("-3", "-30"),
            _NAME.swapcase(),
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

        assert blobs.open(_NAME) is None
        assert 0 == blobs.sweep(lambda _: True, older_than=0)

    def test_a_dropped_draft_leaves_what_was_there(self, blobs: Blobs) -> None:
        """Replaced is what was replaced whole."""
        self.kept(blobs, b"whole")
        self.written(blobs, b"half a checkpoint").discard()

        assert b"whole" == self.content(blobs)

    def test_dropping_twice_or_after_keeping_does_nothing(self, blobs: Blobs) -> None:
        """So that whoever receives can always drop at the end."""
        kept = self.written(blobs, b"kept")
        kept.commit(_NAME)
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
            pending.commit(_NAME)
        elif end == "dropped":
            pending.discard()
        else:
            with pytest.raises(OSError, match="no name"):
                pending.commit("no name")
        with pytest.raises(OSError, match="over"):
            pending.write(b"second")
        with pytest.raises(OSError, match="over"):
            pending.commit(_NAME)
        if end == "kept":
            assert b"first" == self.content(blobs)
        else:
            assert blobs.open(_NAME) is None

    def test_a_forgotten_draft_leaves_nothing_open(self, blobs: Blobs) -> None:
        """Neither kept nor dropped: no warning of an open file, and no blob."""
        pending = self.written(blobs, b"forgotten")
        del pending
        gc.collect()

        assert blobs.open(_NAME) is None

    # Reading.

    @pytest.mark.parametrize(
        ("start", "rest"), [(0, b"0123456789"), (1, b"123456789"), (9, b"9"), (10, b""), (11, b"")]
    )
    def test_reading_begins_where_it_should(self, blobs: Blobs, start: int, rest: bytes) -> None:
        """At the end, and beyond it, there is nothing to read."""
        self.kept(blobs, b"0123456789")

        assert rest == self.content(blobs, start=start)

    @pytest.mark.parametrize("start", [0, 250_000])
    @pytest.mark.parametrize("how", ["replaced", "deleted"])
    def test_a_reader_goes_on_while_the_blob_goes(self, blobs: Blobs, start: int, how: str) -> None:
        """What it began to read it reads to the end."""
        self.kept(blobs, b"first" * 100_000)
        reader = blobs.open(_NAME, start=start)
        assert reader is not None
        with reader:
            begun = reader.read(1000)
            if how == "replaced":
                self.kept(blobs, b"second")
            else:
                blobs.delete(_NAME)
            assert (b"first" * 100_000)[start:] == begun + _all(reader)

    def test_two_readers_do_not_disturb_each_other(self, blobs: Blobs) -> None:
        """Each has its own place in the blob."""
        self.kept(blobs, b"0123456789")
        first, second = blobs.open(_NAME), blobs.open(_NAME, start=2)
        assert first is not None
        assert second is not None
        with first, second:
            assert first.read(5) == b"01234"
            assert second.read(3) == b"234"
            assert first.read(5) == b"56789"

    def test_a_reader_may_leave_before_the_end(self, blobs: Blobs) -> None:
        """Who closes it after a piece leaves nothing behind, and the next one reads all."""
        self.kept(blobs, b"x" * 1_000_000)
        for _ in range(3):
            reader = blobs.open(_NAME)
            assert reader is not None
            with reader:
                assert reader.read(10) == b"x" * 10

        assert b"x" * 1_000_000 == self.content(blobs)

    # Deleting.

    def test_what_was_deleted_is_gone(self, blobs: Blobs) -> None:
        """It alone, and its name may be given again."""
        self.kept(blobs, b"one")
        self.kept(blobs, b"other", "Tq8_token/other.pt")
        blobs.delete(_NAME)

        assert blobs.open(_NAME) is None
        assert b"other" == self.content(blobs, "Tq8_token/other.pt")
        self.kept(blobs, b"again")
        assert b"again" == self.content(blobs)

    def test_deleting_what_is_not_there_does_nothing(self, blobs: Blobs) -> None:
        """Also a second time."""
        blobs.delete(_NAME)
        self.kept(blobs, b"content")
        blobs.delete(_NAME)
        blobs.delete(_NAME)

        assert blobs.open(_NAME) is None

    # Sweeping.

    def test_a_sweep_takes_what_nobody_wants(self, blobs: Blobs) -> None:
        """It asks by the names that were given, and leaves what is wanted."""
        wanted, strays = "token1/wanted.pt", {"token2/stray.pt", "token3/stray.pt"}
        for name in (wanted, *strays):
            self.kept(blobs, name.encode(), name)
        asked: list[str] = []

        def is_wanted(name: str) -> bool:
            asked.append(name)
            return name == wanted

        assert 2 == blobs.sweep(is_wanted, older_than=0)
        assert {wanted, *strays} == set(asked)
        assert wanted.encode() == self.content(blobs, wanted)
        assert [None, None] == [blobs.open(name) for name in strays]
        assert 0 == blobs.sweep(lambda name: name == wanted, older_than=0)

    def test_a_sweep_leaves_what_is_young(self, blobs: Blobs) -> None:
        """A blob whose row is still to be written, and a pending blob that somebody receives."""
        self.kept(blobs, b"kept")
        pending = self.written(blobs, b"received")

        assert 0 == blobs.sweep(lambda _: False, older_than=_LATER)
        assert b"kept" == self.content(blobs)
        pending.write(b" whole")
        assert _stored(b"received whole") == pending.commit(_NAME)
        assert b"received whole" == self.content(blobs)

    def test_a_sweep_of_nothing_takes_nothing(self, blobs: Blobs) -> None:
        """A HUB that has just been made."""
        assert 0 == blobs.sweep(lambda _: False, older_than=0)

    # Many at once.

    def test_drafts_are_kept_apart(self, blobs: Blobs) -> None:
        """Written in turns, each is its own."""
        first, second = blobs.create(), blobs.create()
        for _ in range(3):
            first.write(b"1")
            second.write(b"2")

        assert _stored(b"222") == second.commit("token/2.pt")
        assert _stored(b"111") == first.commit("token/1.pt")
        assert b"111" == self.content(blobs, "token/1.pt")
        assert b"222" == self.content(blobs, "token/2.pt")

    def test_many_threads_see_whole_blobs(self, blobs: Blobs) -> None:
        """Everybody keeps the same name, and whoever reads finds one of them, never a mixture."""
        contents = [bytes([65 + number]) * 300_000 for number in range(4)]
        self.kept(blobs, contents[0])

        def work(thread: int) -> None:
            for _ in range(5):
                assert _stored(contents[thread]) == self.kept(blobs, contents[thread])
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
