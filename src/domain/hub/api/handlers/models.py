"""Models: made, listed, read, changed, put into the trash, deleted for good.

The one rule: what a model is linked to is there when the link is made.
"""

from __future__ import annotations

from ...model import HubModel
from ..context import HubContext
from ..messages import ApiError, BodyKind, HubRequest, HubResponse, envelope
from ..model_json import created, patched
from ..pagination import QUERY, paginate
from ..routing import Route
from .attachments import delete


def _create(hub: HubContext, request: HubRequest) -> HubResponse:
    try:
        model = created(hub.environment.new_id(), request.json_object(), at=hub.environment.wall())
    except ValueError as exc:
        raise ApiError(422, str(exc)) from exc
    _see_to_links(hub, model)
    hub.store.models.save(model)
    return envelope(201, data=hub.record(request, model))


def _list(hub: HubContext, request: HubRequest) -> HubResponse:
    return paginate(hub.store.models, request, lambda model: hub.record(request, model))


def _read(hub: HubContext, request: HubRequest, model_id: str) -> HubResponse:
    return envelope(200, data=hub.record(request, hub.model(model_id)))


def _patch(hub: HubContext, request: HubRequest, model_id: str) -> HubResponse:
    body = request.json_object()
    try:
        held = hub.get_model_or_404(model_id)
        _see_to_links(hub, patched(held, body), dataset=held.dataset, project=held.project)
        model = hub.store.models.update(model_id, lambda model: patched(model, body))
    except ValueError as exc:
        raise ApiError(422, str(exc)) from exc
    except KeyError:
        raise hub.missing(model_id) from None
    return envelope(200, data=hub.record(request, model))


def _delete(hub: HubContext, request: HubRequest, model_id: str) -> HubResponse:
    return delete(hub, request, hub.store.models, model_id, missing=hub.missing(model_id))


def _see_to_links(hub: HubContext, model: HubModel, *, dataset: str | None = None, project: str | None = None) -> None:
    """*dataset* and *project* it had before: that they may be gone since hinders no other change."""
    if model.dataset is not None and model.dataset != dataset and hub.store.datasets.get(model.dataset) is None:
        raise ApiError(422, f"there is no dataset {model.dataset[:40]} in this HUB: create it first")
    if model.project is not None and model.project != project and hub.store.projects.get(model.project) is None:
        raise ApiError(422, f"there is no project {model.project[:40]} in this HUB: create it first")


_MODEL = "/v1/models/{id}"
ROUTES = (
    Route(
        "POST",
        "/v1/models",
        "createModel",
        "Create a model to train.",
        _create,
        BodyKind.JSON,
        request_schema="NewModel",
        response_schema="Model",
        status=201,
        errors=(400, 422),
    ),
    Route(
        "GET",
        "/v1/models",
        "listModels",
        "List models, newest first.",
        _list,
        query=QUERY,
        response_schema="ModelList",
        errors=(422,),
    ),
    Route("GET", _MODEL, "readModel", "Read a model.", _read, response_schema="Model", errors=(404,)),
    Route(
        "PATCH",
        _MODEL,
        "changeModel",
        "Change a model, or take it out of the trash.",
        _patch,
        BodyKind.JSON,
        request_schema="ModelChange",
        response_schema="Model",
        errors=(400, 404, 422),
    ),
    Route(
        "DELETE",
        _MODEL,
        "deleteModel",
        "Put a model into the trash, or delete it.",
        _delete,
        query=("hard",),
        errors=(404, 422),
    ),
)
