"""Ids that other programs give to users and groups, the answers kept for them, and when a key was used last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import OPTIONS, Big, Body, Hash

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The tables, empty, and the column."""
    op.create_table(
        "external",
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("id", Big, nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_external"),
        sa.UniqueConstraint("kind", "id", name="uq_external_kind_id"),
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_table(
        "keptanswer",
        sa.Column("key", Big, autoincrement=False, nullable=False),
        sa.Column("name", Hash, nullable=False),
        sa.Column("request", Hash, nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("answer", Body, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.PrimaryKeyConstraint("key", "name", name="pk_keptanswer"),
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_index("ix_keptanswer_at", "keptanswer", ["at"], if_not_exists=True)
    if "used" not in {one["name"] for one in sa.inspect(op.get_bind()).get_columns("apikey")}:
        op.add_column("apikey", sa.Column("used", Big, nullable=False, server_default="0"))
