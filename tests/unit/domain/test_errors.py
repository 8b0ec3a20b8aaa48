import copy
import inspect
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain import errors
from hubport.domain.errors import (
    AlreadyTrained,
    AuthenticationFailed,
    CallerError,
    DatasetNotReady,
    HubError,
    HubportError,
    HubRefused,
    HubUnreachable,
    InvalidAdapter,
    InvalidMetrics,
    InvalidModelRecord,
    InvalidModelRef,
    InvalidSettings,
    SessionClosed,
    StoreFull,
    StoreUnusable,
)

URL = "https://hub.example/models/A1b2C3d4E5f6G7h8I9j0"
ONE_OF_EACH: list[HubportError] = [
    InvalidModelRef("the model identifier is empty"),
    InvalidSettings("api_root", "this is no URL"),
    InvalidMetrics("loss", "a metric is a number or text, not list"),
    InvalidAdapter("my.module.MyHttp", "raised TypeError: no (http.py:3)"),
    SessionClosed("log_metrics", URL),
    StoreUnusable("postgresql://hub@db.example/hub", "connection refused"),
    StoreFull("sqlite:////data/hub.sqlite3", "the disk is full"),
    HubUnreachable("https://hub.example", "connection refused"),
    HubRefused(404, "there is no such model"),
    AuthenticationFailed("no key"),
    AlreadyTrained(URL),
    DatasetNotReady(URL),
    InvalidModelRecord("resume", "is missing"),
]
each_error = pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)


@pytest.mark.parametrize(
    ("kind", "built_ins"),
    [
        (InvalidModelRef, {ValueError}),
        (InvalidSettings, {ValueError}),
        (InvalidMetrics, {TypeError, ValueError}),
        (InvalidAdapter, {TypeError}),
        (SessionClosed, {RuntimeError}),
        (StoreUnusable, set()),
        (HubUnreachable, {ConnectionError}),
        (HubRefused, {ConnectionError, ValueError}),
        (AuthenticationFailed, {PermissionError, ValueError}),
        (AlreadyTrained, {ValueError}),
        (DatasetNotReady, {ValueError}),
        (InvalidModelRecord, {ValueError, KeyError}),
    ],
)
def test_each_error_is_the_built_in_that_callers_of_the_old_client_catch(
    kind: type[HubportError], built_ins: set[type[Exception]]
) -> None:
    candidates = {ValueError, TypeError, KeyError, RuntimeError, ConnectionError, PermissionError}

    assert built_ins == {c for c in candidates if issubclass(kind, c)}


def test_an_error_is_either_the_callers_fault_or_the_hubs() -> None:
    leaves = {type(error) for error in ONE_OF_EACH}

    assert {True} == {issubclass(kind, CallerError) != issubclass(kind, HubError) for kind in leaves}


def test_every_error_of_the_module_is_drawn_in_its_tree_and_tested_here() -> None:
    defined = {
        name: kind
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, HubportError) and kind.__module__ == errors.__name__
    }
    drawn = set(
        re.findall(r"[─ ]([A-Z]\w+)(?= |\n)", (errors.__doc__ or "").partition("::")[2].partition("The one")[0])
    )

    assert set(defined) <= drawn
    assert set(defined) - {"HubportError", "CallerError", "HubError"} == {type(e).__name__ for e in ONE_OF_EACH}


@each_error
def test_the_sentence_is_made_of_the_data(error: HubportError) -> None:
    for value in vars(error).values():
        assert str(value) in str(error)


@each_error
def test_an_error_survives_pickling_and_copying(error: HubportError) -> None:
    """It crosses processes: a data loader's, a launcher's."""
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 - our own
        assert type(error) is type(again)
        assert str(error) == str(again)
        assert vars(error) == vars(again)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (
            HubUnreachable("https://api.ultralytics.com", "refused"),
            ["switched off", "ULTRALYTICS_HUB_API", "ULTRALYTICS_HUB_WEB", "hubport's command `serve`"],
        ),
        (HubUnreachable("https://hub.example", "refused"), ["Is the HUB running", "ULTRALYTICS_HUB_API"]),
        (HubUnreachable("http://127.0.0.1:8421", "refused"), ["Is hubport's command `serve` running on this machine"]),
        (HubUnreachable("http://localhost:8421", "refused"), ["Is hubport's command `serve` running on this machine"]),
        (HubRefused(507, "full"), ["disk is full", "make room"]),
        (InvalidModelRef("x"), ["/models/<ID>", "<KEY>_<ID>"]),
        (AuthenticationFailed("no key"), ["api_key=", "HUB_API_KEY", "<KEY>_<ID>"]),
        (SessionClosed("log_metrics", URL), ["hubport.connect", URL]),
        (AlreadyTrained(URL), ["create a new model", URL]),
        (DatasetNotReady(URL), ["try again in a minute"]),
        (InvalidModelRecord("resume", "is missing"), ["Correct it in the HUB"]),
    ],
    ids=str,
)
def test_the_sentence_says_what_to_do_next(error: HubportError, advice: list[str]) -> None:
    for words in advice:
        assert words in str(error)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (200, "proxy or a login page"),
        (299, "proxy or a login page"),
        (300, "Redirects are not followed"),
        (308, "Redirects are not followed"),
        (399, "Redirects are not followed"),
        (400, "against the message"),
        (404, "Check the model's ID"),
        (422, "against the message"),
        (429, "Try again later"),
        (500, "Try again later"),
        (599, "Try again later"),
    ],
)
def test_a_refusal_advises_by_its_status(status: int, words: str) -> None:
    assert words in str(HubRefused(status, "no"))


@given(st.integers(0, 10**4), st.text())
def test_any_refusal_makes_a_sentence(status: int, message: str) -> None:
    sentence = str(HubRefused(status, message))

    assert message in sentence
    assert str(status) in sentence


@pytest.mark.parametrize("root", ["https://hub.example", "http://127.0.0.1:8421", "https://notultralytics.com", ""])
def test_the_vendors_end_is_explained_for_the_vendors_hosts_alone(root: str) -> None:
    assert "vendor" not in str(HubUnreachable(root, "refused"))
