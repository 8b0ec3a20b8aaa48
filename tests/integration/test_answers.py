"""What a server says, or does not, against what the trainer's client takes for delivered; by the server's ledger."""

from __future__ import annotations

import hashlib
import json
from functools import partial

import pytest

import hubport
from hubport.domain.ports.http import Request
from hubport.testing import FakeHub
from hubport.testing.lab import (
    HANG_TIMEOUT,
    DropAnswer,
    Empty,
    Html,
    Lab,
    RateLimited,
    Raw,
    Redirect,
    ResetAnswer,
    Script,
    Status,
    TooLarge,
    TruncateAnswer,
)
from tests.integration.conftest import TrainerSandbox
from tests.integration.hasty import Hasty

EPOCHS = 20
#: Answers that are none, although each begins with a success.
NO_DELIVERY: dict[str, Script] = {
    "a byte too little": TruncateAnswer(),
    "ten bytes too little": TruncateAnswer(by=10),
    "a reset": ResetAnswer(after=40),
    "nothing": Empty(),
    "no content": Empty(204),
    "a page": Html(),
    "half of an object": Html(body=b"{"),
    "a list": Html(body=b"[]"),
    "null": Html(body=b"null"),
    "no body": Raw(b"HTTP/1.1 200 OK\r\n\r\n"),
    "a body that does not come": Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n"),
}


def push(session: hubport.TrainingSession) -> None:
    """Flush until nothing waits. Each time it hurries, and the backoff so far is forgotten."""
    while not session.flush(timeout=0.1):
        pass


def sent(site: TrainerSandbox, kind: str, number: int) -> None:
    site.lab.ledger.wait_for_requests(kind, number)


@pytest.mark.parametrize("script", NO_DELIVERY.values(), ids=NO_DELIVERY)
def test_half_an_answer_and_anothers_words_are_no_delivery(site: TrainerSandbox, script: Script) -> None:
    (site.folder / "last.pt").write_bytes(b"weights" * 1000)
    session = site.connect(metrics_interval=0.0, checkpoint_interval=0.0)
    for kind in ("metrics", "upload"):
        site.lab.always(script, on=kind)
    session.log_metrics(0, {"loss": 1.0})
    session.upload_checkpoint(site.folder / "last.pt", epoch=0)
    for kind in ("metrics", "upload"):
        while len(site.lab.ledger.of(kind)) < 3:
            assert not session.flush(timeout=0.05)
    status = session.status()
    assert (0, 0) == (status.metrics.delivered, status.checkpoints.delivered)
    site.lab.heal()
    push(session)
    report = session.close(timeout=HANG_TIMEOUT)
    assert (1, 1) == (report.metrics.delivered, report.checkpoints.delivered)
    assert report.is_complete, str(report)
    assert [0] == list(site.hub.metrics(site.model_id))


@pytest.mark.parametrize("script", NO_DELIVERY.values(), ids=NO_DELIVERY)
def test_connect_takes_them_for_no_record_either(site: TrainerSandbox, script: Script) -> None:
    site.lab.always(script, on="model")
    with pytest.raises(hubport.HubError):
        site.connect(connect_timeout=0.2)


@pytest.mark.parametrize("script", [DropAnswer(), ResetAnswer(), TruncateAnswer()], ids=lambda s: type(s).__name__)
def test_what_was_committed_before_its_answer_was_lost_comes_again_and_is_there_once(
    site: TrainerSandbox, script: Script
) -> None:
    weights = b"weights" * 1000
    (site.folder / "last.pt").write_bytes(weights)
    session = site.connect(metrics_interval=0.0, checkpoint_interval=0.0)
    for kind in ("metrics", "upload"):
        site.lab.play(script, on=kind, times=2)
    session.log_metrics(0, {"loss": 1.0})
    session.upload_checkpoint(site.folder / "last.pt", epoch=0)
    push(session)
    report = session.close(timeout=HANG_TIMEOUT)

    assert report.is_complete, str(report)
    for kind in ("metrics", "upload"):
        entries = site.lab.ledger.committed(kind)
        assert 3 == len(entries)
        assert [script, script] == [entry.script for entry in entries[:2]]
    assert {0: {"loss": 1.0}} == site.hub.metrics(site.model_id)
    # The HUB has each upload as it came; all are the same version of the same epoch.
    assert {(0, hashlib.sha256(weights).hexdigest())} == {
        (checkpoint.epoch, checkpoint.sha256) for checkpoint in site.hub.checkpoints(site.model_id)
    }


def is_about(epoch: int, request: Request) -> bool:
    return request.json is not None and str(epoch) in request.json.get("metrics", {})


@pytest.mark.parametrize("status", [400, 422])
def test_a_record_that_the_hub_refuses_is_put_aside_and_the_rest_goes_on(site: TrainerSandbox, status: int) -> None:
    site.hub.refuse(status, "no such epoch", when=partial(is_about, 7), on="metrics")
    child = site.start("trains_epochs", EPOCHS)
    report = json.loads("\n".join(child.rest()))
    assert 0 == child.end(), child.stderr

    assert (1, EPOCHS - 1, 0, 0) == tuple(
        report["metrics"][name] for name in ("refused", "delivered", "waiting", "lost")
    )
    assert [epoch for epoch in range(EPOCHS) if epoch != 7] == list(site.hub.metrics(site.model_id))
    (aside,) = site.spools()  # for its owner to look at
    assert b'["aside", 7, ' in (aside / "journal").read_bytes()
    # It is not sent again, neither in this run nor at the next start.
    refused = len(site.lab.ledger.of("metrics"))
    with site.connect(exit_timeout=HANG_TIMEOUT) as session:
        session.flush(timeout=HANG_TIMEOUT)
    assert refused == len(site.lab.ledger.of("metrics"))


def test_metrics_that_are_too_large_together_go_apart(site: TrainerSandbox) -> None:
    session = site.connect(metrics_interval=3600.0)
    session.log_metrics(0, {"text": "x"})
    assert session.flush(timeout=HANG_TIMEOUT)
    for epoch in range(1, EPOCHS):
        session.log_metrics(epoch, {"text": "x" * 1000})
    site.lab.play(TooLarge(), on="metrics", times=2)
    push(session)
    report = session.close(timeout=HANG_TIMEOUT)
    assert report.is_complete, str(report)
    assert list(range(EPOCHS)) == list(site.hub.metrics(site.model_id))
    sizes = [entry.announced for entry in site.lab.ledger.of("metrics")]
    assert sizes[1] > sizes[2] > sizes[3]


@pytest.mark.parametrize("lingers", [True, False])
def test_an_upload_that_is_refused_for_its_size_before_it_is_through_is_put_aside(
    site: TrainerSandbox, *, lingers: bool
) -> None:
    (site.folder / "last.pt").write_bytes(bytes(20_000_000))
    session = site.connect(checkpoint_interval=0.0)
    site.lab.always(TooLarge(lingers=lingers), on="upload")
    session.upload_checkpoint(site.folder / "last.pt", epoch=0)
    if lingers:
        push(session)
        assert 1 == session.status().checkpoints.refused
    else:
        # The reset may overtake the answer: then it is no answer, and it is asked again.
        sent(site, "upload", 1)
        session.flush(timeout=0.1)
        status = session.status().checkpoints
        assert (1, 0) == (status.refused + status.waiting, status.delivered)
    session.close(timeout=0.1)
    assert () == site.hub.checkpoints(site.model_id)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("kind", ["auth", "model", "metrics", "upload", "heartbeat"])
def test_no_redirect_is_followed_and_the_key_stays_here(site: TrainerSandbox, kind: str, status: int) -> None:
    (site.folder / "last.pt").write_bytes(b"weights" * 1000)
    with Lab(FakeHub()) as elsewhere:
        redirect = Redirect(f"{elsewhere.url}/v1/models/{site.model_id}", status)
        if kind in {"auth", "model"}:
            site.lab.always(redirect, on=kind)
            settings = hubport.Settings(api_root=site.url, state_dir=site.state_dir, connect_timeout=HANG_TIMEOUT)
            clock = Hasty(lambda: [entry for entry in site.lab.ledger.of(kind) if entry.status == status])
            with pytest.raises(hubport.HubRefused, match=str(status)):
                hubport.connect(site.model_id, api_key=site.hub.api_key, settings=settings, clock=clock)
        else:
            session = site.connect(metrics_interval=0.0, checkpoint_interval=0.0, heartbeat_interval=0.1)
            site.lab.always(redirect, on=kind)
            session.log_metrics(0, {"loss": 1.0})
            session.upload_checkpoint(site.folder / "last.pt", epoch=0)
            site.lab.ledger.wait_for(lambda: [e for e in site.lab.ledger.of(kind) if e.status == status])
            delivered = {"metrics": session.status().metrics, "upload": session.status().checkpoints}
            assert kind == "heartbeat" or 0 == delivered[kind].delivered
            site.lab.heal()
            push(session)
            assert session.close(timeout=HANG_TIMEOUT).is_complete
        assert (0, 0) == (elsewhere.connections, len(elsewhere.ledger))


def test_a_key_does_not_go_over_plain_http_to_another_machine(site: TrainerSandbox) -> None:
    for root in ("http://hub.example", f"http://hub.example:{site.lab.port}", "http://192.0.2.7"):
        with pytest.raises(hubport.InvalidSettings, match="ULTRALYTICS_HUB_API"):
            site.connect(api_root=root)
    assert 0 == site.lab.connections


@pytest.mark.parametrize("headers", ["none", "garbage"])
def test_a_rate_limit_without_its_headers_is_tried_again(site: TrainerSandbox, headers: str) -> None:
    session = site.connect(metrics_interval=0.0)
    site.lab.play(RateLimited(1, headers), on="metrics")  # type: ignore[arg-type]
    session.log_metrics(0, {"loss": 1.0})
    push(session)
    report = session.close(timeout=HANG_TIMEOUT)
    assert report.is_complete, str(report)
    assert [429, 200] == [entry.status for entry in site.lab.ledger.of("metrics")]


def test_a_rate_limit_is_obeyed_even_by_who_hurries(site: TrainerSandbox) -> None:
    session = site.connect(metrics_interval=0.0)
    site.lab.play(RateLimited(3600), on="metrics")
    session.log_metrics(0, {"loss": 1.0})
    site.lab.ledger.wait_for(lambda: 429 in [entry.status for entry in site.lab.ledger])
    assert not session.flush(timeout=0.2)
    assert 1 == session.close(timeout=0.1).metrics.waiting
    assert [429] == [entry.status for entry in site.lab.ledger.of("metrics")]
    site.recover()
    assert [0] == list(site.hub.metrics(site.model_id))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(site: TrainerSandbox, status: int) -> None:
    session = site.connect(metrics_interval=0.0)
    site.lab.play(Status(status), on="metrics")
    session.log_metrics(0, {"loss": 1.0})
    push(session)
    report = session.close(timeout=HANG_TIMEOUT)
    assert report.is_complete, str(report)
    assert [status, 200] == [entry.status for entry in site.lab.ledger.of("metrics")]
