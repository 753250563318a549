"""Webhooks, what happened that they are told, and leases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import OPTIONS, Big

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The tables, empty."""
    op.create_table(
        "webhook",
        sa.Column("id", Big, autoincrement=True, nullable=False),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("events", sa.String(40), nullable=False),
        sa.Column("community", Big, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("since", Big, nullable=False),
        sa.Column("failure", sa.String(200), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("log", Big, nullable=False),
        sa.Column("happened", Big, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook"),
        if_not_exists=True,
        sqlite_autoincrement=True,
        **OPTIONS,
    )
    op.create_table(
        "happening",
        sa.Column("id", Big, autoincrement=True, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("userid", Big, nullable=False),
        sa.Column("event", sa.String(8), nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("place", Big, nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_happening"),
        if_not_exists=True,
        sqlite_autoincrement=True,
        **OPTIONS,
    )
    op.create_index("ix_happening_userid", "happening", ["userid"], if_not_exists=True)
    op.create_table(
        "lease",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("holder", sa.String(40), nullable=False),
        sa.Column("fence", Big, nullable=False),
        sa.Column("beat", Big, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
        if_not_exists=True,
        **OPTIONS,
    )
