"""A checkpoint's size does not matter to the memory of whoever receives or gives it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.adapters.child_process import output, unmeasured
from tests.s3_server import a_bucket

LIMIT_KIB = 16 << 10

RECEIVE_AND_GIVE = """
    import sys

    def memory(field):
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field))

    def keep(blobs, size):
        pending, piece = blobs.create(), bytes(1 << 18)
        for _ in range(size // len(piece)):
            pending.write(piece)
        return pending.commit("token/model.pt").size

    def give(blobs):
        size = 0
        with blobs.open("token/model.pt", start=1) as reader:
            while piece := reader.read(1 << 18):
                size += len(piece)
        return size

    def grown(work, *arguments):
        with open("/proc/self/clear_refs", "w") as marks:
            marks.write("5")  # a process begins with the high-water mark of the one that started it
        before = memory("VmRSS")
        return work(*arguments), memory("VmHWM") - before

    def measure(blobs, small, size):
        keep(blobs, small), give(blobs)  # whatever is loaded at first is no part of it
        print(*grown(keep, blobs, size), *grown(give, blobs))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the kernel tells nowhere else")
def test_a_quarter_gigabyte_in_a_folder_needs_no_memory_to_speak_of(tmp_path: Path) -> None:
    code = (
        RECEIVE_AND_GIVE
        + """
    from hubport.adapters.folder_blobs import FolderBlobs
    measure(FolderBlobs(sys.argv[1]), 1 << 20, 256 << 20)
    """
    )
    kept, kept_kib, given, given_kib = map(int, output(code, tmp_path / "blobs", **unmeasured()).split())

    assert (256 << 20, (256 << 20) - 1) == (kept, given)
    assert kept_kib < LIMIT_KIB
    assert given_kib < LIMIT_KIB


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the kernel tells nowhere else")
@pytest.mark.parametrize("part_size", [8 << 20, 64 << 20], ids=["in parts", "at once"])
def test_64_mib_in_a_bucket_need_no_memory_to_speak_of(tmp_path: Path, part_size: int) -> None:
    code = (
        RECEIVE_AND_GIVE
        + """
    from hubport.adapters.s3_blobs import S3Blobs
    blobs = S3Blobs(sys.argv[1], spool=sys.argv[2], part_size=int(sys.argv[3]))
    measure(blobs, 16 << 20, 64 << 20)
    """
    )
    with a_bucket() as bucket:
        said = output(code, bucket.url("hub"), tmp_path / "spool", part_size, **unmeasured())
    kept, kept_kib, given, given_kib = map(int, said.split())

    assert (64 << 20, (64 << 20) - 1) == (kept, given)
    assert kept_kib < LIMIT_KIB
    assert given_kib < LIMIT_KIB
