"""The items that a store is tried with: one kind for each of its repositories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from ....domain.checkpoint import CheckpointKind
from ....domain.hub.api_key import ApiKey
from ....domain.hub.items import Dataset, Project
from ....domain.hub.model import HubModel, StoredCheckpoint
from ....domain.hub.ports.store import HubStore, Repository
from ....domain.hub.stored_file import StoredFile

ID = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"


OTHER_ID = "Zy8Xw6Vu4Ts2Rq1Po9Nm"


FILE = StoredFile("größe.zip", "token1", 3_000_000_000, "ab" * 32)


EPOCH = StoredCheckpoint(
    "x-3.pt", "token3", 3_000_000_000, "ab" * 32, kind=CheckpointKind.EPOCH, epoch=3, is_best=True, at=1.5
)


FINAL = StoredCheckpoint("x-best.pt", "token4", 0, "cd" * 32, kind=CheckpointKind.FINAL, epoch=9, map=0.1 + 0.2)


META = {"a": [1, 2.5, None, True, {"ü": "\0"}], "": {}}


ODD_NAMES = ("", "Größe “M”\n'; --", "a\0b", "half a pair: \ud83d", "😀" * 100, "%_\\")


NAMES = ("Größe 5%", "aGRÖSSE 5", "a\0b", "\ud83d", "x_y\\z")


#: Queries, and which of these names they find.
FOUND: dict[str, tuple[str, ...]] = {
    "": NAMES,
    "g": NAMES[:2],
    "GR": NAMES[:2],
    "gRö": NAMES[:1],
    "RÖ": NAMES[1:2],
    "ss": NAMES[1:2],
    "%": NAMES[:1],
    "_": NAMES[4:],
    "\\": NAMES[4:],
    "\0": NAMES[2:3],
    "\ud83d": NAMES[3:4],
    "id0": NAMES[:1],
    f"XX{2:018d}": NAMES[2:3],
    "\u0131": (),  # without its case an I elsewhere
    "r%e": (),
    "r_": (),
    "'": (),
    "5%id": (),  # no name and ID together
    "zxX": (),
}


#: What people put where an ID should be. None of it is in any store.
NO_IDS = ("", "0", "a\0b", "\ud83d", "é" * 20, "x" * 10_000, "' OR 1=1 --", ID[:-1], f"{ID} ", f"{ID}\0")


@attrs.frozen
class Kinds:
    """One of the four: its repository, a factory of items by ID and name, and items with a value in each field."""

    repository: Callable[[HubStore], Repository[Any]]
    make: Callable[[str, str], Any]
    full: tuple[Any, ...] = ()


KINDS = {
    "models": Kinds(
        lambda store: store.models,
        lambda item_id, name: HubModel(item_id, name, "coco8.yaml"),
        (
            HubModel(ID, "from scratch", "https://data.invalid/set.zip", weights=None, cfg="n.yaml", created=1.25),
            HubModel(ID, "odd", "x", cache="ram", device="0,1", epochs=0, patience=10**9, batch=-1),
            HubModel(ID, "seen", "x", agent="python-8.0.100-colab", agent_id="a1", last_seen=1_700_000_000.25),
            HubModel(ID, "filed", "x", project=OTHER_ID, dataset=OTHER_ID, meta=META, is_trashed=True),
            HubModel(ID, "stored", "x", checkpoints=(EPOCH, FINAL, attrs.evolve(EPOCH, epoch=0, is_best=False))),
        ),
    ),
    "projects": Kinds(
        lambda store: store.projects, Project, (Project(ID, "full", created=1.25, meta=META, is_trashed=True),)
    ),
    "datasets": Kinds(
        lambda store: store.datasets, Dataset, (Dataset(ID, "full", created=1.25, meta=META, file=FILE),)
    ),
    "keys": Kinds(
        lambda store: store.keys,
        lambda item_id, name: ApiKey(item_id, name, "ab" * 32, "abcd"),
        (
            ApiKey.of("key", name="full", created=1.25),
            ApiKey(ID, "used", "ab" * 32, "abcd", last_used=0.0, is_trashed=True),
        ),
    ),
}


def named(name: str, item: Any) -> Any:
    """*item* under another *name*."""
    return attrs.evolve(item, name=name)


def extended(by: str, item: Any) -> Any:
    """*item* with *by* at the end of its name."""
    return attrs.evolve(item, name=f"{item.name} {by}")


MODEL = HubModel(ID, name="a model", data="coco8.yaml")


OTHER = HubModel(OTHER_ID, name="another", data="coco8.yaml")


def with_checkpoint(model: HubModel) -> HubModel:
    """*model* with one checkpoint more."""
    return attrs.evolve(model, checkpoints=(*model.checkpoints, EPOCH))


def last_seen(store: HubStore) -> float | None:
    """As every way of reading gives it."""
    model = store.models.get(ID)
    assert model is not None
    assert model in store.models.page(limit=9).items
    return model.last_seen


def in_trash(item: Any) -> Any:
    """*item* in the trash."""
    return attrs.evolve(item, is_trashed=True)
