from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.hub.bounded_cache import BoundedCache


@given(st.lists(st.sampled_from("abcdef"), max_size=30), st.integers(1, 5))
def test_those_that_were_put_last_are_remembered_and_no_others(keys: list[str], most: int) -> None:
    recent: BoundedCache[int] = BoundedCache(most)
    for number, key in enumerate(keys):
        recent.put(key, number)

    newest = {key: number for number, key in enumerate(keys)}
    remembered = sorted(newest, key=newest.__getitem__)[-most:]
    assert {key: newest[key] if key in remembered else None for key in "abcdef"} == {k: recent.get(k) for k in "abcdef"}
