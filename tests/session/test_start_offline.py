"""A start without the HUB: from what it said last time, where that was asked for and it has not said no."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import hubport
from hubport.adapters.disk_model_cache import DiskModelCache
from hubport.testing import FakeHub
from tests.session.conftest import Stage

HTML = b"<html>Welcome to the hotel's network</html>"
#: Faults in which the HUB itself says nothing.
SILENCES: dict[str, Callable[[FakeHub], None]] = {
    "down": lambda hub: hub.down(),
    "never answers": lambda hub: hub.slow(1e9),
    "500": lambda hub: hub.refuse(500),
    "502 in HTML": lambda hub: hub.garble(HTML, status=502),
    "503": lambda hub: hub.refuse(503),
    "504 and empty": lambda hub: hub.garble(b"", status=504),
    "200 in HTML": lambda hub: hub.garble(HTML),
    "200 and half": lambda hub: hub.garble(b'{"success": tr'),
    "429": lambda hub: hub.rate_limit(600),
    "408": lambda hub: hub.refuse(408),
    "the model alone": lambda hub: hub.down(on="model"),
}
#: Faults in which it says no.
REFUSALS: dict[str, tuple[Callable[[FakeHub], None], type[hubport.HubportError]]] = {
    "the key, 401": (lambda hub: hub.refuse(401), hubport.AuthenticationFailed),
    "the key, 403": (lambda hub: hub.refuse(403, on="auth"), hubport.AuthenticationFailed),
    "the key, 200": (lambda hub: hub.garble(b'{"success": false, "message": "who?"}', on="auth"), hubport.HubRefused),
    "the model, 404": (lambda hub: hub.refuse(404, on="model"), hubport.HubRefused),
    "the model, 403": (lambda hub: hub.refuse(403, on="model"), hubport.AuthenticationFailed),
    "the model, 200": (lambda hub: hub.garble(b'{"success": false}', on="model"), hubport.HubRefused),
    "400": (lambda hub: hub.refuse(400), hubport.HubRefused),
    "a redirect": (lambda hub: hub.refuse(302), hubport.HubRefused),
    "no record": (lambda hub: hub.garble(b'{"success": true, "data": {}}', on="model"), hubport.InvalidModelRecord),
}


def begun(stage: Stage) -> dict[str, object]:
    """What a first session is told, which is then over."""
    with stage.connect() as session:
        return {"train_args": session.train_args, "model_file": session.model_file, "raw": dict(session.record.raw)}


@pytest.mark.parametrize("silence", SILENCES)
def test_where_the_hub_says_nothing_it_starts_from_what_was_kept(
    stage: Stage, caplog: pytest.LogCaptureFixture, silence: str
) -> None:
    first = begun(stage)
    SILENCES[silence](stage.hub)
    now = stage.clock.now()

    session = stage.connect(start_offline=True)

    assert stage.clock.now() <= now + 5
    assert first["train_args"] == session.train_args
    assert first["model_file"] == session.model_file
    assert first["raw"] == session.record.raw
    (warning,) = [record.getMessage() for record in caplog.records if "connect.offline" in record.getMessage()]
    assert "no answer from the HUB" in warning or "the HUB answered" in warning


@pytest.mark.parametrize("silence", SILENCES)
def test_when_the_hub_comes_back_everything_arrives(stage: Stage, silence: str) -> None:
    begun(stage)
    SILENCES[silence](stage.hub)
    session = stage.connect(start_offline=True)
    for epoch in range(60):
        session.log_metrics(epoch, {"a": float(epoch)})
        session.upload_checkpoint("last.pt", epoch=epoch)
        stage.clock.advance(60)
    stage.hub.heal()
    stage.clock.advance(1000)
    assert {epoch: {"a": float(epoch)} for epoch in range(60)} == stage.hub.metrics(stage.model_id)
    report = session.finish("best.pt", epoch=59, map=0.5)
    assert report.is_complete
    assert "trained" == stage.hub.model(stage.model_id).status


def test_what_was_logged_offline_survives_a_crash(stage: Stage) -> None:
    begun(stage)
    stage.hub.down()
    first = stage.connect(start_offline=True)
    first.log_metrics(0, {"a": 1.0})
    stage.crash(first)
    stage.hub.down()
    second = stage.connect(start_offline=True)
    second.log_metrics(1, {"a": 1.0})
    stage.hub.heal()
    assert second.flush(timeout=100)
    assert {0, 1} == set(stage.hub.metrics(stage.model_id))


@pytest.mark.parametrize("refusal", REFUSALS)
def test_where_the_hub_says_no_nothing_starts(stage: Stage, refusal: str) -> None:
    begun(stage)
    fail, error = REFUSALS[refusal]
    fail(stage.hub)
    with pytest.raises(error):
        stage.connect(start_offline=True)
    assert [] == stage.outbox.spools


@pytest.mark.parametrize("silence", SILENCES)
def test_without_being_asked_for_nothing_starts(stage: Stage, silence: str) -> None:
    begun(stage)
    SILENCES[silence](stage.hub)
    with pytest.raises((hubport.HubUnreachable, hubport.HubRefused)):
        stage.connect()


def test_where_nothing_was_kept_the_silence_is_said(stage: Stage) -> None:
    stage.hub.down()
    with pytest.raises(hubport.HubUnreachable, match="no answer from the HUB"):
        stage.connect(start_offline=True)


def test_what_was_kept_of_another_model_is_no_help(stage: Stage) -> None:
    begun(stage)
    other = stage.hub.create_model()
    stage.hub.down()
    with pytest.raises(hubport.HubUnreachable):
        stage.connect(other.id, start_offline=True)


@pytest.mark.parametrize("record", [{"foo": 1}, {"status": 5}, {"status": ""}, {"id": "../../etc", "status": "new"}])
def test_a_kept_record_that_makes_no_sense_is_none(stage: Stage, record: dict[str, object]) -> None:
    stage.model_cache.records[stage.model_id] = record
    stage.hub.down()
    with pytest.raises(hubport.HubUnreachable):
        stage.connect(start_offline=True)


def test_a_model_that_was_trained_is_not_trained_again(stage: Stage) -> None:
    with stage.connect() as session:
        session.finish("best.pt", epoch=2, map=0.5)
    with pytest.raises(hubport.AlreadyTrained):
        stage.connect()
    stage.hub.down()
    with pytest.raises(hubport.AlreadyTrained, match=stage.model_id):
        stage.connect(start_offline=True)


def test_the_newest_word_of_the_hub_is_kept(stage: Stage) -> None:
    with stage.connect() as session:
        session.upload_checkpoint("last.pt", epoch=4)
    with stage.connect() as session:
        resumed = session.model_file
    stage.hub.down()
    session = stage.connect(start_offline=True)
    assert {"data": "coco8.yaml", "resume": True} == session.train_args
    assert resumed == session.model_file


def test_a_dataset_that_was_not_ready_is_no_start(stage: Stage) -> None:
    model = stage.hub.create_model(data="")
    with pytest.raises(hubport.DatasetNotReady):
        stage.connect(model.id)
    stage.hub.down()
    with pytest.raises(hubport.HubUnreachable):
        stage.connect(model.id, start_offline=True)


def test_a_record_that_cannot_be_kept_ends_no_start(stage: Stage) -> None:
    def refuse(model_id: str, record: object) -> None:
        raise OSError(28, "no space left on device")

    stage.model_cache.put = refuse  # type: ignore[method-assign]
    begun(stage)


@pytest.mark.parametrize("levels", [100, 480, 900])
def test_a_record_of_any_depth_ends_no_start(stage: Stage, levels: int) -> None:
    deep: dict[str, object] = {}
    for _ in range(levels):
        deep = {"deep": deep}
    model = stage.hub.create_model(record={"deep": deep})
    stage.connect(model.id).close()


def test_the_drop_in_starts_offline_too(stage: Stage) -> None:
    begun(stage)
    stage.hub.down()
    session = stage.drop_in(start_offline=True)
    session.metrics_queue = {0: '{"a": 1}'}
    session.upload_metrics()
    stage.hub.heal()
    stage.clock.advance(100)
    assert {0: {"a": 1}} == stage.hub.metrics(stage.model_id)
    session.alive = False


def test_neither_keys_nor_signed_addresses_are_on_the_disk(stage: Stage) -> None:
    """Whatever the HUB says of the model, and whoever connects with whichever credentials."""
    secret, token = "s1gn4ture", "an.id.token"
    signed = f"https://storage.example/a.pt?X-Goog-Signature={secret}"
    model = stage.hub.create_model(
        record={
            "resume": signed,
            "owner": {"key": stage.hub.api_key, "token": token, "page": f"https://me:{secret}@hub.example/me"},
            "notes": [f"see {signed}", signed.upper().replace(secret.upper(), secret)],
        }
    )
    stage.hub.bearer = token
    stage.model_cache = DiskModelCache(stage.state_dir / "records")  # type: ignore[assignment]
    for key in (stage.hub.api_key, hubport.Credentials.bearer(token)):
        with hubport.connect(model.id, api_key=key, settings=stage.settings(), **stage.ports()) as session:
            assert signed == session.record.raw["resume"]
        kept = [file.read_bytes() for file in Path(stage.state_dir).rglob("*") if file.is_file()]
        assert 1 == len(kept)
        assert b"storage.example/a.pt" in kept[0]
        for word in (secret, str(key.secret if isinstance(key, hubport.Credentials) else key)):
            assert word.encode() not in kept[0]
    stage.hub.down()
    session = stage.connect(model.id, start_offline=True)
    assert "https://storage.example/a.pt" == session.record.raw["resume"]
