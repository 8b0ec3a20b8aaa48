"""What only a bucket can get wrong: parts, an upload that breaks off, the storage's answers, its address."""

from __future__ import annotations

import hashlib
import importlib
import socket
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hubport.adapters.s3_blobs import S3Blobs
from hubport.testing.lab import RawServer, ServerConnection
from tests.integration.adapters.child_process import output
from tests.integration.adapters.handlers import response, taken
from tests.s3_server import Bucket, a_bucket, use_test_credentials

NAME = "token/model-best.pt"
PREFIX = "team/hub"
PART = 5 << 20
HOUR = 3600.0
AGES = 1e9  # longer ago than moto's 2010


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    with a_bucket() as bucket:
        yield bucket


@pytest.fixture
def bucket(server: Bucket) -> Bucket:
    server.empty()
    return server


@pytest.fixture
def blobs(bucket: Bucket, tmp_path: Path) -> S3Blobs:
    return S3Blobs(bucket.url(PREFIX), spool=tmp_path / "spool", part_size=PART)


def commit(blobs: S3Blobs, content: bytes, name: str = NAME) -> None:
    pending = blobs.create()
    pending.write(content)
    pending.commit(name)


def content(blobs: S3Blobs, name: str = NAME) -> bytes | None:
    reader = blobs.open(name)
    if reader is None:
        return None
    with reader:
        return reader.read()


# Uploads.


def test_a_blob_lies_under_the_prefix_by_its_name(blobs: S3Blobs, bucket: Bucket, tmp_path: Path) -> None:
    commit(blobs, b"kept")

    assert [f"{PREFIX}/{NAME}"] == bucket.keys()
    assert b"kept" == content(S3Blobs(bucket.url(f"/{PREFIX}/", region="us-east-1"), spool=tmp_path))
    assert content(S3Blobs(bucket.url("team"), spool=tmp_path)) is None


@pytest.mark.parametrize("size", [PART, PART + 1, 2 * PART, 2 * PART + 12_345])
def test_what_is_sent_in_parts_is_one_blob(blobs: S3Blobs, bucket: Bucket, size: int) -> None:
    whole = bytes(range(251)) * (size // 251 + 1)
    commit(blobs, whole[:size])

    assert whole[:size] == content(blobs)
    assert [] == bucket.uploads()
    reader = blobs.open(NAME, start=PART - 1)
    assert reader is not None
    with reader:
        assert whole[PART - 1 : size] == reader.read()


@pytest.mark.parametrize("size", [7, PART + 7])
def test_the_storage_is_told_the_checksum(blobs: S3Blobs, bucket: Bucket, size: int) -> None:
    told: list[str] = []

    def seen(params: dict[str, Any], **_: object) -> None:
        told.append(params["headers"]["x-amz-checksum-sha256"])

    for operation in ("PutObject", "UploadPart"):
        blobs._bucket.client.meta.events.register(f"before-call.s3.{operation}", seen)
    commit(blobs, bytes(size))

    parts = [PART, size - PART] if size > PART else [size]
    assert sorted(b64encode(hashlib.sha256(bytes(part)).digest()).decode() for part in parts) == sorted(told)


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])
def test_an_upload_that_breaks_off_leaves_what_was_there(blobs: S3Blobs, bucket: Bucket, operation: str) -> None:
    commit(blobs, b"there")
    calls: list[str] = []

    def fails(**_: object) -> None:
        calls.append(operation)
        if operation != "UploadPart" or len(calls) == 2:
            raise ClientError({"Error": {"Code": "InternalError", "Message": "We are sorry."}}, operation)

    blobs._bucket.client.meta.events.register(f"before-call.s3.{operation}", fails)
    with pytest.raises(
        OSError, match=r"it cannot take token/model-best.pt: the storage says InternalError We are sorry"
    ):
        commit(blobs, bytes(3 * PART))

    assert (b"there", []) == (content(blobs), bucket.uploads())


def test_a_draft_is_over_when_it_could_not_be_kept(blobs: S3Blobs) -> None:
    pending = blobs.create()
    pending.write(b"content")
    with pytest.raises(OSError, match="no name for a blob"):
        pending.commit("../outside")
    with pytest.raises(OSError, match="over"):
        pending.commit(NAME)
    with pytest.raises(OSError, match="over"):
        pending.write(b"more")


# Sweeping, by the storage's clock.


def test_a_sweep_takes_old_strays_alone(blobs: S3Blobs, bucket: Bucket) -> None:
    foreign = [f"{PREFIX}/README", f"{PREFIX}/a/b/c", f"{PREFIX}er/token/x.pt", "token/x.pt"]
    for key in foreign:
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"of somebody else")
    for name in ("token/wanted.pt", "token/stray.pt"):
        commit(blobs, b"old", name)
    bucket.age(2 * HOUR)
    commit(blobs, b"young", "token/young.pt")

    assert 1 == blobs.sweep(lambda name: name == "token/wanted.pt", older_than=HOUR)
    assert sorted([*foreign, f"{PREFIX}/token/wanted.pt", f"{PREFIX}/token/young.pt"]) == bucket.keys()


def test_a_sweep_ends_uploads_that_broke_off(blobs: S3Blobs, bucket: Bucket) -> None:
    bucket.client.create_multipart_upload(Bucket=bucket.name, Key=f"{PREFIX}/{NAME}")

    assert 0 == blobs.sweep(lambda _: True, older_than=AGES)
    assert [f"{PREFIX}/{NAME}"] == bucket.uploads()
    assert 1 == blobs.sweep(lambda _: True, older_than=HOUR)
    assert [] == bucket.uploads()


# What the storage answers.


def test_a_bucket_that_is_not_there_is_said_at_the_start(bucket: Bucket, tmp_path: Path) -> None:
    url = bucket.url(PREFIX).replace(bucket.name, "not-there")
    with pytest.raises(OSError, match=r"there is no such bucket: create it.*s3://not-there/team/hub"):
        S3Blobs(url, spool=tmp_path)


def test_a_bucket_that_goes_is_no_missing_blob(tmp_path: Path) -> None:
    with a_bucket() as bucket:
        other = "short-lived"
        bucket.client.create_bucket(Bucket=other)
        blobs = S3Blobs(bucket.url().replace(bucket.name, other), spool=tmp_path)
        bucket.client.delete_bucket(Bucket=other)
        pending = blobs.create()
        calls: list[Callable[[], object]] = [
            lambda: blobs.open(NAME),
            lambda: blobs.delete(NAME),
            lambda: blobs.sweep(lambda _: False, older_than=0),
            lambda: pending.commit(NAME),
        ]
        for call in calls:
            with pytest.raises(OSError, match="there is no such bucket"):
                call()


def test_without_credentials_it_says_what_to_set(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(OSError, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        S3Blobs(bucket.url(), spool=tmp_path)


def error(code: str, status: str) -> bytes:
    return response(f"<Error><Code>{code}</Code><Message>why</Message></Error>".encode(), status=status)


@pytest.mark.parametrize(
    ("code", "status", "advice"),
    [
        ("AccessDenied", "403 Forbidden", "allow them to get, put, delete and list"),
        ("InvalidAccessKeyId", "403 Forbidden", "does not know these credentials"),
        ("SignatureDoesNotMatch", "403 Forbidden", "the secret does not fit"),
        ("BadDigest", "400 Bad Request", "changed on its way: send it again"),
        ("EntityTooLarge", "400 Bad Request", "the storage says EntityTooLarge why"),
    ],
)
def test_a_refusal_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, status: str, advice: str
) -> None:
    use_test_credentials(monkeypatch)

    def handle(talk: ServerConnection) -> None:
        while head := taken(talk)[0]:
            talk.say(response(b"") if head.startswith(b"HEAD") else error(code, status))

    with RawServer(handle) as server:
        blobs = S3Blobs(f"s3://bucket?endpoint_url={server.url}", spool=tmp_path)
        calls: list[Callable[[], object]] = [
            lambda: blobs.open(NAME),
            lambda: blobs.delete(NAME),
            lambda: commit(blobs, b"content"),
        ]
        for call in calls:
            with pytest.raises(OSError, match=advice) as caught:
                call()
            assert "test-secret" not in str(caught.value)
        blobs._bucket.client.close()


def test_a_storage_that_cannot_is_asked_four_times_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_test_credentials(monkeypatch)
    asked: list[bytes] = []

    def handle(talk: ServerConnection) -> None:
        while head := taken(talk)[0]:
            asked.append(head)
            talk.say(b"HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\n\r\n")

    with RawServer(handle) as server, pytest.raises(OSError, match="it cannot be reached"):
        S3Blobs(f"s3://bucket?endpoint_url={server.url}", spool=tmp_path)
    assert 4 == len(asked)


def test_where_nobody_listens_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_test_credentials(monkeypatch)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"s3://bucket?endpoint_url=http://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(OSError, match="the storage does not answer: check endpoint_url and the network"):
            S3Blobs(url, spool=tmp_path)


def test_a_blob_that_breaks_off_is_an_error_and_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_test_credentials(monkeypatch)

    def handle(talk: ServerConnection) -> None:
        while head := taken(talk)[0]:
            if head.startswith(b"GET"):
                talk.say(response(b"x" * 1000)[:-1])
                return
            talk.say(response(b""))

    with RawServer(handle) as server:
        blobs = S3Blobs(f"s3://bucket?endpoint_url={server.url}", spool=tmp_path)
        reader = blobs.open(NAME)
        assert reader is not None
        with reader, pytest.raises(OSError, match=r"it cannot give all of token/model-best.pt"):
            reader.read()
        blobs._bucket.client.close()


# Its address, and what it needs.


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "is no address of a bucket: write s3://bucket"),
        ("/var/lib/hub", "is no address of a bucket"),
        ("https://bucket/prefix", "is no address of a bucket"),
        ("s3:///prefix", "is no address of a bucket"),
        ("s3://buc ket", "is no address of a bucket"),
        ("s3://bucket#prefix", "is no address of a bucket"),
        ("s3://bucket?zone=x", "the unknown option 'zone'"),
        ("s3://bucket?endpoint_url=localhost:9000", "begins with http:// or https://"),
        ("s3://bucket?endpoint_url=", "begins with http:// or https://"),
    ],
)
def test_an_address_that_is_none_is_said_to_be(tmp_path: Path, url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        S3Blobs(url, spool=tmp_path)


@pytest.mark.parametrize("url", ["s3://key:hush@bucket", "s3://bucket?endpoint_url=http://key:hush@host"])
def test_a_secret_in_an_address_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match="set AWS_SECRET_ACCESS_KEY") as caught:
        S3Blobs(url, spool=tmp_path)
    assert "hush" not in str(caught.value)


def test_a_spool_that_cannot_be_made_is_said_at_the_start(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match=str(tmp_path / "file")):
        S3Blobs(bucket.url(), spool=tmp_path / "file" / "spool")


def test_without_boto3_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    for name in [name for name in sys.modules if name.startswith("hubport.adapters.s3_blobs")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match=r"pip install 'hubport\[s3\]'"):
        importlib.import_module("hubport.adapters.s3_blobs")


def test_importing_hubport_imports_no_boto3() -> None:
    said = output(
        """
        import sys
        import hubport, hubport.app.session.container, hubport.adapters.folder_blobs, hubport.testing.contracts
        print([name for name in sys.modules if name.startswith(("boto", "s3transfer"))])
        """
    )
    assert said == "[]\n"
