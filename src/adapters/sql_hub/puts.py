"""Metrics of many models, from many threads, in three statements.

The one rule: what is put for a model that is not there is refused alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from ...domain.ports.hub_store import Put
from .dialects import Dialect
from .documents import encoded
from .tables import METRICS, MODELS

_MODEL_ID = sa.bindparam("of_model", type_=sa.Text)
_AT = sa.bindparam("at", type_=sa.Double)

_IDS: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_TOUCH = (
    sa.update(MODELS)
    .where(MODELS.c.id.in_(_IDS))
    .values(revision=MODELS.c.revision + 1, seen=sa.case((MODELS.c.seen > _AT, MODELS.c.seen), else_=_AT))
)
_REVISION = sa.select(MODELS.c.revision).where(MODELS.c.id == _MODEL_ID)
_THERE = sa.select(MODELS.c.id).where(MODELS.c.id.in_(_IDS)).order_by(MODELS.c.id)


class Puts:
    """Writes what was put, in the words of *dialect*."""

    def __init__(self, dialect: Dialect) -> None:
        values = {
            "model_id": _MODEL_ID,
            "epoch": sa.bindparam("of_epoch"),
            "revision": _REVISION.scalar_subquery(),
            "text": sa.bindparam("new_text"),
        }
        self._dialect = dialect
        self._upsert = dialect.upsert(METRICS, ["model_id", "epoch"], values, {})

    def write(self, connection: sa.Connection, puts: Sequence[Put]) -> Collection[str]:
        """Write *puts*; the IDs among them for which there is no model, and of which nothing is written."""
        ids = sorted({put.model_id for put in puts})
        if len(ids) > 1:
            # In one order, as everybody locks them; an UPDATE of many takes them as it meets them.
            self._dialect.lock_rows(connection, _THERE, {"ids": ids})
        # They come in one moment: each is seen at its last.
        touched = connection.execute(_TOUCH, {"ids": ids, "at": max(put.at for put in puts)}).rowcount
        missing: set[str] = set()
        if touched < len(ids):
            missing = set(ids).difference(connection.scalars(_THERE, {"ids": ids}))
        rows: list[dict[str, Any]] = [
            {"of_model": put.model_id, "of_epoch": epoch, "new_text": encoded(text)}
            for put in puts
            if put.model_id not in missing
            for epoch, text in put.epochs.items()
        ]
        if rows:
            connection.execute(self._upsert, rows)
        return missing
