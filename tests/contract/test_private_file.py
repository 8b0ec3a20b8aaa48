"""All private files, under one contract, and what a real one refuses."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from hubport.adapters.os_private_file import OsPrivateFile
from hubport.domain.ports.private_file import NotPrivate, PrivateFile
from hubport.testing import FakePrivateFile
from hubport.testing.contracts import PrivateFileContract


class TestOsPrivateFile(PrivateFileContract):
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "config" / "hubport" / "login.json"

    @pytest.fixture
    def private_file(self, path: Path) -> PrivateFile:
        return OsPrivateFile(path)

    @pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
    def test_this_user_alone_can_read_it(self, path: Path, private_file: PrivateFile, umask: int) -> None:
        path.parent.parent.mkdir()
        before = os.umask(umask & 0o077)
        try:
            private_file.write(b"data")
        finally:
            os.umask(before)
        assert (0o700, 0o600) == (stat.S_IMODE(path.parent.stat().st_mode), stat.S_IMODE(path.stat().st_mode))
        assert ["login.json"] == [left.name for left in path.parent.iterdir()]

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o777])
    def test_one_that_others_can_open_is_not_read_and_is_private_when_written_again(
        self, path: Path, private_file: PrivateFile, mode: int
    ) -> None:
        private_file.write(b"data")
        path.chmod(mode)

        with pytest.raises(NotPrivate, match=f"chmod 600 {path}"):
            private_file.read()

        private_file.write(b"new")
        assert b"new" == private_file.read()

    @pytest.mark.skipif(os.geteuid() != 0, reason="root alone can make a file of another user")
    def test_another_users_file_is_not_read(self, path: Path, private_file: PrivateFile) -> None:
        private_file.write(b"data")
        os.chown(path, 12345, -1)

        with pytest.raises(NotPrivate, match="another user"):
            private_file.read()

    def test_what_is_no_file_is_neither_replaced_nor_removed(self, path: Path, private_file: PrivateFile) -> None:
        """`HUBPORT_CONFIG_FILE=/dev/null` names no file; root's logout must leave the device to everybody else."""
        path.parent.mkdir(parents=True)
        os.mkfifo(path)
        for call in (lambda: private_file.write(b"data"), private_file.remove):
            with pytest.raises(OSError, match="no regular file"):
                call()
        assert stat.S_ISFIFO(path.stat().st_mode)
        assert ["login.json"] == [left.name for left in path.parent.iterdir()]
        assert not OsPrivateFile(os.devnull).remove()
        with pytest.raises(OSError, match="no regular file"):
            OsPrivateFile(os.devnull).write(b"data")
        assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)

    @pytest.mark.parametrize("is_there", [True, False], ids=["to a file", "to nothing"])
    def test_a_link_in_its_place_is_not_written_through(
        self, path: Path, private_file: PrivateFile, *, is_there: bool
    ) -> None:
        elsewhere = path.parent.parent / "elsewhere"
        path.parent.mkdir(parents=True)
        if is_there:
            elsewhere.write_bytes(b"of somebody else")
        path.symlink_to(elsewhere)

        with pytest.raises(NotPrivate, match="symbolic link"):
            private_file.write(b"data")

        assert path.is_symlink()
        assert is_there == elsewhere.exists()
        assert not is_there or b"of somebody else" == elsewhere.read_bytes()

    def test_a_link_to_a_private_file_may_be_read(self, path: Path, private_file: PrivateFile) -> None:
        """As people make them who keep their settings in one folder."""
        mine = OsPrivateFile(path.parent.parent / "dotfiles" / "login.json")
        mine.write(b"data")
        path.parent.mkdir()
        path.symlink_to(mine.location)

        assert b"data" == private_file.read()

    def test_what_is_no_file_is_an_error_and_no_wait(self, path: Path, private_file: PrivateFile) -> None:
        path.parent.mkdir(parents=True)
        os.mkfifo(path, 0o600)

        with pytest.raises(OSError, match="no regular file"):
            private_file.read()

        path.unlink()
        path.mkdir()
        with pytest.raises(OSError, match=r"directory|no regular file"):
            private_file.read()

    def test_a_folder_above_it_that_is_a_file_is_no_login(self, path: Path, private_file: PrivateFile) -> None:
        path.parent.parent.mkdir()
        path.parent.write_bytes(b"")

        assert private_file.read() is None
        assert private_file.remove() is False
        with pytest.raises(FileExistsError):
            private_file.write(b"data")

    def test_a_write_that_fails_leaves_the_old_and_nothing_else(self, path: Path, private_file: PrivateFile) -> None:
        path.mkdir(parents=True)  # the one thing that cannot be replaced by a file, also for root

        with pytest.raises(OSError, match="directory"):
            private_file.write(b"data")

        assert ["login.json"] == [left.name for left in path.parent.iterdir()]

    def test_the_null_device_is_no_file(self) -> None:
        assert OsPrivateFile(os.devnull).read() is None


class TestFakePrivateFile(PrivateFileContract):
    @pytest.fixture
    def private_file(self) -> PrivateFile:
        return FakePrivateFile()
