"""How contracts wait: they end what hangs, and hide nothing that goes wrong beside them."""

import threading

import pytest

from hubport.testing.contracts import waiting as patience
from hubport.testing.contracts.waiting import BackgroundThread, eventually, run_concurrently


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HUNG_AFTER", 0.05)


def test_what_holds_already_is_not_waited_for() -> None:
    asked: list[int] = []

    eventually(lambda: not asked.append(1))  # type: ignore[func-returns-value]

    assert asked == [1]


def test_what_another_thread_does_is_waited_for() -> None:
    done = threading.Event()
    side = BackgroundThread(done.set)

    eventually(done.is_set)

    side.join()


@pytest.mark.usefixtures("_impatient")
def test_what_does_not_happen_is_told() -> None:
    with pytest.raises(AssertionError, match="did not happen"):
        eventually(lambda: False)


@pytest.mark.usefixtures("_impatient")
def test_a_thread_that_is_held_is_told() -> None:
    release = threading.Event()
    side = BackgroundThread(lambda: release.wait(60))

    with pytest.raises(AssertionError, match="does not come back"):
        side.join()

    assert not side.is_done
    release.set()


def test_what_goes_wrong_in_another_thread_goes_wrong_here() -> None:
    def fail(number: int) -> None:
        if number == 2:
            raise ValueError("two")

    with pytest.raises(ValueError, match="two"):
        run_concurrently(fail, threads=4)


def test_all_threads_are_there_at_once() -> None:
    gate = threading.Barrier(6)
    passed: list[int] = []

    def meet(number: int) -> None:
        gate.wait(patience.HUNG_AFTER)
        passed.append(number)

    run_concurrently(meet, threads=6)

    assert sorted(passed) == [0, 1, 2, 3, 4, 5]
