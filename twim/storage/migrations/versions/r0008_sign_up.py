"""Roles of users, who may not log in, invitations, and settings that are changed at run time.

Users that exist are members who may log in: the columns' defaults say so.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import OPTIONS, Big, Hash

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ADDED: tuple[tuple[str, Any, str], ...] = (
    ("role", sa.String(8), "member"),
    ("disabled", sa.SmallInteger(), "0"),
    ("waiting", sa.SmallInteger(), "0"),
)


def upgrade() -> None:
    """The columns that are missing, and the tables."""
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("user")}
    for name, kind, default in _ADDED:
        if name not in there:
            op.add_column("user", sa.Column(name, kind, nullable=False, server_default=default))
    op.create_index("ix_user_role", "user", ["role"], if_not_exists=True)
    op.create_table(
        "invite",
        sa.Column("id", Big, autoincrement=True, nullable=False),
        sa.Column("hash", Hash, nullable=False),
        sa.Column("maker", Big, nullable=False),
        sa.Column("community", Big, nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("expires", Big, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invite"),
        sa.UniqueConstraint("hash", name="uq_invite_hash"),
        if_not_exists=True,
        sqlite_autoincrement=True,
        **OPTIONS,
    )
    op.create_index("ix_invite_maker", "invite", ["maker"], if_not_exists=True)
    op.create_table(
        "setting",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("node", sa.String(40), nullable=False),
        sa.Column("value", sa.String(200), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.PrimaryKeyConstraint("name", "node", name="pk_setting"),
        if_not_exists=True,
        **OPTIONS,
    )
