"""A HUB in memory that is itself an :class:`~hubport.domain.ports.http.Http`: pass it to ``connect(http=...)``.

The one rule: it answers by the same rules as a real HUB (:mod:`hubport.domain.hub`) and writes down everything that it
receives, so that a test compares what was logged with what arrived.
"""

from __future__ import annotations

import json
import random
import string
import threading
from collections.abc import Mapping
from typing import Any

import attrs

from ...domain.errors import HubUnreachable
from ...domain.hub.api.context import HubContext
from ...domain.hub.api.hub import HubApi
from ...domain.hub.api.in_process import InProcessHub
from ...domain.hub.api.messages import envelope
from ...domain.hub.epoch_text import merge
from ...domain.hub.model import HubModel, StoredCheckpoint
from ...domain.hub.ports.environment import HubEnvironment
from ...domain.hub.ports.store import HubStore
from ...domain.hub.rate_limit import RateLimiter
from ...domain.ports.clock import Clock
from ...domain.ports.http import Http, Request, Response
from .blobs import FakeBlobs
from .hub_faults import HubFaults, kind_of
from .hub_store import FakeHubStore

_NO_LIMIT = 1 << 62


@attrs.frozen
class Received:
    """One request as it arrived, and its answer: ``status`` is ``None`` when the client got none.

    ``at`` is the clock's time in seconds; ``file`` the name, size and SHA-256 of the file part.
    """

    at: float
    kind: str
    method: str
    path: str
    json: Any
    fields: Mapping[str, str] | None
    file: tuple[str, int, str] | None
    status: int | None


class FakeHub(HubFaults, Http):
    """A HUB with one user, whose key is ``api_key``; ``bearer`` is a token that it takes as well.

    It can be told to fail, see :class:`HubFaults`. An epoch that comes again is merged by name; without
    *merges_metrics* it replaces what was there, as in the vendor's HUB. *root* is where its links point: the address of
    the server in front of it. IDs and keys are random unless *seed* is given.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        bearer: str | None = None,
        clock: Clock | None = None,
        seed: int | None = None,
        merges_metrics: bool = True,
        root: str = "https://hub.invalid",
    ) -> None:
        super().__init__(clock, root)
        self._random = random.Random(seed)  # noqa: S311 - a fake's IDs guard nothing
        self.api_key = api_key or "".join(self._random.choices("0123456789abcdef", k=42))
        self.bearer = bearer
        self.ledger: list[Received] = []
        self._overrides: dict[str, dict[str, Any]] = {}
        self._lock = threading.RLock()
        self._store: HubStore = FakeHubStore(merge=merge if merges_metrics else dict.update)
        self.identity: str | None = self._store.identity
        """What it says that it is called, whatever its address; ``None``: nothing, as other HUBs do."""
        # A test that wants a rate limit asks for it with `rate_limit`.
        unlimited = RateLimiter(_NO_LIMIT, 1.0)
        context = HubContext(self._store, FakeBlobs(), _FakeEnvironment(self), keep=_NO_LIMIT)
        hub = HubApi(context, unlimited, unlimited)
        self._direct = InProcessHub(hub, lambda: self.root)

    # What a test sets up.

    def create_model(self, *, record: Mapping[str, Any] | None = None, **fields: Any) -> HubModel:
        """A new model; *fields* are those of :class:`HubModel`, *record* overrides its answer to a GET field by field.

        In *record* ``...`` takes a field away.
        """
        fields = {"id": self._new_id(), "name": "a model", "data": "coco8.yaml"} | fields
        model = HubModel(**fields)
        with self._lock:
            self._store.models.save(model)
            self._overrides[model.id] = dict(record or {})
        return model

    # What a test reads.

    def model(self, model_id: str) -> HubModel:
        """The model as the HUB holds it now."""
        model = self._store.models.get(model_id)
        if model is None:
            raise KeyError(model_id)
        return model

    def metrics(self, model_id: str) -> dict[int, Any]:
        """Each epoch's values as the HUB holds them, parsed."""
        with self._lock:
            return {epoch: json.loads(text) for epoch, text in self._store.metrics(model_id).epochs.items()}

    def checkpoints(self, model_id: str) -> tuple[StoredCheckpoint, ...]:
        """What was uploaded whole, oldest first."""
        return self.model(model_id).checkpoints

    def received(self, kind: str) -> list[Received]:
        """The part of the ledger that is of *kind*; see :func:`kind_of`."""
        with self._lock:
            return [entry for entry in self.ledger if entry.kind == kind]

    # The port.

    def send(self, request: Request, *, timeout: float) -> Response:
        """Receive *request*, answer it, and write both down."""
        at = self.now()
        response: Response | None = None
        stored: StoredCheckpoint | None = None
        try:
            fault = self.met(request, at)
            # Outside the lock: a slow answer must not make the others slow.
            answered = None if fault is None or fault.is_after else fault.play(timeout)
            if answered is None:
                answered, stored = self._answered(request)
            if fault is not None and fault.is_after:
                fault.play(timeout)
            response = answered
            return response
        except OSError as exc:
            if isinstance(exc, HubUnreachable):
                raise
            raise HubUnreachable(self.root, str(exc)) from exc
        finally:
            self._write_down(at, request, response, stored)

    def close(self) -> None:
        """Nothing to give back."""

    def _answered(self, request: Request) -> tuple[Response, StoredCheckpoint | None]:
        """The HUB's own answer, and the checkpoint that it kept."""
        with self._lock:
            response = self._overridden(request, self._direct.send(request, timeout=0.0))
            if kind_of(request) != "upload" or response.status != 200:
                return response, None
            model = self._store.models.get(request.path.split("/")[3])
            return response, None if model is None else model.checkpoints[-1]

    def _write_down(
        self, at: float, request: Request, response: Response | None, stored: StoredCheckpoint | None
    ) -> None:
        name = None if request.file is None else request.file.name
        entry = Received(
            at=at,
            kind=kind_of(request),
            method=request.method,
            path=request.path,
            json=request.json,
            fields=request.fields,
            file=None if name is None or stored is None else (name, stored.size, stored.sha256),
            status=None if response is None else response.status,
        )
        with self._lock:
            self.ledger.append(entry)

    def _overridden(self, request: Request, response: Response) -> Response:
        if kind_of(request) == "auth" and response.status == 200 and self.identity != self._store.identity:
            return envelope(200, data=None if self.identity is None else {"hubId": self.identity})
        overrides = self._overrides.get(request.path.rpartition("/")[2])
        if not overrides or kind_of(request) != "model" or response.status != 200:
            return response
        data = json.loads(response.body)["data"] | overrides
        return envelope(200, data={name: value for name, value in data.items() if value is not ...})

    def _takes_key(self, headers: Mapping[str, str]) -> bool:
        if headers.get("x-api-key") == self.api_key:
            return True
        return self.bearer is not None and headers.get("authorization") == f"Bearer {self.bearer}"

    def _new_id(self) -> str:
        return "".join(self._random.choices(string.ascii_letters + string.digits, k=20))


class _FakeEnvironment(HubEnvironment):
    def __init__(self, fake: FakeHub) -> None:
        self._fake = fake

    def new_id(self) -> str:
        return self._fake._new_id()  # noqa: SLF001 - one thing in two classes

    def new_token(self) -> str:
        return self._fake._new_id()  # noqa: SLF001

    def wall(self) -> float:
        return self._fake.wall()

    def user(self, headers: Mapping[str, str]) -> str | None:
        return "user" if self._fake._takes_key(headers) else None  # noqa: SLF001
