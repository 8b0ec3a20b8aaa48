"""A trainer that holds a session and is handed to a process: by an argument of multiprocessing, cloudpickle or joblib.

Says, as JSON, what the copy in the process is and does, and then what the session itself has done.
"""

import json
import multiprocessing
import os
import sys
import threading
from pathlib import Path
from typing import Any

import cloudpickle
import joblib

import hubport


class Trainer:
    """It does not know what copies it."""

    def __init__(self, session: hubport.TrainingSession, old: hubport.HUBTrainingSession) -> None:
        self.session = session
        self.old = old


def work(trainer: Trainer, path: str) -> None:
    """What the process does with its copy."""
    session, old = trainer.session, trainer.old
    for epoch in range(3):
        session.log_metrics(900 + epoch, {"copy": 1.0})
    old.metrics_queue = {900: "{}"}
    old.upload_metrics()
    old.upload_model(900, __file__, final=True)
    report = session.finish(__file__, epoch=902)
    said = {
        "states": [session.status().state, old._session.status().state],
        "model_id": session.model_id,
        "train_args": session.train_args,
        "is_complete": report.is_complete,
        "lost": report.metrics.lost,
        "key": os.environ["HUB_API_KEY"] in repr([vars(session), vars(old)]),
        "threads": threading.active_count(),
    }
    Path(path).write_text(json.dumps(said))


def main(model: str, second: str, how: str, folder: str) -> None:
    trainer = Trainer(hubport.connect(model), hubport.HUBTrainingSession(second))
    path = str(Path(folder) / "said.json")
    if how == "cloudpickle":
        work(cloudpickle.loads(cloudpickle.dumps(trainer)), path)
    elif how == "joblib":
        dump = str(Path(folder) / "trainer.joblib")
        joblib.dump(trainer, dump)
        assert os.environ["HUB_API_KEY"].encode() not in Path(dump).read_bytes()
        work(joblib.load(dump), path)
    else:
        context: Any = multiprocessing.get_context(how)  # typeshed's common base lacks Process
        process = context.Process(target=work, args=(trainer, path))
        process.start()
        process.join()
        assert process.exitcode == 0
    trainer.session.log_metrics(0, {"own": 1.0})
    report = trainer.session.finish(timeout=60)
    trainer.old.alive = False
    said = json.loads(Path(path).read_text())
    sys.stdout.write(json.dumps(said | {"train_args_of_session": trainer.session.train_args, "own": report.as_json()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
