"""A training that survives a KeyboardInterrupt anywhere in its calls, again and again, as a notebook does.

A timer interrupts each call a little later than the one before, from before its beginning to behind its end. Says
"<call> <epoch>" for each call that came back, and at its end, as JSON, how many were interrupted, whether a count was
ever negative, and what ``finish`` reports.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import hubport


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


class Interrupter:
    """Calls what it is given, and interrupts it after *delay* seconds."""

    def __init__(self) -> None:
        self._is_armed = False
        signal.signal(signal.SIGALRM, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._is_armed:
            self._is_armed = False
            raise KeyboardInterrupt

    def came_back(self, call: Callable[[], object], delay: float) -> bool:
        """Whether *call* has returned. Also when it was just about to, that is not known."""
        has_returned = False
        try:
            self._is_armed = True
            signal.setitimer(signal.ITIMER_REAL, delay)
            call()
            has_returned = True
            self._is_armed = False
        except KeyboardInterrupt:
            pass
        signal.setitimer(signal.ITIMER_REAL, 0)
        return has_returned


def duration(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def main(model: str, folder: str, times: str, *names: str) -> None:
    last, epoch, longest, interrupted, is_negative = Path(folder) / "last.pt", 0, 0.0, Counter[str](), False
    session = hubport.connect(model)
    interrupter = Interrupter()

    def calls() -> dict[str, Callable[[], object]]:
        last.write_bytes(b"%08d" % epoch * 100)
        return {
            "metrics": partial(session.log_metrics, epoch, {"number": epoch}),
            "checkpoint": partial(session.upload_checkpoint, last, epoch=epoch),
            "flush": partial(session.flush, timeout=0.001),
        }

    for name in names:
        for number in range(int(times)):
            if number % 20 == 0:  # anew: another load of the machine makes another duration of it
                longest = sorted(duration(calls()[name]) for _ in range(4))[2]
            epoch += 1
            if interrupter.came_back(calls()[name], 1e-6 + 1.2 * longest * number / int(times)):
                say(f"{name} {epoch}")
            else:
                interrupted[name] += 1
            session.log_metrics(epoch + 100_000, {"number": epoch + 100_000})
            say(f"metrics {epoch + 100_000}")
            status = session.status()
            is_negative |= status.metrics.waiting < 0 or status.checkpoints.waiting < 0
    report = session.finish(timeout=60)
    say(json.dumps({"interrupted": interrupted, "is_negative": is_negative, "report": report.as_json()}))


main(*sys.argv[1:])
