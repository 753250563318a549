"""What nobody has to read, and who is named: by these unread messages are counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twim.storage.backends import dialect_named
from twim.storage.migrations.versions.r0001_begin import OPTIONS, Big

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The tables, filled from the log: one pass over it, of which few messages are looked at closely."""
    _table("silent", "conversation", "seq")
    _table("named", "userid", "conversation", "seq")
    connection = op.get_bind()
    newest = connection.execute(sa.text("SELECT coalesce(max(id), 0) FROM message")).scalar_one()
    dialect_named(connection.dialect.name).unread.derive(connection, 0, newest)


def _table(name: str, *columns: str) -> None:
    key = [sa.Column(column, Big, autoincrement=False, nullable=False) for column in columns]
    op.create_table(
        name,
        *key,
        sa.PrimaryKeyConstraint(*columns, name=f"pk_{name}"),
        if_not_exists=True,
        sqlite_with_rowid=False,
        **OPTIONS,
    )
