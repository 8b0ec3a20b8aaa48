"""The contract of :class:`~hubport.domain.ports.blobs.Blobs`.

The one rule: a blob is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import io
import random
from typing import Any

import pytest

from ...domain.ports.blobs import Blobs, Stored
from .patience import at_once

_NAME = "token/Ab3Cd5Ef7Gh9Ij1Kl2Mn-epoch-3.pt"


def _stored(content: bytes) -> Stored:
    return Stored(len(content), hashlib.sha256(content).hexdigest())


class _Breaking(io.BytesIO):
    """Gives a part, and then what a connection gives that breaks."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() or size is None or size < 0:
            raise ConnectionResetError("the client is gone")
        return super().read(4)

    def readinto(self, buffer: Any, /) -> int:
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


class BlobsContract:
    """Bytes by name. Override the fixture :meth:`blobs`."""

    @pytest.fixture
    def blobs(self) -> Blobs:
        """The store under test, empty."""
        raise NotImplementedError("override the fixture `blobs`")

    def content(self, blobs: Blobs, name: str) -> bytes:
        """All of *name*, which must be there, read in pieces."""
        reader = blobs.open(name)
        assert reader is not None
        with reader:
            return b"".join(iter(lambda: reader.read(65_536), b""))

    def test_what_was_not_put_is_none(self, blobs: Blobs) -> None:
        """Not an error, and not an empty blob."""
        assert blobs.open(_NAME) is None

    @pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_001])
    def test_what_was_put_comes_back(self, blobs: Blobs, size: int) -> None:
        """Byte for byte, with its size and SHA-256."""
        content = random.Random(size).randbytes(size)  # noqa: S311 - bytes to compare

        assert _stored(content) == blobs.put(_NAME, io.BytesIO(content))
        assert content == self.content(blobs, _NAME)

    def test_the_reader_that_is_put_stays_its_owners(self, blobs: Blobs) -> None:
        """It is read to its end, from where it stands, and not closed."""
        reader = io.BytesIO(b"skipped kept")
        reader.seek(8)

        assert _stored(b"kept") == blobs.put(_NAME, reader)
        assert not reader.closed
        assert self.content(blobs, _NAME) == b"kept"

    def test_putting_again_replaces(self, blobs: Blobs) -> None:
        """Also by less."""
        blobs.put(_NAME, io.BytesIO(b"a first and longer content"))

        assert _stored(b"second") == blobs.put(_NAME, io.BytesIO(b"second"))
        assert self.content(blobs, _NAME) == b"second"

    def test_what_breaks_off_is_not_there(self, blobs: Blobs) -> None:
        """Half a checkpoint is none, and the error is the reader's own."""
        with pytest.raises(ConnectionResetError):
            blobs.put(_NAME, _Breaking(b"half a checkpoint"))

        assert blobs.open(_NAME) is None

    def test_what_breaks_off_leaves_what_was_there(self, blobs: Blobs) -> None:
        """Replaced is what was replaced whole."""
        blobs.put(_NAME, io.BytesIO(b"whole"))
        with pytest.raises(ConnectionResetError):
            blobs.put(_NAME, _Breaking(b"half a checkpoint"))

        assert self.content(blobs, _NAME) == b"whole"

    def test_a_reader_goes_on_while_the_blob_is_replaced(self, blobs: Blobs) -> None:
        """What it began to read it reads to the end."""
        blobs.put(_NAME, io.BytesIO(b"first" * 100_000))
        reader = blobs.open(_NAME)
        assert reader is not None
        with reader:
            begun = reader.read(1000)
            blobs.put(_NAME, io.BytesIO(b"second"))
            rest = b"".join(iter(lambda: reader.read(65_536), b""))

        assert begun + rest == b"first" * 100_000

    def test_two_readers_do_not_disturb_each_other(self, blobs: Blobs) -> None:
        """Each has its own place in the blob."""
        blobs.put(_NAME, io.BytesIO(b"0123456789"))
        first, second = blobs.open(_NAME), blobs.open(_NAME)
        assert first is not None
        assert second is not None
        with first, second:
            assert first.read(5) == b"01234"
            assert second.read(3) == b"012"
            assert first.read(5) == b"56789"

    def test_names_are_kept_apart(self, blobs: Blobs) -> None:
        """By token, by file, and by case."""
        names = [_NAME, _NAME.replace("token", "other"), _NAME.replace("-3", "-30"), _NAME.swapcase()]
        for name in names:
            blobs.put(name, io.BytesIO(name.encode()))

        assert [name.encode() for name in names] == [self.content(blobs, name) for name in names]

    def test_many_threads_see_whole_blobs(self, blobs: Blobs) -> None:
        """Everybody puts the same name, and whoever reads finds one of them, never a mixture."""
        contents = [bytes([65 + number]) * 300_000 for number in range(4)]
        blobs.put(_NAME, io.BytesIO(contents[0]))

        def work(thread: int) -> None:
            for _ in range(5):
                assert _stored(contents[thread]) == blobs.put(_NAME, io.BytesIO(contents[thread]))
                assert self.content(blobs, _NAME) in contents

        at_once(work, threads=4)
