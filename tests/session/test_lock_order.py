"""The order of locks that docs/explanation/architecture.md writes down is the one that holds."""

from __future__ import annotations

import threading
from pathlib import Path

from hubport.adapters.disk_outbox import DiskOutbox
from hubport.testing.contracts.patience import at_once
from tests.locks import Recorded, Recorder, recorded
from tests.session.conftest import Stage

#: Each lock of a session that is taken while another is held. All others are leaves.
INNER_OF_OUTER = {
    ("UploadQueue._settling", "UploadQueue._lock"),
    ("UploadQueue._settling", "DiskSpool._lock"),
    ("UploadQueue._settling", "Tally._lock"),
}


def test_a_session_takes_its_locks_in_the_order_that_is_written_down(tmp_path: Path) -> None:
    with recorded() as recorder:
        stage = Stage(tmp_path)
        stage.disk.files |= {f"{number}.pt": b"weights" for number in range(4)}
        outbox = DiskOutbox(tmp_path / "outbox")
        stage.outbox = outbox  # type: ignore[assignment]
        session = stage.connect()

        def train(thread: int) -> None:
            for epoch in range(thread, 40, 4):
                session.log_metrics(epoch, {"a": 1.0})
                session.upload_checkpoint("last.pt", epoch=epoch, is_best=epoch % 3 == 0)
                session.status()

        at_once(train, threads=4)
        stage.clock.advance(1000)
        stage.hub.down()
        session.log_metrics(50, {"a": 1.0})
        stage.clock.advance(100)
        session.flush(within=10)
        stage.hub.heal()
        assert session.finish("best.pt", epoch=50, map=0.5).final_delivered
        stage.close()

    ours = {name for name in recorder.names if not name.startswith("Fake")}
    assert {"Crew.lock", "Tally._lock", "UploadQueue._lock", "UploadQueue._settling", "Life._closing"} <= ours
    assert set() == {pair for pair in recorder.pairs if set(pair) <= ours} - INNER_OF_OUTER
    assert [] == recorder.cycle()


def test_a_wrong_order_is_seen() -> None:
    recorder = Recorder()
    one, two = (Recorded(threading.Lock(), name, recorder) for name in ("one", "two"))
    with one, two:
        pass
    assert [] == recorder.cycle()
    with two, one:
        pass
    assert {"one", "two"} == set(recorder.cycle())
