"""What keeps a request from being answered is said by name, and what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubport.adapters.requests_http import RequestsHttp
from hubport.domain.errors import HubUnreachable
from hubport.domain.ports.http import Request
from hubport.testing.lab import RawServer
from hubport.testing.lab.server.tls import Authority
from tests.integration.adapters.handlers import hold

pytestmark = pytest.mark.usefixtures("bare_network")


def unreachable(url: str) -> str:
    with pytest.raises(HubUnreachable) as caught:
        RequestsHttp(url).send(Request("GET", "/v1", {}), timeout=5)
    return str(caught.value)


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("socks5://127.0.0.1:1", "SOCKS proxy: pip install 'requests[socks]'"),
        ("socks5h://user:s3cret@127.0.0.1:1", "SOCKS proxy"),
        ("http://127.0.0.1:1", "Connection refused"),
        ("http://nowhere.invalid:3128", "the name cannot be resolved"),
        ("http://", "no http or https URL with a host"),
        ("http://user:s3cret@proxy:port", "no http or https URL with a host"),
        ("http://user:s3cret@[::1", "no http or https URL with a host"),
        ("gopher://user:s3cret@127.0.0.1:1", "no http or https URL with a host"),
    ],
)
def test_a_proxy_that_cannot_be_used(proxy: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    text = unreachable("https://hub.example")
    assert "(the proxy that the environment names (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY)" in text
    assert words in text
    assert "s3cret" not in text
    assert "vendor" not in text


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_authorities_that_are_not_there(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "nothing.pem"))
    assert "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names is not there" in unreachable("https://127.0.0.1:1")


def test_authorities_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    (tmp_path / "notes.pem").write_text("no certificate\n")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "notes.pem"))
    with RawServer(hold, tls=authority.context()) as server:
        assert "names holds no certificate" in unreachable(server.url)


def test_a_certificate_that_is_not_trusted(authority: Authority) -> None:
    with RawServer(hold, tls=authority.context()) as server:
        text = unreachable(server.url)
    assert "the certificate of 127.0.0.1 is not trusted: " in text
    assert "REQUESTS_CA_BUNDLE=FILE" in text


def test_a_server_without_tls() -> None:
    with RawServer(lambda talk: talk.say(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")) as server:
        assert "does not speak TLS" in unreachable(server.url.replace("http://", "https://"))


def test_a_name_that_cannot_be_resolved() -> None:
    assert "the name cannot be resolved" in unreachable("http://nowhere.invalid")


def test_nobody_listens_on_this_machine() -> None:
    text = unreachable("http://127.0.0.1:1")
    assert "Connection refused" in text
    assert "Is hubport's command `serve` running" in text
    assert "vendor" not in text
