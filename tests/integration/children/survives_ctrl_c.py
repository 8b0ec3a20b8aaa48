"""A training in a notebook: it logs until it is interrupted, and then goes on, so many times; then it finishes.

Says "go" whenever it begins, each number when it is safe, "interrupted" when it was, "sending" while it does so at its
end, and last what ``finish`` reports.
"""

import itertools
import json
import os
import sys
import threading

import hubport

MOST = 1000  # numbers from one interrupt to the next, however late the signal comes on a busy machine


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def main(model: str, times: str) -> None:
    numbers = itertools.count()
    session = hubport.connect(model)
    for _ in range(int(times)):
        try:
            say("go")
            for number in itertools.islice(numbers, MOST):
                session.log_metrics(number, {"number": number})
                say(str(number))
            while not threading.Event().wait(0.1):  # again and again: a signal just before a wait does not end it
                pass
        except KeyboardInterrupt:
            say("interrupted")
    while not session.flush(timeout=5):
        say("sending")
    say(json.dumps(session.finish(timeout=60).as_json()))


main(*sys.argv[1:])
