"""The part of a store's contract that holds for each of its repositories.

The one rule: what is asked of one repository is asked of all four.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest

from ....domain.checkpoint import CheckpointKind
from ....domain.hub.api_key import ApiKey
from ....domain.hub.items import Dataset, Project
from ....domain.hub.model import HubModel, StoredCheckpoint
from ....domain.hub.ports.store import HubStore, Repository
from ....domain.hub.stored_file import StoredFile
from ..waiting import run_concurrently

ID = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"
OTHER_ID = "Zy8Xw6Vu4Ts2Rq1Po9Nm"
FILE = StoredFile("größe.zip", "token1", 3_000_000_000, "ab" * 32)
EPOCH = StoredCheckpoint(
    "x-3.pt", "token3", 3_000_000_000, "ab" * 32, kind=CheckpointKind.EPOCH, epoch=3, is_best=True, at=1.5
)
FINAL = StoredCheckpoint("x-best.pt", "token4", 0, "cd" * 32, kind=CheckpointKind.FINAL, epoch=9, map=0.1 + 0.2)

_META = {"a": [1, 2.5, None, True, {"ü": "\0"}], "": {}}
_ODD_NAMES = ("", "Größe “M”\n'; --", "a\0b", "half a pair: \ud83d", "😀" * 100, "%_\\")
_NAMES = ("Größe 5%", "aGRÖSSE 5", "a\0b", "\ud83d", "x_y\\z")
#: Queries, and which of these names they find.
_FOUND: dict[str, tuple[str, ...]] = {
    "": _NAMES,
    "g": _NAMES[:2],
    "GR": _NAMES[:2],
    "gRö": _NAMES[:1],
    "RÖ": _NAMES[1:2],
    "ss": _NAMES[1:2],
    "%": _NAMES[:1],
    "_": _NAMES[4:],
    "\\": _NAMES[4:],
    "\0": _NAMES[2:3],
    "\ud83d": _NAMES[3:4],
    "id0": _NAMES[:1],
    f"XX{2:018d}": _NAMES[2:3],
    "\u0131": (),  # without its case an I elsewhere
    "r%e": (),
    "r_": (),
    "'": (),
    "5%id": (),  # no name and ID together
    "zxX": (),
}
#: What people put where an ID should be. None of it is in any store.
_NO_IDS = ("", "0", "a\0b", "\ud83d", "é" * 20, "x" * 10_000, "' OR 1=1 --", ID[:-1], f"{ID} ", f"{ID}\0")


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
            HubModel(ID, "filed", "x", project=OTHER_ID, dataset=OTHER_ID, meta=_META, is_trashed=True),
            HubModel(ID, "stored", "x", checkpoints=(EPOCH, FINAL, attrs.evolve(EPOCH, epoch=0, is_best=False))),
        ),
    ),
    "projects": Kinds(
        lambda store: store.projects, Project, (Project(ID, "full", created=1.25, meta=_META, is_trashed=True),)
    ),
    "datasets": Kinds(
        lambda store: store.datasets, Dataset, (Dataset(ID, "full", created=1.25, meta=_META, file=FILE),)
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


def _named(name: str, item: Any) -> Any:
    return attrs.evolve(item, name=name)


def _extended(by: str, item: Any) -> Any:
    return attrs.evolve(item, name=f"{item.name} {by}")


def _name(repository: Repository[Any]) -> str:
    item = repository.get(ID)
    assert item is not None
    return str(item.name)


def _trashed(item: Any) -> Any:
    return attrs.evolve(item, is_trashed=True)


class HubShelfContract:
    """Items by ID, in their order, and in the trash. Override the fixture :meth:`store`."""

    @pytest.fixture
    def store(self) -> HubStore:
        """The store under test, empty."""
        raise NotImplementedError("override the fixture `store`")

    @pytest.fixture(params=list(KINDS))
    def kind(self, request: pytest.FixtureRequest) -> Kinds:
        """One of the four."""
        return KINDS[request.param]

    @pytest.fixture
    def repository(self, store: HubStore, kind: Kinds) -> Repository[Any]:
        """The repository of that kind."""
        return kind.repository(store)

    # By ID.

    def test_what_was_not_saved_is_none(self, repository: Repository[Any], kind: Kinds) -> None:
        """Whatever else is there."""
        repository.save(kind.make(ID, "an item"))

        assert repository.get(OTHER_ID) is None

    def test_an_item_comes_back_as_it_was_saved(self, repository: Repository[Any], kind: Kinds) -> None:
        """Every field, with its type, and the order of what is in it."""
        for item in (kind.make(ID, "plain"), *kind.full):
            repository.save(item)

            assert item == repository.get(item.id)
            assert repr(item) == repr(repository.get(item.id))

    def test_names_are_kept_to_the_letter(self, repository: Repository[Any], kind: Kinds) -> None:
        """Whatever Unicode has, and what it has not: NUL, and half of a pair."""
        for name in _ODD_NAMES:
            repository.save(kind.make(ID, name))

            assert kind.make(ID, name) == repository.get(ID)

    def test_each_shelf_has_its_own_items(self, store: HubStore) -> None:
        """The same ID is something else on another one."""
        for kind in KINDS.values():
            kind.repository(store).save(kind.make(ID, "an item"))
        for kind in KINDS.values():
            assert kind.make(ID, "an item") == kind.repository(store).get(ID)
            assert kind.repository(store).delete(ID)
            assert kind.repository(store).get(ID) is None

    def test_saving_again_replaces(self, repository: Repository[Any], kind: Kinds) -> None:
        """And leaves the others alone."""
        repository.save(kind.make(ID, "an item"))
        repository.save(kind.make(OTHER_ID, "another"))

        repository.save(kind.make(ID, "changed"))

        assert kind.make(ID, "changed") == repository.get(ID)
        assert kind.make(OTHER_ID, "another") == repository.get(OTHER_ID)

    def test_ids_are_told_apart_by_case(self, repository: Repository[Any], kind: Kinds) -> None:
        """``a`` is not ``A``."""
        repository.save(kind.make(ID, "an item"))
        repository.save(kind.make(ID.swapcase(), "swapped"))

        assert kind.make(ID, "an item") == repository.get(ID)
        assert repository.delete(ID)
        assert kind.make(ID.swapcase(), "swapped") == repository.get(ID.swapcase())

    def test_what_is_no_id_is_not_there(self, repository: Repository[Any], kind: Kinds) -> None:
        """Whatever is asked for in its place."""
        repository.save(kind.make(ID, "an item"))

        for item_id in _NO_IDS:
            assert repository.get(item_id) is None
            assert repository.delete(item_id) is None
            with pytest.raises(KeyError):
                repository.update(item_id, lambda item: item)
        assert kind.make(ID, "an item") == repository.get(ID)

    def test_what_is_deleted_is_gone(self, repository: Repository[Any], kind: Kinds) -> None:
        """Once, and whoever deletes it has it as it was in the end; and it may come again."""
        repository.save(kind.make(ID, "an item"))
        repository.save(kind.make(OTHER_ID, "another"))

        assert kind.make(ID, "an item") == repository.delete(ID)
        assert repository.delete(ID) is None
        assert repository.get(ID) is None
        assert kind.make(OTHER_ID, "another") == repository.get(OTHER_ID)
        repository.save(kind.make(ID, "again"))
        assert kind.make(ID, "again") == repository.get(ID)

    # Updates.

    def test_an_update_replaces_what_it_is_given(self, repository: Repository[Any], kind: Kinds) -> None:
        """The item as it is; back comes the new one."""
        repository.save(kind.make(ID, "an item"))
        repository.save(kind.make(OTHER_ID, "another"))
        given: list[Any] = []

        def change(item: Any) -> Any:
            given.append(item)
            return _named("changed", item)

        updated = repository.update(ID, change)

        assert kind.make(ID, "an item") == given[-1]
        assert kind.make(ID, "changed") == updated
        assert updated == repository.get(ID)
        assert kind.make(OTHER_ID, "another") == repository.get(OTHER_ID)

    def test_what_is_not_there_is_not_updated(self, repository: Repository[Any], kind: Kinds) -> None:
        """Nor does it come into being."""
        with pytest.raises(KeyError):
            repository.update(ID, partial(_named, "changed"))

        assert repository.get(ID) is None

    def test_an_update_that_fails_changes_nothing(self, repository: Repository[Any], kind: Kinds) -> None:
        """And holds up nobody afterwards."""

        def fail(_: Any) -> Any:
            raise RuntimeError("changed its mind")

        repository.save(kind.make(ID, "an item"))
        with pytest.raises(RuntimeError, match="changed its mind"):
            repository.update(ID, fail)

        assert kind.make(ID, "an item") == repository.get(ID)
        assert kind.make(ID, "changed") == repository.update(ID, partial(_named, "changed"))

    def test_updates_from_many_threads_all_count(self, repository: Repository[Any], kind: Kinds) -> None:
        """Nobody is in between reading and replacing."""
        repository.save(kind.make(ID, "names:"))

        def work(thread: int) -> None:
            for number in range(25):
                repository.update(ID, partial(_extended, f"{thread}-{number}"))

        run_concurrently(work, threads=8)

        wanted = sorted(f"{thread}-{number}" for thread in range(8) for number in range(25))
        assert wanted == sorted(_name(repository).split()[1:])

    def test_who_deletes_among_many_has_every_update_that_was_taken(
        self, repository: Repository[Any], kind: Kinds
    ) -> None:
        """Nobody is in between reading and forgetting."""
        repository.save(kind.make(ID, "names:"))
        taken: list[str] = []
        deleted: list[Any] = []

        def work(thread: int) -> None:
            for number in range(25):
                if (thread, number) == (0, 5):
                    deleted.append(repository.delete(ID))
                try:
                    repository.update(ID, partial(_extended, f"{thread}-{number}"))
                except KeyError:
                    return
                taken.append(f"{thread}-{number}")

        run_concurrently(work, threads=8)

        assert sorted(taken) == sorted(deleted[0].name.split()[1:])
        assert repository.get(ID) is None

    def test_who_fails_among_many_fails_alone(self, repository: Repository[Any], kind: Kinds) -> None:
        """Every other thread changes its mind, or asks for what is not there."""

        def fail(_: Any) -> Any:
            raise RuntimeError("changed its mind")

        def work(thread: int) -> None:
            for number in range(15):
                if thread % 3 == 1:
                    with pytest.raises(KeyError):
                        repository.update(OTHER_ID, partial(_extended, "x"))
                elif thread % 3 == 2:
                    with pytest.raises(RuntimeError, match="changed its mind"):
                        repository.update(ID, fail)
                else:
                    repository.update(ID, partial(_extended, f"{thread}-{number}"))

        repository.save(kind.make(ID, "names:"))
        run_concurrently(work, threads=9)

        wanted = sorted(f"{thread}-{number}" for thread in (0, 3, 6) for number in range(15))
        assert wanted == sorted(_name(repository).split()[1:])
        assert repository.get(OTHER_ID) is None

    # Pages.

    def test_an_empty_shelf_is_one_empty_page(self, repository: Repository[Any]) -> None:
        """With no next one."""
        page = repository.page(limit=10)

        assert ((), 0, None) == (page.items, page.total, page.cursor)

    def test_the_newest_comes_first(self, repository: Repository[Any], kind: Kinds) -> None:
        """And what is saved again, or updated, stays where it is."""
        items = [kind.make(f"{number:020d}", f"item {number}") for number in (3, 1, 2)]
        for item in items:
            repository.save(item)
        repository.save(items[0])
        repository.update(items[1].id, partial(_named, "item 1"))

        assert tuple(reversed(items)) == repository.page(limit=10).items

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 100])
    def test_all_pages_together_are_everything_once(self, repository: Repository[Any], kind: Kinds, limit: int) -> None:
        """Each but the last is full; each has the total; and the last one says that it is."""
        items = [kind.make(f"{number:020d}", f"item {number}") for number in range(7)]
        for item in items:
            repository.save(item)
        found: list[Any] = []
        cursor = None
        while True:
            page = repository.page(limit=limit, cursor=cursor)
            found.extend(page.items)
            cursor = page.cursor
            assert page.total == 7
            if cursor is None:
                break
            assert len(page.items) == limit

        assert list(reversed(items)) == found

    def test_a_page_of_nothing_has_a_total(self, repository: Repository[Any], kind: Kinds) -> None:
        """Who only counts asks for none."""
        repository.save(kind.make(ID, "an item"))

        page = repository.page(limit=0)

        assert ((), 1) == (page.items, page.total)

    def test_a_cursor_stays_good_when_items_come_and_go(self, repository: Repository[Any], kind: Kinds) -> None:
        """Nothing is shown twice, and nothing is left out that was there all the time."""
        for number in range(6):
            repository.save(kind.make(f"{number:020d}", f"item {number}"))
        first = repository.page(limit=3)

        repository.delete(f"{3:020d}")  # the last that was shown
        repository.delete(f"{1:020d}")  # one that was not
        repository.delete(f"{5:020d}")  # the newest: its place is not given again
        repository.save(kind.make(ID, "new"))
        repository.save(kind.make(f"{0:020d}", "item 0"))

        second = repository.page(limit=3, cursor=first.cursor)
        assert ["item 5", "item 4", "item 3"] == [item.name for item in first.items]
        assert ["item 2", "item 0"] == [item.name for item in second.items]
        assert (4, None) == (second.total, second.cursor)
        assert ["new", "item 4", "item 2", "item 0"] == [item.name for item in repository.page(limit=10).items]

    def test_a_cursor_that_no_page_gave_is_refused(self, repository: Repository[Any]) -> None:
        """So that nobody takes the first page for the next one."""
        for cursor in ("", "x", "-1", "1.5", " 1", "\u0661", "9" * 30, "1;2"):
            with pytest.raises(ValueError, match="no place"):
                repository.page(limit=10, cursor=cursor)

    # Queries.

    def test_a_query_is_a_part_of_the_name_or_the_id(self, repository: Repository[Any], kind: Kinds) -> None:
        """ASCII letters without their case, all else to the letter, and nothing is a wildcard."""
        for number, name in enumerate(_NAMES):
            repository.save(kind.make(f"{'Id' if number == 0 else 'xX'}{number:018d}", name))

        pages = {query: repository.page(limit=10, query=query) for query in _FOUND}

        found = {query: tuple(item.name for item in reversed(page.items)) for query, page in pages.items()}
        assert found == _FOUND
        assert {query: len(names) for query, names in found.items()} == {
            query: page.total for query, page in pages.items()
        }

    def test_a_query_has_pages_too(self, repository: Repository[Any], kind: Kinds) -> None:
        """The total counts what was found, on every page."""
        for number in range(6):
            repository.save(kind.make(f"{number:020d}", f"{'odd' if number % 2 else 'even'} {number}"))

        first = repository.page(limit=2, query="ODD")
        second = repository.page(limit=2, query="ODD", cursor=first.cursor)

        assert ["odd 5", "odd 3"] == [item.name for item in first.items]
        assert ["odd 1"] == [item.name for item in second.items]
        assert (3, 3, None) == (first.total, second.total, second.cursor)

    def test_a_query_is_for_the_name_as_it_is_now(self, repository: Repository[Any], kind: Kinds) -> None:
        """After a save and after an update."""
        repository.save(kind.make(ID, "one"))
        repository.save(kind.make(ID, "two"))
        assert [0, 1] == [repository.page(limit=9, query=query).total for query in ("one", "two")]

        repository.update(ID, partial(_named, "three"))
        assert [0, 1] == [repository.page(limit=9, query=query).total for query in ("two", "three")]

    # The trash.

    def test_what_is_in_the_trash_is_on_its_own_pages(self, repository: Repository[Any], kind: Kinds) -> None:
        """With its own total, and in its old place when it comes back."""
        for number in range(3):
            repository.save(kind.make(f"{number:020d}", f"item {number}"))
        trashed = repository.update(f"{1:020d}", _trashed)

        assert trashed == repository.get(trashed.id)
        page, trash = repository.page(limit=9), repository.page(limit=9, is_trashed=True)
        assert (["item 2", "item 0"], 2) == ([item.name for item in page.items], page.total)
        assert ((trashed,), 1) == (trash.items, trash.total)
        assert 0 == repository.page(limit=9, is_trashed=True, query="item 2").total

        repository.save(attrs.evolve(trashed, is_trashed=False))
        assert ["item 2", "item 1", "item 0"] == [item.name for item in repository.page(limit=9).items]
        assert 0 == repository.page(limit=9, is_trashed=True).total
