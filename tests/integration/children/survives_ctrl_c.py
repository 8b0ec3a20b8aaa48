"""A training in a notebook: it logs until it is interrupted, and then goes on, so many times; then it finishes.

Says "go" whenever it begins, each number when it is safe, "interrupted" when it was, and last what ``finish`` reports.
"""

import itertools
import json
import os
import sys

import hubport


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def main(model: str, times: str) -> None:
    numbers = itertools.count()
    session = hubport.connect(model)
    for _ in range(int(times)):
        try:
            say("go")
            for number in numbers:
                session.log_metrics(number, {"number": number})
                say(str(number))
        except KeyboardInterrupt:
            say("interrupted")
    say(json.dumps(session.finish(within=60).as_json()))


main(*sys.argv[1:])
