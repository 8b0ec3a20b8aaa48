"""A HUB under test, and a client that says what it expects.

The one rule: every answer that is no file is held against the envelope, whatever it is for.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import attrs

from ....domain.ports.http import FilePart, Http, Request, Response

NEW_MODEL: dict[str, Any] = {
    "config": {"batchSize": 8, "epochs": 3, "imageSize": 320, "patience": 5, "device": "cpu", "cache": "ram"},
    "dataset": {"name": "coco8.yaml"},
    "lineage": {"architecture": {"name": "yolov8n.yaml"}, "parent": {"name": "yolov8n.pt"}},
    "meta": {"name": "a model"},
}
PATIENCE = 30.0


@attrs.frozen
class HubUnderTest:
    """The way to a HUB that takes ``api_key``; its links hang below ``root``. It may hold models of other tests."""

    http: Http
    api_key: str
    root: str

    def send(self, method: str, path: str, *, key: str | None = None, **content: Any) -> Response:
        """Whatever the HUB answers; *key* instead of the good one, the empty one for none."""
        key = self.api_key if key is None else key
        headers = {"x-api-key": key} if key else {}
        headers |= content.pop("headers", {})
        return self.http.send(Request(method, path, headers, **content), timeout=PATIENCE)

    def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, **content: Any) -> Any:
        """The ``data`` of the answer, which must have *status*."""
        response = self.send(method, path, json=body, **content)
        envelope = opened(response)
        assert status == response.status, envelope["message"]
        return envelope.get("data")

    def refused(self, method: str, path: str, body: Any = None, **content: Any) -> int:
        """The status of the answer, which must be an error that says something."""
        response = self.send(method, path, json=body, **content)
        envelope = opened(response)
        assert response.status >= 400
        assert envelope["message"]
        return response.status

    def create(self, **changes: Any) -> str:
        """A new model's ID."""
        return str(self.ask("POST", "/v1/models", NEW_MODEL | changes, status=201)["id"])

    def model(self, model_id: str) -> dict[str, Any]:
        """A model's record."""
        record: dict[str, Any] = self.ask("GET", f"/v1/models/{model_id}")
        return record

    def log(self, model_id: str, epochs: dict[int, dict[str, Any]]) -> None:
        """Send metrics."""
        metrics = {str(epoch): json.dumps(values) for epoch, values in epochs.items()}
        self.ask("POST", f"/v1/models/{model_id}", {"metrics": metrics, "type": "metrics"})

    def upload(self, model_id: str, content: bytes, *, status: int = 200, **fields: str) -> Any:
        """Send a checkpoint; an epoch's where *fields* do not say otherwise."""
        fields = {"epoch": "0", "type": "epoch"} | fields
        part = file_part("best.pt" if fields["type"] == "final" else "last.pt", content)
        response = self.send("POST", f"/v1/models/{model_id}/upload", fields=fields, file=part)
        envelope = opened(response)
        assert status == response.status, envelope["message"]
        return envelope.get("data")

    def download(self, url: object, headers: Mapping[str, str] | None = None, *, status: int = 200) -> Response:
        """A file by the address that the HUB gave for it, without a key."""
        assert isinstance(url, str)
        assert url.startswith(f"{self.root}/files/")
        response = self.send("GET", url.removeprefix(self.root), key="", headers=headers or {})
        assert status == response.status
        return response


def file_part(name: str, content: bytes) -> FilePart:
    """*content* as the file of a form."""
    return FilePart(name, len(content), lambda: io.BytesIO(content))


def opened(response: Response) -> dict[str, Any]:
    """The answer's envelope.

    Raises:
        AssertionError: when it is none.
    """
    assert response.headers["content-type"].startswith("application/json")
    body = json.loads(response.body, parse_constant=_no_constant)
    assert {"success", "message"} <= body.keys() <= {"success", "message", "data"}
    assert (response.status < 400) is body["success"]
    assert isinstance(body["message"], str)
    return dict(body)


def _no_constant(name: str) -> Any:
    raise AssertionError(f"{name} is no JSON")
