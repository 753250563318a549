"""On SQLite the message index becomes a deferred one: tables of its own, instead of indexes of the log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import Big, Body, Bytes64

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COLUMNS = "id, conversation, seq, sender, cid, ref, body"


def upgrade() -> None:
    """Make the tables, and remove the indexes of the log. The server fills the tables at each start."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.create_table(
        "run",
        sa.Column("conversation", Big, autoincrement=False, nullable=False),
        sa.Column("first", Big, autoincrement=False, nullable=False),
        sa.Column("last", Big, nullable=False),
        sa.Column("id", Big, nullable=False),
        sa.PrimaryKeyConstraint("conversation", "first", name="pk_run"),
        sqlite_with_rowid=False,
        if_not_exists=True,
    )
    op.create_table(
        "said",
        sa.Column("sender", Big, autoincrement=False, nullable=False),
        sa.Column("cid", Bytes64, autoincrement=False, nullable=False),
        sa.Column("id", Big, nullable=False),
        sa.PrimaryKeyConstraint("sender", "cid", name="pk_said"),
        sqlite_with_rowid=False,
        if_not_exists=True,
    )
    op.execute("DROP INDEX IF EXISTS uq_message_sender_cid")
    if sa.inspect(op.get_bind()).get_unique_constraints("message"):
        _rebuild()


def _rebuild() -> None:
    # SQLite can't drop a constraint.
    op.execute("DROP INDEX IF EXISTS ix_message_ref")
    op.rename_table("message", "message_0001")
    op.create_table(
        "message",
        sa.Column("id", Big, autoincrement=True, nullable=False),
        sa.Column("conversation", Big, nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.Column("sender", Big, nullable=False),
        sa.Column("cid", Bytes64, nullable=True),
        sa.Column("ref", Big, nullable=True),
        sa.Column("body", Body, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
    )
    op.execute(f"INSERT INTO message ({_COLUMNS}) SELECT {_COLUMNS} FROM message_0001 ORDER BY id")
    op.drop_table("message_0001")
    filled = sa.text("ref IS NOT NULL")
    op.create_index("ix_message_ref", "message", ["conversation", "ref"], sqlite_where=filled)
    op.execute("DELETE FROM meta WHERE name = 'marks_through'")
