from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubport.domain.client.login import Login
from tests.unit.domain.strategies import KEY

FIELDS = {"version": 1, "api_root": "https://hub.example", "web_root": "https://hub.example", "api_key": KEY}
LOGIN = Login(api_root="https://hub.example", web_root="https://hub.example", api_key=KEY)


@pytest.mark.parametrize(
    "login",
    [
        LOGIN,
        Login(api_root="https://a.example/hub", web_root="http://w.example", api_key="!~"),
        Login(api_root="http://hub.lan", web_root="http://hub.lan", api_key=KEY, allow_plain_http=True),
    ],
)
def test_what_is_written_is_read(login: Login) -> None:
    assert login == Login.decode(login.encode(), name="FILE")


def test_what_a_later_version_adds_is_ignored() -> None:
    assert LOGIN == Login.decode(json.dumps(FIELDS | {"version": 2, "more": [1]}).encode(), name="FILE")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps({}).encode(),
        *(json.dumps({n: v for n, v in FIELDS.items() if n != name}).encode() for name in FIELDS if name != "version"),
        *(json.dumps(FIELDS | {name: 5}).encode() for name in FIELDS if name != "version"),
        json.dumps(FIELDS | {"api_key": ""}).encode(),
        json.dumps(FIELDS | {"api_key": f"{KEY}\nx-evil: 1"}).encode(),
        json.dumps(FIELDS | {"api_root": KEY}).encode(),
        json.dumps(FIELDS | {"api_root": "http://hub.example"}).encode(),
        json.dumps(FIELDS | {"api_root": "http://hub.example", "allow_plain_http": "yes"}).encode(),
        json.dumps(FIELDS | {"web_root": f"https://{KEY}@hub.example"}).encode(),
    ],
)
def test_what_is_none_is_an_error_that_quotes_nothing(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        Login.decode(data, name="FILE")

    assert KEY not in f"{caught.value} {caught.value!r} {caught.value.__context__!r}"


@given(st.binary() | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(lambda v: json.dumps(v).encode()))
@example(b"0" * 5000)
def test_whatever_it_is_it_is_a_login_or_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Login.decode(data, name="FILE")


def test_the_key_is_in_no_repr() -> None:
    assert KEY not in repr(LOGIN)
    assert f"…{KEY[-4:]}" in repr(LOGIN)
