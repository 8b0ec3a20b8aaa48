"""A key that the HUB stops taking: sending stops, it is said once, everything is kept, and another key sends it."""

from __future__ import annotations

import threading

import pytest

import hubport
from hubport import Credentials
from hubport.domain.ports.http import Request, Response
from tests.session.conftest import Stage

NEW = "f" * 42
NEWER = "e" * 42


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [text for record in caplog.records if (text := record.getMessage()).startswith("key.refused ")]


def answer_late(stage: Stage, by: float) -> None:
    """Every answer of the HUB, whatever it is, takes *by* seconds to arrive."""
    send = stage.hub.send

    def slowly(request: Request, *, timeout: float) -> Response:
        answer = send(request, timeout=timeout)
        alarm = stage.clock.alarm()
        until = stage.clock.now() + by
        while stage.clock.now() < until:
            alarm.wait(until)
        alarm.retire()
        return answer

    stage.hub.send = slowly  # type: ignore[method-assign]


def log_all_kinds(stage: Stage, session: hubport.TrainingSession, epoch: int) -> None:
    stage.disk.files["last.pt"] = b"epoch %d" % epoch
    session.log_metrics(epoch, {"a": float(epoch)})
    session.upload_checkpoint("last.pt", epoch=epoch)


@pytest.mark.parametrize("status", [401, 403])
def test_one_warning_whichever_kinds_meet_it_and_nothing_more_is_sent(
    stage: Stage, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    session = stage.connect()
    stage.clock.advance(299.8)
    stage.hub.refuse(status, "who are you?")
    answer_late(stage, 0.5)
    for epoch in range(10):
        log_all_kinds(stage, session, epoch)
    stage.clock.advance(2)  # all three kinds were due, and under way together
    assert {"metrics", "upload", "heartbeat"} == {entry.kind for entry in stage.hub.ledger if entry.status == status}
    sent = len(stage.hub.ledger)
    for epoch in range(10, 20):
        log_all_kinds(stage, session, epoch)
        stage.clock.advance(1000)
    session.stop_heartbeats()
    session.start_heartbeats()
    assert not session.flush(timeout=10)
    assert sent == len(stage.hub.ledger)
    (warning,) = refusals(caplog)
    assert f"status={status} message='who are you?'" in warning
    assert "session.use_key(" in warning
    report = session.status()
    assert (20, 20) == (report.metrics.waiting, report.metrics.logged)
    assert (0, 1) == (report.checkpoints.lost, report.checkpoints.waiting)


@pytest.mark.parametrize("status", [401, 403])
def test_with_another_key_everything_arrives(stage: Stage, status: int) -> None:
    session = stage.connect()
    stage.clock.advance(5)
    stage.hub.refuse(status)
    for epoch in range(10):
        log_all_kinds(stage, session, epoch)
        stage.clock.advance(1000)
    stage.hub.heal()
    stage.hub.api_key = NEW
    before = stage.clock.now()

    session.use_key(NEW)

    stage.clock.advance(1000)
    assert set(range(10)) == set(stage.hub.metrics(stage.model_id))
    assert [9] == [checkpoint.epoch for checkpoint in stage.hub.checkpoints(stage.model_id)]
    assert 3 <= len([at for at in stage.times("heartbeat") if at >= before])
    log_all_kinds(stage, session, 10)
    report = session.finish("best.pt", epoch=10, map=0.5)
    assert report.is_complete
    assert report.final_delivered


def test_the_key_that_the_hub_has_revoked_is_sent_no_more(stage: Stage) -> None:
    """Once to be told for each kind that was under way; and after use_key never."""
    keys: list[str] = []
    send = stage.hub.send

    def watched(request: Request, *, timeout: float) -> Response:
        keys.append(request.headers["x-api-key"])
        return send(request, timeout=timeout)

    stage.hub.send = watched  # type: ignore[method-assign]
    session = stage.connect()
    old, stage.hub.api_key = stage.hub.api_key, NEW
    stage.clock.advance(1)
    log_all_kinds(stage, session, 0)
    stage.clock.advance(1000)
    told = len(keys)
    assert set(keys) == {old}
    session.use_key(NEW)
    stage.clock.advance(2000)
    assert set(keys[told:]) == {NEW}
    assert session.close().is_complete


def test_a_second_refusal_is_said_again(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    session = stage.connect()
    stage.hub.api_key = NEWER
    stage.clock.advance(400)
    assert 1 == len(refusals(caplog))
    session.use_key(NEW)
    stage.clock.advance(400)
    assert 2 == len(refusals(caplog))
    session.log_metrics(0, {"a": 0.0})
    session.use_key(NEWER)
    stage.clock.advance(400)
    assert 2 == len(refusals(caplog))
    assert {0: {"a": 0.0}} == stage.hub.metrics(stage.model_id)
    assert session.close().is_complete


def test_a_key_may_be_changed_before_it_is_refused(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Before the old one expires: nobody notices."""
    session = stage.connect()
    stage.clock.advance(1)
    session.use_key(NEW)
    stage.hub.api_key = NEW
    log_all_kinds(stage, session, 0)
    stage.clock.advance(1000)
    assert session.close().is_complete
    assert [] == refusals(caplog)
    assert {0: {"a": 0.0}} == stage.hub.metrics(stage.model_id)


def test_the_same_key_may_be_used_again(stage: Stage) -> None:
    """The HUB's database of keys was away for a moment."""
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.refuse(403, calls=1)
    session.log_metrics(0, {"a": 0.0})
    stage.clock.advance(400)
    assert 1 == session.status().metrics.waiting
    session.use_key(stage.hub.api_key)
    stage.clock.advance(10)
    assert 0 == session.status().metrics.waiting


@pytest.mark.parametrize("kind", ["metrics", "upload", "heartbeat"])
def test_the_refusal_of_a_request_that_was_under_way_says_nothing_of_the_new_key(
    stage: Stage, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    session = stage.connect()
    stage.clock.advance(297)
    stage.hub.slow(8, on=kind, calls=1)
    log_all_kinds(stage, session, 0)
    stage.clock.advance(4)
    assert not {kind} & {entry.kind for entry in stage.hub.ledger if entry.at > 296}  # it is under way

    stage.hub.api_key = NEW
    session.use_key(NEW)

    stage.clock.advance(1000)
    assert [] == refusals(caplog)
    assert {0: {"a": 0.0}} == stage.hub.metrics(stage.model_id)
    assert [0] == [checkpoint.epoch for checkpoint in stage.hub.checkpoints(stage.model_id)]
    assert len([entry for entry in stage.hub.received("heartbeat") if entry.status == 200]) >= 4
    assert session.close().is_complete


def test_of_a_request_under_way_with_the_old_key_the_old_key_is_not_shown(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """The HUB quotes what it refuses."""
    session = stage.connect()
    stage.clock.advance(1)
    old = stage.hub.api_key
    stage.hub.refuse(422, f"the key {old} may not", on="metrics", calls=1)
    answer_late(stage, 5)
    session.log_metrics(0, {"a": 1.0})
    stage.clock.advance(1)
    session.use_key(NEW)
    stage.clock.advance(10)
    assert 1 == session.status().metrics.refused
    journal = bytes(stage.outbox.spools[0].journal).decode()
    assert "may not" in journal
    assert old not in journal + caplog.text + str(session.status())


def test_a_key_may_come_from_another_thread(stage: Stage) -> None:
    """A user types it into a notebook's cell while the training runs in a thread."""
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.api_key = NEW
    stage.hub.slow(2, calls=3)
    log_all_kinds(stage, session, 0)
    stage.clock.advance(1)
    other = threading.Thread(target=session.use_key, args=(NEW,))
    other.start()
    other.join()
    stage.clock.advance(1000)
    assert session.close().is_complete
    assert {0: {"a": 0.0}} == stage.hub.metrics(stage.model_id)


def test_a_token_may_take_the_place_of_a_key(stage: Stage) -> None:
    session = stage.connect()
    stage.hub.api_key, stage.hub.bearer = NEW, "an.id.token"
    session.log_metrics(0, {"a": 0.0})
    stage.clock.advance(400)
    session.use_key(Credentials.bearer("an.id.token"))
    stage.clock.advance(10)
    assert {0: {"a": 0.0}} == stage.hub.metrics(stage.model_id)


@pytest.mark.parametrize("key", ["", "with a blank", "two\nlines", "schlüssel", "tab\t", None, 42])
def test_what_cannot_be_a_key_is_said_and_the_old_one_goes_on(stage: Stage, key: object) -> None:
    session = stage.connect()
    with pytest.raises(hubport.AuthenticationFailed, match="the key is empty or holds blanks") as caught:
        session.use_key(key)  # type: ignore[arg-type]
    assert str(key) not in str(caught.value) or not key
    session.log_metrics(0, {"a": 0.0})
    assert session.close().is_complete


def test_after_the_end_there_is_nothing_to_use_a_key_for(stage: Stage) -> None:
    session = stage.connect()
    session.close()
    with pytest.raises(hubport.SessionClosed, match=r"use_key\(\)"):
        session.use_key(NEW)


def test_whoever_waits_for_delivery_goes_on_waiting_with_the_new_key(stage: Stage) -> None:
    """finish() comes back at once from a key that is refused; and is asked again with one that is not."""
    session = stage.connect()
    stage.hub.api_key = NEW
    session.log_metrics(0, {"a": 0.0})
    stage.clock.advance(10)
    now = stage.clock.now()
    assert not session.send_final("best.pt", epoch=0, map=0.5)
    assert now == stage.clock.now()
    session.use_key(NEW)
    report = session.finish()
    assert report.is_complete
    assert report.final_delivered
    assert "trained" == stage.hub.model(stage.model_id).status


def test_what_a_refused_key_has_left_goes_out_at_the_next_connect(stage: Stage) -> None:
    session = stage.connect()
    stage.hub.api_key = NEW
    log_all_kinds(stage, session, 0)
    report = session.finish("best.pt", epoch=0, timeout=60)
    assert (1, 2) == (report.metrics.waiting, report.checkpoints.waiting + report.checkpoints.superseded)
    assert 1 == len(stage.outbox.spools)
    assert b'["end", "status 401' in bytes(stage.outbox.spools[0].journal)
    stage.connect().close()
    assert {0: {"a": 0.0}} == stage.hub.metrics(stage.model_id)
    assert "trained" == stage.hub.model(stage.model_id).status
