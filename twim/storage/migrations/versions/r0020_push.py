"""The browsers that are pushed to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import OPTIONS, Big, Hash

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table, empty. The key is made when the database is opened."""
    op.create_table(
        "pushsubscription",
        sa.Column("id", Big, autoincrement=True, nullable=False),
        sa.Column("userid", Big, nullable=False),
        sa.Column("deviceid", Big, nullable=False),
        sa.Column("hash", Hash, nullable=False),
        sa.Column("endpoint", sa.String(1000), nullable=False),
        sa.Column("p256dh", sa.String(100), nullable=False),
        sa.Column("auth", sa.String(40), nullable=False),
        sa.Column("site", sa.String(255), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pushsubscription"),
        sa.UniqueConstraint("hash", name="uq_pushsubscription_hash"),
        sqlite_autoincrement=True,
        if_not_exists=True,
        **OPTIONS,
    )
    for name in ("userid", "deviceid"):
        op.create_index(f"ix_pushsubscription_{name}", "pushsubscription", [name], if_not_exists=True)
