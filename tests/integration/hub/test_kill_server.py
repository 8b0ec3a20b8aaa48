"""``kill -9`` of the server at any moment: nothing that it has acknowledged is lost, and no half file is ever seen.

A real ``hubport serve`` over SQLite and a folder. Clients write down what they send before they send it, and
afterwards that it was acknowledged; what the next server shows on the same folder is compared with both.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import requests

from hubport.testing.lab import HANG_TIMEOUT, Zygote
from hubport.testing.lab.sandbox import bare_environment
from tests.integration.adapters.child_process import unmeasured
from tests.integration.cli.conftest import PRELOAD, Machine

ROUNDS = 20
CLIENTS = 3
KEPT = 3
LARGEST = 4 << 20


def content(model_id: str, epoch: int) -> bytes:
    """A checkpoint that no other epoch and no other model has."""
    seed = f"{model_id} {epoch}".encode()
    return (hashlib.sha256(seed).digest() * (LARGEST // 32))[: random.Random(seed).randrange(1, LARGEST)]


@attrs.define
class Client:
    """A trainer with a model of its own, and the only one who knows what it has sent."""

    model_id: str
    epoch: int = 0
    sent_metrics: dict[int, float] = attrs.field(factory=dict)
    taken_metrics: set[int] = attrs.field(factory=set)
    sent_files: dict[int, str] = attrs.field(factory=dict)
    taken_files: set[int] = attrs.field(factory=set)

    def train(self, url: str, key: str, taken: threading.Semaphore) -> None:
        """Send until nobody answers any more; *taken* counts what was acknowledged."""
        with requests.Session() as session:
            session.headers["x-api-key"] = key
            try:
                while True:
                    self.epoch += 1
                    self._send_metrics(session, url)
                    taken.release()
                    self._send_file(session, url)
                    taken.release()
            except requests.RequestException:
                return

    def _send_metrics(self, session: requests.Session, url: str) -> None:
        self.sent_metrics[self.epoch] = self.epoch / 8
        body = {"metrics": {str(self.epoch): json.dumps({"loss": self.epoch / 8})}, "type": "metrics"}
        answer = session.post(f"{url}/v1/models/{self.model_id}", json=body, timeout=HANG_TIMEOUT)
        assert 200 == answer.status_code, answer.text
        self.taken_metrics.add(self.epoch)

    def _send_file(self, session: requests.Session, url: str) -> None:
        data = content(self.model_id, self.epoch)
        self.sent_files[self.epoch] = hashlib.sha256(data).hexdigest()
        answer = session.post(
            f"{url}/v1/models/{self.model_id}/upload",
            data={"epoch": str(self.epoch), "type": "epoch", "isBest": "False"},
            files={"last.pt": ("last.pt", data)},
            timeout=HANG_TIMEOUT,
        )
        assert 200 == answer.status_code, answer.text
        self.taken_files.add(self.epoch)

    # Afterwards.

    def check(self, url: str, key: str) -> None:
        """What the HUB at *url* shows is what was sent, and all of what was acknowledged."""
        with requests.Session() as session:
            session.headers["x-api-key"] = key
            self._check_metrics(_asked(session, f"{url}/v1/models/{self.model_id}/metrics"))
            self._check_files(session, _asked(session, f"{url}/v1/models/{self.model_id}"))

    def _check_metrics(self, series: list[dict[str, Any]]) -> None:
        held = {int(epoch): value for entry in series for epoch, value in entry["data"].items()}
        assert self.taken_metrics <= held.keys(), "acknowledged, and lost"
        assert held == {epoch: self.sent_metrics[epoch] for epoch in held}

    def _check_files(self, session: requests.Session, record: dict[str, Any]) -> None:
        shown = {checkpoint["epoch"]: checkpoint for checkpoint in record["checkpoints"]}
        # Older ones gave way. What came after the oldest that is left must all be there.
        assert {epoch for epoch in self.taken_files if epoch >= min(shown, default=0)} <= shown.keys()
        assert len(shown) >= min(len(self.taken_files), KEPT)
        for epoch, checkpoint in shown.items():
            data = session.get(checkpoint["url"], timeout=HANG_TIMEOUT)
            assert 200 == data.status_code, data.text
            assert self.sent_files[epoch] == checkpoint["sha256"] == hashlib.sha256(data.content).hexdigest()
            assert checkpoint["size"] == len(data.content)
        assert ("training" if shown else "new") == record["status"]
        if shown:
            assert shown[max(shown)]["url"] == record["resume"]


def _asked(session: requests.Session, url: str) -> Any:
    answer = session.get(url, timeout=HANG_TIMEOUT)
    assert 200 == answer.status_code, answer.text
    return answer.json()["data"]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with Zygote(preload=PRELOAD, env=bare_environment() | unmeasured()) as zygote:
        machine = Machine(tmp_path, zygote)
        yield machine
        machine.reap()


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_nothing_half_is_seen(machine: Machine) -> None:
    chance = random.Random(4)
    server, ready = machine.served("--keep", KEPT)
    url, key = ready["url"], ready["key"]
    clients = [
        Client(machine.json("models", "create", "--weights", "a.pt", "--data", "d")["id"]) for _ in range(CLIENTS)
    ]
    for number in range(ROUNDS):
        taken = threading.Semaphore(0)
        threads = [threading.Thread(target=client.train, args=(url, key, taken)) for client in clients]
        for thread in threads:
            thread.start()
        for _ in range(chance.randrange(1, 12)):
            assert taken.acquire(timeout=HANG_TIMEOUT)
        # Every other time when a file comes in, which is short beside all else that a server does.
        while number % 2 and not is_receiving(machine) and all(thread.is_alive() for thread in threads):
            pass
        # Not at the moment of an answer or of a beginning, but at any: this waits for nothing.
        threading.Event().wait(chance.random() * 0.05)
        server.kill()
        for thread in threads:
            thread.join()

        server, ready = machine.served("--keep", KEPT)
        url = ready["url"]
        for client in clients:
            client.check(url, key)
        whole = {digest for client in clients for digest in client.sent_files.values()}
        assert {hashlib.sha256(file.read_bytes()).hexdigest() for file in kept(machine)} <= whole

    assert all(client.taken_metrics and client.taken_files for client in clients)
    assert any(len(client.sent_files) > len(client.taken_files) for client in clients), "never killed in an upload"
    server.terminate()
    assert 0 == server.end()


def is_receiving(machine: Machine) -> bool:
    return any((machine.data / "blobs" / "incoming").iterdir())


def kept(machine: Machine) -> list[Path]:
    """Every file that has a name under which it could be asked for."""
    return [file for file in (machine.data / "blobs" / "kept").rglob("*") if file.is_file()]
