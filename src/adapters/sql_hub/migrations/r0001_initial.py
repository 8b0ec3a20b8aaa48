"""Tables of models, projects, datasets and keys, and the metrics of models.

The one rule: what was released is never edited.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """From an empty database."""
    _repository(
        op,
        "models",
        sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("seen", sa.Double, nullable=True),
    )
    for name in ("projects", "datasets", "keys"):
        _repository(op, name)
    op.create_table(
        "metrics",
        sa.Column("model_id", sa.Text, sa.ForeignKey("models.id", name="fk_metrics_model", ondelete="CASCADE")),
        sa.Column("epoch", sa.BigInteger, autoincrement=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("model_id", "epoch", name="pk_metrics"),
    )
    op.create_index("ix_metrics_revision", "metrics", ["model_id", "revision"])


def _repository(op: Operations, name: str, *more: sa.Column[Any]) -> None:
    op.create_table(
        name,
        sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("is_trashed", sa.Boolean, nullable=False),
        sa.Column("sought", sa.LargeBinary, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        *more,
        sa.UniqueConstraint("id", name=f"uq_{name}_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(f"ix_{name}_page", name, ["is_trashed", "place"])
