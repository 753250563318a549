"""Who uploaded which file."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import OPTIONS, Big

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table, empty: of the files that there are, nobody knows."""
    op.create_table(
        "upload",
        sa.Column("stem", sa.String(70), nullable=False),
        sa.Column("userid", Big, autoincrement=False, nullable=False),
        sa.Column("size", Big, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.PrimaryKeyConstraint("stem", "userid", name="pk_upload"),
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_index("ix_upload_userid", "upload", ["userid"], if_not_exists=True)
