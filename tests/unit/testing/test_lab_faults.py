"""Which script is played to which request."""

import threading

import pytest

from hubport.testing.lab import Answer, Hang, Refuse, Reset, Script, Status
from hubport.testing.lab.server.faults import Faults


def test_nothing_ordered_is_answered() -> None:
    assert Answer() == Faults().met("metrics")


def test_an_order_for_the_next_requests_ends_with_them() -> None:
    faults = Faults()
    faults.play(Hang(), None, 2)

    assert [Hang(), Hang(), Answer()] == [faults.met(kind) for kind in ("auth", "metrics", "auth")]


def test_orders_for_the_next_requests_follow_each_other() -> None:
    faults = Faults()
    faults.play(Reset(), "metrics", 1)
    faults.play(Status(503), "metrics", 2)

    assert [Reset(), Status(503), Status(503), Answer()] == [faults.met("metrics") for _ in range(4)]


def test_an_order_for_a_kind_leaves_the_others_alone() -> None:
    faults = Faults()
    faults.play(Reset(), "upload", 1)
    faults.always(Hang(), "heartbeat")

    assert [Answer(), Reset(), Hang(), Answer()] == [
        faults.met(kind) for kind in ("metrics", "upload", "heartbeat", "upload")
    ]


def test_an_order_for_a_number_comes_before_one_for_ever() -> None:
    faults = Faults()
    faults.play(Reset(), None, 1)
    faults.always(Hang(), "metrics")

    assert [Reset(), Hang(), Hang()] == [faults.met("metrics") for _ in range(3)]


def test_of_two_orders_for_ever_the_newer_one_holds() -> None:
    faults = Faults()
    faults.always(Hang(), None)
    faults.always(Status(503), "metrics")

    assert [Status(503), Hang()] == [faults.met(kind) for kind in ("metrics", "upload")]


def test_after_healing_nothing_is_ordered() -> None:
    faults = Faults()
    faults.play(Reset(), None, 5)
    faults.always(Hang(), None)
    faults.heal()

    assert Answer() == faults.met("metrics")


def test_a_refusal_that_nobody_could_count_is_an_error() -> None:
    faults = Faults()

    with pytest.raises(ValueError, match="nobody can count"):
        faults.play(Refuse(), None, 3)
    with pytest.raises(ValueError, match="does not say what it wanted"):
        faults.always(Refuse(), "upload")
    assert Answer() == faults.met("upload")


def test_a_number_of_times_is_that_number_for_many_threads_too() -> None:
    faults = Faults()
    faults.play(Hang(), None, 100)
    met: list[Script] = []

    def meet() -> None:
        met.extend(faults.met("metrics") for _ in range(50))

    threads = [threading.Thread(target=meet) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (100, 100) == (met.count(Hang()), met.count(Answer()))
