import json
import string
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.client.outcome import Outcome, Verdict, outcome
from hubport.domain.ports.http import Response

WALL = 1_000_000.0
RETRY, DELIVERED, UNAUTHORIZED, REJECTED = Verdict.RETRY, Verdict.DELIVERED, Verdict.UNAUTHORIZED, Verdict.REJECTED

SUCCESS = b'{"success": true, "message": "", "data": {"id": 1}}'
FAILURE = b'{"success": false, "message": "no"}'
NOT_THE_HUBS = {
    "html": b"<html>Welcome to the hotel's network</html>",
    "empty": b"",
    "blank": b" \n",
    "half": SUCCESS[:-10],
    "array": b'[{"success": true}]',
    "text": b'"success"',
    "number": b"200",
    "true": b"true",
    "null": b"null",
    "not utf-8": b'{"success": true, "message": "\xff"}',
    "binary": bytes(range(256)),
    "too deep": b"[" * 100_000,
    "too long a number": b'{"success": true, "data": ' + b"1" * 5000 + b"}",
    "two": SUCCESS + SUCCESS,
}


def answered(status: int, body: bytes = SUCCESS, **headers: str) -> Outcome:
    return outcome(Response(status, {name.replace("_", "-"): v for name, v in headers.items()}, body), wall=WALL)


def expected_verdict(status: int, *, success: bool | None) -> Verdict:
    """The table at the top of the module; *success* is ``None`` for what is not the HUB's envelope."""
    if success is None and status != 413:
        return RETRY
    if status in {401, 403}:
        return UNAUTHORIZED
    if status in {408, 425, 429} or status // 100 in {1, 3, 5}:
        return RETRY
    if status // 100 == 2:
        return DELIVERED if success else REJECTED
    return REJECTED


@pytest.mark.parametrize(
    ("success", "body"),
    [(True, SUCCESS), (False, FAILURE), *((None, body) for body in NOT_THE_HUBS.values())],
    ids=["success", "failure", *NOT_THE_HUBS],
)
def test_every_status_means_what_the_table_says(success: bool | None, body: bytes) -> None:  # noqa: FBT001
    expected = {status: expected_verdict(status, success=success) for status in range(100, 600)}

    assert expected == {status: answered(status, body).verdict for status in range(100, 600)}


@pytest.mark.parametrize("status", [600, 999])
def test_a_status_beyond_http_is_no_delivery(status: int) -> None:
    assert answered(status).verdict is not DELIVERED


def test_what_was_delivered_carries_the_data() -> None:
    assert Outcome(DELIVERED, 200, "fine", data={"id": 1}) == answered(
        200, b'{"success": true, "message": "fine", "data": {"id": 1}}'
    )


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_data_beside_an_error_is_not_ours(status: int) -> None:
    assert answered(status).data is None


# The message


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_the_message_is_the_hubs(status: int) -> None:
    assert "no" == answered(status, FAILURE).message


@pytest.mark.parametrize("message", [None, 5, ["no"], {"a": "b"}, True])
def test_a_message_that_is_no_text_is_none(message: object) -> None:
    assert "" == answered(400, json.dumps({"success": False, "message": message}).encode()).message


@given(st.text(min_size=1, max_size=3).map(lambda text: text * 200))
def test_a_long_message_is_cut(message: str) -> None:
    assert message[:200] == answered(400, json.dumps({"success": False, "message": message}).encode()).message


def test_without_the_hubs_json_the_message_says_what_came_instead() -> None:
    expected = "not the HUB's JSON but 6 bytes of text/html"

    assert expected == answered(200, b"<html>", content_type="text/html; charset=utf-8").message
    assert "not the HUB's JSON but 0 bytes of no content type" == answered(502, b"").message


# How long to hold


@pytest.mark.parametrize("status", sorted(s for s in range(100, 600) if expected_verdict(s, success=True) is RETRY))
def test_retry_after_holds_whatever_is_worth_another_try(status: int) -> None:
    assert 7 == answered(status, b"", retry_after="7").hold


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 422])
def test_nothing_else_holds(status: int) -> None:
    assert answered(status, retry_after="7", x_ratelimit_reset=str(int(WALL) + 7)).hold is None


def test_a_429_with_all_four_headers_holds_for_retry_after() -> None:
    hold = answered(
        429,
        FAILURE,
        retry_after="7",
        x_ratelimit_limit="100",
        x_ratelimit_remaining="0",
        x_ratelimit_reset=str(int(WALL) + 99),
    ).hold

    assert 7 == hold


@pytest.mark.parametrize(
    ("reset", "expected"),
    [
        (str(int(WALL) + 9), 9),
        (str(int(WALL)), 0),
        (str(int(WALL) - 9), 0),
        ("0", 0),
        (str(10**15), 3600),
        ("9" * 5000, 3600),
        ("", None),
        ("soon", None),
        ("-9", None),
        ("1000009.5", None),
        ("١٠٠٠٠٠٩", None),
        ("²", None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_where_a_proxy_ate_retry_after_the_reset_holds(reset: str, expected: float | None) -> None:
    assert expected == answered(429, FAILURE, x_ratelimit_reset=reset).hold


def test_where_retry_after_is_garbage_the_reset_holds() -> None:
    assert 9 == answered(429, FAILURE, retry_after="soon", x_ratelimit_reset=str(int(WALL) + 9)).hold


def test_the_reset_is_for_a_rate_limit_alone() -> None:
    assert answered(503, FAILURE, x_ratelimit_reset=str(int(WALL) + 9)).hold is None


@given(st.integers(0, 3000), st.floats(0, 1, exclude_max=True))
def test_a_hold_is_over_when_the_limit_is_reset_and_not_before(seconds: int, fraction: float) -> None:
    wall = WALL + fraction
    reset = int(WALL) + 1 + seconds
    hold = outcome(Response(429, {"x-ratelimit-reset": str(reset)}, FAILURE), wall=wall).hold

    assert hold is not None
    assert reset <= wall + hold < reset + 1


def test_a_429_without_any_header_is_just_tried_again() -> None:
    assert Outcome(RETRY, 429, "no") == answered(429, FAILURE)


# What it is called


def test_no_answer_is_silence_and_worth_another_try() -> None:
    silence = Outcome.unreachable("connection refused")

    assert Outcome(RETRY, 0, "connection refused") == silence
    assert silence.is_silence
    assert "no answer" == silence.reason


@given(st.integers(100, 599))
def test_an_answer_is_no_silence(status: int) -> None:
    assert not answered(status).is_silence
    assert ("the HUB's disk is full" if status == 507 else f"status {status}") == answered(status).reason


def test_refusals_that_may_be_about_a_part_can_be_divided() -> None:
    divisible = {status for status in range(100, 600) if answered(status, FAILURE).is_divisible}

    assert {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY} == divisible


# Whatever comes

bodies = st.one_of(
    st.binary(),
    st.text(string.printable).map(str.encode),
    st.dictionaries(
        st.sampled_from(["success", "message", "data"]), st.none() | st.booleans() | st.integers() | st.text()
    )
    .map(json.dumps)
    .map(str.encode),
)
headers = st.dictionaries(
    st.sampled_from(["retry-after", "x-ratelimit-reset", "content-type"]), st.text() | st.text("0123456789-. ")
)


@given(status=st.integers(0, 999), body=bodies, headers=headers, wall=st.floats(0, 1e11))
def test_whatever_comes_is_understood(status: int, body: bytes, headers: dict[str, str], wall: float) -> None:
    result = outcome(Response(status, headers, body), wall=wall)

    assert status == result.status
    assert result.hold is None or 0 <= result.hold <= 3600
    assert result.hold is None or result.verdict is RETRY
    assert (result.verdict is DELIVERED) <= is_json_object(body)


def is_json_object(body: bytes) -> Any:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False
