"""Rules and roles of groups, requests to join, blocks, remarks, and from where on a participant may read.

Groups that exist stay open, with all their history to read and everybody posting: the columns' defaults say so.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import OPTIONS, Big, Moment

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

_ADDED: tuple[tuple[str, str, Any, str], ...] = (
    ("contact", "remark", sa.String(120), ""),
    ("contact", "admin", sa.SmallInteger(), "0"),
    ("contact", "muted", Big, "0"),
    ("community", "join", sa.String(8), "open"),
    ("community", "history", sa.String(8), "all"),
    ("community", "post", sa.String(8), "members"),
    ("community", "notice", sa.String(2000), ""),
    ("community", "dissolved", sa.SmallInteger(), "0"),
    ("community", "received", sa.SmallInteger(), "0"),
    ("community", "changed", Big, "0"),
    ("friendrequest", "hidden", sa.SmallInteger(), "0"),
    ("participant", "floor", Big, "1"),
)


def upgrade() -> None:
    """The columns that are missing, and the tables."""
    inspector = sa.inspect(op.get_bind())
    there = {(table, column["name"]) for table in {one[0] for one in _ADDED} for column in inspector.get_columns(table)}
    for table, name, kind, default in _ADDED:
        if (table, name) not in there:
            op.add_column(table, sa.Column(name, kind, nullable=False, server_default=default))
    op.create_index("ix_community_changed", "community", ["changed"], if_not_exists=True)
    op.create_table(
        "formermember",
        sa.Column("community", Big, autoincrement=False, nullable=False),
        sa.Column("userid", Big, autoincrement=False, nullable=False),
        sa.Column("removed", sa.SmallInteger(), nullable=False),
        sa.Column("muted", Big, nullable=False),
        sa.PrimaryKeyConstraint("community", "userid", name="pk_formermember"),
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_table(
        "joinrequest",
        sa.Column("id", Big, autoincrement=True, nullable=False),
        sa.Column("community", Big, nullable=False),
        sa.Column("userid", Big, nullable=False),
        sa.Column("createat", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_joinrequest"),
        sa.UniqueConstraint("community", "userid", name="uq_joinrequest_community_userid"),
        if_not_exists=True,
        sqlite_autoincrement=True,
        **OPTIONS,
    )
    op.create_table(
        "block",
        sa.Column("userid", Big, autoincrement=False, nullable=False),
        sa.Column("dstid", Big, autoincrement=False, nullable=False),
        sa.Column("changed", Big, nullable=False),
        sa.PrimaryKeyConstraint("userid", "dstid", name="pk_block"),
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_index("ix_block_dstid", "block", ["dstid"], if_not_exists=True)
