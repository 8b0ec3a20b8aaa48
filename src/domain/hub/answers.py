"""What a HUB answers to each request of a training session.

The one rule: every answer is the envelope ``{"success", "message", "data"}``, and an error's message says what to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import attrs

from ..checkpoint import Kind
from ..hub_model import HubModel, StoredCheckpoint
from ..metrics import from_text
from ..ports.blobs import Blobs
from ..ports.http import Request, Response
from ..ports.hub_store import HubStore

_LONGEST_EPOCH = 18
_LONGEST_NAME = 200


def envelope(status: int, message: str = "", data: Any = None, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in the HUB's own form."""
    body: dict[str, Any] = {"success": status < 400, "message": message}  # noqa: PLR2004
    if data is not None:
        body["data"] = data
    return Response(
        status, {"content-type": "application/json", **(headers or {})}, json.dumps(body, allow_nan=False).encode()
    )


class Refusal(Exception):
    """Becomes the answer *status* with *message*."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


class Surroundings(Protocol):
    """What a HUB needs of the world: names that nobody can guess, the date, its own address."""

    def new_id(self) -> str:
        """A model ID: 20 letters and digits."""
        ...

    def new_token(self) -> str:
        """A part of a path that nobody can guess."""
        ...

    def wall(self) -> float:
        """Unix seconds."""
        ...

    def root(self) -> str:
        """The address under which clients reach this HUB."""
        ...


@attrs.frozen
class Hub:
    """Answers requests over a store and blobs; ``takes_key`` says whether a request's headers prove a user."""

    store: HubStore
    blobs: Blobs
    around: Surroundings
    takes_key: Callable[[Mapping[str, str]], bool]

    def answer(self, request: Request) -> Response:
        """The answer to *request*, whatever it is."""
        path = request.path.partition("?")[0]
        allowed = False
        for method, pattern, handler, is_open in _ROUTES:
            match = pattern.fullmatch(path)
            allowed = allowed or match is not None
            if match is None or method != request.method:
                continue
            if not is_open and not self.takes_key(request.headers):
                return envelope(401, "this key is not one of this HUB's: check it, or create one")
            try:
                return handler(self, request, *match.groups())
            except Refusal as refusal:
                return envelope(refusal.status, refusal.message)
        if allowed:
            return envelope(405, f"{request.method} is not for {path}")
        return envelope(404, f"there is nothing at {path}")

    def _authenticate(self, _: Request) -> Response:
        return envelope(200)

    def _create(self, request: Request) -> Response:
        try:
            model = HubModel.from_create(self.around.new_id(), _object(request.json))
        except ValueError as exc:
            raise Refusal(422, str(exc)) from exc
        self.store.save(model)
        return envelope(201, data={"id": model.id})

    def _record(self, _: Request, model_id: str) -> Response:
        return envelope(200, data=self._model(model_id).record(self.around.root()))

    def _take_metrics(self, request: Request, model_id: str) -> Response:
        self._model(model_id)
        metrics = _object(request.json).get("metrics")
        if not isinstance(metrics, Mapping):
            raise Refusal(422, "'metrics' is missing: send an object of JSON text by epoch")
        if not all(isinstance(text, str) for text in metrics.values()):
            raise Refusal(422, "'metrics' holds something else than text: send JSON text by epoch")
        self.store.put_metrics(model_id, {_epoch(epoch): text for epoch, text in metrics.items()})
        return envelope(200)

    def _give_metrics(self, _: Request, model_id: str) -> Response:
        self._model(model_id)
        by_name: dict[str, dict[str, Any]] = {}
        for epoch, text in self.store.metrics(model_id).items():
            for name, value in _values(text).items():
                # A series is numbers by epoch: what else a trainer has nested in there stays in the record alone.
                if value is None or isinstance(value, str | int | float):
                    by_name.setdefault(name, {})[str(epoch)] = value
        return envelope(200, data=[{"meta": {"name": name}, "data": data} for name, data in by_name.items()])

    def _take_checkpoint(self, request: Request, model_id: str) -> Response:
        self._model(model_id)
        fields = request.fields or {}
        epoch = _epoch(fields.get("epoch", ""))
        try:
            kind = Kind(fields.get("type", ""))
            best_map = float(fields["map"]) if "map" in fields else None
        except ValueError as exc:
            raise Refusal(422, f"the form's fields make no checkpoint: {exc}") from exc
        if request.file is None:
            raise Refusal(400, f"the form has no file: send the checkpoint as the part {kind.part_name!r}")
        token = self.around.new_token()
        name = f"{model_id}-{'best' if kind is Kind.FINAL else f'epoch-{epoch}'}.pt"
        with request.file.open() as content:
            stored = self.blobs.put(f"{token}/{name}", content)
        if stored.size != request.file.size:
            raise Refusal(400, f"the file has {stored.size} bytes, not the {request.file.size} that were announced")
        checkpoint = StoredCheckpoint(
            name, token, kind, epoch, stored.size, stored.sha256, fields.get("isBest") == "True", best_map
        )
        # An upload lasts minutes: what other requests have changed meanwhile stays.
        self.store.update(model_id, lambda model: attrs.evolve(model, checkpoints=(*model.checkpoints, checkpoint)))
        return envelope(200)

    def _take_heartbeat(self, request: Request, model_id: str) -> Response:
        self._model(model_id)
        body = _object(request.json)
        new_name, seen = f"agent-{self.around.new_token()[:12]}", self.around.wall()

        def beat(model: HubModel) -> HubModel:
            # One stable name for an agent: its own where it has one, also one that another HUB gave it.
            name = _text_or_none(body.get("agentId")) or model.agent_id or new_name
            return attrs.evolve(model, agent=_text_or_none(body.get("agent")), agent_id=name, last_seen=seen)

        return envelope(200, data={"agentId": self.store.update(model_id, beat).agent_id})

    def _give_file(self, _: Request, name: str) -> Response:
        content = self.blobs.open(name)
        if content is None:
            raise Refusal(404, "there is no such file")
        with content:
            return Response(200, {"content-type": "application/octet-stream"}, content.read())

    def _model(self, model_id: str) -> HubModel:
        model = self.store.model(model_id)
        if model is None:
            raise Refusal(404, f"there is no model {model_id} in this HUB")
        return model


def _object(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise Refusal(400, "the body is not a JSON object")
    return body


def _text_or_none(value: Any) -> str | None:
    return value[:_LONGEST_NAME] if isinstance(value, str) and value else None


def _epoch(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > _LONGEST_EPOCH:
        raise Refusal(422, f"an epoch is a number from 0 in plain digits, not {text[:_LONGEST_EPOCH]!r}")
    return int(text)


def _values(text: str) -> Mapping[str, Any]:
    try:
        # The text of old clients may hold NaN, which is no JSON: what is given back is.
        values = json.loads(from_text(text), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


_MODEL = r"/v1/models/([0-9A-Za-z]{20})"
# Method, path, who answers, and whether anybody may ask.
_ROUTES: list[tuple[str, re.Pattern[str], Callable[..., Response], bool]] = [
    ("POST", re.compile(r"/v1/auth"), Hub._authenticate, False),  # noqa: SLF001 - the table belongs to the class
    ("POST", re.compile(r"/v1/models"), Hub._create, False),  # noqa: SLF001
    ("GET", re.compile(_MODEL), Hub._record, False),  # noqa: SLF001
    ("POST", re.compile(_MODEL), Hub._take_metrics, False),  # noqa: SLF001
    ("GET", re.compile(f"{_MODEL}/metrics"), Hub._give_metrics, False),  # noqa: SLF001
    ("POST", re.compile(f"{_MODEL}/upload"), Hub._take_checkpoint, False),  # noqa: SLF001
    ("POST", re.compile(r"/v1/agent/heartbeat/models/([0-9A-Za-z]{20})"), Hub._take_heartbeat, False),  # noqa: SLF001
    # The address is the permission: a resuming trainer downloads without a key.
    ("GET", re.compile(r"/files/([0-9A-Za-z_-]+/[0-9A-Za-z][0-9A-Za-z_.-]*)"), Hub._give_file, True),  # noqa: SLF001
]
