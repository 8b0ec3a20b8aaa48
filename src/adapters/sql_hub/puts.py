"""Metrics of many models, from many threads, in two statements.

The one rule: what is put for a model that is not there is refused alone.

The statements are compiled once, and the driver gets them as text: SQLAlchemy would need longer to prepare each of them
than SQLite needs to run it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from ...domain.ports.hub_store import Put
from .database import Database
from .documents import encoded
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


class Puts:
    """Writes what was put, in the words of *database*."""

    def __init__(self, database: Database) -> None:
        self._touch = database.compiled(_TOUCH)
        self._upsert = database.compiled(database.dialect.upsert(METRICS, ["model_id", "epoch"], _VALUES, {}))

    def write(self, connection: sa.Connection, puts: Sequence[Put]) -> Collection[str]:
        """Write *puts*; the IDs among them for which there is no model, and of which nothing is written."""
        at = {put.model_id: put.at for put in puts}
        # In one order, as everybody locks them.
        ids = sorted(at)
        touched = connection.exec_driver_sql(
            self._touch, [{"of_model": model_id, "at": at[model_id]} for model_id in ids]
        )
        missing: set[str] = set()
        if touched.rowcount < len(ids):
            missing = set(ids).difference(connection.scalars(_THERE, {"ids": ids}))
        rows = [
            {"of_model": put.model_id, "of_epoch": epoch, "new_text": encoded(text)}
            for put in puts
            if put.model_id not in missing
            for epoch, text in put.epochs.items()
        ]
        if rows:
            connection.exec_driver_sql(self._upsert, rows)
        return missing
