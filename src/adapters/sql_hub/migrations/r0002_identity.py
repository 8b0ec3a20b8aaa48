"""The identity of the HUB: one row, made here, once for each database.

The one rule: what was released is never edited.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0002"
down_revision = "0001"


def upgrade(op: Operations) -> None:
    """From 0001."""
    table = op.create_table("identity", sa.Column("name", sa.Text, primary_key=True))
    op.bulk_insert(table, [{"name": secrets.token_hex(16)}])
