"""A training of three epochs whose first is delivered at once, and whose others wait; it ends as it is told.

Says "delivered" when an epoch and its checkpoint are in the HUB. A line on standard input lets it log two more epochs
and a checkpoint, after which it says "ready". A second line lets it go to its end, and the argument says how that is.
"""

import ctypes
import os
import sys
import threading
from pathlib import Path

import hubport


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def begin(model: str, last: Path) -> hubport.TrainingSession:
    session = hubport.connect(model)
    session.log_metrics(0, {"loss": 1.0})
    session.upload_checkpoint(last, epoch=0)
    assert session.flush(timeout=60)
    say("delivered")
    sys.stdin.readline()
    session.log_metrics(1, {"loss": 0.5})
    session.log_metrics(2, {"loss": 0.25})
    session.upload_checkpoint(last, epoch=2)
    say("ready")
    sys.stdin.readline()
    return session


def main(model: str, folder: str, how: str) -> None:
    last = Path(folder) / "last.pt"
    if how == "raise in with":
        with begin(model, last):
            raise RuntimeError("the trainer's own")
    if how == "close":
        begin(model, last).close()
        return
    session = begin(model, last)
    end(how, session, last)


def end(how: str, session: hubport.TrainingSession, last: Path) -> None:
    match how:
        case "raise":
            raise RuntimeError("the trainer's own")
        case "exit":
            sys.exit(5)
        case "exit in a thread":
            thread = threading.Thread(target=sys.exit, args=(5,))
            thread.start()
            thread.join()
        case "_exit":
            os._exit(3)
        case "abort":
            os.abort()
        case "crash":
            ctypes.string_at(0)  # as a fault of a driver does it
        case "finish":
            report = session.finish(last, epoch=2, map=0.5)
            say(str(report.is_complete))


main(*sys.argv[1:])
