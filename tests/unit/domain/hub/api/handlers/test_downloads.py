import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.hub.api.handlers.downloads import _range


@given(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_what_python_slices(size: int, start: int, end: int) -> None:
    content = bytes(range(size))
    found = _range(f"bytes={start}-{end}", size)
    if end < start:
        assert found is None  # makes no sense: the whole
        return
    assert found is not None
    assert content[start : end + 1] == content[found[0] : max(found[1], found[0])]


@given(st.integers(0, 50), st.integers(0, 60))
def test_an_open_end_is_the_end_of_the_file(size: int, start: int) -> None:
    content = bytes(range(size))
    found = _range(f"bytes={start}-", size)
    assert found is not None
    assert content[start:] == content[found[0] : found[1]]


@given(st.integers(0, 50), st.integers(1, 60))
def test_a_suffix_counts_from_the_end(size: int, length: int) -> None:
    content = bytes(range(size))
    found = _range(f"bytes=-{length}", size)
    assert found is not None
    assert content[-length:] == content[found[0] : found[1]]


@pytest.mark.parametrize(
    "header", ["", "bytes", "bytes=", "bytes=-", "bytes=1", "lines=0-1", "bytes=0-1,2-3", "bytes=²-"]
)
def test_what_is_no_single_range_is_none(header: str) -> None:
    assert _range(header, 10) is None


@given(st.text(max_size=20), st.integers(0, 100))
def test_whatever_is_asked_for_lies_within_the_file_or_beyond_its_end(header: str, size: int) -> None:
    found = _range(f"bytes={header}", size)

    assert found is None or found[0] >= found[1] or (0 <= found[0] < found[1] <= size)
