"""Each certificate is as bad as its name, by the word of the client's TLS; and a proxy sees what it sees."""

from __future__ import annotations

import socket
import ssl
import sys
from pathlib import Path

import pytest

from hubport.domain.hub.model import HubModel
from hubport.testing import FakeHub
from hubport.testing.lab import HANG_TIMEOUT, Lab
from hubport.testing.lab.server.proxy import Proxy
from hubport.testing.lab.server.tls import Authority, Certificate
from tests.integration.lab.client import Client, get

WHY = {
    Certificate.EXPIRED: "certificate has expired",
    Certificate.NOT_YET_VALID: "certificate is not yet valid",
    Certificate.WRONG_HOST: "certificate is not valid for '127.0.0.1'",
    Certificate.SELF_SIGNED: "self.signed certificate",
    Certificate.UNKNOWN_AUTHORITY: "unable to get local issuer certificate",
}


@pytest.fixture
def trusting(authority: Authority, tmp_path: Path) -> ssl.SSLContext:
    """A client that trusts the authority, and the machine's own ones not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.bundle(tmp_path))
    return context


def asked(lab: Lab, context: ssl.SSLContext, host: str = "127.0.0.1") -> bytes:
    with (
        socket.create_connection(("127.0.0.1", lab.port), timeout=HANG_TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=host) as sock,
    ):
        sock.sendall(get("/v1/auth"))
        return sock.recv(12)


def test_a_good_certificate_is_good(authority: Authority, trusting: ssl.SSLContext, hub: FakeHub) -> None:
    with Lab(hub, tls=authority.context()) as lab:
        assert lab.url.startswith("https://127.0.0.1:")
        assert b"HTTP/1.1 405" == asked(lab, trusting)
        assert 1 == len(lab.ledger)


def test_it_may_be_for_another_host(authority: Authority, trusting: ssl.SSLContext, hub: FakeHub) -> None:
    with Lab(hub, tls=authority.context(host="hub.invalid")) as lab:
        assert b"HTTP/1.1 405" == asked(lab, trusting, "hub.invalid")


@pytest.mark.parametrize("certificate", WHY)
def test_a_bad_one_is_bad_for_the_reason_that_it_names(
    authority: Authority, trusting: ssl.SSLContext, hub: FakeHub, certificate: Certificate
) -> None:
    with Lab(hub, tls=authority.context(certificate)) as lab:
        with pytest.raises(ssl.SSLCertVerificationError, match=WHY[certificate]):
            asked(lab, trusting)
        assert 1 == lab.connections
        assert 0 == len(lab.ledger)


def test_a_client_that_never_begins_does_not_hold_the_end_of_the_lab(authority: Authority, hub: FakeHub) -> None:
    for _ in range(100):  # its thread may be anywhere in the beginning of TLS
        with Lab(hub, tls=authority.context()) as lab, Client(lab) as client:
            lab.close()
            assert b"" == client.rest().data


def test_without_trustme_the_lab_can_be_imported_and_an_authority_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(ImportError, match=r"pip install 'hubport\[lab\]'"):
        Authority()


class TestProxy:
    def test_a_tunnel_leads_to_its_one_place_and_is_written_down(
        self, authority: Authority, trusting: ssl.SSLContext, hub: FakeHub, model: HubModel
    ) -> None:
        request = get(f"/v1/models/{model.id}", hub.api_key)
        with Lab(hub, tls=authority.context(host="hub.invalid")) as lab, Proxy(lab.port) as proxy:
            with socket.create_connection(
                ("127.0.0.1", int(proxy.url.rpartition(":")[2])), timeout=HANG_TIMEOUT
            ) as plain:
                plain.sendall(b"CONNECT hub.invalid:443 HTTP/1.1\r\nhost: hub.invalid\r\n\r\n")
                assert plain.recv(1 << 10).startswith(b"HTTP/1.1 200 ")
                with trusting.wrap_socket(plain, server_hostname="hub.invalid") as sock:
                    sock.sendall(request)
                    assert sock.recv(12) == b"HTTP/1.1 200"
            assert [("CONNECT", "hub.invalid:443")] == [(head.method, head.path) for head in proxy.heads]
            assert lab.ledger[0].has_key
            assert hub.api_key.encode() not in proxy.seen
            assert len(proxy.seen) > len(request)

    def test_what_is_sent_plainly_is_seen(self, hub: FakeHub, model: HubModel) -> None:
        with Lab(hub) as lab, Proxy(lab.port) as proxy:
            with socket.create_connection(
                ("127.0.0.1", int(proxy.url.rpartition(":")[2])), timeout=HANG_TIMEOUT
            ) as plain:
                plain.sendall(get(f"/v1/models/{model.id}", hub.api_key))
                assert plain.recv(12) == b"HTTP/1.1 200"
            assert hub.api_key.encode() in proxy.seen
            assert 1 == proxy.connections
