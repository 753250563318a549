"""The index of words. What was said before is indexed while the server runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import OPTIONS, Big, Body

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The tables."""
    numbers = ("first", "last", "since", "until", "at")
    _table(
        "searchsegment",
        sa.Column("state", sa.SmallInteger(), nullable=False),
        *(sa.Column(name, Big, nullable=False) for name in numbers),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("directory", Body, nullable=False),
    )
    op.create_table(
        "searchpage",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("data", Body, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_searchpage"),
        if_not_exists=True,
        **OPTIONS,
    )
    _table(
        "searchchange",
        sa.Column("message", Big, nullable=False),
        sa.Column("edited", sa.SmallInteger(), nullable=False),
        sa.Column("at", Big, nullable=False),
    )
    # MySQL has no CREATE INDEX IF NOT EXISTS.
    if not sa.inspect(op.get_bind()).get_indexes("searchchange"):
        op.create_index("ix_searchchange_edited_message", "searchchange", ["edited", "message"])


def _table(name: str, *columns: sa.Column[int] | sa.Column[bytes]) -> None:
    op.create_table(
        name,
        sa.Column("id", Big, autoincrement=True, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        if_not_exists=True,
        sqlite_autoincrement=True,
        **OPTIONS,
    )
