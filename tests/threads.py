"""Threads that a test began. Those of others may end meanwhile, so none is counted that was there before."""

from __future__ import annotations

import threading

from hubport.testing.lab import HANG_TIMEOUT


def threads_since(before: set[threading.Thread]) -> set[threading.Thread]:
    """The threads that run now and were not among *before*."""
    return set(threading.enumerate()) - before


def left_since(before: set[threading.Thread]) -> set[threading.Thread]:
    """The same where none is expected: one that is in its last line has the time to leave it."""
    for thread in threads_since(before):
        thread.join(HANG_TIMEOUT)
    return threads_since(before)
