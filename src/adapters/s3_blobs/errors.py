"""What goes wrong with a bucket or its spool, as errors of the system.

The one rule: an error says where, what could not be done, why, and what to do; and no secret.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as NoConnection

_ADVICE = {
    "NoSuchBucket": "there is no such bucket: create it, or correct its name",
    "404": "there is no such bucket: create it, or correct its name",
    "AccessDenied": "these credentials may not: allow them to get, put, delete and list objects there",
    "403": "these credentials may not: allow them to get, put, delete and list objects there",
    "InvalidAccessKeyId": "the storage does not know these credentials: check them",
    "SignatureDoesNotMatch": "the secret does not fit the access key: check the credentials",
    "ExpiredToken": "the credentials have expired: renew them",
    "301": "the bucket is in another region: name it, ?region=...",
    "PermanentRedirect": "the bucket is in another region: name it, ?region=...",
    "AuthorizationHeaderMalformed": "the bucket is in another region: name it, ?region=...",
    "BadDigest": "the content was changed on its way: send it again",
    "SlowDown": "the storage has too much to do: try again later",
    "QuotaExceeded": "the storage is full: make room there, and send it again",
    "XMinioStorageFull": "the storage is full: make room there, and send it again",
}
_FULL = frozenset({"QuotaExceeded", "XMinioStorageFull"})


@contextmanager
def map_boto_errors(url: str, what: str) -> Iterator[None]:
    """What boto3 raises becomes an OSError: *url* cannot do *what*, why, and what to do."""
    try:
        yield
    except (BotoCoreError, ClientError) as exc:
        number = errno.ENOSPC if isinstance(exc, ClientError) and code(exc) in _FULL else errno.EIO
        raise OSError(number, f"it cannot {what}: {_advice(exc)}", url) from exc


def _advice(exc: Exception) -> str:
    if isinstance(exc, ClientError):
        said = exc.response.get("Error", {}).get("Message", "")
        return _ADVICE.get(code(exc), f"the storage says {code(exc)} {said}".rstrip())
    if isinstance(exc, NoCredentialsError | PartialCredentialsError):
        return "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
    if isinstance(exc, NoConnection | HTTPClientError):
        return f"the storage does not answer: check endpoint_url and the network, or try again later ({exc})"
    return str(exc)


def code(exc: ClientError) -> str:
    """What the storage calls it, such as ``NoSuchKey``; of an answer without a body it is the status."""
    return str(exc.response.get("Error", {}).get("Code", ""))


def status(exc: ClientError) -> int:
    """The status of the answer."""
    return int(exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextmanager
def map_spool_errors(spool: Path) -> Iterator[None]:
    """An error of the spool's disk, with what to do about it."""
    try:
        yield
    except OSError as exc:
        full = "the disk is full: make room there, or choose another folder for what comes in"
        reason = full if exc.errno in {errno.ENOSPC, errno.EDQUOT} else exc.strerror or str(exc)
        raise OSError(exc.errno, reason, str(spool)) from exc
