"""What is kept of each conversation, and who is being erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import OPTIONS, Big

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The column, by which everything is kept, and the table."""
    inspector = sa.inspect(op.get_bind())
    if "floor" not in {column["name"] for column in inspector.get_columns("conversation")}:
        op.add_column("conversation", sa.Column("floor", Big, nullable=False, server_default="1"))
    op.create_table(
        "erasure",
        sa.Column("userid", Big, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("userid", name="pk_erasure"),
        if_not_exists=True,
        **OPTIONS,
    )
