"""A HUB in memory that is itself an :class:`~hubport.domain.ports.http.Http`: pass it to ``connect(http=...)``.

The one rule: it answers by the same rules as a real HUB (:mod:`hubport.domain.hub`) and writes down everything that it
receives, so that a test compares what was logged with what arrived.
"""

from __future__ import annotations

import json
import random
import string
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ...domain.errors import HubUnreachable
from ...domain.hub.answers import Hub, Surroundings, envelope
from ...domain.hub_model import HubModel, StoredCheckpoint
from ...domain.ports.clock import Clock
from ...domain.ports.http import Http, Request, Response
from .hub_store import FakeBlobs, FakeHubStore

_KINDS = (("/upload", "upload"), ("/metrics", "read"), ("/auth", "auth"))


def kind_of(request: Request) -> str:
    """``auth``, ``model``, ``metrics``, ``upload``, ``heartbeat``, ``create``, ``read`` or ``file``."""
    path = request.path.partition("?")[0]
    if path.startswith("/files/"):
        return "file"
    if path.startswith("/v1/agent/heartbeat/"):
        return "heartbeat"
    if path == "/v1/models":
        return "create"
    for end, kind in _KINDS:
        if path.endswith(end):
            return kind
    return "model" if request.method == "GET" else "metrics"


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


@attrs.define
class _Fault:
    """Something that goes wrong until an instant, or for a number of calls, with one kind of request or all."""

    play: Callable[[Request, float], Response | None]
    until: float | None
    calls: int | None
    on: str | None

    def meets(self, request: Request, now: float) -> bool:
        if self.is_over(now) or (self.on is not None and self.on != kind_of(request)):
            return False
        if self.calls is not None:
            self.calls -= 1
        return True

    def is_over(self, now: float) -> bool:
        return (self.until is not None and now >= self.until) or (self.calls is not None and self.calls <= 0)


class FakeHub(Http):
    """A HUB with one user, whose key is ``api_key``; ``bearer`` is a token that it takes as well.

    Faults last for *seconds* of *clock* (real time without one), for a number of *calls*, or until :meth:`heal`; *on*
    limits them to one kind of request. *root* is where its links point: the address of the server in front of it.
    IDs and keys are random unless *seed* is given.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        bearer: str | None = None,
        clock: Clock | None = None,
        seed: int | None = None,
        root: str = "https://hub.invalid",
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a fake's IDs guard nothing
        self.api_key = api_key or "".join(self._random.choices("0123456789abcdef", k=42))
        self.bearer = bearer
        self.root = root
        self.ledger: list[Received] = []
        self._clock = clock
        self._faults: list[_Fault] = []
        self._overrides: dict[str, dict[str, Any]] = {}
        self._lock = threading.RLock()
        self._store = FakeHubStore()
        self._hub = Hub(self._store, FakeBlobs(), _Around(self), self._takes_key)

    # What a test sets up.

    def create_model(self, *, record: Mapping[str, Any] | None = None, **fields: Any) -> HubModel:
        """A new model; *fields* are those of :class:`HubModel`, *record* overrides its answer to a GET field by field.

        In *record* ``...`` takes a field away.
        """
        fields = {"id": self._new_id(), "name": "a model", "data": "coco8.yaml"} | fields
        model = HubModel(**fields)
        with self._lock:
            self._store.save(model)
            self._overrides[model.id] = dict(record or {})
        return model

    def down(self, *, seconds: float | None = None, calls: int | None = None, on: str | None = None) -> None:
        """Give no answer."""

        def play(_: Request, __: float) -> Response | None:
            raise HubUnreachable(self.root, "the fake HUB is down")

        self._fault(play, seconds, calls, on)

    def slow(self, by: float, *, seconds: float | None = None, calls: int | None = None, on: str | None = None) -> None:
        """Answer *by* seconds later; to a client with less patience, not at all."""

        def play(_: Request, timeout: float) -> Response | None:
            self._wait(min(by, timeout))
            if by > timeout:
                raise HubUnreachable(self.root, f"no answer within {timeout:g} s")
            return None

        self._fault(play, seconds, calls, on)

    def refuse(
        self,
        status: int,
        message: str = "refused by the test",
        *,
        seconds: float | None = None,
        calls: int | None = None,
        on: str | None = None,
    ) -> None:
        """Answer with *status* and do nothing."""
        self._fault(lambda _, __: envelope(status, message), seconds, calls, on)

    def rate_limit(
        self,
        retry_after: float,
        *,
        seconds: float | None = None,
        calls: int | None = None,
        on: str | None = None,
        stripped: bool = False,
    ) -> None:
        """Answer 429 with its four headers; *stripped*, as a proxy would leave them, without."""

        def play(_: Request, __: float) -> Response:
            reset = str(int(self._wall() + retry_after))
            headers = {
                "x-ratelimit-limit": "100",
                "x-ratelimit-remaining": "0",
                "retry-after": str(int(retry_after)),
                "x-ratelimit-reset": reset,
            }
            return envelope(429, "too many requests", headers=None if stripped else headers)

        self._fault(play, seconds, calls, on)

    def garble(
        self,
        body: bytes = b"<html>Welcome to the hotel's network</html>",
        *,
        status: int = 200,
        seconds: float | None = None,
        calls: int | None = None,
        on: str | None = None,
    ) -> None:
        """Answer what no HUB would."""
        answer = Response(status, {"content-type": "text/html"}, body)
        self._fault(lambda _, __: answer, seconds, calls, on)

    def lose_answers(self, *, seconds: float | None = None, calls: int | None = None, on: str | None = None) -> None:
        """Do what is asked, and then give no answer."""

        def play(request: Request, _: float) -> Response | None:
            self._hub.answer(request)
            raise HubUnreachable(self.root, "the fake HUB lost its answer")

        self._fault(play, seconds, calls, on)

    def heal(self) -> None:
        """End every fault."""
        with self._lock:
            self._faults.clear()

    # What a test reads.

    def model(self, model_id: str) -> HubModel:
        """The model as the HUB holds it now."""
        model = self._store.model(model_id)
        if model is None:
            raise KeyError(model_id)
        return model

    def metrics(self, model_id: str) -> dict[int, Any]:
        """Each epoch's values as the HUB holds them, parsed."""
        with self._lock:
            return {epoch: json.loads(text) for epoch, text in self._store.metrics(model_id).items()}

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
        at = self._now()
        response: Response | None = None
        try:
            fault = self._met(request, at)
            # Outside the lock: a slow answer must not make the others slow.
            played = fault.play(request, timeout) if fault is not None else None
            with self._lock:
                response = played if played is not None else self._overridden(request, self._hub.answer(request))
            return response
        except OSError as exc:
            if isinstance(exc, HubUnreachable):
                raise
            raise HubUnreachable(self.root, str(exc)) from exc
        finally:
            with self._lock:
                self.ledger.append(self._received(at, request, response))

    def close(self) -> None:
        """Nothing to give back."""

    def _received(self, at: float, request: Request, response: Response | None) -> Received:
        kind = kind_of(request)
        status = None if response is None else response.status
        file = None
        if kind == "upload" and request.file is not None and status == 200:  # noqa: PLR2004
            # The hash of what was kept: reading the part again would count as sending it again.
            stored = self.model(request.path.split("/")[3]).checkpoints[-1]
            file = (request.file.name, stored.size, stored.sha256)
        return Received(at, kind, request.method, request.path, request.json, request.fields, file, status)

    def _met(self, request: Request, now: float) -> _Fault | None:
        with self._lock:
            self._faults = [fault for fault in self._faults if not fault.is_over(now)]
            return next((fault for fault in self._faults if fault.meets(request, now)), None)

    def _fault(
        self,
        play: Callable[[Request, float], Response | None],
        seconds: float | None,
        calls: int | None,
        on: str | None,
    ) -> None:
        until = None if seconds is None else self._now() + seconds
        with self._lock:
            self._faults.append(_Fault(play, until, calls, on))

    def _overridden(self, request: Request, response: Response) -> Response:
        overrides = self._overrides.get(request.path.rpartition("/")[2])
        if not overrides or kind_of(request) != "model" or response.status != 200:  # noqa: PLR2004
            return response
        data = json.loads(response.body)["data"] | overrides
        return envelope(200, data={name: value for name, value in data.items() if value is not ...})

    def _takes_key(self, headers: Mapping[str, str]) -> bool:
        if headers.get("x-api-key") == self.api_key:
            return True
        return self.bearer is not None and headers.get("authorization") == f"Bearer {self.bearer}"

    def _new_id(self) -> str:
        return "".join(self._random.choices(string.ascii_letters + string.digits, k=20))

    def _now(self) -> float:
        return time.monotonic() if self._clock is None else self._clock.now()

    def _wall(self) -> float:
        return time.time() if self._clock is None else self._clock.wall()

    def _wait(self, seconds: float) -> None:
        if self._clock is None:
            threading.Event().wait(seconds)
            return
        alarm = self._clock.alarm()
        try:
            until = self._clock.now() + seconds
            while self._clock.now() < until:
                alarm.wait(until)
        finally:
            alarm.retire()


class _Around(Surroundings):
    def __init__(self, fake: FakeHub) -> None:
        self._fake = fake

    def new_id(self) -> str:
        return self._fake._new_id()  # noqa: SLF001 - one thing in two classes

    def new_token(self) -> str:
        return self._fake._new_id()  # noqa: SLF001

    def wall(self) -> float:
        return self._fake._wall()  # noqa: SLF001

    def root(self) -> str:
        return self._fake.root
