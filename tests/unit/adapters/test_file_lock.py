"""One lock for the processes of a machine, for which nobody waits for ever."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from hubport.adapters.file_lock import file_lock
from hubport.testing import FakeClock


def is_locked(path: Path) -> bool:
    """Whether an open file of its own, as another process has it, cannot have the lock."""
    fd = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def test_the_block_has_it_and_gives_it_back(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with file_lock(path, FakeClock()):
        assert is_locked(path)
    assert not is_locked(path)


def test_who_cannot_have_it_goes_on_without_it_at_the_end(tmp_path: Path) -> None:
    path, clock = tmp_path / "lock", FakeClock()
    with file_lock(path, clock):
        started = clock.now()
        with file_lock(path, clock, timeout=10.0):
            assert 10.0 <= clock.now() - started < 11.0


@pytest.mark.parametrize("place", ["missing/lock", "link", "."])
def test_a_file_that_cannot_be_made_stops_nobody(tmp_path: Path, place: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with file_lock(tmp_path / place, FakeClock()):
        pass
    assert not (tmp_path / "elsewhere").exists()
