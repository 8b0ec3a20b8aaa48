"""Small disks are as small as they say, for those whom they are for, and gone afterwards."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubport.testing.lab import Child
from hubport.testing.lab.disks import small_disk as disks_module
from hubport.testing.lab.disks.small_disk import CannotMount, FileLimit, SmallDisk, Tmpfs, small_disk

SIZE = 64 << 10

WRITER = """
import os, sys
print("ready", flush=True)
for line in sys.stdin:
    name, size = line.split()
    try:
        with open(name, "wb", buffering=0) as file:
            left = int(size)
            while left:
                left -= file.write(bytes(left))
        print("written", flush=True)
    except OSError as exc:
        print(exc.strerror, os.path.getsize(name), flush=True)
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Child]:
    with Child.run([sys.executable, "-c", WRITER], os.environ, tmp_path / "errors") as writer:
        assert "ready" == writer.line()
        yield writer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


@pytest.fixture
def tmpfs(folder: Path) -> Iterator[Tmpfs]:
    with Tmpfs(folder, SIZE) as disk:
        yield disk


def wrote(child: Child, path: Path, size: int) -> str:
    child.say(f"{path} {size}")
    return child.line()


class TestTmpfs:
    def test_it_is_full_when_it_is_full_for_every_process(self, tmpfs: Tmpfs, writer: Child) -> None:
        assert "tmpfs" == tmpfs.kind
        assert "written" == wrote(writer, tmpfs.path / "a", SIZE // 2)
        assert f"No space left on device {SIZE // 2}" == wrote(writer, tmpfs.path / "b", SIZE)
        with pytest.raises(OSError, match="No space left") as caught:
            (tmpfs.path / "c").write_bytes(b"x")
        assert errno.ENOSPC == caught.value.errno

    def test_there_is_room_again_when_something_goes(self, tmpfs: Tmpfs) -> None:
        (tmpfs.path / "a").write_bytes(bytes(SIZE))
        (tmpfs.path / "a").unlink()
        (tmpfs.path / "b").write_bytes(bytes(SIZE))

    def test_it_grows_and_keeps_what_it_holds(self, tmpfs: Tmpfs) -> None:
        (tmpfs.path / "a").write_bytes(b"x" * SIZE)
        tmpfs.resize(2 * SIZE)
        (tmpfs.path / "b").write_bytes(bytes(SIZE))
        assert b"x" * SIZE == (tmpfs.path / "a").read_bytes()

    def test_files_are_renamed_and_locked_there_as_anywhere(self, tmpfs: Tmpfs) -> None:
        import fcntl

        (tmpfs.path / "new").mkdir()
        with (tmpfs.path / "new" / "journal").open("wb") as journal:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (tmpfs.path / "new").rename(tmpfs.path / "old")
        assert [tmpfs.path / "old"] == [*tmpfs.path.iterdir()]

    def test_nobody_sees_it_at_the_folder_and_afterwards_nobody_at_all(self, folder: Path) -> None:
        with Tmpfs(folder, SIZE) as disk:
            (disk.path / "a").write_bytes(b"x")
            assert [] == [*folder.iterdir()]
            path = disk.path
        assert not path.exists()
        assert [] == [*folder.iterdir()]

    def test_one_that_cannot_be_mounted_says_why(self, folder: Path) -> None:
        with pytest.raises(CannotMount, match=r"no disk can be mounted here: .*No such file"):
            Tmpfs(folder / "missing", SIZE)


class TestFileLimit:
    def test_a_file_of_an_admitted_process_grows_no_further(self, folder: Path, writer: Child) -> None:
        with FileLimit(folder, 1001) as disk:
            assert "file size limit" == disk.kind
            assert "written" == wrote(writer, folder / "before", 5000)
            disk.admit(writer.pid)
            assert "written" == wrote(writer, folder / "a", 1001)
            assert "File too large 1001" == wrote(writer, folder / "b", 1002)
            (folder / "c").write_bytes(bytes(5000))  # for others there is room
            disk.resize(2000)
            assert "written" == wrote(writer, folder / "b", 2000)
            assert "File too large 2000" == wrote(writer, folder / "b", 2001)

    def test_who_has_ended_is_no_trouble(self, folder: Path, writer: Child) -> None:
        with FileLimit(folder, 1000) as disk:
            disk.admit(writer.pid)
            writer.say_no_more()
            writer.end()
            disk.resize(5000)


def test_whoever_may_mount_gets_a_real_disk(folder: Path) -> None:
    with small_disk(folder, SIZE) as disk:
        assert "tmpfs" == disk.kind


def test_whoever_may_not_gets_the_stand_in_and_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(folder: Path, size: int) -> SmallDisk:
        raise CannotMount("not here")

    monkeypatch.setattr(disks_module, "Tmpfs", forbidden)
    with small_disk(folder, SIZE) as disk:
        assert "file size limit" == disk.kind
        assert folder == disk.path
