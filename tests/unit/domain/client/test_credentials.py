import copy
import pickle

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.app.settings import Settings
from hubport.domain.client.credentials import Credentials, redact
from hubport.domain.client.model_ref import ModelRef
from hubport.domain.client.protocol import HubProtocol
from hubport.domain.errors import AuthenticationFailed
from tests.unit.domain.strategies import KEY, MODEL_ID, keys

printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


@given(printable)
def test_an_api_key_travels_in_its_own_header(secret: str) -> None:
    assert {"x-api-key": secret} == Credentials(secret).headers()


@given(printable)
def test_a_token_travels_as_bearer(secret: str) -> None:
    assert {"authorization": f"Bearer {secret}"} == Credentials.bearer(secret).headers()


@given(st.text().filter(lambda text: not text or not all("!" <= c <= "~" for c in text)))
def test_what_would_forge_or_break_a_header_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        Credentials(secret)

    assert str(AuthenticationFailed(caught.value.problem)) == str(caught.value)
    assert "the key is empty or holds blanks, line breaks or characters beyond ASCII" == caught.value.problem


@pytest.mark.parametrize("secret", ["", " ", "a b", "a\r\nx-evil: 1", "a\n", "\0", "schlüssel", "a\x7f", "\u0660"])
def test_such_secrets_are_refused_as_tokens_too(secret: str) -> None:
    with pytest.raises(AuthenticationFailed):
        Credentials.bearer(secret)


@pytest.mark.parametrize("secret", [None, 5, KEY.encode(), ["a"]])
def test_what_is_no_text_is_no_secret(secret: object) -> None:
    with pytest.raises(AuthenticationFailed):
        Credentials(secret)  # type: ignore[arg-type]


def test_a_changed_copy_is_checked_as_well() -> None:
    with pytest.raises(AuthenticationFailed):
        attrs.evolve(Credentials(KEY), secret="a\nb")


@given(keys, st.booleans())
def test_no_text_made_of_them_holds_the_secret(secret: str, is_bearer: bool) -> None:  # noqa: FBT001 - hypothesis names it
    credentials = Credentials(secret, is_bearer=is_bearer)
    protocol = HubProtocol(credentials)
    holders: list[object] = [
        credentials,
        copy.copy(credentials),
        protocol,
        protocol.authenticate(),
        protocol.fetch_model(MODEL_ID),
        protocol.heartbeat(MODEL_ID, agent="python-1-local", agent_id=None),
        protocol.post_metrics(MODEL_ID, {1: {"loss": 0.5}}),
        ModelRef(MODEL_ID, secret),
        Settings(api_key=secret),
    ]

    for holder in holders:
        for text in (repr(holder), str(holder), f"{holder}", f"{[holder]}"):
            assert secret not in text
            assert secret[:-4] not in text


@given(st.text(min_size=9))
def test_a_long_secret_shows_its_last_four_characters(secret: str) -> None:
    assert f"'…{secret[-4:]}'" == redact(secret)


@given(st.text(max_size=8))
def test_a_short_secret_shows_nothing(secret: str) -> None:
    assert "'…'" == redact(secret)


def test_a_request_names_its_headers_without_their_values() -> None:
    assert "<x-api-key>" in repr(HubProtocol(Credentials(KEY)).authenticate())
    assert "<authorization>" in repr(HubProtocol(Credentials.bearer(KEY)).authenticate())


@pytest.mark.parametrize("credentials", [Credentials(KEY), Credentials.bearer(KEY)])
def test_a_header_is_not_in_its_own_repr(credentials: Credentials) -> None:
    headers = credentials.headers()

    assert KEY in "".join(headers.values())
    assert KEY not in repr(headers)
    assert KEY[-4:] in repr(headers)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("credentials", [Credentials(KEY), Credentials.bearer(KEY)], ids=["key", "token"])
def test_a_pickle_holds_no_secret_and_proves_nothing(credentials: Credentials, protocol: int) -> None:
    """It lies in checkpoints, and in the files that hand a trainer to its ranks."""
    written = pickle.dumps([credentials, credentials.headers()], protocol)
    assert KEY.encode() not in written
    read, headers = pickle.loads(written)  # noqa: S301 - made a moment ago
    assert credentials.is_bearer == read.is_bearer
    assert credentials != read
    assert repr(KEY[-4:])[1:-1] in str(headers)
    assert "as it is" == read.scrubbed("as it is")
    with pytest.raises(AuthenticationFailed, match="a pickle holds no key"):
        read.headers()


def test_copies_in_the_same_process_are_as_good() -> None:
    credentials = Credentials(KEY)
    assert {credentials} == {copy.copy(credentials), copy.deepcopy(credentials)}


def test_the_secret_is_removed_from_all_that_came_as_json() -> None:
    value = {"a": [KEY, {"b": f"https://hub/?key={KEY}"}], KEY: 1, "n": None, "t": True, "x": 1.5}
    clean = Credentials(KEY).removed_from(value)
    assert KEY not in str(clean)
    shown = redact(KEY)
    assert {"a": [shown, {"b": f"https://hub/?key={shown}"}], shown: 1, "n": None, "t": True, "x": 1.5} == clean
