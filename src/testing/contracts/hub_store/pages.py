"""The part of a store's contract about pages and queries."""

from __future__ import annotations

from functools import partial
from typing import Any

import attrs
import pytest

from ....domain.hub.ports.store import HubStore, Repository
from .items import FOUND, ID, KINDS, NAMES, Kinds, in_trash, named


class PageContract:
    """What a page holds, and what a query finds. Override the fixture `store`."""

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
        repository.update(items[1].id, partial(named, "item 1"))

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

    def test_a_query_is_a_part_of_the_name_or_the_id(self, repository: Repository[Any], kind: Kinds) -> None:
        """ASCII letters without their case, all else to the letter, and nothing is a wildcard."""
        for number, name in enumerate(NAMES):
            repository.save(kind.make(f"{'Id' if number == 0 else 'xX'}{number:018d}", name))

        pages = {query: repository.page(limit=10, query=query) for query in FOUND}

        found = {query: tuple(item.name for item in reversed(page.items)) for query, page in pages.items()}
        assert found == FOUND
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

        repository.update(ID, partial(named, "three"))
        assert [0, 1] == [repository.page(limit=9, query=query).total for query in ("two", "three")]

    def test_what_is_in_the_trash_is_on_its_own_pages(self, repository: Repository[Any], kind: Kinds) -> None:
        """With its own total, and in its old place when it comes back."""
        for number in range(3):
            repository.save(kind.make(f"{number:020d}", f"item {number}"))
        trashed = repository.update(f"{1:020d}", in_trash)

        assert trashed == repository.get(trashed.id)
        page, trash = repository.page(limit=9), repository.page(limit=9, is_trashed=True)
        assert (["item 2", "item 0"], 2) == ([item.name for item in page.items], page.total)
        assert ((trashed,), 1) == (trash.items, trash.total)
        assert 0 == repository.page(limit=9, is_trashed=True, query="item 2").total

        repository.save(attrs.evolve(trashed, is_trashed=False))
        assert ["item 2", "item 1", "item 0"] == [item.name for item in repository.page(limit=9).items]
        assert 0 == repository.page(limit=9, is_trashed=True).total
