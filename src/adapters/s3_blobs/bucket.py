"""What we ask of the storage.

The one rule: what is put is seen when it is complete; what breaks off is aborted.
"""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import IO, TYPE_CHECKING, BinaryIO, cast

import attrs
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .address import Address
from .errors import code, map_boto_errors, status
from .streams import Reader, Slice

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_MOST_PARTS = 10_000  # S3's own limit
_AT_ONCE = 4
_NOT_SATISFIABLE = 416
#: Four attempts, each given up when nothing moves for so long: a request fails after some minutes at the latest.
_BOUNDS = Config(
    connect_timeout=10,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=32,
)


@attrs.frozen
class Bucket:
    """What we ask of the storage."""

    client: S3Client
    address: Address
    part_size: int

    @classmethod
    def reached(cls, address: Address, part_size: int) -> Bucket:
        """The bucket at *address*, which must be there."""
        with map_boto_errors(address.url, "be reached"):
            client: S3Client = Session().client(
                "s3", endpoint_url=address.endpoint_url, region_name=address.region, config=_BOUNDS
            )
            client.head_bucket(Bucket=address.bucket)
        return cls(client, address, part_size)

    def put(self, name: str, fd: int, size: int, sha256: bytes) -> None:
        if size > self.part_size:
            self._put_parts(name, fd, size)
            return
        with map_boto_errors(self.address.url, f"take {name}"):
            self.client.put_object(
                Bucket=self.address.bucket,
                Key=self._key(name),
                Body=cast("IO[bytes]", Slice(fd, 0, size)),
                ContentLength=size,
                ChecksumSHA256=base64.b64encode(sha256).decode(),
            )

    def _put_parts(self, name: str, fd: int, size: int) -> None:
        part_size = max(self.part_size, -(-size // _MOST_PARTS))
        bucket, key = self.address.bucket, self._key(name)
        with map_boto_errors(self.address.url, f"take {name}"):
            upload = self.client.create_multipart_upload(Bucket=bucket, Key=key, ChecksumAlgorithm="SHA256")["UploadId"]

            def put_part(start: int) -> CompletedPartTypeDef:
                part = Slice(fd, start, min(start + part_size, size))
                number, checksum = start // part_size + 1, base64.b64encode(part.sha256()).decode()
                kept = self.client.upload_part(
                    Bucket=bucket,
                    Key=key,
                    UploadId=upload,
                    PartNumber=number,
                    Body=cast("IO[bytes]", part),
                    ContentLength=part.size,
                    ChecksumSHA256=checksum,
                )
                return {"PartNumber": number, "ETag": kept["ETag"], "ChecksumSHA256": checksum}

            try:
                with ThreadPoolExecutor(_AT_ONCE, "s3-parts") as pool:
                    parts = list(pool.map(put_part, range(0, size, part_size)))
                self.client.complete_multipart_upload(
                    Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
                )
            except BaseException:
                # No part is under way any more, since the pool has been waited for: nothing comes after this.
                with contextlib.suppress(ClientError, BotoCoreError):  # the sweep comes back to it
                    self.client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
                raise

    def reader(self, name: str, start: int) -> BinaryIO | None:
        bucket, key = self.address.bucket, self._key(name)
        with map_boto_errors(self.address.url, f"give {name}"):
            try:
                # A range from 0 on cannot be given of an empty object.
                found = (
                    self.client.get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-")
                    if start
                    else self.client.get_object(Bucket=bucket, Key=key)
                )
            except ClientError as exc:
                if status(exc) == _NOT_SATISFIABLE:  # at the end of it, or beyond
                    return io.BytesIO()
                if code(exc) == "NoSuchKey":
                    return None
                raise
        return io.BufferedReader(Reader(found["Body"], self.address.url, name), 1 << 16)

    def delete(self, name: str) -> None:
        with map_boto_errors(self.address.url, f"delete {name}"):
            self.client.delete_object(Bucket=self.address.bucket, Key=self._key(name))

    def names(self, age: timedelta) -> Iterator[str]:
        """Of all that is at least so old."""
        with map_boto_errors(self.address.url, "list what it has"):
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.address.bucket, Prefix=self.address.prefix):
                now = _date(page["ResponseMetadata"]["HTTPHeaders"]["date"])
                for item in page.get("Contents", ()):
                    if item["LastModified"] <= now - age:
                        yield item["Key"].removeprefix(self.address.prefix)

    def abort_uploads(self, age: timedelta) -> int:
        """End what was begun so long ago and neither completed nor aborted, and costs room unseen; how many."""
        ended = 0
        bucket = self.address.bucket
        with map_boto_errors(self.address.url, "end uploads that broke off"):
            pages = self.client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=bucket, Prefix=self.address.prefix):
                now = _date(page["ResponseMetadata"]["HTTPHeaders"]["date"])
                for item in page.get("Uploads", ()):
                    if item["Initiated"] <= now - age:
                        self.client.abort_multipart_upload(Bucket=bucket, Key=item["Key"], UploadId=item["UploadId"])
                        ended += 1
        return ended

    def _key(self, name: str) -> str:
        return self.address.prefix + name


def _date(header: str) -> datetime:
    return parsedate_to_datetime(header)
