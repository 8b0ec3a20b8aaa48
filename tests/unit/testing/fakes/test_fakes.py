"""What the fakes can do beyond their ports: small disks, deaths, and no thread to set a handler in."""

from __future__ import annotations

import errno
import gc
import signal
from pathlib import Path

import pytest

from hubport.testing import FakeFilesystem, FakeOutbox, FakeSignals

MODEL = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"


class TestFakeFilesystem:
    def test_a_full_disk_takes_no_snapshot(self) -> None:
        files = FakeFilesystem({"last.pt": b"x" * 60}, capacity=100)

        with pytest.raises(OSError, match="no space left") as caught:
            files.snapshot("last.pt", "copy")

        assert caught.value.errno == errno.ENOSPC
        assert list(files.files) == ["last.pt"]

    def test_a_disk_with_room_takes_one(self) -> None:
        files = FakeFilesystem({"last.pt": b"x" * 50}, capacity=100)

        assert files.snapshot("last.pt", "copy") == 50

    def test_its_files_are_not_those_it_was_given(self) -> None:
        given = {"last.pt": b"one"}
        files = FakeFilesystem(given)
        files.remove("last.pt")

        assert given == {"last.pt": b"one"}


class TestFakeOutbox:
    def test_a_full_outbox_takes_no_line(self) -> None:
        spool = FakeOutbox(capacity=8).open(MODEL)
        spool.append(b"one\n")

        with pytest.raises(OSError, match="no space left") as caught:
            spool.append(b"three\n")

        assert caught.value.errno == errno.ENOSPC
        spool.append(b"two\n")
        assert spool.read(0, 100) == b"one\ntwo\n"

    def test_a_crash_leaves_everything_over(self) -> None:
        outbox = FakeOutbox()
        first, second = outbox.open(MODEL), outbox.open(MODEL)
        first.append(b"one\n")
        assert outbox.claim_orphans(MODEL) == []

        outbox.crash()

        assert outbox.claim_orphans(MODEL) == [first, second]
        assert outbox.claim_orphans(MODEL) == []
        assert first.read(0, 100) == b"one\n"

    def test_a_test_may_damage_a_journal(self) -> None:
        outbox = FakeOutbox()
        spool = outbox.open(MODEL)
        spool.append(b"one\n")

        outbox.spools[0].journal += b"half a li"

        assert spool.read(0, 100) == b"one\nhalf a li"

    def test_its_folders_go_with_it(self) -> None:
        """Without a warning: a test may forget it."""
        outbox = FakeOutbox()
        spool = outbox.open(MODEL)
        folder = Path(spool.folder)
        (folder / "1-last.pt").write_bytes(b"weights")
        assert folder.is_dir()

        del outbox, spool
        gc.collect()

        assert not folder.exists()


class TestFakeSignals:
    def test_where_handlers_cannot_be_set_nobody_watches(self) -> None:
        signals = FakeSignals(settable=False)

        assert signals.watch(lambda _: None) is None
        signals.raise_signal(signal.SIGINT)
        assert signals.passed_on == [signal.SIGINT]

    def test_a_signal_is_sigterm_when_nothing_is_said(self) -> None:
        signals = FakeSignals()
        signals.raise_signal()

        assert signals.passed_on == [signal.SIGTERM]
