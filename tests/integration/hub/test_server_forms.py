"""Forms: what is no whole form is refused, and nothing of it is kept."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubport.adapters.folder_blobs import FolderBlobs
from hubport.adapters.web.server import HubServer
from hubport.testing.lab import HANG_TIMEOUT
from tests.integration.hub.wires import (
    FIELDS,
    FORM,
    KEY,
    MODEL,
    PATH,
    Talk,
    checkpoint,
    chunked,
    form,
    head,
    part,
    served,
)

UPLOAD = f"{PATH}/upload"
FILE = '; name="last.pt"; filename="last.pt"'
MANY = tuple((f'; name="n{number}"', b"x") for number in range(10_000))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def server(folder: Path) -> Iterator[HubServer]:
    with served(blobs=FolderBlobs(folder), upload=4 << 20, discard=1 << 20, lingering_timeout=0.2) as server:
        yield server


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("size", [5, 300_000])
def test_a_form_is_taken_whole(server: HubServer, size: int) -> None:
    content = b"\r\n--a" * (size // 5)
    with Talk(server) as talk:
        talk.ask("POST", UPLOAD, checkpoint(content), **FORM)
        assert 200 == talk.heard().status
        talk.ask("GET", PATH)
        link = talk.heard().data["resume"]
        talk.ask("GET", link.partition("8421")[2], key=None)

        assert content == talk.heard().body


@pytest.mark.parametrize("size", [20, 1000, 100_000])
def test_a_form_in_pieces_of_any_size_is_taken_whole(server: HubServer, folder: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 20)
    body = checkpoint(content) + b"an epilogue that nobody reads"
    with Talk(server) as talk:
        talk.say(head("POST", UPLOAD, transfer_encoding="chunked", **FORM))
        talk.say(chunked(*[body[at : at + 200] for at in range(0, len(body), 200)]))
        assert 200 == talk.heard().status

    assert [len(content)] == [path.stat().st_size for path in kept(folder)]


BAD = {
    "no final boundary": (form(*FIELDS, (FILE, b"x"), end=b""), 400),
    "only the final boundary": (b"--b--\r\n", 422),
    "nothing": (b"", 400),
    "no form": (b"{}", 400),
    "a part without a name": (form(*FIELDS, ("", b"x"), (FILE, b"x")), 400),
    "a part with an endless name": (form(*FIELDS, (f'; name="{"n" * 300}"', b"x"), (FILE, b"x")), 400),
    "text that is no UTF-8": (form(('; name="epoch"', b"\xff"), FIELDS[1], (FILE, b"x")), 400),
    "a name that is no UTF-8": (b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--', 400),
    "a field twice": (form(*FIELDS, *FIELDS, (FILE, b"x")), 422),
    "two files": (form(*FIELDS, (FILE, b"x"), (FILE, b"y")), 422),
    "no file": (form(*FIELDS), 400),
    "10,000 parts": (form(*MANY, (FILE, b"x")), 413),
    "a long text": (form(('; name="epoch"', b"1" * 100_000), (FILE, b"x")), 413),
    "a form within": (form(*FIELDS, ('; name="a"\r\nContent-Type: multipart/mixed; boundary=c', b"--c--")), 400),
    "a long header": (form(('; name="a"\r\nX-A: ' + "x" * 5000, b"x")), 413),
    "many headers": (form(('; name="a"' + "\r\nX-A: x" * 100, b"x")), 413),
    "a header without an end": (b"--b\r\n" + b"x" * 300_000, 413),
    "a wrong length of a part": (form(*FIELDS, (FILE + "\r\nContent-Length: 7", b"x")), 400),
    "an endless preamble": (b"x" * 300_000, 400),
    "an endless epilogue": (checkpoint(b"x") + b"x" * 3_000_000, 400),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_whole_form_is_refused_and_nothing_kept(server: HubServer, folder: Path, case: str) -> None:
    body, status = BAD[case]
    with Talk(server) as talk:
        talk.ask("POST", UPLOAD, body, **FORM)
        answer = talk.heard()

        assert (status, True) == (answer.status, bool(answer.message)), answer
        assert status != 413 or re.search(r"(than|more than) \d+ (bytes|parts|headers)", answer.message), answer.message
    assert [] == kept(folder)


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/mixed; boundary=b", "text/plain", "", "\xff"]
)
def test_what_does_not_say_that_it_is_a_form_is_refused(server: HubServer, content_type: str) -> None:
    with Talk(server) as talk:
        talk.ask("POST", UPLOAD, checkpoint(b"x"), content_type=content_type)

        assert 400 == talk.heard().status


@pytest.mark.parametrize("size", [10 << 20, None])
def test_a_file_beyond_the_limit_is_refused_while_it_comes(server: HubServer, folder: Path, size: int | None) -> None:
    start = form(*FIELDS, end=b"") + part(FILE, b"")[:-2]
    with Talk(server) as talk:
        if size is None:
            talk.say(head("POST", UPLOAD, transfer_encoding="chunked", **FORM))
            talk.say(chunked(start, *[bytes(1 << 20)] * 6, end=False))
        else:
            talk.say(head("POST", UPLOAD, content_length=str(size), **FORM))
        answer = talk.heard()
        assert 413 == answer.status
        assert re.search(r"the file is larger than \d+ bytes.*--max-upload", answer.message)
    assert [] == kept(folder)


@pytest.mark.parametrize(
    ("path", "key", "status"), [(UPLOAD, None, 401), ("/v1/nothing", KEY, 404), (UPLOAD, KEY, 413), (PATH, KEY, 413)]
)
def test_who_is_refused_early_hears_it_though_he_sends_on(
    server: HubServer, path: str, key: str | None, status: int
) -> None:
    with Talk(server) as talk:
        # More than is thrown away for anybody: the rest meets a closed connection.
        talk.say(head("POST", path, key=key, content_length=str(64 << 20), **FORM))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(64):
                talk.say(bytes(1 << 20))
        assert status == talk.heard().status


@pytest.mark.parametrize("sent", [0, 4])
def test_who_is_refused_early_meets_no_error_while_he_sends_what_is_thrown_away(sent: int) -> None:
    with served(discard=64 << 20) as server, Talk(server) as talk:
        talk.say(head("POST", UPLOAD, key=None, content_length=str(32 << 20), **FORM) + bytes(sent << 20))
        assert talk.sock.recv(1, socket.MSG_PEEK)  # the answer is there, and the end of what the server says
        for _ in range(32 - sent):
            talk.say(bytes(1 << 20))

        assert 401 == talk.heard().status


def test_who_is_refused_early_is_not_heard_out_without_end() -> None:
    with served(discard=1 << 20, lingering_timeout=3600.0) as server, Talk(server) as talk:
        talk.say(head("POST", UPLOAD, key=None, content_length=str(64 << 20), **FORM))
        assert 401 == talk.heard().status

        def send() -> None:
            with contextlib.suppress(OSError):
                talk.say(bytes(64 << 20))

        thread = threading.Thread(target=send)
        thread.start()
        thread.join(0.5)  # by then somebody who is heard out has said it all
        assert thread.is_alive()
        server.close(timeout=0.0)
        thread.join(HANG_TIMEOUT)


def test_a_model_that_is_not_there_is_not_uploaded_to(server: HubServer, folder: Path) -> None:
    with Talk(server) as talk:
        talk.ask("POST", UPLOAD.replace(MODEL, "A" * 20), checkpoint(bytes(200_000)), **FORM)

        assert 404 == talk.heard().status
    assert [] == kept(folder)
