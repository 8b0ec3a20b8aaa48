import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.hub.api.hub import ROUTES
from hubport.domain.hub.api.messages import ApiError

MODEL = "A1b2C3d4E5f6G7h8I9j0"


def test_no_call_has_two_answers() -> None:
    assert [] == [call for call, times in Counter((r.method, r.template) for r in ROUTES.all).items() if times > 1]
    assert len(ROUTES.all) == len({route.name for route in ROUTES.all})


def test_only_downloads_need_no_key() -> None:
    assert ["download"] == [route.name for route in ROUTES.all if route.is_open]


@pytest.mark.parametrize("route", ROUTES.all, ids=lambda route: route.name)
def test_every_call_is_met_by_its_own_path(route: object) -> None:
    template = route.template  # type: ignore[attr-defined]
    path = template.replace("{id}", MODEL).replace("{token}", "t0ken").replace("{file}", f"{MODEL}-best.pt")

    assert route == ROUTES.match(route.method, path).route  # type: ignore[attr-defined]


def test_head_is_for_whatever_get_is_for() -> None:
    assert ROUTES.match("GET", f"/v1/models/{MODEL}") == ROUTES.match("HEAD", f"/v1/models/{MODEL}")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/models", "GET, HEAD, POST"),
        ("DELETE", "/v1/auth", "POST"),
        ("POST", f"/files/t/{MODEL}.pt", "GET, HEAD"),
        ("OPTIONS", f"/v1/models/{MODEL}", "DELETE, GET, HEAD, PATCH, POST"),
    ],
)
def test_another_method_learns_which_are_allowed(method: str, path: str, allowed: str) -> None:
    with pytest.raises(ApiError) as refused:
        ROUTES.match(method, path)

    assert 405 == refused.value.status
    assert {"allow": allowed} == refused.value.headers


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/v1/models/",
        f"/v1/models/{MODEL}/",
        f"/v1/models/{MODEL}0",
        f"/v1/models/{MODEL[:-1]}é",
        f"/v1/models/{MODEL}\n",
        f"//v1/models/{MODEL}",
        "/v1/models/../../../etc/passwd",
        "/files/../x",
        "/files/.token/x.pt",
        "/files/token/.x.pt",
        "/files/token/a/b.pt",
        f"/files/token/{'x' * 200}",
    ],
    ids=repr,
)
def test_a_path_that_does_not_fit_meets_nobody(path: str) -> None:
    with pytest.raises(ApiError) as refused:
        ROUTES.match("GET", path)

    assert 404 == refused.value.status


@given(st.text(max_size=60))
def test_what_a_path_gives_to_anybody_is_a_plain_name(tail: str) -> None:
    for head in ("/v1/models/", "/files/", "/files/token/"):
        try:
            match = ROUTES.match("GET", head + tail)
        except ApiError:
            continue
        assert all(re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z_.-]*", part) for part in match.parts)
