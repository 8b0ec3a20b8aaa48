"""Uploads as they come: what becomes of a draft when something goes wrong, and how many there are at a time."""

from __future__ import annotations

import select
import threading
from typing import Any

import pytest

from hubport.domain.hub.ports.blobs import BlobInfo, PendingBlob
from hubport.testing.fakes.blobs import FakeBlobs
from hubport.testing.lab import HANG_TIMEOUT
from tests.integration.hub.wires import FIELDS, FORM, PATH, Talk, checkpoint, chunked, form, head, part, served

UPLOAD = f"{PATH}/upload"
START = form(*FIELDS, end=b"") + part('; name="last.pt"; filename="last.pt"', b"")[:-2]


def goes_on(other: Talk) -> None:
    """Give the server the time that it needs for two calls of *other*; by then it has read what was said before."""
    for _ in range(2):
        other.ask("GET", PATH)
        assert 200 == other.heard().status


class WatchedBlobs(FakeBlobs):
    """Says when a draft was begun and given up, and can fail, or hang until it ``may``."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.fails = fails
        self.begun, self.dropped = threading.Event(), threading.Event()
        self.in_use = threading.Lock()
        self.may = threading.Event()
        self.may.set()

    def create(self) -> PendingBlob:
        return _Watched(super().create(), self)


class _Watched(PendingBlob):
    def __init__(self, pending: PendingBlob, blobs: WatchedBlobs) -> None:
        self._pending, self._blobs = pending, blobs

    def write(self, data: bytes) -> None:
        self._blobs.begun.set()
        assert self._blobs.in_use.acquire(blocking=False)
        try:
            assert self._blobs.may.wait(HANG_TIMEOUT)
            if self._blobs.fails:
                raise OSError("the disk is full")
            self._pending.write(data)
        finally:
            self._blobs.in_use.release()

    def commit(self, name: str) -> BlobInfo:
        return self._pending.commit(name)

    def discard(self) -> None:
        assert not self._blobs.in_use.locked()
        self._pending.discard()
        self._blobs.dropped.set()


def test_a_draft_is_given_up_when_the_client_goes() -> None:
    blobs = WatchedBlobs()
    body = checkpoint(bytes(4 << 20))
    with served(blobs=blobs) as server:
        with Talk(server) as talk:
            talk.say(head("POST", UPLOAD, body, **FORM) + body[: 3 << 20])
            assert blobs.begun.wait(HANG_TIMEOUT)
        assert blobs.dropped.wait(HANG_TIMEOUT)


def test_a_draft_is_not_given_up_while_it_is_written_to() -> None:
    blobs = WatchedBlobs()
    blobs.may.clear()
    body = checkpoint(bytes(4 << 20))
    with served(blobs=blobs) as server, Talk(server) as other:
        with Talk(server) as talk:
            talk.say(head("POST", UPLOAD, body, **FORM) + body[: 3 << 19])
            assert blobs.begun.wait(HANG_TIMEOUT)
        goes_on(other)
        blobs.may.set()

        assert blobs.dropped.wait(HANG_TIMEOUT)


def test_a_draft_is_given_up_at_once_when_its_form_turns_out_to_be_none() -> None:
    blobs = WatchedBlobs()
    with (
        served(blobs=blobs, body_chunk_timeout=3600.0, lingering_timeout=3600.0) as server,
        Talk(server) as talk,
        Talk(server) as other,
    ):
        talk.say(head("POST", UPLOAD, transfer_encoding="chunked", **FORM) + chunked(START, bytes(2 << 20), end=False))
        assert blobs.begun.wait(HANG_TIMEOUT)
        goes_on(other)
        talk.say(b"no length\r\n")
        assert 400 == talk.heard().status

        assert blobs.dropped.wait(HANG_TIMEOUT)


@pytest.mark.parametrize(
    ("limits", "path", "body", "content"),
    [
        ({"uploads": 1}, UPLOAD, checkpoint(bytes(200_000)), FORM),
        ({"large": 1}, PATH, b'{"metrics": {}}' + b" " * 200_000, {}),
    ],
    ids=["uploads", "large"],
)
def test_what_is_beyond_the_most_waits_for_its_turn(
    limits: dict[str, Any], path: str, body: bytes, content: dict[str, str]
) -> None:
    with served(**limits) as server, Talk(server) as first, Talk(server) as second, Talk(server) as other:
        client = head("POST", path, body, expect="100-continue", **content)
        first.say(client)
        first.until(b"\r\n\r\n")
        second.say(client)
        goes_on(other)
        assert not select.select([second.sock], [], [], 0)[0]
        first.say(body)
        assert 200 == first.heard().status

        assert b"HTTP/1.1 100" == second.until(b" 100")
        second.until(b"\r\n\r\n")
        second.say(body)
        assert 200 == second.heard().status


@pytest.mark.parametrize("size", [10, 4 << 20])
def test_a_full_disk_is_told_and_the_draft_given_up(size: int) -> None:
    blobs = WatchedBlobs(fails=True)
    with served(blobs=blobs) as server, Talk(server) as talk:
        body = checkpoint(bytes(size))
        talk.ask("POST", UPLOAD, body, **FORM)
        answer = talk.heard()

        assert (500, False) == (answer.status, "full" in answer.message)
        assert blobs.dropped.wait(HANG_TIMEOUT)
