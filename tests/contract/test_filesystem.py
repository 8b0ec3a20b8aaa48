"""Every file system, under one contract."""

import pathlib

import pytest

from hubport.adapters.os_filesystem import OsFilesystem
from hubport.domain.ports.filesystem import Filesystem
from hubport.testing import FakeFilesystem
from hubport.testing.contracts import FilesystemContract


class TestOsFilesystem(FilesystemContract):
    @pytest.fixture
    def filesystem(self) -> Filesystem:
        return OsFilesystem()

    @pytest.fixture
    def folder(self, tmp_path: pathlib.Path) -> str:
        return str(tmp_path)


class TestFakeFilesystem(FilesystemContract):
    @pytest.fixture
    def filesystem(self) -> Filesystem:
        return FakeFilesystem()

    @pytest.fixture
    def folder(self) -> str:
        return "/in/memory"

    def write(self, filesystem: Filesystem, path: str, content: bytes) -> None:
        assert isinstance(filesystem, FakeFilesystem)
        filesystem.files[path] = content
