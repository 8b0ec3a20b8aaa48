"""The machine's clock, and signal handlers that ring."""

import os
import signal
import threading
import time

from hubport.adapters.system_clock import SystemClock


def test_now_is_the_monotonic_clock() -> None:
    before = time.monotonic()
    now = SystemClock().now()

    assert before <= now <= time.monotonic()


def test_wall_is_the_date() -> None:
    assert abs(SystemClock().wall() - time.time()) < 60


def test_all_clocks_tell_the_same_time() -> None:
    first, second = SystemClock(), SystemClock()

    assert first.now() <= second.now() <= first.now()


def test_a_signal_handler_ends_the_wait_that_it_interrupts() -> None:
    alarm = SystemClock().alarm()
    over = threading.Event()

    def send() -> None:
        # Again and again: a signal that comes just before the wait is seen only when something else ends it.
        while not over.wait(0.05):
            os.kill(os.getpid(), signal.SIGUSR1)

    earlier = signal.signal(signal.SIGUSR1, lambda *_: alarm.ring())
    try:
        sending = threading.Thread(target=send)
        sending.start()
        alarm.wait(None)
        over.set()
        sending.join()
    finally:
        signal.signal(signal.SIGUSR1, earlier)


def test_a_signal_handler_may_ring_where_it_interrupts_a_ring_or_a_wait() -> None:
    """With a lock in `ring` this would end by a deadlock, sooner or later."""
    clock = SystemClock()
    alarm = clock.alarm()
    rung: list[int] = []

    def handler(*_: object) -> None:
        rung.append(1)
        alarm.ring()

    earlier = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
        while len(rung) < 500:
            alarm.ring()
            alarm.wait(clock.now())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)
