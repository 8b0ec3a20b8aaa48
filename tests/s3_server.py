"""Moto's S3 in this process, on loopback: what tests of a bucket share."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import attrs
import boto3
import pytest
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

#: Moto's servers of one process have their buckets in common: each test's bucket has a name of its own.
_NAMES = (f"checkpoints-{number}" for number in itertools.count(1))
_ACCOUNT = "123456789012"  # moto's, where nobody names another


@attrs.frozen
class Bucket:
    """A bucket, and how a test gets behind its back; ``client`` is boto3's."""

    endpoint_url: str
    client: Any
    name: str

    def url(self, prefix: str = "", **options: str) -> str:
        """Its address, as a user writes it."""
        return f"s3://{self.name}/{prefix}?{urlencode({'endpoint_url': self.endpoint_url, **options})}"

    def keys(self, prefix: str = "") -> list[str]:
        """All that is visible in it."""
        listed = self.client.list_objects_v2(Bucket=self.name, Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", ())]

    def uploads(self) -> list[str]:
        """The keys of uploads that were begun and not ended."""
        return [item["Key"] for item in self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", ())]

    def empty(self) -> None:
        """Delete all that is visible in it."""
        for key in self.keys():
            self.client.delete_object(Bucket=self.name, Key=key)

    def age(self, seconds: float) -> None:
        """Everything visible in it was written so many *seconds* earlier. (Moto begins all uploads in 2010.)"""
        for key in s3_backends[_ACCOUNT]["aws"].buckets[self.name].keys.values():
            key.last_modified -= timedelta(seconds=seconds)


@contextmanager
def a_bucket() -> Iterator[Bucket]:
    """A server with one new bucket. While it runs, boto3 finds its credentials, and asks nobody else for any."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        use_test_credentials(patch)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server.start()
        try:
            endpoint_url = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
            client = boto3.session.Session().client("s3", endpoint_url=endpoint_url, region_name="us-east-1")
            bucket = Bucket(endpoint_url, client, next(_NAMES))
            client.create_bucket(Bucket=bucket.name)
            yield bucket
            client.close()
            del s3_backends[_ACCOUNT]["aws"].buckets[bucket.name]
        finally:
            server.stop()


def use_test_credentials(patch: pytest.MonkeyPatch) -> None:
    """None of the user's, and none of a machine in a cloud."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION"):
        patch.delenv(name, raising=False)
    given = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    for name, value in given.items():
        patch.setenv(name, value)
