"""Kill -9 in the middle of a draft and around its keeping: nothing half is visible, nothing acknowledged is lost.

``HUBPORT_KILL_ROUNDS`` makes it a longer run, ``HUBPORT_KILL_SEED`` another one. What a power cut takes no test shows
here: for that, test_blobs_folder.py looks at what is forced to the disk, and in which order.
"""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from hubport.adapters.folder_blobs import FolderBlobs
from tests.integration.adapters.child_process import program, unmeasured
from tests.s3_server import a_bucket

ROUNDS = max(int(os.environ.get("HUBPORT_KILL_ROUNDS", "200")) // 8, 1)
SEED = os.environ.get("HUBPORT_KILL_SEED", "hubport")
NAMES = 3

#: Keeps one blob after the other under a few names, and says each step. Whoever reads a blob sees whether it is whole.
KEEPER = """
    import itertools, sys
    from hubport.adapters.folder_blobs import FolderBlobs

    blobs = FolderBlobs(sys.argv[1])
    for number in itertools.count(int(sys.argv[2])):
        pending = blobs.create()
        print("begun", number, flush=True)
        for piece in range(20):
            pending.write(b"%08d" % number * (number % 1000))
        print("written", number, flush=True)
        pending.commit(f"token{number % 3}/model.pt")
        print("kept", number, flush=True)
"""


def number_in(content: bytes) -> int:
    """Of the blob, which must be whole."""
    number = int(content[:8])
    assert b"%08d" % number * (number % 1000) * 20 == content
    return number


def test_kills_leave_whole_blobs_and_all_that_were_acknowledged(tmp_path: Path) -> None:
    folder = tmp_path / "blobs"
    kept = dict.fromkeys(range(NAMES), 0)
    first, half_files = 1, 0
    for round_ in range(ROUNDS):
        chance = random.Random(f"{SEED} {round_}")
        with program(KEEPER, folder, first, **unmeasured()) as child:
            told = [child.line() for _ in range(chance.randint(1, 60))]
            assert -signal.SIGKILL == child.kill()
            told += child.rest()
        begun = first
        for line in told:
            step, number = line.split()
            begun = max(begun, int(number))
            if step == "kept":
                kept[int(number) % NAMES] = int(number)

        blobs = FolderBlobs(folder)
        for which, acknowledged in kept.items():
            reader = blobs.open(f"token{which}/model.pt")
            if reader is None:
                assert 0 == acknowledged
                continue
            with reader:
                found = number_in(reader.read())
            assert found % NAMES == which
            assert acknowledged <= found <= begun + 1
            kept[which] = found

        left = list((folder / "incoming").iterdir())
        assert len(left) <= 1
        half_files += len(left)
        assert 0 == blobs.sweep(lambda _: True, older_than=3600)
        assert len(left) == blobs.sweep(lambda _: True, older_than=0)
        assert [] == list((folder / "incoming").iterdir())
        first = begun + 2
    assert half_files > 0  # or no kill has met a draft, and this has tried nothing


@pytest.mark.parametrize("step", ["begun", "written"])
def test_a_kill_before_keeping_leaves_what_was_there(tmp_path: Path, step: str) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    pending = blobs.create()
    pending.write(b"there")
    pending.commit("token/model.pt")
    with program(
        """
        import sys
        from hubport.adapters.folder_blobs import FolderBlobs
        pending = FolderBlobs(sys.argv[1]).create()
        if sys.argv[2] == "written":
            pending.write(b"x" * 1_000_000)
        print("ready", flush=True)
        sys.stdin.read()
        """,
        tmp_path / "blobs",
        step,
    ) as child:
        assert child.line() == "ready"
        child.kill()

    reader = blobs.open("token/model.pt")
    assert reader is not None
    with reader:
        assert reader.read() == b"there"
    assert 1 == blobs.sweep(lambda _: True, older_than=0)


def test_a_kill_leaves_nothing_in_the_spool_of_a_bucket(tmp_path: Path) -> None:
    with a_bucket() as bucket:
        with program(
            """
            import sys
            from hubport.adapters.s3_blobs import S3Blobs
            pending = S3Blobs(sys.argv[1], spool=sys.argv[2]).create()
            pending.write(b"x" * 1_000_000)
            print("ready", flush=True)
            sys.stdin.read()
            """,
            bucket.url("hub"),
            tmp_path / "spool",
        ) as child:
            assert child.line() == "ready"
            child.kill()

        assert [] == list((tmp_path / "spool").iterdir())
        assert [] == bucket.keys()
