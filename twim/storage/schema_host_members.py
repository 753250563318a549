"""The table of the memberships that a host asked for."""

from __future__ import annotations

from sqlalchemy import Column, Table

from twim.storage.schema import Big, metadata, options

# `contact` is the id of the membership's row, which is never given again: who leaves and comes back in another way has
# another one. `userid` is the member.
host_member = Table(
    "hostmember",
    metadata,
    Column("contact", Big, primary_key=True, autoincrement=False),
    Column("userid", Big, nullable=False, index=True),
    **options,
)
