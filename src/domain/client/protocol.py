"""The wire of HUB v1: requests built, and answers understood by the status table of `outcome.py`.

The one rule: nothing here knows an HTTP library, and no path is made from unchecked text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import attrs

from ..checkpoint import Checkpoint
from ..metrics import EpochValues, to_text
from ..ports.http import FilePart, Reader, Request, Response
from ..run_end import RunEnd
from ..run_state import RunState
from ..terminal_text import sanitize
from .credentials import Credentials
from .outcome import Outcome, outcome

#: Characters of a text of the HUB that are shown.
_SHOWN = 100

_IDENTITY = re.compile(r"[0-9A-Za-z_-]{1,64}")


@attrs.frozen
class HubProtocol:
    """Speaks for whoever holds ``credentials``."""

    credentials: Credentials

    def _request(self, method: str, path: str, **content: Any) -> Request:
        return Request(method, path, self.credentials.headers(), **content)

    def understood(self, response: Response, *, wall: float) -> Outcome:
        """What *response*, received at *wall* (unix seconds), means for what was sent. Its message quotes no key."""
        result = outcome(response, wall=wall)
        return attrs.evolve(result, message=self.credentials.scrubbed(result.message))

    def authenticate(self) -> Request:
        """Is this key one of yours?"""
        return self._request("POST", "/v1/auth")

    def fetch_model(self, model_id: str) -> Request:
        """The record of a model."""
        return self._request("GET", model_path(model_id))

    def fetch_dataset(self, dataset_id: str) -> Request:
        """The record of a dataset."""
        return self._request("GET", f"/v1/datasets/{dataset_id}")

    def create_model(self, body: Mapping[str, Any]) -> Request:
        """A new model; the answer's ``data.id`` names it."""
        return self._request("POST", "/v1/models", json=dict(body))

    def list_models(
        self, *, limit: int, cursor: str | None = None, query: str = "", is_trashed: bool = False
    ) -> Request:
        """A page of models, newest first: of those in the trash, or of the others. *cursor* is the last page's."""
        asked = {"limit": str(limit), "query": query}
        if cursor is not None:
            asked["last_doc_id"] = cursor
        if is_trashed:
            asked["trashed"] = "true"
        return self._request("GET", f"/v1/models?{urlencode(asked)}")

    def change_model(self, model_id: str, changes: Mapping[str, Any]) -> Request:
        """Changes a part of a model; ``{"trashed": False}`` takes it out of the trash."""
        return self._request("PATCH", model_path(model_id), json=dict(changes))

    def delete_model(self, model_id: str, *, is_hard: bool = False) -> Request:
        """Into the trash; for good when it *is_hard*."""
        return self._request("DELETE", f"{model_path(model_id)}?hard={'true' if is_hard else 'false'}")

    def read_metrics(self, model_id: str) -> Request:
        """What the HUB holds of a model's metrics."""
        return self._request("GET", f"{model_path(model_id)}/metrics")

    def download(self, path: str) -> Request:
        """A file by the path that the HUB gave for it."""
        return self._request("GET", path)

    def post_metrics(self, model_id: str, epochs: Mapping[int, EpochValues]) -> Request:
        """Each epoch's values, which replace what the HUB holds of that epoch."""
        metrics = {str(epoch): to_text(values) for epoch, values in epochs.items()}
        return self._request("POST", model_path(model_id), json={"metrics": metrics, "type": "metrics"})

    def upload(self, model_id: str, checkpoint: Checkpoint, read: Callable[[], Reader]) -> Request:
        """A checkpoint, whose bytes *read* opens anew for each attempt."""
        part = FilePart(checkpoint.kind.part_name, checkpoint.size, read)
        return self._request("POST", f"{model_path(model_id)}/upload", fields=checkpoint.fields(), file=part)

    def heartbeat(self, model_id: str, *, agent: str, agent_id: str | None, end: RunEnd | None = None) -> Request:
        """Says that the run is alive; the last one says its *end*, which other HUBs pass over."""
        body = {"agent": agent, "agentId": agent_id} | ({} if end is None else end.fields())
        return self._request("POST", f"/v1/agent/heartbeat/models/{model_id}", json=body)


def hub_identity(data: Any) -> str | None:
    """What a HUB is called, by the *data* of its answer to ``authenticate``; ``None`` where it does not say so."""
    name = data.get("hubId") if isinstance(data, Mapping) else None
    return name if isinstance(name, str) and _IDENTITY.fullmatch(name) else None


@attrs.frozen
class OtherAgent:
    """Another client of the same model, as the answer to a heartbeat tells of it.

    ``silence`` are the seconds since its newest heartbeat. One that is not ``is_alive`` was silent since we began.
    """

    id: str
    name: str
    is_alive: bool
    silence: float


def other_agents(data: object) -> list[OtherAgent]:
    """The other agents in the ``data`` of an answer to a heartbeat; what makes no sense is left out."""
    others = data.get("others") if isinstance(data, Mapping) else None
    found = []
    for other in others if isinstance(others, list) else ():
        if not isinstance(other, Mapping):
            continue
        name, silence = other.get("agentId"), other.get("silence")
        if isinstance(name, str) and name and isinstance(silence, int | float) and 0 <= silence < math.inf:
            is_alive = other.get("state") == RunState.TRAINING
            found.append(OtherAgent(_shown(name), _shown(other.get("agent")), is_alive, float(silence)))
    return found


def _shown(text: object) -> str:
    return sanitize(text[:_SHOWN]) if isinstance(text, str) else ""


def model_path(model_id: str) -> str:
    """Where a model lives below the API root; *model_id* was checked by :class:`~.model_ref.ModelRef`."""
    return f"/v1/models/{model_id}"
