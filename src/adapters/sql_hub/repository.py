"""Items of one kind in a table.

The one rule: what is read is one statement, so that it is of one moment; what is written goes through the writer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import attrs
import sqlalchemy as sa

from ...domain.hub.model import HubModel
from ...domain.hub.ports.store import ItemT, Page, Repository, decode_cursor
from .database import Database
from .documents import DocumentCodec, comparable, row_of
from .group_commit import GroupCommit, Transaction, Write

T = TypeVar("T")


class SqlRepository(Repository[ItemT], Generic[ItemT]):
    """*kind* is the class of the items, *table* where they are."""

    def __init__(self, database: Database, writer: GroupCommit, kind: type[ItemT], table: sa.Table) -> None:
        self._database = database
        self._writer = writer
        self._documents = DocumentCodec(kind)
        self._name = table.name
        columns = table.c
        # Built once: building a statement costs more than SQLite needs to run it.
        own = self._columns(table)
        self._get = sa.select(*own).where(columns.id == sa.bindparam("item_id"))
        self._get_for_update = self._get.with_for_update()
        values: dict[str, Any] = {name: sa.bindparam(name) for name in self._values}
        self._save = database.dialect.upsert(table, ["id"], values, self._changes(table))
        self._update = (
            sa.update(table)
            .where(columns.id == sa.bindparam("item_id"))
            .values({name: sa.bindparam(f"new_{name}") for name in values if name != "id"} | self._changes(table))
        )
        self._delete = sa.delete(table).where(columns.id == sa.bindparam("item_id"))
        wanted = columns.is_trashed == sa.bindparam("is_trashed", type_=sa.Boolean)
        holds = database.dialect.holds(columns.sought, sa.bindparam("query", type_=sa.LargeBinary))
        self._pages = {
            is_sought: _page(table, own, sa.and_(wanted, holds) if is_sought else wanted) for is_sought in (False, True)
        }

    def get(self, item_id: str) -> ItemT | None:
        if not is_plain(item_id):
            return None
        row = self._database.read(lambda connection: connection.execute(self._get, {"item_id": item_id}).first())
        return None if row is None else self._item(row)

    def save(self, item: ItemT) -> None:
        row = self._row_of(item)
        self._do(item.id, lambda transaction: transaction.connection.execute(self._save, row))

    def update(self, item_id: str, change: Callable[[ItemT], ItemT]) -> ItemT:
        def work(transaction: Transaction) -> ItemT:
            connection = transaction.connection
            row = connection.execute(self._get_for_update, {"item_id": item_id}).first()
            if row is None:
                raise KeyError(item_id)
            new = self._row_of(change(self._item(row)))
            connection.execute(
                self._update, {"item_id": item_id} | {f"new_{name}": value for name, value in new.items()}
            )
            return self._item_of(new)

        if not is_plain(item_id):
            raise KeyError(item_id)
        return self._do(item_id, work)

    def delete(self, item_id: str) -> ItemT | None:
        def work(transaction: Transaction) -> ItemT | None:
            row = transaction.connection.execute(self._get_for_update, {"item_id": item_id}).first()
            if row is None:
                return None
            item = self._item(row)
            transaction.connection.execute(self._delete, {"item_id": item_id})
            return item

        return self._do(item_id, work) if is_plain(item_id) else None

    def page(self, *, limit: int, cursor: str | None = None, query: str = "", is_trashed: bool = False) -> Page[ItemT]:
        before = decode_cursor(cursor)
        values: dict[str, Any] = {
            "before": _END if before is None else before,
            # One more than asked for: whether it is there says whether this is the last page.
            "limit": limit + 1,
            "is_trashed": is_trashed,
        }
        if query:
            values["query"] = comparable(query)
        statement = self._pages[bool(query)]
        rows = self._database.read(lambda connection: connection.execute(statement, values).all())
        # Where there is no item, there is still a row for the total.
        found = [row for row in rows if row.place is not None]
        shown = found[:limit]
        more = str(shown[-1].place) if shown and len(found) > len(shown) else None
        return Page(tuple(map(self._item, shown)), rows[0].total, more)

    def _do(self, item_id: str, work: Callable[[Transaction], T]) -> T:
        return self._writer.do(Write((self._name, item_id), work))

    # What models have more.

    _values: tuple[str, ...] = ("id", "is_trashed", "sought", "document")

    def _columns(self, table: sa.Table) -> tuple[sa.Column[Any], ...]:
        """What an item is made of."""
        return (table.c.document,)

    def _changes(self, table: sa.Table) -> dict[str, Any]:
        """What changes with the item."""
        return {}

    def _row_of(self, item: ItemT) -> dict[str, Any]:
        """The values of an item's columns."""
        return row_of(item, self._documents.write(item))

    def _item(self, row: sa.Row[Any]) -> ItemT:
        return self._item_of(row._mapping)  # noqa: SLF001 - as a named tuple has it, since columns share its names

    def _item_of(self, values: Mapping[Any, Any]) -> ItemT:
        return self._documents.read(values["document"])


class ModelRepository(SqlRepository[HubModel]):
    """Models, which are also seen, and have a revision."""

    _values = ("id", "is_trashed", "sought", "document", "seen")

    def _columns(self, table: sa.Table) -> tuple[sa.Column[Any], ...]:
        return (table.c.document, table.c.seen)

    def _changes(self, table: sa.Table) -> dict[str, Any]:
        return {"revision": table.c.revision + 1}

    def _row_of(self, item: HubModel) -> dict[str, Any]:
        # In the column alone, where metrics change it too: of two places the later time would win, also a wrong one.
        return super()._row_of(attrs.evolve(item, last_seen=None)) | {"seen": item.last_seen}

    def _item_of(self, values: Mapping[Any, Any]) -> HubModel:
        model, seen = super()._item_of(values), values["seen"]
        # A document written by an earlier version holds a time of its own, and the later one counts.
        times = [time for time in (model.last_seen, seen) if time is not None]
        return attrs.evolve(model, last_seen=max(times, default=None))


#: After every place.
_END = 10**18


def is_plain(item_id: str) -> bool:
    """Whether a database takes it as text at all: what is asked for comes from outside, and an ID never looks so."""
    return item_id.isascii() and "\0" not in item_id


def _page(table: sa.Table, own: tuple[sa.Column[Any], ...], wanted: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """The total and the items in one statement; the total is there also where there is no item."""
    total = sa.select(sa.func.count().label("total")).select_from(table).where(wanted).subquery()
    items = (
        sa.select(table.c.place, *own)
        .where(wanted, table.c.place < sa.bindparam("before", type_=sa.BigInteger))
        .order_by(table.c.place.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
        .subquery()
    )
    joined = total.outerjoin(items, sa.true())
    return sa.select(total.c.total, *items.c).select_from(joined).order_by(items.c.place.desc())
