"""Whom requests trusts, and through whom it goes: certificates and proxies from the environment."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hubport import HubUnreachable
from hubport.adapters.requests_http import RequestsHttp
from hubport.domain.ports.http import FilePart, Request
from hubport.testing import FakeHub
from hubport.testing.lab import Lab, RawServer, ServerConnection
from hubport.testing.lab.server.proxy import Proxy
from hubport.testing.lab.server.tls import Authority, Certificate
from tests.integration.adapters.handlers import answering, drip, headers_of, hold, recording, response, taken

pytestmark = pytest.mark.usefixtures("bare_network")

KEY = "0123456789abcdef0123456789abcdef0123456789"
GET = Request("GET", "/v1/models/Ab3Cd5Ef7Gh9Ij1Kl2Mn", {"x-api-key": KEY})
PATIENT = 60.0
BAD = [certificate for certificate in Certificate if certificate is not Certificate.GOOD]

Reach = Callable[[str], RequestsHttp]


@pytest.fixture
def reach() -> Iterator[Reach]:
    made: list[RequestsHttp] = []

    def make(root: str) -> RequestsHttp:
        made.append(RequestsHttp(root))
        return made[-1]

    yield make
    for http in made:
        http.close()


class TestCertificates:
    def test_an_authority_of_ones_own_is_trusted_when_the_environment_says_so(
        self, trusted: Authority, reach: Reach
    ) -> None:
        heads: list[bytes] = []
        with RawServer(recording(heads), tls=trusted.context()) as server:
            http = reach(server.url)
            file = FilePart("last.pt", 1_000_000, lambda: io.BytesIO(bytes(1_000_000)))
            assert http.send(GET, timeout=PATIENT).status == 200
            assert http.send(Request("POST", "/upload", fields={}, file=file), timeout=PATIENT).status == 200

        assert headers_of(heads[0])["x-api-key"] == KEY
        assert server.connections == 1

    def test_it_is_not_trusted_otherwise(self, authority: Authority, reach: Reach) -> None:
        with Lab(FakeHub(), tls=authority.context()) as lab:
            with pytest.raises(HubUnreachable, match=r"(?i)certificate"):
                reach(lab.url).send(GET, timeout=PATIENT)

            assert (1, 0) == (lab.connections, len(lab.ledger))

    @pytest.mark.parametrize("certificate", BAD, ids=str)
    def test_a_bad_certificate_is_none(self, trusted: Authority, reach: Reach, certificate: Certificate) -> None:
        with Lab(FakeHub(), tls=trusted.context(certificate)) as lab:
            with pytest.raises(HubUnreachable, match=r"(?i)certificate"):
                reach(lab.url).send(GET, timeout=PATIENT)

            assert (1, 0) == (lab.connections, len(lab.ledger))

    def test_a_server_without_tls_is_no_answer(self, reach: Reach) -> None:
        def handle(talk: ServerConnection) -> None:
            talk.body(5)  # the beginning of a handshake
            talk.say(response(status="400 Bad Request"))

        with RawServer(handle) as server, pytest.raises(HubUnreachable):
            reach(server.url.replace("http:", "https:")).send(GET, timeout=PATIENT)

    def test_a_bundle_that_is_not_there_is_no_answer(
        self, authority: Authority, tmp_path: Path, reach: Reach, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
        with (
            RawServer(answering(response()), tls=authority.context()) as server,
            pytest.raises(HubUnreachable),
        ):
            reach(server.url).send(GET, timeout=PATIENT)

    @pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: "])
    def test_an_answer_that_drips_through_tls_ends_in_time(self, trusted: Authority, reach: Reach, said: bytes) -> None:

        def handle(talk: ServerConnection) -> None:
            taken(talk)
            drip(talk, said + b"x" * 1200)

        with (
            RawServer(handle, tls=trusted.context()) as server,
            pytest.raises(HubUnreachable, match="no answer within"),
        ):
            reach(server.url).send(GET, timeout=0.5)

    def test_a_handshake_that_never_ends_ends_in_time(self, reach: Reach) -> None:
        with RawServer(hold) as server, pytest.raises(HubUnreachable, match="no answer within"):
            reach(server.url.replace("http:", "https:")).send(GET, timeout=0.3)


class TestProxies:
    @pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
    def test_a_proxy_from_the_environment_is_gone_through(
        self, reach: Reach, monkeypatch: pytest.MonkeyPatch, variable: str
    ) -> None:
        heads: list[bytes] = []
        with RawServer(recording(heads)) as proxy:
            monkeypatch.setenv(variable, proxy.url)
            http = reach("http://hub.invalid:8421/root")
            assert http.send(GET, timeout=PATIENT).status == 200
            file = FilePart("last.pt", 700_000, lambda: io.BytesIO(bytes(700_000)))
            assert http.send(Request("POST", "/upload", fields={}, file=file), timeout=PATIENT).status == 200

        assert heads[0].startswith(b"GET http://hub.invalid:8421/root/v1/models/Ab3Cd5Ef7Gh9Ij1Kl2Mn HTTP/1.1\r\n")
        assert headers_of(heads[1])["host"] == "hub.invalid:8421"

    def test_a_hub_that_the_environment_excepts_is_reached_directly(
        self, reach: Reach, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with RawServer(answering(response())) as proxy, RawServer(answering(response())) as hub:
            monkeypatch.setenv("http_proxy", proxy.url)
            root = f"http://0.0.0.0:{hub.port}"
            assert reach(root).send(GET, timeout=PATIENT).status == 200
            assert (proxy.connections, hub.connections) == (1, 0)

            monkeypatch.setenv("no_proxy", "localhost,0.0.0.0")
            assert reach(root).send(GET, timeout=PATIENT).status == 200
            assert (proxy.connections, hub.connections) == (1, 1)

    @pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_a_hub_on_this_machine_is_reached_directly(
        self, reach: Reach, monkeypatch: pytest.MonkeyPatch, variable: str, host: str
    ) -> None:
        """A proxy would be shown the key, and would look for the HUB on its own loopback."""
        with RawServer(answering(response())) as proxy, RawServer(answering(response())) as hub:
            monkeypatch.setenv(variable, proxy.url)
            http = reach(f"http://{host}:{hub.port}")
            assert http.send(GET, timeout=PATIENT).status == 200
            file = FilePart("last.pt", 7, lambda: io.BytesIO(b"weights"))
            assert http.send(Request("POST", "/upload", fields={}, file=file), timeout=PATIENT).status == 200
            assert (proxy.connections, hub.connections) == (0, 1)

    def test_a_tunnel_shows_the_proxy_neither_key_nor_path(
        self, trusted: Authority, reach: Reach, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Lab(FakeHub(), tls=trusted.context(host="hub.invalid")) as hub, Proxy(hub.port) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            http = reach("https://hub.invalid")
            for _ in range(3):
                assert http.send(GET, timeout=PATIENT).status == 401
            http.close()

            assert {("CONNECT", "hub.invalid:443")} == {(head.method, head.path) for head in proxy.heads}
            assert KEY.encode() not in proxy.seen
            assert GET.path.encode() not in proxy.seen
            assert [KEY] * 3 == [entry.headers["x-api-key"] for entry in hub.ledger]

    @pytest.mark.parametrize("certificate", BAD, ids=str)
    def test_a_tunnel_to_a_bad_certificate_is_no_answer(
        self, trusted: Authority, reach: Reach, monkeypatch: pytest.MonkeyPatch, certificate: Certificate
    ) -> None:
        with Lab(FakeHub(), tls=trusted.context(certificate, host="hub.invalid")) as hub, Proxy(hub.port) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            with pytest.raises(HubUnreachable, match=r"(?i)certificate"):
                reach("https://hub.invalid").send(GET, timeout=PATIENT)

            assert (1, 0) == (hub.connections, len(hub.ledger))
            assert KEY.encode() not in proxy.seen

    @pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"])
    def test_a_proxy_that_refuses_the_tunnel_is_no_answer(
        self, reach: Reach, monkeypatch: pytest.MonkeyPatch, status: str
    ) -> None:
        """It is not the HUB that has said so: a 403 from here must not end the session's key."""
        with RawServer(answering(response(b"no", status=status))) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            with pytest.raises(HubUnreachable):
                reach("https://hub.invalid").send(GET, timeout=PATIENT)

    def test_a_proxy_that_drips_does_not_hold_its_client(self, reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
        def handle(talk: ServerConnection) -> None:
            talk.head()
            drip(talk, b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1200)

        with RawServer(handle) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            with pytest.raises(HubUnreachable, match="no answer within"):
                reach("https://hub.invalid").send(GET, timeout=0.4)

    def test_a_proxy_that_is_not_there_is_no_answer(self, reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
        with RawServer(answering(response()), is_listening=False) as nobody:
            for scheme in ("http", "https"):
                monkeypatch.setenv(f"{scheme}_proxy", nobody.url)
                with pytest.raises(HubUnreachable):
                    reach(f"{scheme}://hub.invalid").send(GET, timeout=PATIENT)

    @pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:{port}", "gopher://127.0.0.1:{port}", "http://[::1", "::"])
    def test_a_proxy_that_cannot_be_used_is_not_gone_around(
        self, reach: Reach, monkeypatch: pytest.MonkeyPatch, proxy: str
    ) -> None:
        """Whoever names a proxy does not want a direct connection."""
        with RawServer(answering(response())) as hub:
            monkeypatch.setenv("all_proxy", proxy.format(port=hub.port))
            with pytest.raises(HubUnreachable):
                # An address of this machine that is no loopback address by its looks.
                reach(f"http://0.0.0.0:{hub.port}").send(GET, timeout=PATIENT)

            assert hub.connections == 0

    def test_the_proxys_password_is_for_the_proxy(
        self, trusted: Authority, reach: Reach, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Lab(FakeHub(), tls=trusted.context(host="hub.invalid")) as hub, Proxy(hub.port) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//user:secret@"))
            http = reach("https://hub.invalid")
            assert http.send(GET, timeout=PATIENT).status == 401
            http.close()

            assert "proxy-authorization" in proxy.heads[0].headers
            assert not {"proxy-authorization", "authorization"} & set(hub.ledger[0].headers)
