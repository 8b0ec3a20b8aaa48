"""Projects and datasets, as hub-sdk keeps them beside models.

The one rule: both live as models do: created, read, changed, listed, put into the trash, deleted for good.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import attrs

from ...items import Dataset, Project
from ...ports.store import Repository
from ..context import HubContext
from ..messages import ApiError, BodyKind, HubRequest, HubResponse, envelope
from ..pagination import QUERY, paginate
from ..routing import Route
from ..validation import flag, meta_of, name_of
from .attachments import delete, give, keep

_KNOWN = frozenset({"meta", "filename", "trashed"})
_ItemT = TypeVar("_ItemT", Project, Dataset)


@attrs.frozen
class _Kind(Generic[_ItemT]):
    """One kind of item: where it stands, how one is made, and what a client sees of it, below its root."""

    name: str
    repository: Callable[[HubContext], Repository[_ItemT]]
    make: Callable[[str, str, float], _ItemT]
    shown: Callable[[str, _ItemT], dict[str, Any]]

    def create(self, hub: HubContext, request: HubRequest) -> HubResponse:
        item = self._changed(self.make(hub.environment.new_id(), "", hub.environment.wall()), request)
        if not item.name:
            raise ApiError(422, f"meta.name is missing: give the {self.name} a name")
        self.repository(hub).save(item)
        return envelope(201, data=self.shown(request.root, item))

    def list(self, hub: HubContext, request: HubRequest) -> HubResponse:
        return paginate(self.repository(hub), request, lambda item: self.shown(request.root, item))

    def read(self, hub: HubContext, request: HubRequest, item_id: str) -> HubResponse:
        return envelope(200, data=self.shown(request.root, self.item(hub, item_id)))

    def patch(self, hub: HubContext, request: HubRequest, item_id: str) -> HubResponse:
        try:
            item = self.repository(hub).update(item_id, lambda item: self._changed(item, request))
        except KeyError:
            raise self.missing(item_id) from None
        return envelope(200, data=self.shown(request.root, item))

    def delete(self, hub: HubContext, request: HubRequest, item_id: str) -> HubResponse:
        return delete(hub, request, self.repository(hub), item_id, missing=self.missing(item_id))

    def item(self, hub: HubContext, item_id: str) -> _ItemT:
        item = self.repository(hub).get(item_id)
        if item is None or item.is_trashed:
            raise self.missing(item_id)
        return item

    def missing(self, item_id: str) -> ApiError:
        return ApiError(404, f"there is no {self.name} {item_id} in this HUB, or it was deleted")

    def _changed(self, item: _ItemT, request: HubRequest) -> _ItemT:
        body = request.json_object()
        unknown = sorted(set(body) - _KNOWN)
        if unknown:
            raise ApiError(422, f"{unknown[0][:40]!r} cannot be set: there is meta")
        try:
            return attrs.evolve(
                item,
                is_trashed=flag(body, "trashed", default=item.is_trashed),
                name=name_of(body, "meta") or item.name,
                meta=meta_of(body, item.meta),
            )
        except ValueError as exc:
            raise ApiError(422, str(exc)) from exc


def project_record(root: str, project: Project) -> dict[str, Any]:
    """The ``data`` of ``GET /v1/projects/<ID>``, for clients that reach the HUB under *root*."""
    return {
        "id": project.id,
        "meta": {**project.meta, "name": project.name},
        "created": project.created,
        "trashed": project.is_trashed,
    }


def dataset_record(root: str, dataset: Dataset) -> dict[str, Any]:
    """The ``data`` of ``GET /v1/datasets/<ID>``, for clients that reach the HUB under *root*."""
    file = dataset.file
    return {
        "id": dataset.id,
        "meta": {**dataset.meta, "name": dataset.name},
        "created": dataset.created,
        "trashed": dataset.is_trashed,
        "file": None if file is None else {"name": file.name, "size": file.size, "sha256": file.sha256},
        "url": None if file is None else root + file.path,
    }


_PROJECTS = _Kind("project", lambda hub: hub.store.projects, Project, project_record)
_DATASETS = _Kind("dataset", lambda hub: hub.store.datasets, Dataset, dataset_record)


def _take_dataset(hub: HubContext, request: HubRequest, dataset_id: str) -> HubResponse:
    _DATASETS.item(hub, dataset_id)
    if request.file is None:
        raise ApiError(400, "the form has no file: send the dataset as one .zip or .yaml")
    # Clients look at the end of the address; nothing else of the name that they gave is used.
    end = next((end for end in (".zip", ".yaml") if request.file.name.lower().endswith(end)), None)
    if end is None:
        raise ApiError(422, "a dataset is a .zip or a .yaml: give the file such a name")
    file = keep(hub, request.file, f"{dataset_id}{end}")

    def replace(dataset: Dataset) -> Dataset:
        return attrs.evolve(dataset, file=file)

    dataset = give(hub, hub.store.datasets, dataset_id, file, replace, missing=_DATASETS.missing(dataset_id))
    return envelope(200, data=dataset_record(request.root, dataset))


def _routes(kind: _Kind[Any], schema: str) -> tuple[Route, ...]:
    all_of_them, one = f"/v1/{kind.name}s", f"/v1/{kind.name}s/{{id}}"
    return (
        Route(
            "POST",
            all_of_them,
            f"create{schema}",
            f"Create a {kind.name}.",
            kind.create,
            BodyKind.JSON,
            request_schema=f"New{schema}",
            response_schema=schema,
            status=201,
            errors=(400, 422),
        ),
        Route(
            "GET",
            all_of_them,
            f"list{schema}s",
            f"List {kind.name}s, newest first.",
            kind.list,
            query=QUERY,
            response_schema=f"{schema}List",
            errors=(422,),
        ),
        Route("GET", one, f"read{schema}", f"Read a {kind.name}.", kind.read, response_schema=schema, errors=(404,)),
        Route(
            "PATCH",
            one,
            f"change{schema}",
            f"Change a {kind.name}, or take it out of the trash.",
            kind.patch,
            BodyKind.JSON,
            request_schema=f"{schema}Change",
            response_schema=schema,
            errors=(400, 404, 422),
        ),
        Route(
            "DELETE",
            one,
            f"delete{schema}",
            f"Put a {kind.name} into the trash, or delete it.",
            kind.delete,
            query=("hard",),
            errors=(404, 422),
        ),
    )


ROUTES = (
    *_routes(_PROJECTS, "Project"),
    *_routes(_DATASETS, "Dataset"),
    Route(
        "POST",
        "/v1/datasets/{id}/upload",
        "uploadDataset",
        "Upload a dataset's file, in place of the one that was there.",
        _take_dataset,
        BodyKind.FORM,
        request_schema="DatasetFile",
        response_schema="Dataset",
        errors=(400, 404, 422),
    ),
)
