"""Workers and counters, stepped by hand: what an interrupt, or another key, leaves behind."""

from __future__ import annotations

import math

import attrs

from hubport.app.delivery.counters import DeliveryCounters
from hubport.app.delivery.report import Count
from hubport.app.delivery.workers import Worker, WorkerGroup
from hubport.app.log import logger
from hubport.domain.client.outcome import Outcome, Verdict
from hubport.domain.client.pacing import Pacer, Upstream
from hubport.testing import FakeClock

DELIVERED = Outcome(Verdict.DELIVERED, 200)


@attrs.define
class Told:
    """Says what it is told to say."""

    outcomes: list[Outcome | None] = attrs.field(factory=list)
    has_more: bool = False
    runs: int = 0

    def run(self) -> Outcome | None:
        self.runs += 1
        return self.outcomes.pop(0) if self.outcomes else DELIVERED


def group_of_one(sender: Told, every: float = 10.0) -> tuple[WorkerGroup, Worker]:
    group = WorkerGroup(FakeClock(), Upstream(), DeliveryCounters(), logger(), on_empty=lambda: None)
    return group, group.add("metrics", Pacer(every, group.upstream), sender)


def rings(worker: Worker) -> bool:
    """Whether the worker would wake up; its next wait is not served by this ring any more."""
    alarm = worker._alarm
    rung, alarm.rung = alarm.rung, False  # type: ignore[attr-defined]
    return bool(rung)


def test_an_offer_rings_once_until_it_is_taken() -> None:
    _, worker = group_of_one(Told())
    worker.offer()
    assert rings(worker)
    worker.offer()
    assert not rings(worker)
    worker.step()
    worker.offer()
    assert rings(worker)


def test_an_offer_that_an_interrupt_has_cut_in_half_is_completed_by_the_next_one_made_again() -> None:
    """The lane has it, and nobody was rung: a plain offer believes that somebody was."""
    _, worker = group_of_one(Told())
    worker.pacer.offer()
    worker.offer()
    assert not rings(worker)

    worker.offer_again()

    assert rings(worker)
    worker.step()
    assert 1 == worker.sender.runs  # type: ignore[attr-defined]


def test_an_offer_made_again_without_need_is_one_look_more_and_no_message_more() -> None:
    _, worker = group_of_one(Told(outcomes=[None]))
    worker.offer_again()
    worker.offer_again()
    worker.step()
    worker.step()

    assert 1 == worker.sender.runs  # type: ignore[attr-defined]
    assert worker.is_idle


def test_another_key_opens_what_the_refused_one_has_locked_and_rings_everybody() -> None:
    is_unauthorized = Outcome(Verdict.UNAUTHORIZED, 401)
    group, worker = group_of_one(Told(outcomes=[is_unauthorized], has_more=True))
    other = group.add("checkpoint", Pacer(900.0, group.upstream), Told())
    worker.offer()
    worker.step()
    assert group.upstream.is_unauthorized
    for one in (worker, other):
        rings(one)
    assert (None, None) == (worker.pacer.due, other.pacer.due)

    group.clear_unauthorized()

    assert (True, True) == (rings(worker), rings(other))
    due = worker.pacer.due
    assert due is not None
    assert due < math.inf


def test_a_settled_tally_takes_out_what_was_counted_and_never_written() -> None:
    counters = DeliveryCounters()
    counters.add("metrics", "logged", 10)
    counters.add("metrics", "delivered", 6)
    counters.add("metrics", "lost", 1)
    counters.add("metrics", "refused", 1)
    counters.add("checkpoints", "logged", 3)
    counters.add("checkpoints", "superseded", 2)
    counters.add("heartbeats", "logged", 4)

    counters.discard_unwritten()

    assert Count(logged=8, delivered=6, refused=1, lost=1) == counters.count("metrics")
    assert Count(logged=2, superseded=2) == counters.count("checkpoints")
    assert Count(logged=4) == counters.count("heartbeats")  # one that got no answer is no record that waits
    assert 0 == counters.count("metrics").waiting


def test_a_tally_of_which_nothing_waits_is_settled_already() -> None:
    counters = DeliveryCounters()
    counters.add("metrics", "logged", 2)
    counters.add("metrics", "delivered", 2)
    counters.discard_unwritten()
    counters.discard_unwritten()

    assert Count(logged=2, delivered=2) == counters.count("metrics")


def test_the_end_of_a_session_that_nobody_holds_is_said_before_it_is_over() -> None:
    """The interpreter's exit waits for that, and takes the threads with it."""
    group, worker = group_of_one(Told())
    was_over: list[bool] = []
    group.is_abandoned = True
    group.after_abandoned = lambda: was_over.append(group.is_empty)
    group.on_exit(worker)
    assert ([False], True) == (was_over, group.is_empty)
