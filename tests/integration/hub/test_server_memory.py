"""What an upload costs the server in memory."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubport.testing.lab import Child
from hubport.testing.lab.sandbox import bare_environment
from tests.integration.adapters.child_process import unmeasured
from tests.integration.hub.wires import FIELDS, FORM, MODEL, PATH, form, head, part

GIB = 1 << 30
ROOT = Path(__file__).parents[3]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Child]:
    script = Path(__file__).with_name("children") / "serves_uploads.py"
    env = bare_environment() | unmeasured() | {"PYTHONPATH": str(ROOT)}
    with Child.run([sys.executable, str(script), str(tmp_path / "files")], env, tmp_path / "errors") as child:
        yield child


def send(server: Child, port: int, size: int) -> int:
    """Upload *size* bytes out of a file with nothing in it; the status."""
    start = form(*FIELDS, end=b"") + part('; name="last.pt"; filename="last.pt"', b"")[:-2]
    end = b"\r\n--b--\r\n"
    with socket.create_connection(("127.0.0.1", port)) as sock:
        length = str(len(start) + size + len(end))
        sock.sendall(head("POST", f"{PATH}/upload", content_length=length, connection="close", **FORM) + start)
        source = os.memfd_create("sparse")
        try:
            os.ftruncate(source, size)
            at = 0
            while at < size:
                at += os.sendfile(sock.fileno(), source, at, min(size - at, 1 << 24))
                # However slow the disk is: who answers does not hang.
                peak(server)
        finally:
            os.close(source)
        sock.sendall(end)
        return int(sock.recv(1 << 16).split(b" ")[1])


def peak(server: Child) -> int:
    """The most KiB that the server has ever held."""
    server.say()
    return int(server.line())


@pytest.mark.slow
def test_an_upload_of_2_gib_adds_less_than_64_mb(server: Child, tmp_path: Path) -> None:
    port = int(server.line())
    assert 200 == send(server, port, 1 << 20)
    before = peak(server)
    assert 200 == send(server, port, 2 * GIB)
    added = peak(server) - before

    assert 64_000 > added, f"{added} KiB"
    (kept,) = (path for path in (tmp_path / "files").rglob(f"*{MODEL}*") if path.stat().st_size > GIB)
    assert 2 * GIB == kept.stat().st_size
    kept.unlink()
    server.say_no_more()
    assert 0 == server.end()
