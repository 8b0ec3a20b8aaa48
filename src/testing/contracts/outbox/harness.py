"""What the parts of the contract of an outbox share.

The one rule: whoever has an outbox on another machine overrides these, and nothing else.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ....domain.ports.outbox import Outbox, Spool

MODEL = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"
OTHER = "Zy8Xw6Vu4Ts2Rq1Po9Nm"
#: More bytes than any journal of a contract has.
MUCH = 1 << 22


class OutboxKit:
    """The outbox, and how to look at it."""

    @pytest.fixture
    def outbox(self) -> Outbox:
        """The outbox under test, empty."""
        raise NotImplementedError("override the fixture `outbox`")

    @pytest.fixture
    def later(self, outbox: Outbox) -> Outbox:
        """The same outbox as a later run sees it."""
        return outbox

    def write(self, path: str, content: bytes) -> None:
        """Write a file into a spool's folder."""
        Path(path).write_bytes(content)

    def remove(self, path: str) -> None:
        """Take a file away from a spool's folder."""
        Path(path).unlink()

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder at *path*."""
        return Path(path).exists()

    def journal(self, spool: Spool, *, piece: int = MUCH) -> bytes:
        """All of the spool's journal, read in pieces of *piece* bytes."""
        found = b""
        while read := spool.read(len(found), piece):
            found += read
        return found
