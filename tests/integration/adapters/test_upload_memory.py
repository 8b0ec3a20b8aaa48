"""A checkpoint's size does not matter to the trainer's memory."""

from pathlib import Path

from tests.integration.adapters.child_process import output
from tests.integration.adapters.raw_server import Conversation, RawServer, response

SIZE = 256 << 20

UPLOAD = """
    import resource, sys, tracemalloc
    from functools import partial
    from hubport.adapters.os_filesystem import OsFilesystem
    from hubport.adapters.requests_http import RequestsHttp
    from hubport.domain.ports.http import FilePart, Request

    root, path = sys.argv[1:]
    files, http = OsFilesystem(), RequestsHttp(root)
    http.send(Request("GET", "/"), timeout=60)  # whatever is loaded at first is no part of the upload
    part = FilePart("last.pt", files.size(path), partial(files.open, path))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = http.send(Request("POST", "/upload", fields={"epoch": "1"}, file=part), timeout=600)
    print(answer.status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    http.close()
"""


def test_an_upload_of_a_quarter_gigabyte_needs_no_memory_to_speak_of(tmp_path: Path) -> None:
    checkpoint = tmp_path / "last.pt"
    with checkpoint.open("wb") as file:
        file.truncate(SIZE)
    taken: list[int] = []

    def handle(talk: Conversation) -> None:
        while head := talk.head():
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            left = length
            while left:
                left -= len(talk.sock.recv(min(left, 1 << 20)))
            taken.append(length)
            talk.say(response())

    with RawServer(handle) as server:
        status, grown_kib = output(UPLOAD, server.url, checkpoint, NO_PROXY="127.0.0.1").split()

    assert status == "200"
    assert taken[1] > SIZE
    assert int(grown_kib) < 64 << 10
