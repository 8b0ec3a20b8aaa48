"""Every place for a HUB's files, under one contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubport.adapters.folder_blobs import FolderBlobs
from hubport.adapters.s3_blobs import S3Blobs
from hubport.domain.hub.ports.blobs import Blobs
from hubport.testing.contracts import BlobsContract
from hubport.testing.fakes.blobs import FakeBlobs
from tests.s3_server import Bucket, a_bucket


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with a_bucket() as bucket:
        yield bucket


@pytest.fixture(scope="module")
def in_the_bucket(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> S3Blobs:
    # One for all: boto3 takes half a second for a client.
    return S3Blobs(bucket.url("some/prefix"), spool=tmp_path_factory.mktemp("spool"))


class TestFakeBlobs(BlobsContract):
    @pytest.fixture
    def blobs(self) -> Blobs:
        return FakeBlobs()


class TestFolderBlobs(BlobsContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        return FolderBlobs(tmp_path / "blobs")


class TestS3Blobs(BlobsContract):
    @pytest.fixture
    def blobs(self, bucket: Bucket, in_the_bucket: S3Blobs) -> Blobs:
        bucket.empty()
        return in_the_bucket
