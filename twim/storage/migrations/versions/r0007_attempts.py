"""Counts of failed log-ins and searches, and by what an account is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import OPTIONS, Big, Hash, Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The two tables, empty."""
    op.create_table(
        "attempt",
        sa.Column("key", Hash, nullable=False),
        sa.Column("level", Big, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("until", Big, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_attempt"),
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_index("ix_attempt_at", "attempt", ["at"], if_not_exists=True)
    op.create_table(
        "knownlogin",
        sa.Column("userid", Big, autoincrement=False, nullable=False),
        sa.Column("hash", Hash, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("userid", "hash", name="pk_knownlogin"),
        if_not_exists=True,
        **OPTIONS,
    )
