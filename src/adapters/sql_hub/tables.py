"""The tables, as this version writes them.

The one rule: a change here comes with a revision in ``migrations``, and a test compares the two.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

METADATA = sa.MetaData()

#: SQLite counts up only what is called INTEGER.
_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _repository(name: str, *more: sa.Column[Any]) -> sa.Table:
    """Items: their ``document`` is the truth, the columns beside it are what is searched and sorted by.

    ``place`` is the key, since nothing else is counted up by both databases; it is never given twice. ``sought`` is
    what a query is looked for in (see ``documents``).
    """
    return sa.Table(
        name,
        METADATA,
        sa.Column("place", _COUNTER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("is_trashed", sa.Boolean, nullable=False),
        sa.Column("sought", sa.LargeBinary, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        *more,
        sa.UniqueConstraint("id", name=f"uq_{name}_id"),
        sa.Index(f"ix_{name}_page", "is_trashed", "place"),
        sqlite_autoincrement=True,
    )


#: ``revision`` grows with each change of the model or its metrics, ``seen`` is the model's ``last_seen``, which
#: its document does not hold: metrics change it too.
MODELS = _repository(
    "models",
    sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
    sa.Column("seen", sa.Double, nullable=True),
)
PROJECTS = _repository("projects")
DATASETS = _repository("datasets")
KEYS = _repository("keys")

#: ``text`` is UTF-8, and also what UTF-8 has no bytes for (``surrogatepass``); ``revision`` is the model's of then.
METRICS = sa.Table(
    "metrics",
    METADATA,
    sa.Column("model_id", sa.Text, sa.ForeignKey("models.id", name="fk_metrics_model", ondelete="CASCADE")),
    sa.Column("epoch", sa.BigInteger, autoincrement=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("text", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("model_id", "epoch", name="pk_metrics"),
    sa.Index("ix_metrics_revision", "model_id", "revision"),
)

#: One row: what this HUB is called, whatever its address. A copy of the database is called the same.
IDENTITY = sa.Table("identity", METADATA, sa.Column("name", sa.Text, primary_key=True))
