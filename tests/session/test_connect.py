from __future__ import annotations

import threading

import pytest

import hubport
from hubport import Credentials
from tests.session.conftest import Stage
from tests.threads import left_since, threads_since


def test_asks_for_the_key_then_the_model_then_beats(stage: Stage) -> None:
    with stage.connect() as session:
        stage.clock.settle()
        assert ["auth", "model", "heartbeat"] == [entry.kind for entry in stage.hub.ledger]
        assert stage.model_id == session.model_id
        assert f"https://hub.invalid/models/{stage.model_id}" == session.model_url
        assert "yolov8n.pt" == session.model_file
        assert 3 == session.train_args["epochs"]
        assert "new" == session.record.status


def test_identifiers_may_carry_the_key(stage: Stage) -> None:
    for ref in (
        f"{stage.hub.api_key}_{stage.model_id}",
        f"https://hub.ultralytics.com/models/{stage.hub.api_key}_{stage.model_id}",
        f"https://hub.ultralytics.com/models/{stage.model_id}/?api_key={stage.hub.api_key}",
    ):
        hubport.connect(ref, settings=stage.settings(), **stage.ports()).close()


def test_argument_beats_identifier_beats_environment(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "0" * 42
    monkeypatch.setenv("HUB_API_KEY", wrong)
    monkeypatch.setenv("HUBPORT_STATE_DIR", str(stage.state_dir))
    hubport.connect(f"{stage.hub.api_key}_{stage.model_id}", **stage.ports()).close()
    hubport.connect(f"{wrong}_{stage.model_id}", api_key=stage.hub.api_key, **stage.ports()).close()
    with pytest.raises(hubport.AuthenticationFailed):
        hubport.connect(stage.model_id, **stage.ports())


def test_a_bearer_token_is_a_credential_too(stage: Stage) -> None:
    stage.hub.bearer = "an.id.token"
    credentials = Credentials.bearer("an.id.token")
    hubport.connect(stage.model_id, api_key=credentials, settings=stage.settings(), **stage.ports()).close()
    assert [200, 200] == [entry.status for entry in stage.hub.ledger[:2]]


def test_no_key_asks_nobody(stage: Stage) -> None:
    with pytest.raises(hubport.AuthenticationFailed, match="HUB_API_KEY"):
        hubport.connect(stage.model_id, settings=stage.settings(), **stage.ports())
    assert [] == stage.hub.ledger


def test_a_wrong_key_is_a_permission_error(stage: Stage) -> None:
    with pytest.raises(PermissionError, match="does not take this key") as caught:
        hubport.connect(stage.model_id, api_key="1" * 42, settings=stage.settings(), **stage.ports())
    assert "1" * 42 not in str(caught.value)


def test_an_unknown_model_is_refused_with_its_status(stage: Stage) -> None:
    with pytest.raises(hubport.HubRefused, match="Check the model's ID") as caught:
        stage.connect("A" * 20)
    assert 404 == caught.value.status


def test_a_hub_that_is_down_is_said_within_the_deadline(stage: Stage) -> None:
    stage.hub.down()
    with pytest.raises(ConnectionError, match="ULTRALYTICS_HUB_API"):
        stage.connect()
    assert stage.clock.now() <= 5.0


def test_a_hub_that_never_answers_is_said_within_the_deadline(stage: Stage) -> None:
    stage.hub.slow(1e9)
    with pytest.raises(hubport.HubUnreachable):
        stage.connect()
    assert stage.clock.now() <= 5.0


def test_a_short_fault_does_not_end_a_run_before_it_began(stage: Stage) -> None:
    stage.hub.down(calls=1)
    stage.hub.refuse(503, calls=1, on="model")
    stage.connect().close()


def test_html_is_no_answer(stage: Stage) -> None:
    stage.hub.garble()
    with pytest.raises(hubport.HubRefused, match="proxy or a login page"):
        stage.connect()


def test_a_redirect_is_not_followed(stage: Stage) -> None:
    stage.hub.refuse(302)
    with pytest.raises(hubport.HubRefused, match="Redirects are not followed"):
        stage.connect()


def test_a_long_rate_limit_ends_at_once(stage: Stage) -> None:
    stage.hub.rate_limit(600)
    with pytest.raises(hubport.HubRefused, match="429"):
        stage.connect()
    assert 0.0 == stage.clock.now()


def test_a_trained_model_is_said_with_its_url(stage: Stage) -> None:
    with stage.connect() as session:
        session.finish("best.pt", epoch=2, map=0.5)
    with pytest.raises(hubport.AlreadyTrained, match=stage.model_id):
        stage.connect()


def test_a_model_in_training_resumes_from_its_newest_checkpoint(stage: Stage) -> None:
    with stage.connect() as session:
        session.upload_checkpoint("last.pt", epoch=4)
    with stage.connect() as session:
        assert {"data": "coco8.yaml", "resume": True} == session.train_args
        assert session.model_file.endswith(f"/{stage.model_id}-epoch-4.pt")


def test_a_dataset_that_is_not_ready(stage: Stage) -> None:
    model = stage.hub.create_model(data="")
    with pytest.raises(hubport.DatasetNotReady, match="in a minute"):
        stage.connect(model.id)


@pytest.mark.parametrize("field", ["status", "epochs", "weights"])
def test_a_record_with_a_hole_names_it(stage: Stage, field: str) -> None:
    model = stage.hub.create_model(record={field: ..., "train_args": ...})
    with pytest.raises(hubport.InvalidModelRecord, match=f"'{field}'"):
        stage.connect(model.id)


def test_nothing_is_left_running_by_a_failed_connect(stage: Stage) -> None:
    before = set(threading.enumerate())
    model = stage.hub.create_model(data="")
    with pytest.raises(hubport.DatasetNotReady):
        stage.connect(model.id)
    assert set() == left_since(before)
    assert [] == stage.signals.watches
    assert [] == stage.outbox.spools


def test_an_outbox_that_cannot_be_written_is_said_with_the_variable(stage: Stage) -> None:
    stage.outbox.capacity = 0
    with pytest.raises(hubport.InvalidSettings, match="HUBPORT_STATE_DIR"):
        stage.connect()


def test_at_most_three_threads_also_in_an_outage(stage: Stage) -> None:
    before = set(threading.enumerate())
    with stage.connect() as session:
        stage.hub.down()
        for epoch in range(100):
            session.log_metrics(epoch, {"loss": 1.0})
            session.upload_checkpoint("last.pt", epoch=epoch)
            stage.clock.advance(10)
            assert len(threads_since(before)) <= 3
        stage.hub.heal()
    assert set() == left_since(before)


def test_a_key_that_the_hub_quotes_is_shown_nowhere(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with stage.connect() as session:
        stage.hub.refuse(422, f"the key {stage.hub.api_key} may not", on="metrics")
        session.log_metrics(0, {"a": 1.0})
    (spool,) = stage.outbox.spools
    assert b"may not" in bytes(spool.journal)
    assert stage.hub.api_key not in caplog.text + spool.journal.decode()
    stage.hub.refuse(401, f"unknown key {stage.hub.api_key}")
    with pytest.raises(hubport.AuthenticationFailed, match="unknown key '…") as caught:
        stage.connect()
    assert stage.hub.api_key not in str(caught.value)


@pytest.mark.parametrize("status", [403, 404])
def test_a_proxys_refusal_is_said_at_once(stage: Stage, status: int) -> None:
    stage.hub.garble(status=status)
    with pytest.raises(hubport.HubRefused, match="text/html"):
        stage.connect()
    assert 1 == len(stage.hub.ledger)


def test_what_is_in_memory_needs_no_folder(stage: Stage) -> None:
    """A container with an arbitrary user has no home, and so no state folder either."""
    ports = {name: port for name, port in stage.ports().items() if name != "records"}
    settings = hubport.Settings(state_dir=None, progress=False, rank=0)
    session = hubport.connect(stage.model_id, api_key=stage.hub.api_key, settings=settings, **ports)
    session.log_metrics(0, {"a": 1.0})

    assert session.close(timeout=60).is_complete


def test_what_is_on_the_disk_needs_one_and_says_which(stage: Stage) -> None:
    ports = {name: port for name, port in stage.ports().items() if name != "outbox"}
    settings = hubport.Settings(state_dir=None, progress=False, rank=0)

    with pytest.raises(hubport.InvalidSettings, match=r"HUBPORT_STATE_DIR.*no home folder"):
        hubport.connect(stage.model_id, api_key=stage.hub.api_key, settings=settings, **ports)
