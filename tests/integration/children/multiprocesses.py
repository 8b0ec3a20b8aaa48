"""A training whose data come from processes of multiprocessing, by each way to start them."""

import json
import multiprocessing
import sys
from typing import Any

import hubport

SESSIONS: list[hubport.TrainingSession] = []


def load(number: int) -> int:
    """What a worker does; one that was forked has a copy of the session."""
    for session in SESSIONS:
        session.log_metrics(999_999, {"worker": number})
        session.finish()
    return number * number


def main(model: str) -> None:
    session = hubport.connect(model)
    SESSIONS.append(session)
    loaded = {}
    for epoch, method in enumerate(("fork", "forkserver", "spawn")):
        context: Any = multiprocessing.get_context(method)  # typeshed's common base lacks Process
        with context.Pool(2) as pool:  # which ends its workers by SIGTERM
            loaded[method] = pool.map(load, range(4))
        single = context.Process(target=load, args=(1,))
        single.start()
        single.join()
        session.log_metrics(epoch, {"exit": single.exitcode})
    report = session.finish(timeout=60)
    sys.stdout.write(json.dumps({"loaded": loaded, "report": report.as_json()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
