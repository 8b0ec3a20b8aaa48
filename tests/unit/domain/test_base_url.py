import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.base_url import validate_base_url
from hubport.domain.errors import InvalidSettings
from hubport.domain.hosts import is_loopback
from tests.unit.domain.strategies import KEY, MODEL_ID

SETTING = "api_root (ULTRALYTICS_HUB_API)"
LOOPBACK = ["localhost", "LOCALHOST", "hub.localhost", "127.0.0.1", "127.255.255.254", "[::1]"]


def root(url: str, *, plain: bool = False) -> str:
    return validate_base_url(url, setting=SETTING, allow_plain_http=plain)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.ultralytics.com",
        "https://hub.example:8443",
        "https://example.org/hub",
        "https://[2001:db8::1]:8443/hub",
        "https://10.0.0.1",
        "https://localhost",
        "HTTPS://hub.example",
    ],
)
@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_https_is_fine_anywhere_and_loses_its_last_slash(url: str, slashes: str) -> None:
    assert url == root(url + slashes)


@pytest.mark.parametrize("host", LOOPBACK)
@pytest.mark.parametrize("rest", ["", ":8421", "/hub", ":8421/hub"])
def test_plain_http_is_fine_on_this_machine(host: str, rest: str) -> None:
    assert f"http://{host}{rest}" == root(f"http://{host}{rest}")


@pytest.mark.parametrize(
    "host",
    [
        "hub.example",
        "10.0.0.1",
        "192.168.1.1",
        "0.0.0.0",  # noqa: S104 - it is refused
        "128.0.0.1",
        "127.0.0.1.evil.example",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "localhost.evil.example",
        "notlocalhost",
        "localhost.",
        "[2001:db8::1]",
        "[::]",
        "localhost\\.evil.example",
    ],
)
def test_plain_http_to_another_machine_is_for_those_who_ask_for_it(host: str) -> None:
    with pytest.raises(InvalidSettings, match="HUBPORT_ALLOW_PLAIN_HTTP") as caught:
        root(f"http://{host}")

    assert SETTING == caught.value.setting
    assert f"http://{host}" == root(f"http://{host}/", plain=True)


def test_nobody_asks_for_plain_http_by_saying_nothing() -> None:
    with pytest.raises(InvalidSettings):
        validate_base_url("http://hub.example", setting=SETTING)


@given(st.ip_addresses())
def test_an_address_is_this_machines_or_not(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    url = f"http://[{address}]:80" if address.version == 6 else f"http://{address}:80"

    assert address.is_loopback == is_loopback(str(address))
    if address.is_loopback:
        assert url == root(url)
    else:
        with pytest.raises(InvalidSettings):
            root(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "hub.example",
        "hub.example:8421",
        "//hub.example",
        "https:",
        "https://",
        "https:///hub",
        "https://:8421",
        "ftp://hub.example",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://[::1",
        "https://hub.example:port",
        "https://hub.example:99999",
        "https://hub.example:-1",
        "https://hub.example?x=1",
        "https://hub.example#top",
        "https://user@hub.example",
        "https://user:password@hub.example",
        "https://:@hub.example",
        "http://localhost@evil.example",
        "http://localhost:80@evil.example",
        "http://127.0.0.1\\@evil.example",
        "http://127.0.0.1#@evil.example",
        "http://127.0.0.1?@evil.example",
    ],
)
@pytest.mark.parametrize("plain", [False, True])
def test_what_is_no_root_is_refused_with_the_settings_name(url: str, plain: bool) -> None:  # noqa: FBT001
    with pytest.raises(InvalidSettings) as caught:
        root(url, plain=plain)

    assert SETTING == caught.value.setting
    assert str(caught.value).startswith(f"{SETTING}: ")


@pytest.mark.parametrize("url", [None, 5, b"https://hub.example"], ids=repr)
def test_what_is_no_text_is_refused(url: object) -> None:
    with pytest.raises(InvalidSettings):
        validate_base_url(url, setting=SETTING)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url", ["https://hub.example?", "https://hub.example/?", "https://hub.example#", "https://h/x?#"]
)
def test_an_empty_query_or_fragment_would_swallow_the_path_and_is_refused(url: str) -> None:
    """The adapter appends the path: ``https://hub.example/?`` + ``/v1/auth`` asks for the front page."""
    with pytest.raises(InvalidSettings):
        root(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://hub.example\n",
        " https://hub.example",
        "https://hub.example ",
        "https://hub\t.example",
        "https://hub.example/a\r\nx-evil: 1",
        "https://hub.example/a b",
        "https://hub.example\0",
    ],
    ids=repr,
)
def test_blanks_and_line_breaks_never_become_a_part_of_a_root(url: str) -> None:
    """Stripped at the ends or refused: which is the same to the adapter that puts a path behind it."""
    try:
        checked = root(url)
    except InvalidSettings:
        return
    assert all("!" <= character <= "~" for character in checked)


@pytest.mark.parametrize(
    "url",
    [
        "{key}",
        "{key}_{model}",
        "hub.example/models/{key}_{model}",
        "ftp://user:{key}@hub.example",
        "https://user:{key}@hub.example",
        "https://{key}@hub.example",
        "https://hub.example/models/{model}?api_key={key}",
        "https://hub.example#{key}",
        "https://hub.example:{key}",
        "https://[{key}",
    ],
)
def test_a_key_that_was_pasted_in_the_wrong_place_is_not_shown(url: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        root(url.format(key=KEY, model=MODEL_ID))

    assert KEY.lower() not in f"{caught.value} {caught.value!r}".lower()


@given(st.text() | st.text("htps:/@?#[]\\.%127lo ").map(lambda text: f"http://{text}"))
def test_whatever_it_is_it_is_a_root_or_refused(url: str) -> None:
    try:
        checked = root(url)
    except InvalidSettings:
        return
    assert url.rstrip("/") == checked
    assert checked.lower().startswith(("http://", "https://"))


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("127.0.0.1:8421", "http://127.0.0.1:8421"),
        ("localhost:8421/", "http://localhost:8421"),
        ("hub.example.org", "https://hub.example.org"),
        ("hub.example.org:8443", "https://hub.example.org:8443"),
        ("hub", "http://127.0.0.1:8421"),
        (KEY, "http://127.0.0.1:8421"),
        (f"{KEY}.example.org", "http://127.0.0.1:8421"),
        (f"hub.example.org/{KEY}", "http://127.0.0.1:8421"),
    ],
)
def test_an_address_without_a_scheme_is_shown_as_it_may_be_meant(url: str, meant: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        root(url)
    assert f"this is no URL: give one that begins with http:// or https://, such as {meant}" == caught.value.problem


@pytest.mark.parametrize(
    "below",
    [
        "/v1",
        "/v1/",
        "/v1/models",
        f"/models/{MODEL_ID}",
        f"/models/{MODEL_ID}/",
        f"/models/{KEY}_{MODEL_ID}",
        f"/models/{MODEL_ID}?api_key={KEY}",
        f"/models/{MODEL_ID}#key={KEY}",
        f"/#key={KEY}",
        "?x=1",
    ],
)
@pytest.mark.parametrize("own", ["http://127.0.0.1:8421", "https://example.org/hub"])
def test_of_a_page_or_a_path_of_a_hub_the_hubs_own_address_is_shown(own: str, below: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        root(f"{own}{below}")
    assert f"this is a page or a path of a HUB: give the HUB's own address, {own}" == caught.value.problem


@pytest.mark.parametrize("path", ["/models", "/v10", "/my/v1x", "/models/short"])
def test_other_paths_may_be_a_hubs(path: str) -> None:
    assert f"https://example.org{path}" == root(f"https://example.org{path}")
