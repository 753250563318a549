"""The table of the browsers that are pushed to."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from twim.storage.schema import Big, Hash, lasting, metadata

# Of the device `deviceid`, with which it ends. `hash` is the SHA-256 of `endpoint`, which is too long for an index;
# `site` is the origin of the page that subscribed, and `at` when that was (milliseconds since 1970).
push_subscription = Table(
    "pushsubscription",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("userid", Big, nullable=False, index=True),
    Column("deviceid", Big, nullable=False, index=True),
    Column("hash", Hash, nullable=False, unique=True),
    Column("endpoint", String(1000), nullable=False),
    Column("p256dh", String(100), nullable=False),
    Column("auth", String(40), nullable=False),
    Column("site", String(255), nullable=False),
    Column("at", Big, nullable=False),
    **lasting,
)
