"""The files of models and datasets, which come and go with their item.

The one rule: no row speaks of a file that is not there. A file is kept before a row has it, and deleted after the row
has it no more: a file that nobody has only takes room.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import attrs

from ...items import ID_LENGTH, Dataset, Project
from ...model import HubModel
from ...ports.store import HubStore, Repository
from ...stored_file import StoredFile
from ..context import HubContext
from ..messages import ApiError, HubRequest, HubResponse, UploadedFile, envelope

_HolderT = TypeVar("_HolderT", HubModel, Project, Dataset)


def holders(store: HubStore, name: str) -> list[HubModel | Dataset]:
    """What a file called *name* may belong to, in the trash too: its name begins with the ID of that."""
    owner = name[:ID_LENGTH]
    return [item for item in (store.models.get(owner), store.datasets.get(owner)) if item is not None]


def keep(hub: HubContext, sent: UploadedFile, name: str) -> StoredFile:
    """What was sent, whole, as *name*, which begins with its item's ID, at an address that nobody can guess.

    It is nobody's yet.
    """
    token = hub.environment.new_token()
    stored = sent.pending.commit(f"{token}/{name}")
    return StoredFile(name, token, stored.size, stored.sha256)


def give(
    hub: HubContext,
    repository: Repository[_HolderT],
    item_id: str,
    file: StoredFile,
    change: Callable[[_HolderT], _HolderT],
    *,
    missing: ApiError,
) -> _HolderT:
    """The item by *change*, in which it may take *file*.

    Its files that it does not have any more are deleted, and *file* where it has not taken it.

    Raises:
        ApiError: *missing* where it is not there.
    """
    files: list[StoredFile] = []

    def changed(item: _HolderT) -> _HolderT:
        files[:] = item.files
        return change(item)

    try:
        item = repository.update(item_id, changed)
    except KeyError:
        hub.blobs.delete(file.blob)
        raise missing from None
    has = {held.blob for held in item.files}
    for held in (*files, file):
        if held.blob not in has:
            hub.blobs.delete(held.blob)
    return item


def delete(
    hub: HubContext, request: HubRequest, repository: Repository[_HolderT], item_id: str, *, missing: ApiError
) -> HubResponse:
    """The item into the trash; with ``hard=true`` for good, and its files with it.

    Raises:
        ApiError: *missing* where it is not there; 422.
    """
    if request.query_flag("hard"):
        # Those that it had in the end: a file that it gets a moment before goes too, and one that comes a moment later
        # finds no item.
        item = repository.delete(item_id)
        if item is None:
            raise missing
        for held in item.files:
            hub.blobs.delete(held.blob)
        return envelope(200, "deleted for good")
    try:
        repository.update(item_id, lambda item: attrs.evolve(item, is_trashed=True))
    except KeyError:
        raise missing from None
    return envelope(200, "in the trash")
