from io import BytesIO
from typing import BinaryIO

import pytest

from hubport.domain.hub.ports.blobs import PendingBlob
from hubport.domain.ports.http import FilePart, Request
from hubport.testing.fakes.blobs import FakeBlobs
from tests.unit.domain.hub.api.test_hub import HEADERS, MODEL, World, a_form, post


class Counted(FakeBlobs):
    """Blobs that know how many drafts are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open_drafts: list[PendingBlob] = []

    def create(self) -> PendingBlob:
        pending = super().create()
        discard = pending.discard

        def dropped() -> None:
            # A draft that is over may be dropped again.
            self.open_drafts = [other for other in self.open_drafts if other is not pending]
            discard()

        pending.discard = dropped  # type: ignore[method-assign]
        self.open_drafts.append(pending)
        return pending


def lost() -> BinaryIO:
    raise FileNotFoundError("last.pt is gone")


class Breaking(BytesIO):
    """A file that breaks off as no file does."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise RuntimeError("interrupted")


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (FilePart("last.pt", 3, lost), FileNotFoundError),
        (FilePart("last.pt", 3, Breaking), RuntimeError),
        (FilePart("last.pt", 3, lambda: BytesIO(b"ab")), OSError),
    ],
    ids=["no file", "interrupted", "too short"],
)
def test_a_file_that_cannot_be_read_leaves_no_draft(file: FilePart, error: type[Exception]) -> None:
    blobs = Counted()
    world = World(blobs=blobs)

    with pytest.raises(error):
        world.answer(post(f"{MODEL}/upload", fields={"epoch": "1", "type": "epoch"}, file=file))
    assert [] == blobs.open_drafts


def test_a_file_that_was_answered_leaves_no_draft() -> None:
    blobs = Counted()
    world = World(blobs=blobs)
    world.ask(a_form(epoch="1", type="epoch"))
    world.refused(a_form(epoch="one", type="epoch"))

    assert [] == blobs.open_drafts


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/nothing"])
def test_head_is_get_without_a_body(path: str) -> None:
    world = World()
    head, got = (world.answer(Request(method, path, HEADERS)) for method in ("HEAD", "GET"))

    assert (got.status, got.headers, b"") == (head.status, head.headers, head.body)
