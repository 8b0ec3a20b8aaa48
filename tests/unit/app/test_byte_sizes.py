import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.app.byte_sizes import parse_size


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("7", 7),
        ("500MB", 5 * 10**8),
        ("8GiB", 8 << 30),
        (" 1.5 kiB ", 1536),
        ("2t", 2 * 10**12),
        ("3Ki", 3072),
        ("1.005GB", 1_005_000_000),
        ("9007199254740993", 9007199254740993),
        ("1" * 400, int("1" * 400)),
    ],
)
def test_units_are_of_ten_or_of_two(text: str, number: int) -> None:
    assert number == parse_size(text)


@pytest.mark.parametrize("text", ["", "-1", "1e9", "MB", "1 B B", "\u0661", "nan", "1PB"])
def test_what_is_no_size_says_what_is(text: str) -> None:
    with pytest.raises(ValueError, match="8GiB"):
        parse_size(text)


@given(st.text(max_size=6))
def test_any_text_is_a_size_or_a_value_error(text: str) -> None:
    try:
        assert parse_size(text) >= 0
    except ValueError:
        return
