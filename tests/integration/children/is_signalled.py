"""A training that waits for a signal, with or without hubport.

Says "ready" when an epoch and its checkpoint are in the HUB, and two epochs and a checkpoint wait on this machine.

``--without``   no session at all: what happens is what the interpreter does
``--earlier``   what SIGTERM and SIGINT are set to before the session is made
``--where``     whether the session is made and used in another thread
``--then``      what the main thread does when it has said "ready"
"""

import argparse
import logging
import os
import select
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import hubport

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def heard() -> str:
    """The next line of standard input."""
    # Again and again: a signal that comes just before a wait is seen only when something else ends it.
    while not select.select([0], [], [], 0.1)[0]:
        pass
    return sys.stdin.readline()


class ToTheTest(logging.Handler):
    """The first word of each thing that hubport logs."""

    def emit(self, record: logging.LogRecord) -> None:
        say(f"log {record.getMessage().split()[0]}")


def begin(model: str, last: Path) -> hubport.TrainingSession:
    session = hubport.connect(model)
    session.log_metrics(0, {"loss": 1.0})
    session.upload_checkpoint(last, epoch=0)
    assert session.flush(timeout=60)
    session.log_metrics(1, {"loss": 0.5})
    session.log_metrics(2, {"loss": 0.25})
    session.upload_checkpoint(last, epoch=2)
    return session


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without", action="store_true")
    parser.add_argument("--earlier", choices=["default", "ignore", "call", "exit"])
    parser.add_argument("--where", choices=["main", "thread"], default="main")
    parser.add_argument("--then", choices=["wait", "finish", "catch", "close"], default="wait")
    return parser.parse_args()


def set_earlier(what: str | None, sessions: list[hubport.TrainingSession]) -> None:
    def call(number: int, _: FrameType | None) -> None:
        say(f"earlier {number} {sessions[0].status().metrics.delivered if sessions else None}")
        if what == "exit":
            sys.exit(7)

    handlers: dict[str, Any] = {"default": signal.SIG_DFL, "ignore": signal.SIG_IGN, "call": call, "exit": call}
    for number in SIGNALS:
        if what is not None:
            signal.signal(number, handlers[what])


def go_on(what: str, session: hubport.TrainingSession | None, folder: Path) -> None:
    if what == "catch":
        try:
            heard()
        except KeyboardInterrupt:
            say("caught")
    elif session is not None and what == "finish":
        session.finish(folder / "best.pt", epoch=2, map=0.5)
    elif session is not None and what == "close":
        session.close()


def main() -> None:
    options = arguments()
    sessions: list[hubport.TrainingSession] = []
    set_earlier(options.earlier, sessions)
    earlier = [signal.getsignal(number) for number in SIGNALS]
    if options.where == "thread":
        thread = threading.Thread(target=lambda: sessions.append(begin(options.model, options.folder / "last.pt")))
        thread.start()
        thread.join()
        assert earlier == [signal.getsignal(number) for number in SIGNALS]
    elif not options.without:
        sessions.append(begin(options.model, options.folder / "last.pt"))
    logger = logging.getLogger("hubport")
    logger.addHandler(ToTheTest())
    logger.setLevel(logging.INFO)
    say("ready")
    go_on(options.then, sessions[0] if sessions else None, options.folder)
    if options.then == "close":
        assert earlier == [signal.getsignal(number) for number in SIGNALS]
        say("restored")
    while line := heard():  # an end by a signal, or by the test
        say(f"heard {line.strip()}")


main()
