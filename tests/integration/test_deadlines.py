"""One end for a request, however the bytes trickle; and for an upload another one, when nothing moves any more."""

from __future__ import annotations

import hashlib
import io
import random
import time
from collections.abc import Iterator

import pytest

import hubport
from hubport.adapters import requests_http
from hubport.adapters.requests_http import RequestsHttp
from hubport.domain.ports.http import FilePart, Request
from hubport.testing.lab import HANG_TIMEOUT, DripBody, DripHeaders, End, Hang, Script, Stall
from tests.integration.conftest import TrainerSandbox


def gone(site: TrainerSandbox, kind: str) -> None:
    """Wait until a client has had enough of a request of *kind*, for which the server would have gone on for ever."""
    site.lab.ledger.wait_for(
        lambda: [entry for entry in site.lab.ledger.of(kind) if entry.end is End.LEFT], f"the client's end of a {kind}"
    )


@pytest.mark.parametrize("script", [DripHeaders(0.01), DripBody(0.01), Hang(), Stall()], ids=str)
def test_metrics_and_heartbeats_are_given_up_at_their_end_and_sent_again(site: TrainerSandbox, script: Script) -> None:
    session = site.connect(metrics_interval=0.0, heartbeat_interval=0.1, request_timeout=0.3)
    for kind in ("metrics", "heartbeat"):
        site.lab.always(script, on=kind)
    session.log_metrics(0, {"loss": 1.0})
    for kind in ("metrics", "heartbeat"):
        gone(site, kind)
    assert 0 == session.status().metrics.delivered
    site.lab.heal()
    beats = len(site.lab.ledger.committed("heartbeat"))
    assert session.flush(timeout=HANG_TIMEOUT)
    site.lab.ledger.wait_for(lambda: len(site.lab.ledger.committed("heartbeat")) > beats)
    session.close(timeout=HANG_TIMEOUT)
    assert [0] == list(site.hub.metrics(site.model_id))


@pytest.mark.parametrize("script", [DripHeaders(0.01), DripBody(0.01), Hang(), Stall()], ids=str)
def test_connect_is_given_up_at_its_end(site: TrainerSandbox, script: Script) -> None:
    site.lab.always(script, on="model")
    timeout = 0.3
    while not site.lab.ledger.of("model"):  # on a busy machine its time may be over before it has come so far
        with pytest.raises(hubport.HubUnreachable, match="no answer within"):
            site.connect(connect_timeout=timeout)
        timeout *= 2
    gone(site, "model")


@pytest.fixture
def impatient(site: TrainerSandbox) -> Iterator[RequestsHttp]:
    """Gives up an upload that has not moved for less than a second, instead of a minute."""
    http = RequestsHttp(site.url, stall_after=0.9)
    yield http
    http.close()


@pytest.mark.parametrize("after", [0, 1_000_000])
def test_an_upload_that_does_not_move_is_given_up_and_tried_again(
    site: TrainerSandbox, impatient: RequestsHttp, after: int
) -> None:
    weights = random.Random(after).randbytes(20_000_000)
    (site.folder / "last.pt").write_bytes(weights)
    settings = hubport.Settings(
        api_root=site.url,
        state_dir=site.state_dir,
        checkpoint_interval=0.0,
        upload_timeout=3600.0,
        handle_signals=False,
    )
    session = hubport.connect(site.model_id, api_key=site.hub.api_key, settings=settings, http=impatient)
    site.lab.play(Stall(after), on="upload")
    session.upload_checkpoint(site.folder / "last.pt", epoch=0)
    site.lab.ledger.wait_for_requests("upload", 1)
    while not session.flush(timeout=0.2):  # each time it hurries, and the backoff of the stall is forgotten
        pass
    session.close(timeout=HANG_TIMEOUT)
    # On a busy machine an answer may come later than the impatient wait for it: the file comes again, and as whole.
    assert {hashlib.sha256(weights).hexdigest()} == {one.sha256 for one in site.hub.checkpoints(site.model_id)}
    first, *_, last = site.lab.ledger.of("upload")
    # The server sees nobody go: behind a window that is closed there is no news. It only waits on.
    assert (after, True, False) == (first.received, first.hangs, first.committed)
    assert (last.announced, End.ANSWERED, True) == (last.received, last.end, last.committed)


class Jump:
    """The clock of a machine on which time jumps."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


def test_an_upload_that_moves_lives_however_long_it_takes(
    site: TrainerSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of many pieces takes fifty of the sixty seconds in which something must move."""
    jump, pieces = Jump(), []
    monkeypatch.setattr(requests_http, "time", jump)

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            jump.ahead += 50.0
            pieces.append(size)
            return super().read(size)

    content = bytes(5_000_000)
    http = RequestsHttp(site.url, stall_after=60.0)
    headers = {"x-api-key": site.hub.api_key}
    form = {"epoch": "0", "type": "epoch", "isBest": "False"}
    path = f"/v1/models/{site.model_id}/upload"
    file = FilePart("last.pt", len(content), lambda: Slow(content))
    answer = http.send(Request("POST", path, headers, fields=form, file=file), timeout=3600.0)
    http.close()
    assert answer.status == 200
    assert len(pieces) * 50.0 > 10 * 60.0
    assert [len(content)] == [checkpoint.size for checkpoint in site.hub.checkpoints(site.model_id)]
