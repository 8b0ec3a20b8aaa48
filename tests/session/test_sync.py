"""What ``hubport sync`` does, in virtual time."""

from __future__ import annotations

import pytest

from hubport import Credentials, Report
from hubport.app.outbox.status import State, spool_statuses
from hubport.app.session.connect import factory
from hubport.app.session.factory import ModelAccess
from hubport.app.session.sync import sendable_spools, sync
from tests.session.conftest import Stage


@pytest.fixture
def models(stage: Stage) -> list[str]:
    """Three models, of each of which a dead run has left a record and a checkpoint."""
    found = []
    for _ in range(3):
        found.append(stage.hub.create_model().id)
        session = stage.connect(found[-1])
        stage.clock.advance(1)
        stage.hub.down()
        session.log_metrics(0, {"a": 1.0})
        session.upload_checkpoint("last.pt", epoch=0)
        stage.crash(session)
    stage.clock.advance(1000)
    return found


def synced(stage: Stage, models: list[str], *, timeout: float) -> tuple[list[Report], list[Report]]:
    """What it returns, and what it tells of on the way."""
    told: list[Report] = []
    claims = [ModelAccess(model_id, Credentials(stage.hub.api_key)) for model_id in models]
    made = factory(settings=stage.settings(), **stage.ports())
    return sync(made, stage.clock, claims, deadline=stage.clock.now() + timeout, tell=told.append), told


def test_one_model_after_the_other_and_each_is_told(stage: Stage, models: list[str]) -> None:
    before, now = len(stage.hub.ledger), stage.clock.now()
    reports, told = synced(stage, models, timeout=60)
    assert reports == told
    assert models == [report.model_id for report in reports]
    assert ["synced"] * 3 == [report.state for report in reports]
    assert all(report.is_complete for report in reports)
    assert now == stage.clock.now()  # nobody waits for a pace
    paths = [entry.path.split("/")[3] for entry in stage.hub.ledger[before:]]
    assert [models[0]] * 2 + [models[1]] * 2 + [models[2]] * 2 == paths
    assert [] == stage.outbox.spools


@pytest.mark.parametrize("fault", ["down", "slow", "503"])
def test_it_ends_at_its_deadline_and_says_of_each_what_waits(stage: Stage, models: list[str], fault: str) -> None:
    if fault == "down":
        stage.hub.down()
    elif fault == "slow":
        stage.hub.slow(1e9)
    else:
        stage.hub.refuse(503)
    now = stage.clock.now()

    reports, _ = synced(stage, models, timeout=30)

    assert now + 30 == stage.clock.now()
    assert models == [report.model_id for report in reports]
    assert [(1, 1)] * 3 == [(report.metrics.waiting, report.checkpoints.waiting) for report in reports]
    stage.clock.settle()
    stage.hub.heal()
    stage.outbox.crash()
    reports, _ = synced(stage, models, timeout=30)
    assert all(report.is_complete for report in reports)


def test_without_time_it_only_says_what_waits(stage: Stage, models: list[str]) -> None:
    before = len(stage.hub.ledger)
    reports, _ = synced(stage, models, timeout=0)
    assert before == len(stage.hub.ledger)
    assert [1, 1, 1] == [report.metrics.waiting for report in reports]


def test_a_short_outage_is_waited_for(stage: Stage, models: list[str]) -> None:
    stage.hub.down(seconds=100)
    reports, _ = synced(stage, models, timeout=3600)
    assert all(report.is_complete for report in reports)
    assert stage.clock.now() < 1003 + 200 + 70


def test_a_refused_key_ends_it_at_once_and_costs_nothing(stage: Stage, models: list[str]) -> None:
    stage.hub.refuse(401)
    now = stage.clock.now()
    reports, _ = synced(stage, models, timeout=3600)
    assert now == stage.clock.now()
    assert [(1, 1)] * 3 == [(report.metrics.waiting, report.checkpoints.waiting) for report in reports]


def test_what_needs_a_sync_is_what_waits_and_what_only_lies_there(stage: Stage, models: list[str]) -> None:
    living = stage.connect()
    synced(stage, models[:1], timeout=60)
    refused = stage.hub.create_model().id
    session = stage.connect(refused)
    stage.hub.refuse(422, on="metrics")
    session.log_metrics(0, {"a": 1.0})
    session.close()
    stage.clock.settle()
    found = spool_statuses(stage.outbox.list_spools())
    assert [State.WAITING, State.WAITING, State.IN_USE, State.REJECTED] == [status.state for status in found]
    assert models[1:] == [status.model_id for status in sendable_spools(found)]
    living.close()
