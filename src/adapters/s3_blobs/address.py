"""The address of a bucket, as a user writes it: ``s3://bucket/prefix?endpoint_url=http://...&region=...``.

The one rule: it holds nothing secret, and what might be one is not repeated.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

_BUCKET = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]+")


@attrs.frozen
class Address:
    """Where blobs are; ``prefix`` is empty or ends in a slash."""

    bucket: str
    prefix: str
    endpoint_url: str | None
    region: str | None

    @property
    def url(self) -> str:
        """For people: it holds nothing secret."""
        return f"s3://{self.bucket}/{self.prefix}"

    @classmethod
    def parse(cls, url: str) -> Address:
        form = "s3://bucket/prefix?endpoint_url=https://host&region=name"
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if "@" in parts.netloc or "@" in options.get("endpoint_url", ""):
            # Not shown: what stands before the @ is a secret.
            raise ValueError("a secret does not belong in the address of a bucket: set AWS_SECRET_ACCESS_KEY")
        if parts.scheme != "s3" or not _BUCKET.fullmatch(parts.netloc) or parts.fragment:
            raise ValueError(f"{url!r} is no address of a bucket: write {form}")
        if unknown := options.keys() - {"endpoint_url", "region"}:
            raise ValueError(f"{url!r} has the unknown option {min(unknown)!r}: write {form}")
        endpoint_url = options.get("endpoint_url")
        if endpoint_url is not None and not re.match(r"https?://[^/]", endpoint_url):
            raise ValueError(f"{endpoint_url!r} is no endpoint_url: it begins with http:// or https://")
        prefix = unquote(parts.path).strip("/")
        return cls(parts.netloc, f"{prefix}/" if prefix else "", endpoint_url, options.get("region") or None)
