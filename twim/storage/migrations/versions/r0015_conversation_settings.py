"""How users keep their conversations, when they read, what messages said before they were edited, and when a user wants
to be told of them."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import OPTIONS, Big, Body

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_PARTICIPANT: Final = (
    ("mute", sa.SmallInteger()),
    ("pin", sa.SmallInteger()),
    ("hidden", Big),
    ("readfrom", Big),
    ("readto", Big),
    ("readat", Big),
)


def upgrade() -> None:
    """The columns, by which all stays as it was, and the table: what was edited before has lost its first words."""
    for name, kind in _PARTICIPANT:
        _add("participant", sa.Column(name, kind, nullable=False, server_default="0"))
    _add("user", sa.Column("words", sa.SmallInteger(), nullable=False, server_default="1"))
    _add("user", sa.Column("quiet", sa.String(11), nullable=False, server_default=""))
    _add("user", sa.Column("zone", sa.String(64), nullable=False, server_default=""))
    op.create_table(
        "original",
        sa.Column("conversation", Big, autoincrement=False, nullable=False),
        sa.Column("seq", Big, autoincrement=False, nullable=False),
        sa.Column("content", Body, nullable=False),
        sa.PrimaryKeyConstraint("conversation", "seq", name="pk_original"),
        if_not_exists=True,
        **OPTIONS,
    )


def _add(table: str, column: sa.Column[int] | sa.Column[str]) -> None:
    if column.name not in {one["name"] for one in sa.inspect(op.get_bind()).get_columns(table)}:
        op.add_column(table, column)
