"""The part of the contract of blobs about reading, deleting and sweeping."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

import pytest

from ...domain.hub.ports.blobs import BlobInfo, Blobs, PendingBlob

NAME = "Tq8_token/Ab3Cd5Ef7Gh9Ij1Kl2Mn-epoch-3.pt"
LATER = 3600.0


def stored(content: bytes) -> BlobInfo:
    """What *content* is when it is kept."""
    return BlobInfo(len(content), hashlib.sha256(content).hexdigest())


def read_all(reader: BinaryIO) -> bytes:
    """All of *reader*, in pieces."""
    return b"".join(iter(lambda: reader.read(65_536), b""))


class BlobReadingContract:
    """Reading what was kept, and what takes it away. Override the fixture `blobs`."""

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

    def kept(self, blobs: Blobs, content: bytes, name: str = NAME) -> BlobInfo:
        """*content*, kept under *name*."""
        return self.written(blobs, content).commit(name)

    def content(self, blobs: Blobs, name: str = NAME, start: int = 0) -> bytes:
        """All of *name* from *start* on, which must be there, read in pieces."""
        reader = blobs.open(name, start=start)
        assert reader is not None
        with reader:
            return read_all(reader)

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
        reader = blobs.open(NAME, start=start)
        assert reader is not None
        with reader:
            begun = reader.read(1000)
            if how == "replaced":
                self.kept(blobs, b"second")
            else:
                blobs.delete(NAME)
            assert (b"first" * 100_000)[start:] == begun + read_all(reader)

    def test_two_readers_do_not_disturb_each_other(self, blobs: Blobs) -> None:
        """Each has its own place in the blob."""
        self.kept(blobs, b"0123456789")
        first, second = blobs.open(NAME), blobs.open(NAME, start=2)
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
            reader = blobs.open(NAME)
            assert reader is not None
            with reader:
                assert reader.read(10) == b"x" * 10

        assert b"x" * 1_000_000 == self.content(blobs)

    def test_what_was_deleted_is_gone(self, blobs: Blobs) -> None:
        """It alone, and its name may be given again."""
        self.kept(blobs, b"one")
        self.kept(blobs, b"other", "Tq8_token/other.pt")
        blobs.delete(NAME)

        assert blobs.open(NAME) is None
        assert b"other" == self.content(blobs, "Tq8_token/other.pt")
        self.kept(blobs, b"again")
        assert b"again" == self.content(blobs)

    def test_deleting_what_is_not_there_does_nothing(self, blobs: Blobs) -> None:
        """Also a second time."""
        blobs.delete(NAME)
        self.kept(blobs, b"content")
        blobs.delete(NAME)
        blobs.delete(NAME)

        assert blobs.open(NAME) is None

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

        assert 0 == blobs.sweep(lambda _: False, older_than=LATER)
        assert b"kept" == self.content(blobs)
        pending.write(b" whole")
        assert stored(b"received whole") == pending.commit(NAME)
        assert b"received whole" == self.content(blobs)

    def test_a_sweep_of_nothing_takes_nothing(self, blobs: Blobs) -> None:
        """A HUB that has just been made."""
        assert 0 == blobs.sweep(lambda _: False, older_than=0)
