"""What only a folder can get wrong: who may read it, links, the disk, the order of what is forced to it."""

from __future__ import annotations

import errno
import gc
import os
import stat
import time
from pathlib import Path

import pytest

from hubport.adapters.folder_blobs import FolderBlobs
from hubport.domain.hub.ports.blobs import PendingBlob
from hubport.testing.lab.disks.small_disk import CannotMount, Tmpfs
from tests.integration.adapters.child_process import output, unmeasured

NAME = "token/model-best.pt"
HOUR = 3600.0
IN_THE_WAY = r"take it away|a link is in the way"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def blobs(folder: Path) -> FolderBlobs:
    return FolderBlobs(folder)


def written(blobs: FolderBlobs, content: bytes) -> PendingBlob:
    pending = blobs.create()
    pending.write(content)
    return pending


def content(blobs: FolderBlobs, name: str = NAME) -> bytes | None:
    reader = blobs.open(name)
    if reader is None:
        return None
    with reader:
        return reader.read()


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if not path.is_dir())


def pending_blobs(folder: Path) -> list[Path]:
    return sorted((folder / "incoming").iterdir())


def make_old(path: Path, seconds: float = 2 * HOUR) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then), follow_symlinks=False)


# Who may read it, and where it lies.


def test_nobody_else_may_look(blobs: FolderBlobs, folder: Path) -> None:
    before = os.umask(0)
    try:
        blobs = FolderBlobs(folder.with_name("bare"))
        written(blobs, b"kept").commit(NAME)
        pending = written(blobs, b"draft")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.lstat().st_mode) for path in folder.with_name("bare").rglob("*") if path.is_dir()}
    assert {0o700} == modes | {stat.S_IMODE(folder.with_name("bare").stat().st_mode)}
    assert [0o600, 0o600] == [stat.S_IMODE(path.stat().st_mode) for path in files(folder.with_name("bare"))]
    pending.discard()


def test_blobs_spread_over_folders(blobs: FolderBlobs, folder: Path) -> None:
    for number in range(100):
        written(blobs, b"").commit(f"token{number}/model.pt")

    assert 100 == len(files(folder / "kept"))
    assert max(len(list(bucket.iterdir())) for bucket in (folder / "kept").iterdir()) < 10


def test_what_another_object_keeps_is_there(blobs: FolderBlobs, folder: Path) -> None:
    written(blobs, b"kept").commit(NAME)

    assert b"kept" == content(FolderBlobs(folder))


@pytest.mark.parametrize(
    "name", ["", "token", "../model.pt", "token/../../model.pt", "/etc/x", "token/.x", "-t/x", "t/x\n"]
)
def test_no_name_leads_out_of_the_folder(blobs: FolderBlobs, folder: Path, name: str) -> None:
    before = files(folder.parent)
    with pytest.raises(OSError, match="no name for a blob") as caught:
        written(blobs, b"content").commit(name)

    assert errno.EINVAL == caught.value.errno
    assert before == files(folder.parent)


def test_a_name_is_as_long_as_a_file_may_be(blobs: FolderBlobs) -> None:
    longest = "token/" + "x" * 249
    written(blobs, b"kept").commit(longest)

    assert b"kept" == content(blobs, longest)
    with pytest.raises(OSError, match="no name for a blob"):
        blobs.create().commit(longest + "x")
    assert content(blobs, longest + "x") is None


# Links and pipes that somebody has planted.


def test_a_link_in_place_of_a_blob_is_not_followed(blobs: FolderBlobs, folder: Path) -> None:
    outside = folder.with_name("secret")
    outside.write_bytes(b"secret")
    written(blobs, b"kept").commit(NAME)
    (kept,) = files(folder)
    kept.unlink()
    kept.symlink_to(outside)

    with pytest.raises(OSError, match="a link is in the way"):
        blobs.open(NAME)
    written(blobs, b"new").commit(NAME)
    assert (b"new", b"secret") == (content(blobs), outside.read_bytes())


@pytest.mark.parametrize("which", ["incoming", "kept", "bucket"])
def test_a_link_in_place_of_a_folder_is_not_followed(blobs: FolderBlobs, folder: Path, which: str) -> None:
    written(blobs, b"kept").commit(NAME)
    (kept,) = files(folder)
    replaced = kept.parent if which == "bucket" else folder / which
    outside = folder.with_name("outside")
    replaced.rename(outside)
    before = {path: path.read_bytes() for path in files(outside)}
    replaced.symlink_to(outside)

    with pytest.raises(OSError, match=IN_THE_WAY):
        written(blobs, b"new").commit(NAME)
    if which != "incoming":
        with pytest.raises(OSError, match=IN_THE_WAY):
            blobs.open(NAME)
        with pytest.raises(OSError, match=IN_THE_WAY):
            blobs.delete(NAME)
    with pytest.raises(OSError, match=IN_THE_WAY):
        blobs.sweep(lambda _: False, older_than=0)
    assert before == {path: path.read_bytes() for path in files(outside)}


def test_the_folder_itself_may_be_a_link(folder: Path) -> None:
    elsewhere = folder.with_name("a-large-disk")
    elsewhere.mkdir()
    folder.symlink_to(elsewhere)
    blobs = FolderBlobs(folder)
    written(blobs, b"kept").commit(NAME)

    assert b"kept" == content(blobs)
    assert 1 == len(files(elsewhere))


def test_a_pipe_in_place_of_a_blob_holds_nobody(blobs: FolderBlobs, folder: Path) -> None:
    written(blobs, b"kept").commit(NAME)
    (kept,) = files(folder)
    kept.unlink()
    os.mkfifo(kept)

    assert blobs.open(NAME) is None


# The disk.


def test_the_content_is_on_the_disk_before_it_has_its_name(
    blobs: FolderBlobs, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, os.rename

    def seen_fsync(fd: int) -> None:
        fsync(fd)
        done.append(Path(f"/proc/self/fd/{fd}").readlink().relative_to(folder).parts[0])

    def seen_rename(source: str, target: str, **folders: int) -> None:
        rename(source, target, **folders)
        done.append("renamed")
        monkeypatch.setattr(os, "fsync", after_rename)

    def after_rename(fd: int) -> None:
        fsync(fd)
        parts = Path(f"/proc/self/fd/{fd}").readlink().relative_to(folder).parts
        done.append(f"{parts[0]}/bucket" if len(parts) == 2 else parts[0])

    pending = written(blobs, b"content")
    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "rename", seen_rename)
    pending.commit(NAME)

    assert ["incoming", "kept", "renamed", "kept/bucket"] == done


def test_a_disk_that_fails_to_write_leaves_what_was_there(
    blobs: FolderBlobs, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(blobs, b"first").commit(NAME)
    pending = written(blobs, b"second")

    def fails(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises(OSError, match="the disk fails") as caught:
            pending.commit(NAME)

    assert (errno.EIO, str(folder)) == (caught.value.errno, caught.value.filename)
    with pytest.raises(OSError, match="over"):  # the kernel may have forgotten what it could not write
        pending.commit(NAME)
    assert (b"first", []) == (content(blobs), pending_blobs(folder))


def test_a_full_disk_says_which_and_gets_its_room_back(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    try:
        disk = Tmpfs(tmp_path / "small", 1 << 20)
    except CannotMount as exc:
        pytest.skip(f"no small disk here: {exc}")
    with disk:
        blobs = FolderBlobs(disk.path)
        written(blobs, b"first").commit(NAME)
        pending = written(blobs, b"x" * 500_000)
        with pytest.raises(OSError, match="the disk is full: make room there") as caught:
            pending.write(b"x" * 1_000_000)
        assert (errno.ENOSPC, str(disk.path)) == (caught.value.errno, caught.value.filename)
        with pytest.raises(OSError, match="over"):
            pending.commit(NAME)

        assert (b"first", []) == (content(blobs), pending_blobs(disk.path))
        written(blobs, b"x" * 800_000).commit(NAME)
        assert b"x" * 800_000 == content(blobs)


def test_a_disk_that_is_not_mounted_is_no_missing_blob(blobs: FolderBlobs, folder: Path) -> None:
    written(blobs, b"kept").commit(NAME)
    folder.rename(folder.with_name("unmounted"))
    folder.mkdir()

    for call in (lambda: blobs.open(NAME), lambda: blobs.delete(NAME), blobs.create):
        with pytest.raises(FileNotFoundError, match="not mounted"):
            call()
    with pytest.raises(FileNotFoundError, match="not mounted"):
        blobs.sweep(lambda _: False, older_than=0)


def test_something_else_in_the_way_is_said_at_the_start(folder: Path) -> None:
    folder.write_bytes(b"a file")
    with pytest.raises(OSError, match="something else is where a folder should be"):
        FolderBlobs(folder)


# Drafts that nobody ends.


def test_a_forgotten_draft_takes_its_file_with_it(blobs: FolderBlobs, folder: Path) -> None:
    pending = written(blobs, b"forgotten")
    (file,) = pending_blobs(folder)
    opened = [link for link in Path("/proc/self/fd").iterdir() if link.exists() and link.samefile(file)]
    assert 1 == len(opened)
    del pending
    gc.collect()

    assert [] == pending_blobs(folder)
    assert not opened[0].is_symlink() or str(file) not in str(opened[0].readlink())


def test_a_forked_child_ends_no_draft_of_its_parent(folder: Path) -> None:
    said = output(
        """
        import gc, os, sys
        from hubport.adapters.folder_blobs import FolderBlobs
        blobs = FolderBlobs(sys.argv[1])
        pending = blobs.create()
        pending.write(b"whole")
        if not (child := os.fork()):
            pending.discard()
            del pending
            gc.collect()
            sys.exit()  # with all that runs at the end
        os.waitpid(child, 0)
        pending.commit("token/model.pt")
        with blobs.open("token/model.pt") as reader:
            print(reader.read())
        left = blobs.create()  # a process that ends takes its drafts with it
        """,
        folder,
        **unmeasured(),
    )

    assert said == "b'whole'\n"
    assert [] == pending_blobs(folder)


# Sweeping by age.


def test_a_sweep_takes_old_drafts_and_leaves_those_that_are_written(blobs: FolderBlobs, folder: Path) -> None:
    abandoned = written(blobs, b"abandoned")
    (old,) = pending_blobs(folder)
    slow = written(blobs, b"slow ")
    for path in pending_blobs(folder):
        make_old(path)
    slow.write(b"client")

    assert 1 == blobs.sweep(lambda _: True, older_than=HOUR)
    assert not old.exists()
    slow.commit(NAME)
    assert b"slow client" == content(blobs)
    with pytest.raises(FileNotFoundError, match="somebody has removed it"):
        abandoned.commit("token/abandoned.pt")
    assert content(blobs, "token/abandoned.pt") is None


def test_a_sweep_takes_old_blobs_that_nobody_wants(blobs: FolderBlobs, folder: Path) -> None:
    for name in ("token/wanted.pt", "token/stray.pt"):
        written(blobs, name.encode()).commit(name)
    for path in files(folder):
        make_old(path)
    written(blobs, b"young").commit("token/young.pt")

    assert 1 == blobs.sweep(lambda name: name == "token/wanted.pt", older_than=HOUR)
    assert content(blobs, "token/stray.pt") is None
    assert [b"token/wanted.pt", b"young"] == [content(blobs, "token/wanted.pt"), content(blobs, "token/young.pt")]


def test_the_age_of_a_blob_begins_when_it_is_kept(blobs: FolderBlobs, folder: Path) -> None:
    pending = written(blobs, b"its client was silent for long, and then said: that was all")
    make_old(pending_blobs(folder)[0])
    pending.commit(NAME)

    assert 0 == blobs.sweep(lambda _: False, older_than=HOUR)


def test_a_blob_that_is_replaced_while_the_sweep_asks_stays(blobs: FolderBlobs, folder: Path) -> None:
    written(blobs, b"old").commit(NAME)
    make_old(files(folder)[0])

    def asked(name: str) -> bool:
        written(blobs, b"new").commit(name)
        return False

    assert 0 == blobs.sweep(asked, older_than=HOUR)
    assert b"new" == content(blobs)


def test_an_error_of_whoever_is_asked_comes_out_as_it_is(blobs: FolderBlobs, folder: Path) -> None:
    written(blobs, b"kept").commit(NAME)

    def asked(name: str) -> bool:
        raise ConnectionResetError("the database is gone")

    with pytest.raises(ConnectionResetError, match="the database is gone"):
        blobs.sweep(asked, older_than=0)
    assert b"kept" == content(blobs)


def test_a_sweep_leaves_what_is_not_ours(blobs: FolderBlobs, folder: Path) -> None:
    written(blobs, b"kept").commit(NAME)
    (kept,) = files(folder)
    foreign = [kept.with_name("README"), folder / "kept" / "notes", folder / "incoming" / "lost+found"]
    for path in foreign:
        path.write_bytes(b"of somebody else")
        make_old(path)

    assert 1 == blobs.sweep(lambda _: False, older_than=0)
    assert sorted(foreign) == files(folder)
