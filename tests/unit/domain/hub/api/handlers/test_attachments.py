"""Files that come and go while other requests are under way."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import attrs
import pytest

from hubport.domain.hub.items import Dataset
from hubport.domain.hub.model import HubModel
from hubport.domain.hub.ports.store import ItemT, Page, Repository
from hubport.domain.ports.http import FilePart, Request
from hubport.testing.fakes.hub_store import FakeHubStore
from tests.unit.domain.hub.api.test_hub import HEADERS, World, a_form, get
from tests.unit.domain.strategies import MODEL_ID


class LateShelf(Repository[ItemT]):
    """Tells *before* what is about to be done."""

    def __init__(self, behind: Repository[ItemT], before: Callable[[str], None]) -> None:
        self._behind, self._before = behind, before

    def get(self, item_id: str) -> ItemT | None:
        return self._behind.get(item_id)

    def save(self, item: ItemT) -> None:
        self._behind.save(item)

    def update(self, item_id: str, change: Callable[[ItemT], ItemT]) -> ItemT:
        self._before("update")
        return self._behind.update(item_id, change)

    def delete(self, item_id: str) -> ItemT | None:
        self._before("delete")
        return self._behind.delete(item_id)

    def page(self, *, limit: int, cursor: str | None = None, query: str = "", is_trashed: bool = False) -> Page[ItemT]:
        return self._behind.page(limit=limit, cursor=cursor, query=query, is_trashed=is_trashed)


class LateStore(FakeHubStore):
    """A store in which something else happens just before an item is changed, or deleted: once."""

    def __init__(self) -> None:
        super().__init__()
        self.others: dict[str, Callable[[], object]] = {}

    @property
    def models(self) -> Repository[HubModel]:
        return LateShelf(super().models, self._before)

    @property
    def datasets(self) -> Repository[Dataset]:
        return LateShelf(super().datasets, self._before)

    def _before(self, call: str) -> None:
        self.others.pop(call, lambda: None)()


@pytest.fixture
def store() -> LateStore:
    return LateStore()


@pytest.fixture
def world(store: LateStore) -> World:
    world = World(store=store)
    world.store.datasets.save(Dataset(MODEL_ID, "a dataset"))
    return world


@pytest.fixture(params=["models", "datasets"])
def path(request: pytest.FixtureRequest) -> str:
    return f"/v1/{request.param}/{MODEL_ID}"


def an_upload(path: str, content: bytes) -> Request:
    file = FilePart("x.zip", len(content), lambda: BytesIO(content))
    return attrs.evolve(a_form(epoch="1", type="epoch"), path=f"{path}/upload", file=file)


def deletion(path: str, *, hard: str) -> Request:
    return Request("DELETE", f"{path}?hard={hard}", HEADERS)


def left(world: World) -> int:
    """How many files there were, which are gone now."""
    return world.blobs.sweep(lambda _: False, older_than=0)


def test_a_file_that_comes_just_before_its_item_goes_goes_too(world: World, store: LateStore, path: str) -> None:
    world.ask(an_upload(path, b"first"))
    store.others["delete"] = lambda: world.ask(an_upload(path, b"second"))
    world.ask(deletion(path, hard="true"))

    assert 404 == world.refused(get(path))[0]
    assert 0 == left(world)


def test_a_file_that_comes_just_after_its_item_has_gone_is_refused(world: World, store: LateStore, path: str) -> None:
    world.ask(an_upload(path, b"first"))
    store.others["update"] = lambda: world.ask(deletion(path, hard="true"))

    assert 404 == world.refused(an_upload(path, b"second"))[0]
    assert 0 == left(world)


def test_of_two_files_that_come_at_once_none_is_left_that_nobody_has(world: World, store: LateStore, path: str) -> None:
    """A dataset has one; a model every checkpoint, and of two that are the same one."""
    store.others["update"] = lambda: world.ask(an_upload(path, b"same"))
    world.ask(an_upload(path, b"same"))

    assert 1 == left(world)


def test_what_is_put_into_the_trash_keeps_its_file(world: World, path: str) -> None:
    world.ask(an_upload(path, b"first"))
    world.ask(deletion(path, hard="false"))

    assert 1 == left(world)


def test_what_goes_just_before_it_is_put_into_the_trash_is_missing(world: World, store: LateStore, path: str) -> None:
    store.others["update"] = lambda: world.ask(deletion(path, hard="true"))

    assert 404 == world.refused(deletion(path, hard="false"))[0]
