"""What administrators did, the orders of the command, resets of passwords, and API keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import OPTIONS, Big, Body, Hash

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The tables."""
    op.create_table(
        "audit",
        sa.Column("id", Big, autoincrement=True, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("act", sa.String(40), nullable=False),
        sa.Column("what", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        if_not_exists=True,
        sqlite_autoincrement=True,
        **OPTIONS,
    )
    op.create_table(
        "orders",
        sa.Column("id", Big, autoincrement=True, nullable=False),
        sa.Column("act", sa.String(40), nullable=False),
        sa.Column("told", Body, nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("outcome", Body, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("taken", Big, nullable=False),
        sa.Column("node", sa.String(40), nullable=False),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        if_not_exists=True,
        sqlite_autoincrement=True,
        **OPTIONS,
    )
    op.create_index("ix_orders_state", "orders", ["state"], if_not_exists=True)
    op.create_table(
        "passwordreset",
        sa.Column("userid", Big, autoincrement=False, nullable=False),
        sa.Column("hash", Hash, nullable=False),
        sa.Column("expires", Big, nullable=False),
        sa.PrimaryKeyConstraint("userid", name="pk_passwordreset"),
        sa.UniqueConstraint("hash", name="uq_passwordreset_hash"),
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_table(
        "apikey",
        sa.Column("id", Big, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("hash", Hash, nullable=False),
        sa.Column("scopes", sa.String(100), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_apikey"),
        sa.UniqueConstraint("hash", name="uq_apikey_hash"),
        if_not_exists=True,
        sqlite_autoincrement=True,
        **OPTIONS,
    )
