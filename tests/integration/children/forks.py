"""Forks many times at bad moments; each child calls everything and leaves, some by all that an interpreter's end does.

First each lock that its sessions are made of is held in turn by another thread at the fork, then threads keep all of
them busy. Says the exit status of each child and what was held, and at its end, as JSON, what its session reports.
"""

import contextlib
import itertools
import json
import os
import sys
import threading
from functools import partial
from pathlib import Path

import hubport
from hubport import HUBTrainingSession
from hubport.testing.lab.processes.forks import forked, held, locks_of

HUNG_AFTER = 20.0
#: No epoch of the parent's.
OF_THE_CHILD = 999_999


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def call_everything(session: hubport.TrainingSession, old: HUBTrainingSession, last: Path) -> None:
    session.log_metrics(OF_THE_CHILD, {"child": 1.0})
    session.log_text(OF_THE_CHILD, "{}")
    session.upload_checkpoint(last, epoch=OF_THE_CHILD)
    assert session.flush(timeout=3600) is False
    session.stop_heartbeats()
    session.start_heartbeats()
    session.pace(metrics=1.0, checkpoint=1.0, heartbeat=1.0)
    assert session.send_final(last, epoch=OF_THE_CHILD, map=1.0) is False
    assert isinstance(session.agent_id, str | None)
    assert repr(session)
    assert session.status().state == "forked"
    old.alive = False
    old.metrics_queue = {OF_THE_CHILD: "{}"}
    old.upload_metrics()
    old.upload_model(OF_THE_CHILD, last)
    old.upload_model(OF_THE_CHILD, last, final=True)
    with contextlib.suppress(hubport.SessionClosed):
        session.finish(last, epoch=OF_THE_CHILD, map=1.0)
        session.close()
        session.close()


class Load:
    """Threads that keep every lock of *session* busy until :meth:`end`."""

    def __init__(self, session: hubport.TrainingSession, last: Path) -> None:
        self._session = session
        self._last = last
        self._over = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._log, self._look, self._keep)]
        for thread in self._threads:
            thread.start()

    def _log(self) -> None:
        for number in itertools.count():
            self._session.log_metrics(number % 20, {"a": number})
            if self._over.is_set() and number > 20:
                return

    def _look(self) -> None:
        while not self._over.is_set():
            self._session.status()
            self._session.flush(timeout=0.001)

    def _keep(self) -> None:
        while not self._over.is_set():
            self._session.upload_checkpoint(self._last, epoch=1)
            self._session.stop_heartbeats()
            self._session.start_heartbeats()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def main(model: str, folder: str, with_a_lock: str, under_load: str) -> None:
    sys.setswitchinterval(1e-4)
    last = Path(folder) / "last.pt"
    last.write_bytes(b"weights")
    # An outbox of its own: a second session for the model would take the place of the first.
    old = HUBTrainingSession(model, settings=hubport.Settings.from_env(state_dir=Path(folder) / "old"))
    with hubport.connect(model) as session:

        def fork(*, by_its_end: bool) -> int:
            work = partial(call_everything, session, old, last)
            if by_its_end:
                return forked(work, leave=sys.exit, timeout=HUNG_AFTER)
            return forked(work, timeout=HUNG_AFTER)

        for number in range(int(with_a_lock)):
            # Anew each time: connections, and their locks, come and go.
            locks = sorted(locks_of(session=session, old=old).items())
            name, lock = locks[number % len(locks)]
            with held(lock):
                say(f"{fork(by_its_end=number < len(locks))} {name}")
        load = Load(session, last)
        for number in range(int(under_load)):
            say(f"{fork(by_its_end=number % 4 == 1)} load")
        load.end()
        report = session.finish(timeout=60)
    old._session.close(timeout=60)
    say(json.dumps(report.as_json()))


main(*sys.argv[1:])
