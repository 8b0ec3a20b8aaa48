"""A training by Lightning, connected before `fit`, which has a handler of its own for SIGTERM in front of ours.

Says "ready" after the first epoch, and "finally" where the user's own cleaning up comes. Then the same once more, with
the session closed.
"""

import os
import signal
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")  # those of Lightning and torch are not ours

import lightning.pytorch as pl  # type: ignore[import-not-found]  # noqa: E402
import torch  # type: ignore[import-not-found]  # noqa: E402

import hubport  # noqa: E402


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


class Model(pl.LightningModule):  # type: ignore[misc]
    """The smallest."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch: Any, _: int) -> Any:
        return self.layer(batch).mean()

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Reporter(pl.Callback):  # type: ignore[misc]
    """Logs an epoch, and waits for the signal in the second."""

    def __init__(self, session: hubport.TrainingSession | None) -> None:
        self.session = session

    def on_train_epoch_end(self, trainer: pl.Trainer, _: pl.LightningModule) -> None:
        if self.session is not None:
            self.session.log_metrics(trainer.current_epoch, {"loss": 1.0})
        if trainer.current_epoch == 0:
            say("ready")

    def on_train_epoch_start(self, trainer: pl.Trainer, _: pl.LightningModule) -> None:
        if trainer.current_epoch == 1:
            while not trainer.received_sigterm:
                signal.sigtimedwait([signal.SIGUSR1], 0.05)


def fit(session: hubport.TrainingSession | None) -> None:
    trainer = pl.Trainer(
        max_epochs=5,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Reporter(session)],
    )
    trainer.fit(Model(), torch.utils.data.DataLoader(torch.ones(4, 1), batch_size=4))


def main(model: str, who: str) -> None:
    session = hubport.connect(model) if who == "with" else None
    before = signal.getsignal(signal.SIGTERM)
    try:
        fit(session)
    except SystemExit as exc:
        say(f"ended {type(exc).__name__} {exc.code}")
    finally:
        say("finally")
    assert before == signal.getsignal(signal.SIGTERM)
    if session is not None:
        session.close(timeout=60)
    fit(None)


main(*sys.argv[1:])
