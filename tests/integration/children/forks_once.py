"""Forks one child from a training, and tells the test about both. The argument says how.

``wait``     the child waits for a signal
``thread``   likewise, forked by a thread that is not the main one
``closing``  likewise, forked while another thread closes the session
``exec``     a program is run in place of the copy, which has all the files that the parent has not marked
``drop-in``  the child uses the class of 2023, whose session was over before the fork
``return``   the child leaves the main module by its end
``none``     no child at all
"""

import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable

import hubport
from hubport import HUBTrainingSession

OF_THE_CHILD = 999_999


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def wait() -> int:
    pid = os.fork()
    if pid == 0:
        say(f"child {os.getpid()}")
        while True:  # a signal that comes just before a wait is seen only when something else ends it
            select.select([], [], [], 0.1)
    return pid


def in_a_thread() -> int:
    pids: list[int] = []
    thread = threading.Thread(target=lambda: pids.append(wait()))
    thread.start()
    thread.join()
    return pids[0]


def while_closing(session: hubport.TrainingSession) -> int:
    say("closing")
    sys.stdin.readline()
    threading.Thread(target=session.close, daemon=True).start()
    while session.status().state != "closed":
        pass
    return wait()


def replaced() -> int:
    program = "import signal; signal.pause()"
    pid = subprocess.Popen([sys.executable, "-c", program], close_fds=False).pid
    say(f"child {pid}")
    return pid


def with_a_drop_in(model: str) -> int:
    # An outbox of its own: a second session for the model would take the place of the first.
    settings = hubport.Settings.from_env()
    old = HUBTrainingSession(model, settings=hubport.Settings.from_env(state_dir=settings.outboxes_dir.parent / "old"))
    old.alive = False
    pid = os.fork()
    if pid == 0:
        old.metrics_queue = {OF_THE_CHILD: "{}"}
        old.upload_metrics()
        old.upload_model(OF_THE_CHILD, __file__)
        old.upload_model(OF_THE_CHILD, __file__, final=True)
        old.alive = True
        os._exit(threading.active_count())
    return pid


def main(model: str, how: str) -> None:
    session = hubport.connect(model)
    session.log_metrics(0, {"a": 1.0})
    assert session.flush(timeout=60)
    session.log_metrics(1, {"a": 1.0})
    if how == "none":
        return
    if how == "return":
        pid = os.fork()
        if pid:
            _, status = os.waitpid(pid, 0)
            say(f"ended {os.waitstatus_to_exitcode(status)}")
        return
    ways: dict[str, Callable[[], int]] = {
        "wait": wait,
        "thread": in_a_thread,
        "closing": lambda: while_closing(session),
        "exec": replaced,
        "drop-in": lambda: with_a_drop_in(model),
    }
    pid = ways[how]()
    sys.stdin.readline()
    _, status = os.waitpid(pid, 0)
    say(f"ended {os.waitstatus_to_exitcode(status)}")
    os._exit(0)


main(*sys.argv[1:])
