"""What a HUB remembers: models and their metrics, projects, datasets, keys.

The one rule: what ``save``, ``update`` and ``write_metrics`` have taken survives a crash, and is what the next reader
sees, whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeAlias, TypeVar, runtime_checkable

import attrs

from ..api_key import ApiKey
from ..epoch_text import EpochTooLarge
from ..items import Dataset, Project
from ..model import HubModel


@runtime_checkable
class Item(Protocol):
    """Something with an ID and a name, which may lie in the trash."""

    @property
    def id(self) -> str:
        """20 letters and digits."""
        ...

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def is_trashed(self) -> bool:
        """Whether it is only kept in case somebody wants it back."""
        ...


ItemT = TypeVar("ItemT", bound=Item)


@attrs.frozen
class Page(Generic[ItemT]):
    """Some of the items that were asked for, newest first; ``total`` counts all of them.

    ``cursor`` is where the next page begins: opaque, and ``None`` when this was the last. It stays good when items come
    and go in between.
    """

    items: tuple[ItemT, ...]
    total: int
    cursor: str | None


@runtime_checkable
class Repository(Protocol[ItemT]):
    """Items of one kind, by ID."""

    def get(self, item_id: str) -> ItemT | None:
        """The item, in the trash or not, or ``None``."""
        ...

    def save(self, item: ItemT) -> None:
        """Add *item*, or replace the one with its ID, which keeps its place in the order."""
        ...

    def update(self, item_id: str, change: Callable[[ItemT], ItemT]) -> ItemT:
        """Replace an item by what *change* makes of it, with nobody in between; the new one.

        *change* may be called again when somebody was in between, so that it must do nothing else. What it raises comes
        out, and nothing is changed.

        Raises:
            KeyError: when there is no such item.
        """
        ...

    def delete(self, item_id: str) -> ItemT | None:
        """Forget the item, and a model's metrics with it; what it was in the end, ``None`` where there was none."""
        ...

    def page(self, *, limit: int, cursor: str | None = None, query: str = "", is_trashed: bool = False) -> Page[ItemT]:
        """Up to *limit* items, newest first, that are in the trash or not, and whose name or ID holds *query*.

        *query* is compared without case for ASCII letters, and to the letter otherwise.

        Raises:
            ValueError: when *cursor* is none that a page has given.
        """
        ...


@attrs.frozen
class MetricsDelta:
    """A model's metrics: JSON text by epoch, in the order of the epochs, and the revision that they show."""

    revision: int
    epochs: Mapping[int, str]


@attrs.frozen
class MetricsWrite:
    """Metrics for a model: JSON text by epoch, received ``at`` (unix seconds)."""

    model_id: str
    epochs: Mapping[int, str]
    at: float


class NoSuchModel(KeyError):
    """There is no model of this ID."""


MetricsError: TypeAlias = NoSuchModel | EpochTooLarge


@runtime_checkable
class HubStore(Protocol):
    """Everything but files. Safe to use from many threads; several processes may share one."""

    @property
    def identity(self) -> str:
        """What this HUB is called, wherever it is reached: random, made once, and the same for ever.

        A copy of the store has the same.
        """
        ...

    @property
    def models(self) -> Repository[HubModel]:
        """A model's ``last_seen`` is what was written last: with the model, or with its metrics.

        The order of writing counts and not the time in them, so that a time in the future ends with the next write.
        """
        ...

    @property
    def projects(self) -> Repository[Project]:
        """What models are filed under."""
        ...

    @property
    def datasets(self) -> Repository[Dataset]:
        """What models train on, where this HUB has it."""
        ...

    @property
    def keys(self) -> Repository[ApiKey]:
        """Hashes of keys; a revoked key lies in the trash."""
        ...

    def write_metrics(self, writes: Sequence[MetricsWrite]) -> Sequence[MetricsError | None]:
        """Keep all of *writes*, in their order. Each epoch is merged with what is there, see :mod:`..epoch_text`.

        Returns for each write ``None``, or why nothing of it was kept. A write that changes nothing raises the revision
        of its model alone.
        """
        ...

    def put_metrics(self, model_id: str, epochs: Mapping[int, str], *, at: float) -> None:
        """One :class:`MetricsWrite`.

        Raises:
            NoSuchModel: (a ``KeyError``) when there is none.
            EpochTooLarge: (a ``ValueError``) when an epoch would become too large.
        """
        (error,) = self.write_metrics([MetricsWrite(model_id, epochs, at)])
        if error is not None:
            raise error

    def metrics(self, model_id: str, *, after: int = 0) -> MetricsDelta:
        """The epochs that have changed after revision *after*; none where there is no such model."""
        ...

    def revision(self, model_id: str) -> int:
        """A number that grows with each change of the model or its metrics; 0 where there is no such model."""
        ...

    def close(self) -> None:
        """Give back connections."""
        ...


#: Digits; any number of so many fits into 64 bits.
LONGEST_CURSOR = 18


def decode_cursor(cursor: str | None) -> int | None:
    """The number that a cursor is made of.

    Raises:
        ValueError: when *cursor* is none that a page has given.
    """
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit()) or len(cursor) > LONGEST_CURSOR:
        raise ValueError(f"{cursor[:40]!r} is no place in this list: begin again without it")
    return int(cursor)


_FOLDED = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def folded(text: str) -> str:
    """*text* as a query is compared with it: without case for ASCII letters, which is the same on every machine."""
    return text.translate(_FOLDED)
