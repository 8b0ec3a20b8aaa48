"""A HUB's files in a bucket of S3, or of a storage that speaks as S3 does, through boto3: ``pip install hubport[s3]``.

The one rule: the storage shows an object only when it has all of it and its checksum.
"""

try:
    import boto3.session  # noqa: F401 - for what it says where it is missing
except ModuleNotFoundError as exc:
    raise ImportError("a bucket is reached through boto3: pip install 'hubport[s3]'") from exc

from .blobs import S3Blobs

__all__ = ["S3Blobs"]
