import io

import requests
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.checkpoint import Checkpoint, CheckpointKind
from hubport.domain.client.multipart import MultipartFraming
from tests.unit.domain.strategies import checkpoints

ROOT = "https://hub.example"


def as_requests_writes_it(fields: dict[str, str], name: str, content: bytes) -> tuple[str, bytes]:
    """Content type and body of the same form, by the library that the old clients use."""
    prepared = requests.Request("POST", ROOT, data=fields, files={name: content}).prepare()
    assert isinstance(prepared.body, bytes)
    return prepared.headers["content-type"], prepared.body


def same_boundary(content_type: str) -> str:
    return content_type.partition("boundary=")[2]


@given(checkpoints, st.binary(min_size=1, max_size=50))
def test_a_checkpoints_form_is_what_requests_would_send_byte_for_byte(checkpoint: Checkpoint, content: bytes) -> None:
    fields, name = checkpoint.fields(), checkpoint.kind.part_name
    content_type, body = as_requests_writes_it(fields, name, content)
    envelope = MultipartFraming.around(fields, name, boundary=same_boundary(content_type))

    assert content_type == envelope.content_type
    assert body == envelope.head + content + envelope.tail


@given(
    st.dictionaries(st.text("abcdefghijklmnopqrstuvwxyzB", min_size=1), st.text()),
    st.sampled_from([kind.part_name for kind in CheckpointKind]),
)
def test_any_text_in_a_field_is_written_as_requests_writes_it(fields: dict[str, str], name: str) -> None:
    content_type, body = as_requests_writes_it(fields, name, b"\r\n--")
    envelope = MultipartFraming.around(fields, name, boundary=same_boundary(content_type))

    assert body == envelope.head + b"\r\n--" + envelope.tail


def test_an_open_file_makes_the_same_form() -> None:
    """As the old clients pass it: the name of the part is that of the field, and not that of the file."""
    prepared = requests.Request("POST", ROOT, data={"epoch": "1"}, files={"last.pt": io.BytesIO(b"abc")}).prepare()
    content_type = prepared.headers["content-type"]
    envelope = MultipartFraming.around({"epoch": "1"}, "last.pt", boundary=same_boundary(content_type))

    assert prepared.body == envelope.head + b"abc" + envelope.tail
