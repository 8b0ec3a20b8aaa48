"""What the operating system makes of snapshots: rights, other file systems, files that are none, full disks."""

from __future__ import annotations

import errno
import os
import random
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from hubport.adapters.os_filesystem import OsFilesystem
from hubport.app.delivery.checkpoint_file import fault_of
from hubport.domain.ports.filesystem import FileKind
from tests.integration.adapters.child_process import output

SIZES = [0, 1, 100, 8191, 8192, 8193, 131_073, 5_000_001]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system, where no kernel clones a file to ours."""
    memory = Path("/dev/shm")  # noqa: S108 - the file system that every Linux has beside its disks
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def written(path: Path, size: int) -> bytes:
    content = random.Random(size).randbytes(size)
    path.write_bytes(content)
    return content


def test_what_is_no_regular_file_is_told_without_being_opened(tmp_path: Path) -> None:
    """Opening a pipe waits for somebody to write; a link is what it leads to."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "around").symlink_to(tmp_path / "around")
    (tmp_path / "link").symlink_to(tmp_path)
    kinds = {name: OsFilesystem().kind(str(tmp_path / name)) for name in ("pipe", "dangling", "around", "link")}

    assert {
        "pipe": FileKind.SPECIAL,
        "dangling": FileKind.MISSING,
        "around": FileKind.MISSING,
        "link": FileKind.FOLDER,
    } == kinds
    assert FileKind.SPECIAL is OsFilesystem().kind(os.devnull)
    assert "it is no regular file, but a pipe, a socket or a device" == fault_of(OsFilesystem(), str(tmp_path / "pipe"))


def test_what_nobody_may_read_is_no_checkpoint(tmp_path: Path) -> None:
    class Locked(OsFilesystem):
        def open(self, path: str) -> BinaryIO:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    (tmp_path / "last.pt").write_bytes(b"weights")

    assert fault_of(OsFilesystem(), str(tmp_path / "last.pt")) is None
    assert "it cannot be read: Permission denied" == fault_of(Locked(), str(tmp_path / "last.pt"))


@pytest.mark.parametrize("size", SIZES)
def test_a_snapshot_across_file_systems_is_whole(tmp_path: Path, elsewhere: Path, size: int) -> None:
    content = written(elsewhere / "last.pt", size)

    copied = OsFilesystem().snapshot(str(elsewhere / "last.pt"), str(tmp_path / "copy"))

    assert size == copied
    assert content == (tmp_path / "copy").read_bytes()


@pytest.mark.parametrize("size", SIZES)
def test_a_snapshot_is_whole_where_the_kernel_does_not_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """As on macOS."""
    monkeypatch.delattr(os, "copy_file_range", raising=False)
    content = written(tmp_path / "last.pt", size)

    copied = OsFilesystem().snapshot(str(tmp_path / "last.pt"), str(tmp_path / "copy"))

    assert size == copied
    assert content == (tmp_path / "copy").read_bytes()


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="there is no /proc here")
def test_a_snapshot_of_a_file_that_hides_its_size_is_whole(tmp_path: Path) -> None:
    """Some file systems announce zero bytes, and their files have more; some kernels copy nothing of those."""
    copied = OsFilesystem().snapshot("/proc/version", str(tmp_path / "copy"))

    assert Path("/proc/version").read_bytes() == (tmp_path / "copy").read_bytes()
    assert copied == (tmp_path / "copy").stat().st_size


@pytest.mark.parametrize("mode", [0o644, 0o777, 0o600])
def test_a_snapshot_is_for_this_user_alone(tmp_path: Path, mode: int) -> None:
    source, target = tmp_path / "last.pt", tmp_path / "copy"
    source.write_bytes(b"weights")
    source.chmod(mode)
    before = os.umask(0)
    try:
        OsFilesystem().snapshot(str(source), str(target))
    finally:
        os.umask(before)

    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_file_that_can_only_be_read_has_a_snapshot_that_can_be_removed(tmp_path: Path) -> None:
    source, target = tmp_path / "last.pt", tmp_path / "copy"
    source.write_bytes(b"weights")
    source.chmod(0o400)

    OsFilesystem().snapshot(str(source), str(target))
    OsFilesystem().remove(str(target))

    assert not target.exists()
    assert source.read_bytes() == b"weights"


def test_a_link_is_followed(tmp_path: Path) -> None:
    """Trainers point last.pt at the newest file: what it pointed at then is what is kept."""
    (tmp_path / "epoch1.pt").write_bytes(b"one")
    (tmp_path / "last.pt").symlink_to("epoch1.pt")
    files = OsFilesystem()

    assert files.size(str(tmp_path / "last.pt")) == 3
    files.snapshot(str(tmp_path / "last.pt"), str(tmp_path / "copy"))
    (tmp_path / "last.pt").unlink()
    (tmp_path / "epoch1.pt").write_bytes(b"two")

    assert not (tmp_path / "copy").is_symlink()
    assert (tmp_path / "copy").read_bytes() == b"one"


def test_a_link_that_leads_nowhere_is_no_file_and_no_target(tmp_path: Path) -> None:
    (tmp_path / "last.pt").symlink_to("missing")
    (tmp_path / "weights").write_bytes(b"weights")
    files = OsFilesystem()

    assert files.size(str(tmp_path / "last.pt")) is None
    with pytest.raises(FileNotFoundError):
        files.open(str(tmp_path / "last.pt"))
    with pytest.raises(FileExistsError):
        files.snapshot(str(tmp_path / "weights"), str(tmp_path / "last.pt"))
    assert (tmp_path / "last.pt").is_symlink()


def test_what_is_no_regular_file_has_no_size(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert OsFilesystem().size(str(tmp_path / "pipe")) is None
    assert OsFilesystem().size(os.devnull) is None


def test_a_folder_has_no_snapshot(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    with pytest.raises(IsADirectoryError):
        OsFilesystem().snapshot(str(tmp_path / "folder"), str(tmp_path / "copy"))

    assert not (tmp_path / "copy").exists()


def test_a_target_in_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"weights")

    with pytest.raises(FileNotFoundError):
        OsFilesystem().snapshot(str(tmp_path / "last.pt"), str(tmp_path / "missing" / "copy"))
    with pytest.raises(NotADirectoryError):
        OsFilesystem().snapshot(str(tmp_path / "last.pt"), str(tmp_path / "last.pt" / "copy"))

    assert (tmp_path / "last.pt").read_bytes() == b"weights"


def test_removing_something_else_than_a_file_is_an_error(tmp_path: Path) -> None:
    """Only what is not there is silently no more."""
    (tmp_path / "folder").mkdir()

    with pytest.raises(OSError):  # noqa: PT011 - which one differs between systems
        OsFilesystem().remove(str(tmp_path / "folder"))

    assert (tmp_path / "folder").is_dir()


FULL_DISK = """
    import os, resource, signal, sys
    from hubport.adapters.os_filesystem import OsFilesystem

    source, target = sys.argv[1:]
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        OsFilesystem().snapshot(source, target)
    except OSError as exc:
        print(exc.strerror, os.path.exists(target))
"""


@pytest.mark.parametrize("size", [100_001, 50_000_000])
def test_a_snapshot_for_which_there_is_no_room_leaves_nothing(tmp_path: Path, elsewhere: Path, size: int) -> None:
    """By cloning, by the kernel's copy, or through memory: whole or not there."""
    for number, folder in enumerate((tmp_path, elsewhere)):
        written(folder / "last.pt", size)

        assert output(FULL_DISK, folder / "last.pt", tmp_path / f"copy{number}") == "File too large False\n"
        assert not (tmp_path / f"copy{number}").exists()


def test_a_snapshot_of_a_large_file_needs_no_memory_to_speak_of(tmp_path: Path, elsewhere: Path) -> None:
    with (elsewhere / "last.pt").open("wb") as file:
        file.truncate(256 << 20)

    code = """
        import resource, sys
        from hubport.adapters.os_filesystem import OsFilesystem

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = OsFilesystem().snapshot(*sys.argv[1:])
        print(size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    size, grown_kib = output(code, elsewhere / "last.pt", tmp_path / "copy").split()

    assert int(size) == 256 << 20
    assert int(grown_kib) < 64 << 10
