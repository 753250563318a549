"""Bots, and hooks by which messages come in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import OPTIONS, Big, Body, Hash

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The tables, empty, and the column: nobody is a bot yet."""
    if "bot" not in {one["name"] for one in sa.inspect(op.get_bind()).get_columns("user")}:
        op.add_column("user", sa.Column("bot", sa.SmallInteger(), nullable=False, server_default="0"))
    op.create_table(
        "bot",
        sa.Column("userid", Big, autoincrement=False, nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("secret", sa.String(100), nullable=False),
        sa.Column("commands", Body, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.PrimaryKeyConstraint("userid", name="pk_bot"),
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_table(
        "hook",
        sa.Column("id", Big, autoincrement=True, nullable=False),
        sa.Column("hash", Hash, nullable=False),
        sa.Column("userid", Big, nullable=False),
        sa.Column("community", Big, nullable=False),
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hook"),
        sa.UniqueConstraint("hash", name="uq_hook_hash"),
        sqlite_autoincrement=True,
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_index("ix_hook_userid", "hook", ["userid"], if_not_exists=True)
    op.create_index("ix_hook_community", "hook", ["community"], if_not_exists=True)
