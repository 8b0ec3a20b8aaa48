from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.hub.api_key import ApiKey, key_id
from tests.unit.domain.strategies import KEY


def test_what_is_remembered_of_a_key_is_not_the_key() -> None:
    key = ApiKey.of(KEY, name="laptop", created=1.0)

    assert KEY not in repr(key)
    assert KEY[-4:] == key.tail
    assert len(key.id) == 20
    assert key.id == key_id(KEY)


@given(st.text())
def test_only_the_key_itself_fits(other: str) -> None:
    key = ApiKey.of(KEY, name="laptop", created=1.0)

    assert (other == KEY) == key.is_of(other)


def test_a_revoked_key_fits_nobody() -> None:
    key = ApiKey(key_id(KEY), "laptop", ApiKey.of(KEY, name="", created=0.0).sha256, KEY[-4:], is_trashed=True)

    assert not key.is_of(KEY)
