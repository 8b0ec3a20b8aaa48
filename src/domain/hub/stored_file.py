"""A file of a model or a dataset, as the HUB holds it."""

from __future__ import annotations

import attrs


@attrs.frozen
class StoredFile:
    """A file that was received whole. ``token`` makes its address unguessable."""

    name: str
    token: str
    size: int
    sha256: str

    @property
    def blob(self) -> str:
        """Its name among the blobs."""
        return f"{self.token}/{self.name}"

    @property
    def path(self) -> str:
        """Where it is downloaded: it ends as the file does and has no query, because clients look at both."""
        return f"/files/{self.blob}"
