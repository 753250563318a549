"""Memberships that a host asked for when its user logged in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import OPTIONS, Big

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table, empty."""
    op.create_table(
        "hostmember",
        sa.Column("contact", Big, autoincrement=False, nullable=False),
        sa.Column("userid", Big, nullable=False),
        sa.PrimaryKeyConstraint("contact", name="pk_hostmember"),
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_index("ix_hostmember_userid", "hostmember", ["userid"], if_not_exists=True)
