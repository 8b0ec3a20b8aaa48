"""The main job on real input: a classifier of handwritten digits, trained through a session against a HUB.

The one rule: nothing is believed. What the HUB holds at the end is read back from it and compared with what was sent.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from ...domain.terminal_text import counted, sanitize
from ..delivery.report import Report
from ..hub_client.client import PATIENCE, HubClient
from ..session.training_session import TrainingSession
from .digits import DigitsTrainer


@attrs.frozen
class Arrived:
    """One checkpoint in the HUB, and whether its bytes are those that were sent."""

    kind: str
    size: int
    sha256: str
    is_identical: bool


@attrs.frozen
class DemoResult:
    """What the HUB holds, against what it should hold."""

    model_url: str
    status: str
    epochs_wanted: int
    epochs_held: int
    checkpoints: tuple[Arrived, ...]
    accuracy: float
    report: Report

    @property
    def missing(self) -> list[str]:
        """What is not as it should be; empty when all is well."""
        faults = []
        if self.epochs_held != self.epochs_wanted:
            faults.append(f"{counted(self.epochs_wanted - self.epochs_held, 'epoch')} of metrics")
        for kind in ("epoch", "final"):
            arrived = [c for c in self.checkpoints if c.kind == kind]
            if not arrived:
                faults.append(f"the {kind} checkpoint")
            faults.extend(f"the {kind} checkpoint as it was sent" for c in arrived if not c.is_identical)
        if not self.report.heartbeats.delivered:
            faults.append("heartbeats")
        if self.status != "trained":
            faults.append(f"the status 'trained' (it is {self.status!r})")
        return faults

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        names = ("model_url", "status", "epochs_wanted", "epochs_held", "accuracy", "missing")
        return {name: getattr(self, name) for name in names} | {
            "checkpoints": [attrs.asdict(c) for c in self.checkpoints],
            "report": self.report.as_json(),
        }

    def __str__(self) -> str:
        rows = [
            ("model", self.model_url),
            ("status", self.status),
            ("epochs", f"{self.epochs_held} of {self.epochs_wanted}"),
            *(
                (
                    f"{c.kind} checkpoint",
                    f"{c.size:,} B  sha256 {c.sha256[:16]}…  {'as sent' if c.is_identical else 'DIFFERENT'}",
                )
                for c in self.checkpoints
            ),
            ("heartbeats", str(self.report.heartbeats.delivered)),
            ("accuracy", f"{self.accuracy:.1%} on images that training never saw"),
        ]
        lines = [f"  {name:<18}{sanitize(value)}" for name, value in rows]
        return "\n".join(["What the HUB holds now:", *lines])


@attrs.frozen
class Demo:
    """The demo against the HUB that ``client`` asks; ``connect`` opens a session for a model's ID.

    ``page`` is where people look at the model with this address while it trains, ``None`` where there is no such page.
    """

    client: HubClient
    folder: Path
    connect: Callable[[str], TrainingSession]
    page: Callable[[str], str | None]
    say: Callable[[str], None]

    def run(self, epochs: int) -> DemoResult:
        """Create a model, train it for *epochs*, and read back what arrived.

        Raises:
            ExtraMissing: without scikit-learn; ExtraBroken with one that cannot be imported.
            HubportError: whatever ``connect`` raises; HubRefused when the HUB creates no model.
        """
        trainer = DigitsTrainer.load()
        model_id = self.client.request_data(self.client.protocol.create_model(_new_model(epochs)))["id"]
        with self.connect(model_id) as session:
            self.say(f"Training {session.model_file} on {len(trainer.train[0]):,} images: {session.model_url}")
            page = self.page(session.model_url)
            if page is not None:
                self.say(f"Look at it: {page}")
                self.say("(The page is there for as long as this runs.)")
            sent, held = {}, []
            for epoch in range(session.train_args["epochs"]):
                last = self.folder / "last.pt"
                values, is_best = trainer.epoch(epoch, batch=session.train_args["batch"])
                trainer.save(last)
                if is_best:
                    shutil.copyfile(last, self.folder / "best.pt")
                session.log_metrics(epoch, values)
                session.upload_checkpoint(last, epoch=epoch, is_best=is_best)
                if epoch == 0:
                    # Only to show the first checkpoint in the HUB before newer ones supersede it.
                    sent["epoch"] = _digest(last)
                    session.flush(timeout=PATIENCE)
                    held.append(self._arrived("epoch", self._record(model_id).get("resume"), sent["epoch"]))
                self.say(_progress_line(epoch, session.train_args["epochs"], values))
            sent["final"] = _digest(self.folder / "best.pt")
            best = trainer.best
            report = session.finish(self.folder / "best.pt", epoch=best.epoch, map=best.accuracy, timeout=PATIENCE)
        record = self._record(model_id)
        held.append(self._arrived("final", record.get("weights"), sent["final"]))
        return DemoResult(
            model_url=report.model_url,
            status=str(record.get("status")),
            epochs_wanted=epochs,
            epochs_held=self._epochs_held(model_id),
            checkpoints=tuple(c for c in held if c is not None),
            accuracy=trainer.test_accuracy(self.folder / "best.pt"),
            report=report,
        )

    def _record(self, model_id: str) -> dict[str, Any]:
        record: dict[str, Any] = self.client.request_data(self.client.protocol.fetch_model(model_id))
        return record

    def _epochs_held(self, model_id: str) -> int:
        series = self.client.request_data(self.client.protocol.read_metrics(model_id))
        return len({epoch for entry in series for epoch in entry["data"]})

    def _arrived(self, kind: str, url: object, sent: str) -> Arrived | None:
        """Download what the HUB offers under *url*, when that is its own."""
        client = self.client
        if not isinstance(url, str) or not url.startswith(f"{client.api_root}/"):
            return None
        request = client.protocol.download(url.removeprefix(client.api_root))
        response = client.http.send(request, timeout=PATIENCE)
        if response.status != 200:  # noqa: PLR2004 - the HTTP status is its own name
            return None
        digest = hashlib.sha256(response.body).hexdigest()
        return Arrived(kind, len(response.body), digest, digest == sent)


def _new_model(epochs: int) -> dict[str, Any]:
    config = {"batchSize": 32, "epochs": epochs, "imageSize": 8, "patience": 100, "device": "cpu", "cache": "ram"}
    return {
        "config": config,
        "dataset": {"name": "digits"},
        "lineage": {"architecture": {"name": "digits-sgd.yaml"}, "parent": {}},
        "meta": {"name": "handwritten digits"},
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _progress_line(epoch: int, epochs: int, values: dict[str, float]) -> str:
    return (
        f"  epoch {epoch + 1:>3}/{epochs}   train loss {values['train/loss']:.3f}   "
        f"val loss {values['val/loss']:.3f}   val accuracy {values['metrics/accuracy']:.1%}"
    )
