"""Sessions that nobody holds any more, and a second session for the same model in one process."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

import hubport
from tests.session.conftest import Stage


@pytest.fixture(autouse=True)
def _no_garbage() -> Iterator[None]:
    """What these tests drop is collected because nothing refers to it, and not because the collector came by."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def said(caplog: pytest.LogCaptureFixture, event: str) -> list[str]:
    messages = [record.getMessage() for record in caplog.records]
    return [message for message in messages if message.startswith(f"{event} ")]


def held_by_nobody(stage: Stage) -> hubport.TrainingSession:
    """A new session, which the stage does not hold either."""
    session = stage.connect()
    stage.sessions.clear()
    return session


def test_it_sends_what_waits_and_ends(stage: Stage) -> None:
    before = set(threading.enumerate())
    session = held_by_nobody(stage)
    workers = set(threading.enumerate()) - before
    stage.clock.advance(1)
    session.log_metrics(0, {"a": 1.0})
    session.upload_checkpoint("last.pt", epoch=0)
    gone = weakref.ref(session)
    del session
    assert gone() is None
    stage.clock.advance(3600)
    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)
    assert 1 == len(stage.hub.checkpoints(stage.model_id))
    assert [0.0, 1.0] == stage.times("heartbeat")  # the beginning and the end
    assert [] == stage.outbox.spools
    assert [] == stage.signals.watches
    for worker in workers:
        worker.join(60)
    assert 3 == len(workers)
    assert set() == workers & set(threading.enumerate())


def test_with_a_hub_that_is_away_it_keeps_what_waits_and_says_so(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    session = held_by_nobody(stage)
    stage.clock.advance(1)
    stage.hub.down()
    session.log_metrics(0, {"a": 1.0})
    del session
    stage.clock.advance(60)
    (warning,) = said(caplog, "session.closed")
    assert "nobody holds the session any more" in warning
    assert "1 metric and 0 checkpoints wait" in warning
    stage.hub.heal()
    stage.outbox.crash()
    stage.connect().close()
    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)


def test_a_request_that_is_under_way_is_waited_for_by_nobody(stage: Stage) -> None:
    session = held_by_nobody(stage)
    stage.clock.advance(1)
    stage.hub.slow(1e6)
    session.log_metrics(0, {"a": 1.0})
    session.flush(timeout=0)
    del session
    stage.clock.advance(60)
    assert [] != stage.outbox.spools
    stage.hub.heal()


def test_the_drop_in_lets_go_too(stage: Stage) -> None:
    old = stage.drop_in()
    stage.sessions.clear()
    limits = old.rate_limits
    old.metrics_queue = {0: '{"a": 1}'}
    old.upload_metrics()
    del old
    stage.clock.advance(3600)
    assert {0: {"a": 1}} == stage.hub.metrics(stage.model_id)
    assert [0.0, 0.0] == stage.times("heartbeat")  # the beginning and the end
    limits["ckpt"] = 1.0  # nobody's pace any more


def test_who_holds_a_method_of_it_holds_the_session(stage: Stage) -> None:
    log = held_by_nobody(stage).log_metrics
    stage.clock.advance(1000)
    log(0, {"a": 1.0})
    stage.clock.advance(1000)
    assert 7 == len(stage.times("heartbeat"))
    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)


def test_the_collector_may_come_while_its_thread_holds_any_lock(stage: Stage) -> None:
    """It runs between any two lines, also of our own: what it calls takes no lock, and starts no thread."""
    from hubport.testing.lab.processes.forks import locks_of

    # A clock in virtual time is moved by this thread, which cannot hold its locks meanwhile.
    names = sorted(name for name in locks_of(session=held_by_nobody(stage)) if "clock" not in name)
    stage.clock.settle()
    assert len(names) > 5
    for name in names:
        session = held_by_nobody(stage)
        locks = locks_of(session=session)
        if name not in locks:
            continue
        threads = threading.active_count()
        with locks[name]:
            del session
            assert threads >= threading.active_count()
        stage.clock.settle()
    stage.clock.advance(10)
    assert [] == stage.outbox.spools


def test_a_second_connect_takes_the_place_of_the_first(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    first = stage.connect()
    stage.clock.advance(1)
    first.log_metrics(0, {"a": 1.0})
    second = stage.connect()
    (warning,) = said(caplog, "session.replaced")
    assert "connected to the same model again" in warning
    assert first.is_closed
    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)
    with pytest.raises(hubport.SessionClosed, match="Use the session that it returned") as caught:
        first.log_metrics(1, {"a": 1.0})
    assert "replaced" == caught.value.how
    assert first.status().is_complete
    stage.clock.advance(900)
    assert [0.0, 1.0, 1.0, 301.0, 601.0, 901.0] == stage.times("heartbeat")
    second.log_metrics(1, {"a": 2.0})
    assert second.finish("best.pt", epoch=1).is_complete


def test_what_the_first_could_not_send_the_second_does(stage: Stage) -> None:
    first = stage.connect(start_offline=True, connect_timeout=1)
    stage.clock.advance(1)
    stage.hub.down()
    first.log_metrics(0, {"a": 1.0})
    second = stage.connect(start_offline=True, connect_timeout=1)
    assert stage.clock.now() <= 1 + 1 + 2  # the second's attempts, and what the first may wait
    stage.hub.heal()
    assert second.flush(timeout=60)
    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)


def test_a_cell_that_is_run_five_times(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    before = threading.active_count()
    for epoch in range(5):
        stage.connect().log_metrics(epoch, {"loss": 1.0})
        stage.clock.advance(1)
    session = stage.sessions[-1]
    for worker in [worker for done in stage.sessions[:-1] for worker in stage.delivery(done)._group.workers]:
        worker.join()
    assert before + 3 == threading.active_count()
    assert 4 == len(said(caplog, "session.replaced"))
    assert session.finish("best.pt", epoch=4).is_complete
    assert {0, 1, 2, 3, 4} == set(stage.hub.metrics(stage.model_id))
    beats = len(stage.times("heartbeat"))
    stage.clock.advance(3600)
    assert beats == len(stage.times("heartbeat"))


def test_after_finish_every_session_of_the_model_stops_beating(stage: Stage) -> None:
    """Also one with an outbox of its own, which another connect leaves alone."""
    other = stage.connect()
    stage.state_dir = stage.state_dir / "of another user"
    session = stage.connect()
    elsewhere = stage.connect(stage.hub.create_model(epochs=3).id)
    assert other.is_running
    assert session.finish("best.pt", epoch=0).final_delivered
    assert not other.is_beating
    assert elsewhere.is_beating


@pytest.mark.parametrize("how", ["session", "drop-in"])
def test_the_drop_in_and_a_session_take_each_others_place(
    stage: Stage, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    old = stage.drop_in()
    stage.connect() if how == "session" else stage.drop_in()
    assert 1 == len(said(caplog, "session.replaced"))
    assert not old.alive
    old.metrics_queue = {0: "{}"}
    for call in (old.upload_metrics, lambda: old.upload_model(0, "last.pt")):
        with pytest.raises(hubport.SessionClosed, match="Use the session that it returned"):
            call()
    old._start_heartbeat()
    assert not old.alive
    assert stage.sessions[-1].is_running
    assert 1 == len(said(caplog, "session.replaced"))


def test_a_drop_in_that_has_ended_starts_again_where_nobody_has_its_place(stage: Stage) -> None:
    old = stage.drop_in()
    stage.clock.advance(1)
    old.alive = False
    later = stage.connect()
    old.metrics_queue = {0: "{}"}
    with pytest.raises(hubport.SessionClosed):
        old.upload_metrics()
    later.close()
    old.upload_metrics()
    stage.sessions.append(old._session)
    assert old._session.is_running


def test_what_a_closed_session_advises(stage: Stage) -> None:
    closed = stage.connect()
    closed.close()
    with pytest.raises(hubport.SessionClosed, match=r"Call hubport.connect\('https.*'\) again"):
        closed.log_metrics(0, {"a": 1.0})
    finished = stage.connect()
    finished.finish("best.pt", epoch=0)
    for call in (finished.finish, lambda: finished.log_metrics(0, {"a": 1.0})):
        with pytest.raises(hubport.SessionClosed, match=r"is trained\. To train once more, create a new model"):
            call()
    with pytest.raises(hubport.AlreadyTrained):
        stage.connect()
