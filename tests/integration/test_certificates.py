"""A session and a HUB behind TLS: nothing is said to a server that cannot show who it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import hubport
from hubport.domain.ports.clock import Clock
from hubport.testing import FakeHub
from hubport.testing.lab import HANG_TIMEOUT, Lab
from hubport.testing.lab.server.proxy import Proxy
from hubport.testing.lab.server.tls import Authority, Certificate
from tests.integration.hasty import Hasty

pytestmark = pytest.mark.usefixtures("bare_network")

BAD = [certificate for certificate in Certificate if certificate is not Certificate.GOOD]


def train(hub: FakeHub, root: str, folder: Path, clock: Clock | None = None) -> hubport.Report:
    settings = hubport.Settings(
        api_root=root, state_dir=folder / "state", connect_timeout=HANG_TIMEOUT, handle_signals=False
    )
    (folder / "last.pt").write_bytes(b"weights" * 1000)
    model = hub.create_model()
    with hubport.connect(model.id, api_key=hub.api_key, settings=settings, clock=clock) as session:
        session.log_metrics(0, {"loss": 1.0})
        session.upload_checkpoint(folder / "last.pt", epoch=0)
        assert session.flush(timeout=HANG_TIMEOUT)
    return session.status()


def test_a_custom_authority_is_honoured(trusted: Authority, tmp_path: Path) -> None:
    hub = FakeHub()
    with Lab(hub, tls=trusted.context()) as lab:
        report = train(hub, lab.url, tmp_path)
    assert report.is_complete, str(report)


@pytest.fixture(params=BAD, ids=str)
def distrusted(request: pytest.FixtureRequest, trusted: Authority) -> Iterator[tuple[FakeHub, Lab]]:
    hub = FakeHub()
    with Lab(hub, tls=trusted.context(request.param)) as lab:
        yield hub, lab


def test_a_bad_certificate_is_refused_and_nothing_is_said(distrusted: tuple[FakeHub, Lab], tmp_path: Path) -> None:
    hub, lab = distrusted
    with pytest.raises(hubport.HubUnreachable, match=r"(?i)certificate"):
        train(hub, lab.url, tmp_path, Hasty(lambda: lab.connections))
    assert lab.connections >= 1
    assert 0 == len(lab.ledger)


def test_without_its_authority_a_good_one_is_refused_too(authority: Authority, tmp_path: Path) -> None:
    hub = FakeHub()
    with Lab(hub, tls=authority.context()) as lab:
        with pytest.raises(hubport.HubUnreachable, match=r"(?i)certificate"):
            train(hub, lab.url, tmp_path, Hasty(lambda: lab.connections))
        assert 0 == len(lab.ledger)


def test_a_certificate_that_turns_bad_during_the_training_ends_sending_and_loses_nothing(
    trusted: Authority, tmp_path: Path
) -> None:
    """Somebody else answers at the HUB's address: the key is not shown to him."""
    hub = FakeHub()
    model = hub.create_model()
    with Lab(hub, tls=trusted.context()) as lab:
        settings = hubport.Settings(
            api_root=lab.url, state_dir=tmp_path / "state", metrics_interval=0.0, handle_signals=False
        )
        session = hubport.connect(model.id, api_key=hub.api_key, settings=settings)
    with Lab(hub, tls=trusted.context(Certificate.UNKNOWN_AUTHORITY), port=lab.port) as stranger:
        session.log_metrics(0, {"loss": 1.0})
        while not stranger.connections:
            assert not session.flush(timeout=0.2)
        assert 0 == len(stranger.ledger)
    with Lab(hub, tls=trusted.context(), port=lab.port):
        while not session.flush(timeout=0.2):
            pass
        assert session.close(timeout=HANG_TIMEOUT).is_complete
    assert [0] == list(hub.metrics(model.id))


def test_a_proxy_from_the_environment_sees_a_tunnel_and_no_key(
    trusted: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = FakeHub()
    with Lab(hub, tls=trusted.context(host="hub.invalid")) as lab, Proxy(lab.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        report = train(hub, "https://hub.invalid", tmp_path)
        assert report.is_complete, str(report)
        assert {("CONNECT", "hub.invalid:443")} == {(head.method, head.path) for head in proxy.heads}
        assert hub.api_key.encode() not in proxy.seen
        assert all(entry.has_key for entry in lab.ledger)
