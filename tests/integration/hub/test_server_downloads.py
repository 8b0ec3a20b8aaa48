"""Files out of the HUB."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from hubport.adapters.web.server import HubServer
from hubport.testing.fakes.blobs import FakeBlobs
from hubport.testing.lab import HANG_TIMEOUT
from tests.integration.hub.wires import FORM, PATH, Talk, checkpoint, served

CONTENT = bytes(range(256)) * 40_000


class Lent(FakeBlobs):
    """Remembers its readers, which read when they ``may``; *missing* bytes at the end of each are not there."""

    def __init__(self) -> None:
        super().__init__()
        self.missing = 0
        self.may = threading.Event()
        self.may.set()
        self.readers: list[_Reader] = []

    def open(self, name: str, *, start: int = 0) -> BinaryIO | None:
        reader = super().open(name, start=start)
        if reader is None:
            return None
        self.readers.append(_Reader(reader.read()[: -self.missing or None], self.may))
        return self.readers[-1]


class _Reader(io.BytesIO):
    def __init__(self, content: bytes, may: threading.Event) -> None:
        super().__init__(content)
        self._may = may
        self.taken = 0
        self.was_closed = threading.Event()

    def read(self, size: int | None = -1, /) -> bytes:
        assert self._may.wait(HANG_TIMEOUT)
        data = super().read(size)
        self.taken += len(data)
        return data

    def close(self) -> None:
        super().close()
        self.was_closed.set()


@pytest.fixture
def blobs() -> Lent:
    return Lent()


@pytest.fixture
def server(blobs: Lent) -> Iterator[HubServer]:
    with served(blobs=blobs) as server:
        yield server


@pytest.fixture
def link(server: HubServer) -> str:
    with Talk(server) as talk:
        talk.ask("POST", f"{PATH}/upload", checkpoint(CONTENT), **FORM)
        assert 200 == talk.heard().status
        talk.ask("GET", PATH)
        url: str = talk.heard().data["resume"]
        return url.removeprefix("http://hub.test:8421")


def test_whole_part_and_nothing_of_it_on_one_connection(server: HubServer, link: str, blobs: Lent) -> None:
    with Talk(server) as talk:
        talk.ask("HEAD", link, key=None)
        answer = talk.heard("HEAD")
        assert (200, str(len(CONTENT)), b"") == (answer.status, answer.headers["content-length"], answer.body)
        assert [] == blobs.readers  # nothing was opened for that

        talk.ask("GET", link, key=None)
        answer = talk.heard()
        assert (200, CONTENT, "nosniff") == (answer.status, answer.body, answer.headers["x-content-type-options"])
        assert answer.headers["content-disposition"].startswith("attachment")

        talk.ask("GET", link, key=None, range="bytes=1000-1999")
        answer = talk.heard()
        assert (206, CONTENT[1000:2000]) == (answer.status, answer.body)

        talk.ask("GET", link, key=None, if_none_match=answer.headers["etag"])
        assert (304, b"") == (talk.heard().status, b"")

        talk.ask("GET", link, key=None, range=f"bytes={len(CONTENT)}-")
        answer = talk.heard()
        assert (416, f"bytes */{len(CONTENT)}") == (answer.status, answer.headers["content-range"])

        talk.ask("GET", PATH)
        assert 200 == talk.heard().status
    assert all(reader.was_closed.wait(HANG_TIMEOUT) for reader in blobs.readers)


def test_a_reader_is_closed_and_read_no_further_when_the_client_goes(server: HubServer, link: str, blobs: Lent) -> None:
    with Talk(server, receive=4096) as talk:
        talk.ask("GET", link, key=None)
        talk.until(b"\r\n\r\n")

    (reader,) = blobs.readers
    assert reader.was_closed.wait(HANG_TIMEOUT)
    assert len(CONTENT) > reader.taken


def test_a_reader_is_not_closed_while_it_reads(server: HubServer, link: str, blobs: Lent) -> None:
    blobs.may.clear()
    with Talk(server) as talk:
        talk.ask("GET", link, key=None)
        talk.until(b"\r\n\r\n")
        closing = threading.Thread(target=server.close, args=(0.0,))
        closing.start()
        assert talk.is_over()
        (reader,) = blobs.readers
        # By then somebody who does not wait for the read has closed it.
        assert not reader.was_closed.wait(0.1)
        blobs.may.set()
        closing.join()

        assert reader.was_closed.is_set()


def test_a_file_that_is_gone_is_a_404(server: HubServer, link: str, blobs: Lent) -> None:
    blobs.delete(link.removeprefix("/files/"))
    with Talk(server) as talk:
        talk.ask("GET", link, key=None)

        assert 404 == talk.heard().status


def test_a_file_that_is_shorter_than_promised_breaks_the_connection(server: HubServer, link: str, blobs: Lent) -> None:
    blobs.missing = 1000
    with Talk(server) as talk:
        talk.ask("GET", link, key=None)
        talk.until(b"\r\n\r\n")

        assert len(CONTENT) - 1000 >= len(talk.rest())
    assert blobs.readers[0].was_closed.wait(HANG_TIMEOUT)
