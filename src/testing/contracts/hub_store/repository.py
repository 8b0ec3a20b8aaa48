"""The part of a store's contract that holds for each of its repositories.

The one rule: what is asked of one repository is asked of all four.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from ....domain.hub.ports.store import HubStore, Repository
from ..waiting import run_concurrently
from .items import ID, KINDS, NO_IDS, ODD_NAMES, OTHER_ID, Kinds, extended, named
from .pages import PageContract


def _name(repository: Repository[Any]) -> str:
    item = repository.get(ID)
    assert item is not None
    return str(item.name)


class RepositoryContract(PageContract):
    """Items by ID, in their order, and in the trash. Override the fixture :meth:`store`."""

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
        for name in ODD_NAMES:
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

        for item_id in NO_IDS:
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
            return named("changed", item)

        updated = repository.update(ID, change)

        assert kind.make(ID, "an item") == given[-1]
        assert kind.make(ID, "changed") == updated
        assert updated == repository.get(ID)
        assert kind.make(OTHER_ID, "another") == repository.get(OTHER_ID)

    def test_what_is_not_there_is_not_updated(self, repository: Repository[Any], kind: Kinds) -> None:
        """Nor does it come into being."""
        with pytest.raises(KeyError):
            repository.update(ID, partial(named, "changed"))

        assert repository.get(ID) is None

    def test_an_update_that_fails_changes_nothing(self, repository: Repository[Any], kind: Kinds) -> None:
        """And holds up nobody afterwards."""

        def fail(_: Any) -> Any:
            raise RuntimeError("changed its mind")

        repository.save(kind.make(ID, "an item"))
        with pytest.raises(RuntimeError, match="changed its mind"):
            repository.update(ID, fail)

        assert kind.make(ID, "an item") == repository.get(ID)
        assert kind.make(ID, "changed") == repository.update(ID, partial(named, "changed"))

    def test_updates_from_many_threads_all_count(self, repository: Repository[Any], kind: Kinds) -> None:
        """Nobody is in between reading and replacing."""
        repository.save(kind.make(ID, "names:"))

        def work(thread: int) -> None:
            for number in range(25):
                repository.update(ID, partial(extended, f"{thread}-{number}"))

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
                    repository.update(ID, partial(extended, f"{thread}-{number}"))
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
                        repository.update(OTHER_ID, partial(extended, "x"))
                elif thread % 3 == 2:
                    with pytest.raises(RuntimeError, match="changed its mind"):
                        repository.update(ID, fail)
                else:
                    repository.update(ID, partial(extended, f"{thread}-{number}"))

        repository.save(kind.make(ID, "names:"))
        run_concurrently(work, threads=9)

        wanted = sorted(f"{thread}-{number}" for thread in (0, 3, 6) for number in range(15))
        assert wanted == sorted(_name(repository).split()[1:])
        assert repository.get(OTHER_ID) is None

    # Pages.

    # Queries.

    # The trash.
