"""A HUB's files in a bucket.

The one rule: a pending blob is a local file without a name, so that whatever ends it leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import IO, BinaryIO

from ...domain.hub.ports.blobs import Blobs, PendingBlob, is_blob_name
from ...domain.hub.ports.hashing_blob import HashingBlob
from .address import Address
from .bucket import Bucket
from .errors import map_spool_errors


class S3Blobs(Blobs):
    """``s3://bucket/prefix?endpoint_url=http://...&region=...``; credentials come from where boto3 finds them.

    What comes in is collected in the folder *spool*, which needs room for it, and then sent; above *part_size* bytes
    (S3 wants 5 MiB at least) in parts. Ages are by the clock of the storage.

    Raises:
        ValueError: when *url* is none.
        OSError: when the bucket cannot be reached, or the spool not be made.
    """

    def __init__(self, url: str, *, spool: str | os.PathLike[str], part_size: int = 64 << 20) -> None:
        address = Address.parse(url)
        self._spool = Path(spool)
        with map_spool_errors(self._spool):
            self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._bucket = Bucket.reached(address, part_size)

    def create(self) -> PendingBlob:
        return _Pending(self._bucket, self._spool)

    def open(self, name: str, *, start: int = 0) -> BinaryIO | None:
        if not is_blob_name(name):
            return None
        return self._bucket.reader(name, start)

    def delete(self, name: str) -> None:
        if is_blob_name(name):
            self._bucket.delete(name)

    def sweep(self, is_wanted: Callable[[str], bool], *, older_than: float) -> int:
        # Of pending blobs there is nothing to sweep here: a spool file has no name, and is gone with its process.
        age = timedelta(seconds=older_than)
        swept = 0
        for name in self._bucket.names(age):
            if is_blob_name(name) and not is_wanted(name):
                self._bucket.delete(name)
                swept += 1
        return swept + self._bucket.abort_uploads(age)


class _Pending(HashingBlob):
    """A file without a name in the folder *spool*."""

    def __init__(self, bucket: Bucket, spool: Path) -> None:
        self._bucket, self._spool = bucket, spool
        with map_spool_errors(spool):
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=spool)  # noqa: SIM115 - open until the pending blob is over
        super().__init__(_close, self._file)

    def _append(self, data: bytes) -> None:
        with map_spool_errors(self._spool):
            self._file.write(data)

    def _settle(self, name: str) -> None:
        with map_spool_errors(self._spool):
            self._file.flush()
        self._bucket.put(name, self._file.fileno(), self._size, self._sha256.digest())


def _close(file: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # what could not be written any more
        file.close()
