from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from hubport import Count, Report
from hubport.app.delivery.counters import DeliveryCounters

ALL_WELL = Report(
    model_id="A" * 20,
    model_url="https://hub.example/models/" + "A" * 20,
    state="closed",
    metrics=Count(logged=10, delivered=10),
    checkpoints=Count(logged=3, delivered=1, superseded=2),
    heartbeats=Count(logged=2, delivered=2),
    final_delivered=True,
    reasons={},
    spool="/spool/1",
)


def test_what_is_in_no_other_column_waits() -> None:
    assert 5 == Count(logged=15, delivered=4, refused=3, superseded=2, lost=1).waiting


def test_all_well_is_one_sentence() -> None:
    assert ALL_WELL.is_complete
    assert f"10 of 10 metrics and 1 of 1 checkpoints delivered to {ALL_WELL.model_url}." == str(ALL_WELL)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"metrics": Count(logged=10, delivered=9)}, "1 metric and 0 checkpoints wait in /spool/1"),
        ({"checkpoints": Count(logged=1)}, f"hubport.connect('{'A' * 20}')"),
        ({"metrics": Count(logged=10, delivered=9, refused=1)}, "1 metric and 0 checkpoints were refused"),
        ({"checkpoints": Count(logged=1, refused=1)}, "lie in /spool/1: 'hubport sync --refused' sends them again"),
        ({"metrics": Count(logged=10, delivered=9, lost=1)}, "1 metric and 0 checkpoints could not be kept"),
    ],
)
def test_what_is_not_delivered_is_said(change: dict[str, Any], says: str) -> None:
    report = attrs.evolve(ALL_WELL, reasons={"no answer": 2}, **change)
    assert not report.is_complete
    assert says in str(report)
    assert str(report).endswith("on the way: 2 x no answer.")


WAITING = Count(logged=12, delivered=9)


def test_a_healthy_run_says_what_goes_when_and_gives_no_advice() -> None:
    report = attrs.evolve(
        ALL_WELL,
        state="running",
        metrics=WAITING,
        checkpoints=Count(logged=1),
        next_send={"metrics": 2.4, "checkpoints": 840.0},
    )
    assert (
        f"running: 9 of 12 metrics and 0 of 1 checkpoints delivered to {ALL_WELL.model_url}; "
        "next: 3 records in 2 s, 1 checkpoint in 14 min." == str(report)
    )


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0, "now"), (0.9, "now"), (119.4, "in 119 s"), (120.0, "in 2 min"), (900.0, "in 15 min")]
)
def test_when_that_is(seconds: float, words: str) -> None:
    report = attrs.evolve(ALL_WELL, state="running", metrics=WAITING, next_send={"metrics": seconds})
    assert str(report).endswith(f"next: 3 records {words}.")


def test_a_run_with_nothing_left_runs() -> None:
    report = attrs.evolve(ALL_WELL, state="running")
    assert f"running: 10 of 10 metrics and 1 of 1 checkpoints delivered to {ALL_WELL.model_url}." == str(report)


def test_a_run_in_trouble_says_why_when_it_tries_again_and_what_becomes_of_it() -> None:
    report = attrs.evolve(
        ALL_WELL,
        state="running",
        metrics=WAITING,
        next_send={"metrics": 5.0},
        trouble="no answer (Connection refused)",
    )
    assert str(report).endswith(
        "the HUB takes nothing now: no answer (Connection refused); 3 records kept in /spool/1, tried again in 5 s; "
        "should this run end before that, 'hubport sync' on this machine sends them."
    )
    is_unauthorized = attrs.evolve(report, next_send={}, trouble="status 401")
    assert "tried again" not in str(is_unauthorized)


def test_as_json_is_json() -> None:
    data = json.loads(json.dumps(ALL_WELL.as_json()))
    assert {"logged": 10, "delivered": 10, "refused": 0, "superseded": 0, "lost": 0, "waiting": 0} == data["metrics"]
    assert {"sent": 2, "delivered": 2} == data["heartbeats"]
    assert data["is_complete"]


def test_a_tally_counts_by_kind_and_column() -> None:
    counters = DeliveryCounters()
    counters.add("metrics", "logged", 3)
    counters.add("metrics", "delivered")
    counters.add("checkpoints", "logged")
    assert [1, 2, 1] == [counters.count_failure("rain"), counters.count_failure("rain"), counters.count_failure("snow")]
    assert Count(logged=3, delivered=1) == counters.count("metrics")
    assert Count(logged=1) == counters.count("checkpoints")
    assert Count() == counters.count("heartbeats")
    assert {"rain": 2, "snow": 1} == counters.reasons()
