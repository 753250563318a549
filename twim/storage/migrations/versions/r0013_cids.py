"""On SQLite the index of cids becomes one of sorted runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import Big, Body

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and remove the one there was. The server fills them at the next start, which is this one: there
    is no `meta.cid_key` yet."""
    if op.get_bind().dialect.name != "sqlite":
        return
    for name in ("cid_recent", "cid_bucket"):
        op.create_table(
            name,
            sa.Column("id", Big, autoincrement=False, nullable=False),
            sa.Column("entries", Body, nullable=False),
            sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
            if_not_exists=True,
        )
    op.execute("DROP TABLE IF EXISTS said")
