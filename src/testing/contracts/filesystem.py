"""The contract of :class:`~hubport.domain.ports.filesystem.Filesystem`.

The one rule: a snapshot is whole or not there, and nothing but a snapshot is ever taken away.
"""

from __future__ import annotations

import os
import random

import pytest

from ...domain.ports.filesystem import FileKind, Filesystem

_MEBI = 1 << 20


class FilesystemContract:
    """Files that are read, copied and removed.

    Override the fixtures :meth:`filesystem` and :meth:`folder`, and :meth:`write` where paths are not those of this
    machine.
    """

    @pytest.fixture
    def filesystem(self) -> Filesystem:
        """The adapter under test."""
        raise NotImplementedError("override the fixture `filesystem`")

    @pytest.fixture
    def folder(self) -> str:
        """An empty folder that exists."""
        raise NotImplementedError("override the fixture `folder`")

    def write(self, filesystem: Filesystem, path: str, content: bytes) -> None:
        """What a trainer does: write *content* to *path*, in place where there is a file already."""
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with os.fdopen(fd, "wb") as file:
            file.write(content)

    def read(self, filesystem: Filesystem, path: str) -> bytes:
        """All of *path*, through the port."""
        with filesystem.open(path) as reader:
            return b"".join(iter(lambda: reader.read(_MEBI), b""))

    def test_what_is_not_there_has_no_size(self, filesystem: Filesystem, folder: str) -> None:
        """Neither a missing file, nor one in a missing folder, nor a path that cannot be."""
        assert filesystem.size(f"{folder}/missing") is None
        assert filesystem.size(f"{folder}/missing/last.pt") is None
        assert filesystem.size(f"{folder}/\0") is None
        assert filesystem.size("") is None

    def test_a_folder_has_no_size(self, filesystem: Filesystem, folder: str) -> None:
        """It is nothing to upload."""
        assert filesystem.size(folder) is None

    def test_what_lies_there_has_a_kind(self, filesystem: Filesystem, folder: str) -> None:
        """So that a trainer is told what it has named."""
        self.write(filesystem, f"{folder}/last.pt", b"")

        assert filesystem.kind(f"{folder}/last.pt") is FileKind.FILE
        assert filesystem.kind(folder) is FileKind.FOLDER
        for path in (f"{folder}/missing", f"{folder}/last.pt/below", f"{folder}/\0", ""):
            assert filesystem.kind(path) is FileKind.MISSING

    @pytest.mark.parametrize("size", [0, 1, 100_000])
    def test_a_file_has_the_size_of_its_content(self, filesystem: Filesystem, folder: str, size: int) -> None:
        """An empty file is a file, and its size is no ``None``."""
        self.write(filesystem, f"{folder}/last.pt", b"x" * size)

        assert size == filesystem.size(f"{folder}/last.pt")

    def test_opening_starts_at_the_first_byte_each_time(self, filesystem: Filesystem, folder: str) -> None:
        """An upload that failed is sent again from its start, beside readers that are still open."""
        self.write(filesystem, f"{folder}/last.pt", b"weights")

        with filesystem.open(f"{folder}/last.pt") as first:
            assert first.read(3) == b"wei"
            with filesystem.open(f"{folder}/last.pt") as second:
                assert second.read(3) == b"wei"
            assert first.read(100) == b"ghts"
            assert first.read(100) == b""

    def test_opening_what_is_not_there_fails(self, filesystem: Filesystem, folder: str) -> None:
        """By the error that says so."""
        with pytest.raises(FileNotFoundError):
            filesystem.open(f"{folder}/missing")

    @pytest.mark.parametrize("size", [0, 1, 8191, 8192, 8193, 200_000, 5 * _MEBI + 3])
    def test_a_snapshot_is_the_same_bytes(self, filesystem: Filesystem, folder: str, size: int) -> None:
        """Whole, and its size is returned: what is announced to the HUB."""
        content = random.Random(size).randbytes(size)  # noqa: S311 - bytes to compare
        self.write(filesystem, f"{folder}/last.pt", content)

        copied = filesystem.snapshot(f"{folder}/last.pt", f"{folder}/copy")

        assert size == copied
        assert size == filesystem.size(f"{folder}/copy")
        assert content == self.read(filesystem, f"{folder}/copy")

    @pytest.mark.parametrize("later", [b"EPOCH TWO", b"", b"the second epoch, which is longer"])
    def test_later_writes_do_not_change_a_snapshot(self, filesystem: Filesystem, folder: str, later: bytes) -> None:
        """The trainer writes the same file again, in place, while the upload waits."""
        self.write(filesystem, f"{folder}/last.pt", b"epoch one")
        filesystem.snapshot(f"{folder}/last.pt", f"{folder}/copy")

        self.write(filesystem, f"{folder}/last.pt", later)

        assert self.read(filesystem, f"{folder}/copy") == b"epoch one"
        assert later == self.read(filesystem, f"{folder}/last.pt")

    def test_a_snapshot_outlives_its_source(self, filesystem: Filesystem, folder: str) -> None:
        """Trainers delete old checkpoints."""
        self.write(filesystem, f"{folder}/last.pt", b"weights")
        filesystem.snapshot(f"{folder}/last.pt", f"{folder}/copy")

        filesystem.remove(f"{folder}/last.pt")

        assert self.read(filesystem, f"{folder}/copy") == b"weights"

    def test_a_snapshot_never_replaces_a_file(self, filesystem: Filesystem, folder: str) -> None:
        """It fails, and what was there is as it was."""
        self.write(filesystem, f"{folder}/last.pt", b"weights")
        self.write(filesystem, f"{folder}/taken", b"of somebody else")

        with pytest.raises(FileExistsError):
            filesystem.snapshot(f"{folder}/last.pt", f"{folder}/taken")

        assert self.read(filesystem, f"{folder}/taken") == b"of somebody else"

    def test_a_snapshot_of_a_file_onto_itself_leaves_it(self, filesystem: Filesystem, folder: str) -> None:
        """The worst target of all."""
        self.write(filesystem, f"{folder}/last.pt", b"weights")

        with pytest.raises(OSError):  # noqa: PT011 - which one is the adapter's business
            filesystem.snapshot(f"{folder}/last.pt", f"{folder}/last.pt")

        assert self.read(filesystem, f"{folder}/last.pt") == b"weights"

    def test_a_snapshot_of_nothing_leaves_nothing(self, filesystem: Filesystem, folder: str) -> None:
        """No empty file that could be taken for a checkpoint."""
        with pytest.raises(FileNotFoundError):
            filesystem.snapshot(f"{folder}/missing", f"{folder}/copy")

        assert filesystem.size(f"{folder}/copy") is None

    def test_a_snapshot_of_nothing_leaves_a_file_that_was_there(self, filesystem: Filesystem, folder: str) -> None:
        """Cleaning up after a failure is for what the snapshot has made itself."""
        self.write(filesystem, f"{folder}/taken", b"of somebody else")

        with pytest.raises(OSError):  # noqa: PT011 - of two reasons to fail, either will do
            filesystem.snapshot(f"{folder}/missing", f"{folder}/taken")

        assert self.read(filesystem, f"{folder}/taken") == b"of somebody else"

    def test_a_path_that_cannot_be_is_an_os_error(self, filesystem: Filesystem, folder: str) -> None:
        """Every failure is an ``OSError``: a session catches nothing else."""
        self.write(filesystem, f"{folder}/last.pt", b"weights")

        with pytest.raises(OSError):  # noqa: PT011
            filesystem.open(f"{folder}/a\0b")
        with pytest.raises(OSError):  # noqa: PT011
            filesystem.snapshot(f"{folder}/a\0b", f"{folder}/copy")

    def test_what_was_removed_is_gone(self, filesystem: Filesystem, folder: str) -> None:
        """And only that."""
        self.write(filesystem, f"{folder}/last.pt", b"weights")
        self.write(filesystem, f"{folder}/best.pt", b"weights")

        filesystem.remove(f"{folder}/last.pt")

        assert filesystem.size(f"{folder}/last.pt") is None
        assert filesystem.size(f"{folder}/best.pt") == 7

    def test_removing_what_is_not_there_is_harmless(self, filesystem: Filesystem, folder: str) -> None:
        """A second time as well."""
        self.write(filesystem, f"{folder}/last.pt", b"weights")

        for _ in range(3):
            filesystem.remove(f"{folder}/last.pt")

        assert filesystem.size(f"{folder}/last.pt") is None
