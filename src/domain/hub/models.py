"""Models: made, listed, read, changed, put into the trash, deleted for good.

The one rule: what a model is linked to is there when the link is made.
"""

from __future__ import annotations

import attrs

from ..hub_model import HubModel
from .calls import Answer, Asked, Refusal, Takes, envelope
from .lists import QUERY, listed
from .model_bodies import created, patched
from .premises import Premises
from .routes import Route


def _create(hub: Premises, asked: Asked) -> Answer:
    try:
        model = created(hub.around.new_id(), asked.object(), at=hub.around.wall())
    except ValueError as exc:
        raise Refusal(422, str(exc)) from exc
    _see_to_links(hub, model)
    hub.store.models.save(model)
    return envelope(201, data=hub.record(asked, model))


def _list(hub: Premises, asked: Asked) -> Answer:
    return listed(hub.store.models, asked, lambda model: hub.record(asked, model))


def _read(hub: Premises, asked: Asked, model_id: str) -> Answer:
    return envelope(200, data=hub.record(asked, hub.model(model_id)))


def _patch(hub: Premises, asked: Asked, model_id: str) -> Answer:
    body = asked.object()
    try:
        wanted = patched(hub.must_hold(model_id), body)
        _see_to_links(hub, wanted)
        model = hub.store.models.update(model_id, lambda model: patched(model, body))
    except ValueError as exc:
        raise Refusal(422, str(exc)) from exc
    except KeyError:
        raise hub.missing(model_id) from None
    return envelope(200, data=hub.record(asked, model))


def _delete(hub: Premises, asked: Asked, model_id: str) -> Answer:
    """Into the trash; with ``hard=true`` for good."""
    model = hub.must_hold(model_id)
    if asked.says("hard"):
        # The row first: a file without a row is swept away one day, a row without its file would promise it.
        hub.store.models.delete(model_id)
        for checkpoint in model.checkpoints:
            hub.blobs.delete(checkpoint.blob)
        return envelope(200, "deleted for good")
    try:
        hub.store.models.update(model_id, lambda model: attrs.evolve(model, is_trashed=True))
    except KeyError:
        raise hub.missing(model_id) from None
    return envelope(200, "in the trash")


def _see_to_links(hub: Premises, model: HubModel) -> None:
    if model.dataset is not None and hub.store.datasets.get(model.dataset) is None:
        raise Refusal(422, f"there is no dataset {model.dataset[:40]} in this HUB: create it first")
    if model.project is not None and hub.store.projects.get(model.project) is None:
        raise Refusal(422, f"there is no project {model.project[:40]} in this HUB: create it first")


_MODEL = "/v1/models/{id}"
ROUTES = (
    Route(
        "POST",
        "/v1/models",
        "createModel",
        "Create a model to train.",
        _create,
        Takes.JSON,
        wants="NewModel",
        gives="Model",
        status=201,
        refuses=(400, 422),
    ),
    Route(
        "GET",
        "/v1/models",
        "listModels",
        "List models, newest first.",
        _list,
        query=QUERY,
        gives="ModelList",
        refuses=(422,),
    ),
    Route("GET", _MODEL, "readModel", "Read a model.", _read, gives="Model", refuses=(404,)),
    Route(
        "PATCH",
        _MODEL,
        "changeModel",
        "Change a model, or take it out of the trash.",
        _patch,
        Takes.JSON,
        wants="ModelChange",
        gives="Model",
        refuses=(400, 404, 422),
    ),
    Route(
        "DELETE",
        _MODEL,
        "deleteModel",
        "Put a model into the trash, or delete it.",
        _delete,
        query=("hard",),
        refuses=(404, 422),
    ),
)
