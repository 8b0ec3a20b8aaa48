"""A checkpoint's size does not matter to the trainer's memory."""

from pathlib import Path

from hubport.testing.lab import RawServer, ServerConnection
from tests.integration.adapters.child_process import output
from tests.integration.adapters.handlers import content_length, response

SIZE = 256 << 20

UPLOAD = """
    import sys
    from functools import partial
    from hubport.adapters.os_filesystem import OsFilesystem
    from hubport.adapters.requests_http import RequestsHttp
    from hubport.domain.ports.http import FilePart, Request

    def memory(field):
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field))

    root, path = sys.argv[1:]
    files, http = OsFilesystem(), RequestsHttp(root)
    http.send(Request("GET", "/"), timeout=60)  # whatever is loaded at first is no part of the upload
    part = FilePart("last.pt", files.size(path), partial(files.open, path))
    with open("/proc/self/clear_refs", "w") as marks:
        marks.write("5")  # a process begins with the high-water mark of the one that started it
    before = memory("VmRSS")
    answer = http.send(Request("POST", "/upload", fields={"epoch": "1"}, file=part), timeout=600)
    print(answer.status, memory("VmHWM") - before)
    http.close()
"""


def test_an_upload_of_a_quarter_gigabyte_needs_no_memory_to_speak_of(tmp_path: Path) -> None:
    checkpoint = tmp_path / "last.pt"
    with checkpoint.open("wb") as file:
        file.truncate(SIZE)
    sizes: list[int] = []

    def handle(talk: ServerConnection) -> None:
        while head := talk.head():
            left = content_length(head)
            sizes.append(left)
            while left:
                left -= len(talk.some(left))
            talk.say(response())

    with RawServer(handle) as server:
        status, grown_kib = output(UPLOAD, server.url, checkpoint, NO_PROXY="127.0.0.1").split()

    assert status == "200"
    assert sizes[1] > SIZE
    assert int(grown_kib) < 16 << 10
