"""A script that connects where every process of multiprocessing that imports it does so too.

``worker`` connects in the worker's own function as well, which is its good right.
"""

import json
import multiprocessing
import sys

import hubport

model, second, method, how = sys.argv[1:]
session = hubport.connect(model)


def work(number: int) -> list[object]:
    """What a worker finds, and logs."""
    if how == "worker":
        with hubport.connect(second) as own:
            own.log_metrics(number, {"worker": 1.0})
            assert own.flush(timeout=60)
            return [own.status().state, own.status().is_complete]
    if how == "logs":
        session.log_metrics(900 + number, {"worker": 1.0})
    report = session.status()
    return [report.state, report.is_complete]


if __name__ == "__main__":
    with multiprocessing.get_context(method).Pool(1) as pool:
        found = pool.map(work, range(2))
    session.log_metrics(0, {"own": 1.0})
    report = session.finish(timeout=60)
    sys.stdout.write(json.dumps({"found": found, "is_complete": report.is_complete}))
