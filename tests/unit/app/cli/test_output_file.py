"""What a user has named is written whole, or stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hubport.app.cli.output_file import write_whole


def others(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_new_file_is_written(tmp_path: Path) -> None:
    write_whole(tmp_path / "new", b"content")

    assert b"content" == (tmp_path / "new").read_bytes()
    assert ["new"] == others(tmp_path)


def test_what_was_there_is_replaced_and_its_permissions_stay(tmp_path: Path) -> None:
    file = tmp_path / "old"
    file.write_bytes(b"a longer content")
    file.chmod(0o600)
    write_whole(file, b"content")

    assert (b"content", 0o600) == (file.read_bytes(), file.stat().st_mode & 0o777)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_leads_to_what_is_written(tmp_path: Path, *, is_there: bool) -> None:
    file, link, second = tmp_path / "file", tmp_path / "link", tmp_path / "second"
    if is_there:
        file.write_bytes(b"old")
    link.symlink_to("file")
    second.symlink_to(link)
    write_whole(second, b"content")

    assert (b"content", "file") == (file.read_bytes(), str(link.readlink()))
    assert ["file", "link", "second"] == others(tmp_path)


def test_a_link_to_itself_is_an_error(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("link")
    with pytest.raises(OSError, match="symbolic links") as raised:
        write_whole(link, b"content")
    assert str(link) == raised.value.filename


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as raised:
        write_whole(tmp_path, b"content")
    assert str(tmp_path) == raised.value.filename


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "old"
    file.write_bytes(b"old")
    (tmp_path / f".old.{os.getpid()}").mkdir()  # in the way
    with pytest.raises(OSError, match="directory") as raised:
        write_whole(file, b"content")

    assert (b"old", str(file)) == (file.read_bytes(), raised.value.filename)


def test_a_file_that_a_process_has_open_is_written_to(tmp_path: Path) -> None:
    with (tmp_path / "open").open("wb") as open_file:
        write_whole(Path(f"/dev/fd/{open_file.fileno()}"), b"content")

    assert b"content" == (tmp_path / "open").read_bytes()
