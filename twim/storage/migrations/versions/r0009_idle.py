"""When each device was used last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twim.storage.migrations.versions.r0001_begin import Big

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The column. It is 0 for devices of which that isn't known, as for all that there are now."""
    inspector = sa.inspect(op.get_bind())
    if "used" not in {column["name"] for column in inspector.get_columns("device")}:
        op.add_column("device", sa.Column("used", Big, nullable=False, server_default="0"))
    op.create_index("ix_device_used", "device", ["used"], if_not_exists=True)
