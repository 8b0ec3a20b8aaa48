"""What was kept for a HUB under another address: sent where the HUB is the same, named where nobody knows."""

from __future__ import annotations

import pytest

from hubport import Credentials
from hubport.app.session.connect import factory
from hubport.app.session.factory import ModelAccess
from hubport.domain.client.protocol import hub_identity
from hubport.testing import FakeOutbox
from tests.session.conftest import Stage


def leave(stage: Stage, value: float) -> None:
    """A run that was killed with a record and a checkpoint waiting."""
    session = stage.connect()
    stage.hub.down()
    session.log_metrics(0, {"a": value})
    session.upload_checkpoint("last.pt", epoch=int(value))
    stage.crash(session)


def move(stage: Stage) -> FakeOutbox:
    """From now on the HUB has another address; what was kept for the old one."""
    before = stage.outbox
    stage.outbox = FakeOutbox()
    stage.outbox.others = [before]
    return before


def test_the_same_hub_gets_what_was_kept_under_another_address(stage: Stage) -> None:
    leave(stage, 1.0)
    before = move(stage)
    with stage.connect() as session:
        assert session.flush(timeout=60)

    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)
    stage.clock.settle()
    assert [] == before.spools + stage.outbox.spools


def test_a_sync_sends_it_too(stage: Stage) -> None:
    leave(stage, 1.0)
    move(stage)
    made = factory(settings=stage.settings(), **stage.ports())
    claim = ModelAccess(stage.model_id, Credentials(stage.hub.api_key), stage.hub.identity)

    report = made.send_orphans(claim, stage.model_id, deadline=stage.clock.now() + 60)

    assert report is not None
    assert report.is_complete
    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)


@pytest.mark.parametrize("says", [None, "another-hub"], ids=["nothing", "another name"])
def test_what_is_not_known_to_be_for_this_hub_stays_and_is_named(
    stage: Stage, says: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    leave(stage, 1.0)
    before = move(stage)
    stage.hub.identity = says

    with stage.connect() as session:
        assert session.flush(timeout=60)

    assert {} == stage.hub.metrics(stage.model_id)
    assert 1 == len(before.spools)
    assert 1 == caplog.text.count("outbox.waits_elsewhere")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"hubId": "a-B_9"}, "a-B_9"),
        ({"hubId": "x" * 64}, "x" * 64),
        ({"hubId": "x" * 65}, None),
        ({"hubId": ""}, None),
        ({"hubId": "two words"}, None),
        ({"hubId": 7}, None),
        ({}, None),
        (None, None),
        ([], None),
        ("hubId", None),
    ],
)
def test_a_hubs_name_is_a_short_word_or_none(data: object, name: str | None) -> None:
    assert name == hub_identity(data)
