"""The contract of :class:`~hubport.domain.ports.private_file.PrivateFile`.

The one rule: what is read is what was last written, whole.
"""

from __future__ import annotations

import pytest

from ...domain.ports.private_file import LONGEST, PrivateFile
from .waiting import meanwhile, run_concurrently


class PrivateFileContract:
    """A file of one user. Override the fixture :meth:`private_file`."""

    @pytest.fixture
    def private_file(self) -> PrivateFile:
        """The file under test, which is not there yet."""
        raise NotImplementedError("override the fixture `private_file`")

    def test_what_was_never_written_is_not_there(self, private_file: PrivateFile) -> None:
        """No error: a user who has not logged in is the usual one."""
        assert private_file.read() is None

    @pytest.mark.parametrize("data", [b"", b"{}\n", b"\0\xff", b"x" * LONGEST], ids=["empty", "text", "bytes", "long"])
    def test_what_was_written_is_read(self, private_file: PrivateFile, data: bytes) -> None:
        """Byte for byte."""
        private_file.write(data)

        assert data == private_file.read()

    def test_the_new_takes_the_place_of_the_old(self, private_file: PrivateFile) -> None:
        """Whole, also where the old was longer."""
        private_file.write(b"x" * 1000)
        private_file.write(b"new")

        assert private_file.read() == b"new"

    def test_what_is_too_long_is_an_error_and_not_a_part_of_it(self, private_file: PrivateFile) -> None:
        """A file that grew is none of ours."""
        private_file.write(b"x" * (LONGEST + 1))

        with pytest.raises(OSError, match="too long"):
            private_file.read()

    def test_it_can_be_removed_once(self, private_file: PrivateFile) -> None:
        """And says whether it was there."""
        private_file.write(b"data")

        assert private_file.remove() is True
        assert private_file.read() is None
        assert private_file.remove() is False

    def test_it_says_where_it_is(self, private_file: PrivateFile) -> None:
        """For messages."""
        assert private_file.location

    def test_who_reads_meanwhile_gets_one_that_is_whole(self, private_file: PrivateFile) -> None:
        """Two terminals may log in at once."""
        private_file.write(b"0" * 5000)

        def read() -> None:
            got = private_file.read()
            assert got is not None
            assert got == got[:1] * 5000

        def write(thread: int) -> None:
            for _ in range(20):
                private_file.write(b"%d" % thread * 5000)

        with meanwhile(read):
            run_concurrently(write, threads=4)
