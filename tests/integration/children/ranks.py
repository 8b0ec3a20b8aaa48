"""One rank of a distributed training of three epochs, on CPU: it averages with the others after each batch.

Every rank connects, logs and uploads as if it were alone. The data of rank 0 come from two processes of a data loader,
which try to log as well, where they have a copy of the session. Says what became of it as JSON.

Arguments: model, rank, the file through which they meet, the session's class, and how data loaders are started.
"""

import json
import sys
import threading
from pathlib import Path
from typing import Any

import torch  # type: ignore[import-not-found]
import torch.distributed  # type: ignore[import-not-found]
from torch.utils.data import DataLoader, Dataset  # type: ignore[import-not-found]

import hubport

SESSIONS: list[Any] = []
SIZE = 2
EPOCHS = 3


class Numbers(Dataset):  # type: ignore[misc]
    """Sixteen of them."""

    def __len__(self) -> int:
        return 16

    def __getitem__(self, index: int) -> Any:
        if torch.utils.data.get_worker_info() is not None:
            for session in SESSIONS:
                log(session, 999_999, -1.0)
        return torch.tensor(float(index))


def log(session: Any, epoch: int, value: float) -> None:
    if isinstance(session, hubport.TrainingSession):
        session.log_metrics(epoch, {"mean": value})
        return
    session.metrics_queue = {epoch: json.dumps({"mean": value})}
    session.upload_metrics()
    session.metrics_queue = {}


def upload(session: Any, epoch: int, weights: Path, *, is_final: bool = False) -> None:
    if not isinstance(session, hubport.TrainingSession):
        session.upload_model(epoch, weights, map=0.5, final=is_final)
    elif is_final:
        session.finish(weights, epoch=epoch, map=0.5, timeout=60)
    else:
        session.upload_checkpoint(weights, epoch=epoch)


def train(session: Any, rank: int, folder: Path, start: str) -> None:
    SESSIONS.append(session)
    weights = folder / f"rank-{rank}.pt"
    # Forked anew for each epoch; those that are spawned, and import torch once more, stay.
    workers = {"num_workers": 2, "multiprocessing_context": start, "persistent_workers": start == "spawn"}
    loader = DataLoader(Numbers(), batch_size=4, **(workers if rank == 0 else {}))
    for epoch in range(EPOCHS):
        for batch in loader:
            mean = batch.mean()
            torch.distributed.all_reduce(mean)
            log(session, epoch, float(mean) / SIZE + rank)
        torch.save({"epoch": epoch, "rank": rank}, weights)
        upload(session, epoch, weights)
        torch.distributed.barrier()
    upload(session, EPOCHS - 1, weights, is_final=True)


def main(model: str, rank: str, store: str, kind: str, start: str) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=int(rank), world_size=SIZE)
    before = threading.active_count()
    session: Any = hubport.connect(model) if kind == "session" else hubport.HUBTrainingSession(model)
    threads = threading.active_count() - before
    train(session, int(rank), Path(store).parent, start)
    torch.distributed.barrier()
    if kind == "drop-in":
        session.alive = False
        session = session._session
    torch.distributed.destroy_process_group()
    report = session.status()
    sys.stdout.write(json.dumps(report.as_json() | {"threads": threads, "is_disabled": session.is_disabled}))


if __name__ == "__main__":
    main(*sys.argv[1:])
