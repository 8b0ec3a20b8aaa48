"""A training session's calls: metrics, checkpoints, heartbeats, and what came of them.

The one rule: what a client is told was taken has been taken, whole, and sending it again changes nothing. A model in
the trash takes what its run still sends: whoever brings it back finds all of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ....checkpoint import CheckpointKind
from ....run_end import RunEnd
from ...agents import Agents, is_recent
from ...epoch_text import EpochTooLarge
from ...model import HubModel, StoredCheckpoint
from ...ports.store import MetricsError, MetricsWrite, NoSuchModel
from ...progress import values_of
from ...storable_text import is_plain, replace_unstorable, sendable
from ..context import HubContext
from ..messages import ApiError, BodyKind, HubRequest, HubResponse, envelope
from ..routing import Route
from ..validation import epoch_of
from .attachments import give, keep

_LONGEST_AGENT = 200
_TAKEN = envelope(200)


def _take_metrics(hub: HubContext, request: HubRequest, model_id: str) -> HubResponse:
    (answer,) = _take_all_metrics(hub, [(request, model_id)])
    return answer


def _take_all_metrics(hub: HubContext, calls: Sequence[tuple[HubRequest, str]]) -> list[HubResponse]:
    """The answers to many calls at once, which cost the store little more than one."""
    now = hub.environment.wall()
    found = [_put(request, model_id, now) for request, model_id in calls]
    errors = iter(hub.store.write_metrics([put for put in found if isinstance(put, MetricsWrite)]))
    return [
        put.answer() if isinstance(put, ApiError) else _put_answer(hub, put.model_id, next(errors)) for put in found
    ]


def _put_answer(hub: HubContext, model_id: str, error: MetricsError | None) -> HubResponse:
    match error:
        case None:
            return _TAKEN
        case EpochTooLarge():
            return ApiError(413, str(error)).answer()
        case NoSuchModel():
            return hub.missing(model_id).answer()


def _put(request: HubRequest, model_id: str, now: float) -> MetricsWrite | ApiError:
    try:
        return MetricsWrite(model_id, _epochs(request.json_object().get("metrics")), now)
    except ValueError as exc:
        return ApiError(422, str(exc))
    except ApiError as error:
        return error


def _epochs(metrics: Any) -> Mapping[int, str]:
    if not isinstance(metrics, Mapping):
        raise ValueError("'metrics' is missing: send an object of JSON text by epoch")  # noqa: TRY004 - the caller's JSON
    epochs = {epoch_of(epoch): _text(values) for epoch, values in metrics.items()}
    if not all(isinstance(text, str) and is_plain(text) for text in epochs.values()):
        raise ValueError("'metrics' holds something else than text that can be stored: send JSON text by epoch")
    return epochs


def _text(values: Any) -> Any:
    """The text of an epoch. Trainers of 2023 that queue a mapping send an object in its place."""
    try:
        return json.dumps(values) if isinstance(values, Mapping) else values
    except RecursionError:
        raise ValueError("'metrics' holds an object that is nested too deeply") from None


def _give_metrics(hub: HubContext, request: HubRequest, model_id: str) -> HubResponse:
    hub.model(model_id)
    by_name: dict[str, dict[str, Any]] = {}
    for epoch, text in hub.store.metrics(model_id).epochs.items():
        for name, value in _series(text).items():
            by_name.setdefault(name, {})[str(epoch)] = value
    return envelope(200, data=[{"meta": {"name": name}, "data": data} for name, data in by_name.items()])


def _give_changes(hub: HubContext, request: HubRequest, model_id: str) -> HubResponse:
    """What a page shows: the record, and the epochs that came after the revision that the page has."""
    try:
        after = epoch_of(request.query.get("after", "0"))
    except ValueError:
        raise ApiError(422, "after is no revision that this HUB has given") from None
    # Before the model: a change in between is shown early and comes again with the next call, and none is missed.
    series = hub.store.metrics(model_id, after=after)
    model = hub.model(model_id)
    epochs = {str(epoch): _series(text) for epoch, text in series.epochs.items()}
    return envelope(200, data={"revision": series.revision, "model": hub.record(request, model), "epochs": epochs})


def _take_checkpoint(hub: HubContext, request: HubRequest, model_id: str) -> HubResponse:
    hub.get_model_or_404(model_id)
    fields = request.fields or {}
    try:
        epoch = epoch_of(fields.get("epoch", ""))
        kind = CheckpointKind(fields.get("type", ""))
        best_map = float(fields["map"]) if "map" in fields else None
    except ValueError as exc:
        raise ApiError(422, f"the form's fields make no checkpoint: {exc}") from exc
    if best_map is not None and not math.isfinite(best_map):
        best_map = None  # a training that went astray is uploaded all the same
    if request.file is None:
        raise ApiError(400, f"the form has no file: send the checkpoint as the part {kind.part_name!r}")
    # Unique for each model: clients cache by the last part of the path.
    file = keep(hub, request.file, f"{model_id}-{'best' if kind is CheckpointKind.FINAL else f'epoch-{epoch}'}.pt")
    if file.size == 0:
        hub.blobs.delete(file.blob)
        raise ApiError(
            422, f"{kind.part_name} is empty (0 bytes), and no checkpoint: was there room where it was saved?"
        )
    checkpoint = StoredCheckpoint(
        file.name,
        file.token,
        file.size,
        file.sha256,
        kind,
        epoch,
        is_best=fields.get("isBest", "").lower() == "true",
        map=best_map,
        at=hub.environment.wall(),
    )

    def add(model: HubModel) -> HubModel:
        # An upload lasts minutes: what other requests have changed meanwhile stays.
        return model.with_checkpoint(checkpoint, keep=hub.keep)

    give(hub, hub.store.models, model_id, checkpoint, add, missing=hub.missing(model_id))
    return envelope(200)


def _take_heartbeat(hub: HubContext, request: HubRequest, model_id: str) -> HubResponse:
    body = request.json_object()
    # Its own ID where an agent has one, also one that another HUB gave it. Without one it is a run that begins.
    agent_id = _shown(body.get("agentId")) or f"agent-{hub.environment.new_token()[-12:]}"
    name, now, end = _shown(body.get("agent")), hub.environment.wall(), RunEnd.from_body(body)
    try:
        model = hub.store.models.update(model_id, lambda model: model.with_heartbeat(agent_id, name, at=now, end=end))
    except KeyError:
        raise hub.missing(model_id) from None
    others = _others(model.agents, agent_id, now)
    return envelope(200, data={"agentId": agent_id} | ({"others": others} if others else {}))


def _others(agents: Agents, agent_id: str, now: float) -> list[dict[str, Any]]:
    """Agents that may write to the same model: those that were heard of lately and have not said their end."""
    return [
        {
            "agentId": agent.id,
            "agent": agent.name,
            "state": agents.state_of(agent, now).value,
            "silence": round(max(now - agent.last_seen, 0.0), 1),
        }
        for agent in agents.known
        if agent.id != agent_id and agent.end is None and is_recent(agent.last_seen, now)
    ]


def _series(text: str) -> dict[str, Any]:
    """A series is numbers by epoch: what else a trainer has nested in there stays in the store alone."""
    found = ((name, sendable(value) if isinstance(value, str) else value) for name, value in values_of(text).items())
    return {name: value for name, value in found if value is None or isinstance(value, str | int | float)}


def _shown(value: Any) -> str | None:
    return replace_unstorable(value[:_LONGEST_AGENT]) if isinstance(value, str) and value else None


_MODEL = "/v1/models/{id}"
ROUTES = (
    Route(
        "POST",
        _MODEL,
        "sendMetrics",
        "Send metrics by epoch. They are merged by name: the newest value of a name counts.",
        _take_metrics,
        BodyKind.JSON,
        request_schema="Metrics",
        together=_take_all_metrics,
        errors=(400, 404, 422),
    ),
    Route(
        "GET",
        f"{_MODEL}/metrics",
        "readMetrics",
        "Read metrics back, by name.",
        _give_metrics,
        response_schema="SeriesList",
        errors=(404,),
    ),
    Route(
        "GET",
        f"{_MODEL}/changes",
        "readChanges",
        "Read a model and the epochs that came after a revision; as `text/event-stream`, for as long as one listens.",
        _give_changes,
        query=("after",),
        response_schema="Changes",
        errors=(404, 422),
    ),
    Route(
        "POST",
        f"{_MODEL}/upload",
        "uploadCheckpoint",
        "Upload a checkpoint. The final one makes the model trained.",
        _take_checkpoint,
        BodyKind.FORM,
        request_schema="Checkpoint",
        errors=(400, 404, 422),
    ),
    Route(
        "POST",
        "/v1/agent/heartbeat/models/{id}",
        "beat",
        "Say that a run is alive, or that it ends.",
        _take_heartbeat,
        BodyKind.JSON,
        request_schema="Heartbeat",
        response_schema="Agent",
        errors=(400, 404),
    ),
)
