"""Metrics of many models, from many threads, in three statements.

The one rule: what is put for a model that is not there is refused alone.

No update is lost, although an epoch is read, merged and written back. In SQLite the transaction is a writer from its
beginning (``BEGIN IMMEDIATE``), and nobody else writes until it ends. In PostgreSQL whoever puts metrics changes the
row of the model first, which locks it until the transaction ends; the statement that reads the epochs comes after that,
and sees what was committed by all who had the lock before (``READ COMMITTED``, where each statement has a snapshot of
its own).

The statements are compiled once, and the driver gets them as text: SQLAlchemy would need longer to prepare each of them
than SQLite needs to run it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ...domain.hub.epoch_text import EpochTooLarge, merge
from ...domain.hub.ports.store import MetricsError, MetricsWrite, NoSuchModel
from .database import Database
from .documents import decoded, encoded
from .tables import METRICS, MODELS

MODEL_ID = sa.bindparam("of_model", type_=sa.Text)
REVISION = sa.select(MODELS.c.revision).where(MODELS.c.id == MODEL_ID)

_TOUCH = (
    sa.update(MODELS)
    .where(MODELS.c.id == MODEL_ID)
    .values(
        revision=MODELS.c.revision + sa.literal_column("1"),
        # Not the later of both: a time in the future, noted while the clock was wrong, would stay for years.
        seen=sa.bindparam("at", type_=sa.Double),
    )
)
_VALUES: dict[str, Any] = {
    "model_id": MODEL_ID,
    "epoch": sa.bindparam("of_epoch"),
    "revision": REVISION.scalar_subquery(),
    "text": sa.bindparam("new_text"),
}
_THERE = sa.select(MODELS.c.id).where(MODELS.c.id.in_(sa.bindparam("ids", expanding=True)))


class MetricsStatements:
    """Writes what was put, in the words of *database*."""

    def __init__(self, database: Database) -> None:
        self._dialect = database.dialect
        self._touch = database.compiled(_TOUCH)
        self._upsert = database.compiled(database.dialect.upsert(METRICS, ["model_id", "epoch"], _VALUES, {}))

    def write(self, connection: sa.Connection, writes: Sequence[MetricsWrite]) -> list[MetricsError | None]:
        """Write *writes*, in their order; for each of them ``None``, or why nothing of it is written."""
        at = {write.model_id: write.at for write in writes}
        # In one order, as everybody locks them.
        ids = sorted(at)
        touched = connection.exec_driver_sql(
            self._touch, [{"of_model": model_id, "at": at[model_id]} for model_id in ids]
        )
        there = set(ids)
        if touched.rowcount < len(ids):
            there = set(connection.scalars(_THERE, {"ids": ids}))
        held = self._held(connection, [write for write in writes if write.model_id in there])
        before = {model_id: dict(epochs) for model_id, epochs in held.items()}
        errors = [_merged(held, write) for write in writes]
        rows = [
            {"of_model": model_id, "of_epoch": epoch, "new_text": encoded(text)}
            for model_id, epochs in held.items()
            for epoch, text in epochs.items()
            if text != before[model_id].get(epoch)
        ]
        if rows:
            connection.exec_driver_sql(self._upsert, rows)
        return errors

    def _held(self, connection: sa.Connection, writes: Sequence[MetricsWrite]) -> dict[str, dict[int, str]]:
        """What is there of the epochs of *writes*, by model."""
        held: dict[str, dict[int, str]] = {write.model_id: {} for write in writes}
        keys = {(write.model_id, epoch) for write in writes for epoch in write.epochs}
        if keys:
            for row in self._dialect.metrics_of(connection, list(keys)):
                held[row.model_id][row.epoch] = decoded(row.text)
        return held


def _merged(held: dict[str, dict[int, str]], write: MetricsWrite) -> MetricsError | None:
    """Put it into *held*, which has all models that are there."""
    if write.model_id not in held:
        return NoSuchModel(write.model_id)
    try:
        merge(held[write.model_id], write.epochs)
    except EpochTooLarge as error:
        return error
    return None
