"""Several runs that log the same epochs, to a HUB that replaces an epoch whole: what was delivered stays delivered."""

from __future__ import annotations

import pytest

from hubport import Credentials
from hubport.app.session.connect import factory
from hubport.app.session.factory import ModelAccess
from hubport.app.session.sync import sync
from hubport.domain.client.journal import metrics_line, run_line, sent_line
from hubport.domain.client.protocol import HubProtocol
from hubport.testing import FakeHub
from tests.session.conftest import Stage


def leave(stage: Stage, *lines: bytes, is_delivered: bool = False) -> None:
    """The journal of a run that was killed; a later one is of a later run."""
    spool = stage.outbox.open(stage.model_id)
    for line in (run_line({"model": stage.model_id}), *lines):
        spool.append(line)
    if is_delivered:
        spool.append(sent_line(spool.size))
    spool.release(keep=True)


def sync_all(stage: Stage) -> None:
    made = factory(settings=stage.settings(), **stage.ports())
    claim = ModelAccess(stage.model_id, Credentials(stage.hub.api_key))
    sync(made, stage.clock, [claim], deadline=stage.clock.now() + 60, tell=lambda _: None)


def test_a_left_over_and_its_successor_log_one_epoch(stage: Stage) -> None:
    leave(stage, metrics_line(1, {"train/loss": 0.5, "lr": 0.1}))
    with stage.connect() as session:
        session.log_metrics(1, {"val/acc": 0.9, "lr": 0.2})

    assert {1: {"train/loss": 0.5, "lr": 0.2, "val/acc": 0.9}} == stage.hub.metrics(stage.model_id)


def test_three_runs_log_one_epoch(stage: Stage) -> None:
    leave(stage, metrics_line(1, {"a": 1, "x": 1}), metrics_line(2, {"a": 2}))
    leave(stage, metrics_line(1, {"b": 1, "x": 2}))
    with stage.connect() as session:
        session.log_metrics(1, {"c": 1})
        stage.clock.advance(10)
        session.log_metrics(1, {"d": 1})

    assert {1: {"a": 1, "b": 1, "c": 1, "d": 1, "x": 2}, 2: {"a": 2}} == stage.hub.metrics(stage.model_id)


def test_what_a_killed_run_has_delivered_is_known_to_the_next(stage: Stage) -> None:
    """Nothing waits in its spool, which is all that tells what the HUB holds."""
    protocol = HubProtocol(Credentials(stage.hub.api_key))
    stage.hub.send(protocol.post_metrics(stage.model_id, {1: {"train/loss": 0.5}}), timeout=1.0)
    leave(stage, metrics_line(1, {"train/loss": 0.5}), is_delivered=True)
    with stage.connect() as session:
        session.log_metrics(1, {"test/acc": 0.9})

    assert {1: {"train/loss": 0.5, "test/acc": 0.9}} == stage.hub.metrics(stage.model_id)
    assert [] == stage.outbox.list_spools()


def test_epochs_that_are_older_than_those_remembered(stage: Stage) -> None:
    leave(stage, *(metrics_line(epoch, {"a": epoch}) for epoch in range(4500)))
    with stage.connect() as session:
        stage.clock.advance(60)
        for epoch in (0, 4499):
            session.log_metrics(epoch, {"b": epoch})

    found = stage.hub.metrics(stage.model_id)
    assert [{"a": 0, "b": 0}, {"a": 4499, "b": 4499}] == [found[0], found[4499]]
    assert 4500 == len(found)


def test_text_replaces_and_is_replaced(stage: Stage) -> None:
    """As a trainer of 2023 wrote it, it is the whole epoch."""
    leave(stage, metrics_line(1, {"a": 1}), metrics_line(2, '{"a": 2}'))
    leave(stage, metrics_line(1, '{"text": 1}'))
    with stage.connect() as session:
        session.log_metrics(2, {"b": 2})

    assert {1: {"text": 1}, 2: {"b": 2}} == stage.hub.metrics(stage.model_id)


def test_what_the_hub_has_refused_is_not_sent_along(stage: Stage) -> None:
    leave(stage, metrics_line(1, {"bad": 1}))
    stage.hub.refuse(422, on="metrics", calls=1)
    with stage.connect() as session:
        session.log_metrics(1, {"good": 1})

    assert {1: {"good": 1}} == stage.hub.metrics(stage.model_id)


def test_a_sync_of_two_left_overs(stage: Stage) -> None:
    leave(stage, metrics_line(1, {"a": 1}))
    leave(stage, metrics_line(1, {"b": 1}))
    sync_all(stage)

    assert {1: {"a": 1, "b": 1}} == stage.hub.metrics(stage.model_id)
    assert [] == stage.outbox.list_spools()


def test_a_sync_takes_away_spools_in_which_nothing_waits(stage: Stage) -> None:
    leave(stage, metrics_line(1, {"a": 1}), is_delivered=True)
    sync_all(stage)

    assert [] == stage.outbox.list_spools()
    assert [] == stage.hub.received("metrics")


@pytest.mark.parametrize("flushes", [True, False])
def test_a_second_session_adds_to_what_our_hub_holds(stage: Stage, flushes: bool) -> None:  # noqa: FBT001
    """An eval.py after a train.py: its spool is gone, and our HUB merges by name."""
    stage.hub = FakeHub(clock=stage.clock, seed=1)
    stage.model_id = stage.hub.create_model(epochs=3).id
    for values in ({"train/loss": 0.5, "lr": 0.1}, {"test/acc": 0.9, "lr": 0.2}):
        with stage.connect() as session:
            session.log_metrics(0, dict(values))
            if flushes:
                session.flush(timeout=60)

    assert {0: {"train/loss": 0.5, "test/acc": 0.9, "lr": 0.2}} == stage.hub.metrics(stage.model_id)
