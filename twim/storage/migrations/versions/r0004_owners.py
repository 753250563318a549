"""A group's owner is one of its members."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whoever owned a group and isn't in it hands it to its oldest member, and to nobody where there is none."""
    op.execute(
        "UPDATE community SET ownerid = coalesce((SELECT ownerid FROM contact WHERE dstobj = community.id AND cate = 2"
        " ORDER BY contact.id LIMIT 1), 0) WHERE NOT EXISTS (SELECT 1 FROM contact WHERE dstobj = community.id"
        " AND cate = 2 AND contact.ownerid = community.ownerid)"
    )
