"""Projects and datasets, as hub-sdk keeps them beside models.

The one rule: both live as models do: created, read, changed, listed, put into the trash, deleted for good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic

import attrs

from ..hub_items import Dataset, Project, StoredFile
from ..ports.hub_store import ItemT, Shelf
from .bodies import meta_of, name_of
from .calls import Answer, Asked, Refusal, Takes, envelope
from .lists import QUERY, listed
from .premises import Premises
from .routes import Route

_KNOWN = frozenset({"meta", "filename", "trashed"})


@attrs.frozen
class _Kind(Generic[ItemT]):
    """One kind of item: where it stands, how one is made, what a client sees, and which files go with it."""

    name: str
    shelf: Callable[[Premises], Shelf[ItemT]]
    make: Callable[[str, str, float], ItemT]
    shown: Callable[[Asked, ItemT], dict[str, Any]]
    files: Callable[[ItemT], tuple[StoredFile, ...]]

    def create(self, hub: Premises, asked: Asked) -> Answer:
        item = self.make(hub.around.new_id(), "", hub.around.wall())
        item = self._changed(item, asked.json)
        if not item.name:
            raise Refusal(422, f"meta.name is missing: give the {self.name} a name")
        self.shelf(hub).save(item)
        return envelope(201, data=self.shown(asked, item))

    def list(self, hub: Premises, asked: Asked) -> Answer:
        return listed(self.shelf(hub), asked, lambda item: self.shown(asked, item))

    def read(self, hub: Premises, asked: Asked, item_id: str) -> Answer:
        return envelope(200, data=self.shown(asked, self.item(hub, item_id)))

    def patch(self, hub: Premises, asked: Asked, item_id: str) -> Answer:
        try:
            item = self.shelf(hub).update(item_id, lambda item: self._changed(item, asked.json))
        except KeyError:
            raise self._missing(item_id) from None
        return envelope(200, data=self.shown(asked, item))

    def delete(self, hub: Premises, asked: Asked, item_id: str) -> Answer:
        item = self.shelf(hub).get(item_id)
        if item is None:
            raise self._missing(item_id)
        if asked.says("hard"):
            self.shelf(hub).delete(item_id)
            for file in self.files(item):
                hub.blobs.delete(file.blob)
            return envelope(200, "deleted for good")
        try:
            self.shelf(hub).update(item_id, lambda item: _evolved(item, is_trashed=True))
        except KeyError:
            raise self._missing(item_id) from None
        return envelope(200, "in the trash")

    def item(self, hub: Premises, item_id: str) -> ItemT:
        item = self.shelf(hub).get(item_id)
        if item is None or item.is_trashed:
            raise self._missing(item_id)
        return item

    def _missing(self, item_id: str) -> Refusal:
        return Refusal(404, f"there is no {self.name} {item_id} in this HUB, or it was deleted")

    def _changed(self, item: ItemT, body: Any) -> ItemT:
        if not isinstance(body, Mapping):
            raise Refusal(400, "the body is not a JSON object")
        unknown = sorted(set(body) - _KNOWN)
        if unknown:
            raise Refusal(422, f"{unknown[0][:40]!r} cannot be set: there is meta")
        if not isinstance(body.get("trashed", False), bool):
            raise Refusal(422, "trashed is neither true nor false")
        try:
            return _evolved(
                item,
                name=name_of(body, "meta") or item.name,
                meta=meta_of(body, item.meta),  # type: ignore[attr-defined]
                is_trashed=body.get("trashed", item.is_trashed),
            )
        except ValueError as exc:
            raise Refusal(422, str(exc)) from exc


def _evolved(item: ItemT, **changes: Any) -> ItemT:
    evolved: ItemT = attrs.evolve(item, **changes)  # type: ignore[misc]
    return evolved


def _project(asked: Asked, project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "meta": {**project.meta, "name": project.name},
        "created": project.created,
        "trashed": project.is_trashed,
    }


def _dataset(asked: Asked, dataset: Dataset) -> dict[str, Any]:
    file = dataset.file
    shown = None if file is None else {"name": file.name, "size": file.size, "sha256": file.sha256}
    return {
        "id": dataset.id,
        "meta": {**dataset.meta, "name": dataset.name},
        "created": dataset.created,
        "trashed": dataset.is_trashed,
        "file": shown,
        "url": None if file is None else asked.root + file.path,
    }


_PROJECTS = _Kind[Project]("project", lambda hub: hub.store.projects, Project, _project, lambda _: ())
_DATASETS = _Kind[Dataset](
    "dataset",
    lambda hub: hub.store.datasets,
    Dataset,
    _dataset,
    lambda dataset: () if dataset.file is None else (dataset.file,),
)


def _take_dataset(hub: Premises, asked: Asked, dataset_id: str) -> Answer:
    _DATASETS.item(hub, dataset_id)
    if asked.file is None:
        raise Refusal(400, "the form has no file: send the dataset as one .zip or .yaml")
    # Clients look at the end of the address; nothing else of the name that they gave is used.
    end = next((end for end in (".zip", ".yaml") if asked.file.name.lower().endswith(end)), None)
    if end is None:
        raise Refusal(422, "a dataset is a .zip or a .yaml: give the file such a name")
    token = hub.around.new_token()
    stored = asked.file.draft.keep(f"{token}/{dataset_id}{end}")
    file = StoredFile(f"{dataset_id}{end}", token, stored.size, stored.sha256)
    before: list[Dataset] = []

    def replace(dataset: Dataset) -> Dataset:
        before[:] = [dataset]
        return attrs.evolve(dataset, file=file)

    try:
        after = hub.store.datasets.update(dataset_id, replace)
    except KeyError:
        hub.blobs.delete(file.blob)
        _DATASETS.item(hub, dataset_id)
        raise
    if before[0].file is not None:
        hub.blobs.delete(before[0].file.blob)
    return envelope(200, data=_dataset(asked, after))


def _routes(kind: _Kind[Any], schema: str) -> tuple[Route, ...]:
    all_of_them, one = f"/v1/{kind.name}s", f"/v1/{kind.name}s/{{id}}"
    return (
        Route(
            "POST",
            all_of_them,
            f"create{schema}",
            f"Create a {kind.name}.",
            kind.create,
            Takes.JSON,
            wants=f"New{schema}",
            gives=schema,
            status=201,
            refuses=(400, 422),
        ),
        Route(
            "GET",
            all_of_them,
            f"list{schema}s",
            f"List {kind.name}s, newest first.",
            kind.list,
            query=QUERY,
            gives=f"{schema}List",
            refuses=(422,),
        ),
        Route("GET", one, f"read{schema}", f"Read a {kind.name}.", kind.read, gives=schema, refuses=(404,)),
        Route(
            "PATCH",
            one,
            f"change{schema}",
            f"Change a {kind.name}, or take it out of the trash.",
            kind.patch,
            Takes.JSON,
            wants=f"{schema}Change",
            gives=schema,
            refuses=(400, 404, 422),
        ),
        Route(
            "DELETE",
            one,
            f"delete{schema}",
            f"Put a {kind.name} into the trash, or delete it.",
            kind.delete,
            query=("hard",),
            refuses=(404, 422),
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
        Takes.FORM,
        wants="DatasetFile",
        gives="Dataset",
        refuses=(400, 404, 422),
    ),
)
