"""Which HUB a call is for, and which key goes there."""

from __future__ import annotations

from typing import Any

import pytest

from hubport import AuthenticationFailed, Credentials, InvalidModelRef, InvalidSettings, Settings
from hubport.app.logins import Logins
from hubport.app.session.hub_access import key_for, model_access, named_hub
from hubport.domain.client.login import Login
from hubport.testing import FakePrivateFile
from tests.unit.domain.strategies import KEY, MODEL_ID

OWN, OTHER = "http://127.0.0.1:8421", "https://other.example"
VENDOR_API, VENDOR_WEB = "https://api.ultralytics.com", "https://hub.ultralytics.com"
OF_LOGIN, OF_SETTINGS, GIVEN = "the-key-of-the-login", "the-key-of-the-settings", "the-key-of-the-call"
BY_URL = f"{OTHER}/models/{MODEL_ID}"
NOBODY = Logins(FakePrivateFile())
DAMAGED = Logins(FakePrivateFile(b"nonsense", location="/the/file"))


def logins(root: str = OWN, **more: Any) -> Logins:
    login = Login(**{"api_root": root, "web_root": root, "api_key": OF_LOGIN, **more})
    return Logins(FakePrivateFile(login.encode()))


def found(model: str, key: str | None = None, *, kept: Logins = NOBODY, **settings: Any) -> tuple[str, str, str]:
    """The HUB's root, that of its pages, and the key that goes there."""
    resolved, claim = model_access(model, key, Settings(**settings), kept)
    assert MODEL_ID == claim.model_id
    return resolved.hub_root, resolved.page_root, claim.credentials.secret


@pytest.mark.parametrize("form", ["{model}", "{key}_{model}"])
@pytest.mark.parametrize("key", [None, GIVEN])
@pytest.mark.parametrize("kept", [NOBODY, Logins(None)], ids=["no login", "no home"])
@pytest.mark.parametrize("settings", [{}, {"api_key": OF_SETTINGS}])
def test_where_nobody_has_named_a_hub_there_is_none(
    form: str, key: str | None, kept: Logins, settings: dict[str, Any]
) -> None:
    with pytest.raises(InvalidSettings, match="none is named, so nothing was sent") as caught:
        found(form.format(model=MODEL_ID, key=KEY), key, kept=kept, **settings)
    assert KEY not in str(caught.value)


def test_arguments_come_first_then_settings_and_then_the_login() -> None:
    assert (OWN, OWN, OF_LOGIN) == found(MODEL_ID, kept=logins())
    assert (OWN, OWN, OF_SETTINGS) == found(MODEL_ID, kept=logins(), api_key=OF_SETTINGS)
    assert (OWN, OWN, KEY) == found(f"{KEY}_{MODEL_ID}", kept=logins(), api_key=OF_SETTINGS)
    assert (OWN, OWN, GIVEN) == found(f"{KEY}_{MODEL_ID}", GIVEN, kept=logins(), api_key=OF_SETTINGS)
    assert (OTHER, OTHER, OF_SETTINGS) == found(MODEL_ID, kept=logins(), api_root=OTHER, api_key=OF_SETTINGS)


def test_the_key_of_a_login_is_for_its_hub_alone() -> None:
    assert (OWN, OWN, OF_LOGIN) == found(MODEL_ID, kept=logins(), api_root=f"{OWN}/")
    with pytest.raises(AuthenticationFailed, match=f"no key for the HUB at {OTHER}"):
        found(MODEL_ID, kept=logins(), api_root=OTHER)


def test_a_login_knows_pages_elsewhere_and_whether_plain_http_is_allowed() -> None:
    kept = logins("http://hub.lan", web_root="http://pages.lan", allow_plain_http=True)
    assert ("http://hub.lan", "http://pages.lan", OF_LOGIN) == found(MODEL_ID, kept=kept)


# The model's URL.


def test_the_models_url_names_its_hub() -> None:
    assert (OTHER, OTHER, GIVEN) == found(BY_URL, GIVEN)
    assert (OTHER, OTHER, KEY) == found(f"{BY_URL}?api_key={KEY}")
    assert (OTHER, OTHER, KEY) == found(f"{OTHER}/models/{KEY}_{MODEL_ID}/")
    assert (f"{OTHER}/hub", f"{OTHER}/hub", GIVEN) == found(f"{OTHER}/hub/models/{MODEL_ID}", GIVEN)


def test_a_key_that_is_for_no_address_goes_to_the_one_that_the_url_names() -> None:
    assert (OTHER, OTHER, OF_SETTINGS) == found(BY_URL, api_key=OF_SETTINGS)


def test_the_vendor_is_named_by_its_own_url_alone() -> None:
    assert (VENDOR_API, VENDOR_WEB, GIVEN) == found(f"{VENDOR_WEB}/models/{MODEL_ID}", GIVEN)
    assert (VENDOR_API, VENDOR_WEB, KEY) == found(f"{VENDOR_WEB}/models/{KEY}_{MODEL_ID}")


def test_the_vendors_url_stands_for_that_of_ones_own_hub() -> None:
    """Trainers of 2023 know no other."""
    by_vendor = f"{VENDOR_WEB}/models/{KEY}_{MODEL_ID}"
    assert (OWN, OWN, KEY) == found(by_vendor, kept=logins())
    assert (OWN, OWN, KEY) == found(by_vendor, api_root=OWN)


@pytest.mark.parametrize("api_key", [None, OF_SETTINGS])
def test_a_key_that_is_kept_for_one_hub_is_not_sent_to_another(api_key: str | None) -> None:
    with pytest.raises(AuthenticationFailed, match=f"{OTHER}.*logged in to {OWN}.*not sent to another"):
        found(BY_URL, kept=logins(), api_key=api_key)
    assert (OTHER, OTHER, GIVEN) == found(BY_URL, GIVEN, kept=logins(), api_key=api_key)


def test_the_url_of_the_hub_that_is_logged_in_to_takes_its_key() -> None:
    assert (OTHER, OTHER, OF_LOGIN) == found(BY_URL, kept=logins(OTHER))
    kept = logins(OWN, web_root=OTHER)
    assert (OWN, OTHER, OF_LOGIN) == found(BY_URL, kept=kept)
    assert (OWN, OTHER, OF_LOGIN) == found(f"{OWN}/models/{MODEL_ID}", kept=kept)


def test_a_url_and_settings_that_name_two_hubs_are_an_error() -> None:
    """Also with a key beside it: `ULTRALYTICS_HUB_API` says where keys go."""
    with pytest.raises(InvalidModelRef, match=f"{OTHER}, but this session's HUB is {OWN}"):
        found(BY_URL, GIVEN, api_root=OWN)


@pytest.mark.parametrize("url", [f"http://hub.lan/models/{MODEL_ID}", f"ftp://hub.lan/models/{MODEL_ID}"])
def test_a_url_is_checked_as_an_address_would_be(url: str) -> None:
    with pytest.raises(InvalidSettings, match="the model's URL: "):
        found(url, GIVEN)


def test_plain_http_may_be_allowed_to_it() -> None:
    root = "http://hub.lan"
    assert (root, root, GIVEN) == found(f"{root}/models/{MODEL_ID}", GIVEN, allow_plain_http=True)


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{KEY}@hub.example/models/{MODEL_ID}",
        f"https://{KEY}/models/{MODEL_ID}",
        f"https://hub.example/{KEY}/models/{MODEL_ID}",
        f"https://hub.example/{KEY}",
        f"https://[{KEY}/models/{MODEL_ID}",
        f"http://hub.example/models/{KEY}_{MODEL_ID}",
        f"http://hub.example/models/{MODEL_ID}?api_key={KEY}",
    ],
)
@pytest.mark.parametrize("kept", [NOBODY, logins()], ids=["no login", "a login"])
def test_no_error_shows_the_key_in_a_url(url: str, kept: Logins) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        found(url, kept=kept)
    assert KEY.lower() not in f"{caught.value} {caught.value!r}".lower()


# A login that cannot be read.


def test_a_damaged_login_is_named_where_it_is_needed() -> None:
    for settings in ({}, {"api_key": OF_SETTINGS}, {"api_root": OWN}):
        with pytest.raises(InvalidSettings, match=r"the login in /the/file: it is no JSON.*login` writes a new one"):
            found(MODEL_ID, kept=DAMAGED, **settings)
    with pytest.raises(InvalidSettings, match="the login in /the/file"):
        found(BY_URL, kept=DAMAGED)


def test_a_damaged_login_stops_nobody_else() -> None:
    assert (OWN, OWN, GIVEN) == found(MODEL_ID, GIVEN, kept=DAMAGED, api_root=OWN)
    assert (OWN, OWN, OF_SETTINGS) == found(MODEL_ID, kept=DAMAGED, api_root=OWN, api_key=OF_SETTINGS)
    assert (OTHER, OTHER, GIVEN) == found(BY_URL, GIVEN, kept=DAMAGED)
    assert (OTHER, OTHER, OF_SETTINGS) == found(BY_URL, kept=DAMAGED, api_key=OF_SETTINGS)


def test_a_file_that_cannot_be_read_is_named() -> None:
    file = FakePrivateFile(location="/the/file")
    file.error = PermissionError(13, "Permission denied")
    with pytest.raises(InvalidSettings, match="the login in /the/file: Permission denied"):
        named_hub(Settings(), Logins(file))


def test_what_is_wrong_in_it_is_said_once() -> None:
    file = FakePrivateFile(logins("http://hub.lan", allow_plain_http=True).file.read(), location="/the/file")  # type: ignore[union-attr]
    assert file.data is not None
    file.data = file.data.replace(b"true", b"false")
    with pytest.raises(InvalidSettings, match=r"^the login in /the/file: plain http would carry the key to hub\.lan"):
        named_hub(Settings(), Logins(file))


# The key alone, as commands want it.


def test_a_bearer_token_stays_one() -> None:
    token = Credentials.bearer("token")
    assert token is key_for(Settings(api_root=OWN), NOBODY, token)


def test_settings_that_name_a_hub_stay_as_they_are() -> None:
    settings = Settings(api_root=OWN)
    assert settings is named_hub(settings, DAMAGED)
