"""The tables of bots and of incoming hooks; see `schema` for all others."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from twim.storage.schema import Big, Body, Hash, lasting, metadata, options

# What a bot has that other users don't have. `secret` signs what is sent to `url`, so it is kept as it is; `commands`
# is JSON. Its key is the token of a device.
bot = Table(
    "bot",
    metadata,
    Column("userid", Big, primary_key=True, autoincrement=False),
    Column("url", String(2000), nullable=False),
    Column("secret", String(100), nullable=False),
    Column("commands", Body, nullable=False),
    Column("at", Big, nullable=False),
    **options,
)

# By whose secret messages come into the group `community`, in the name of the bot `userid`; `at` is in milliseconds
# since 1970.
hook = Table(
    "hook",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("hash", Hash, nullable=False, unique=True),
    Column("userid", Big, nullable=False, index=True),
    Column("community", Big, nullable=False, index=True),
    Column("name", String(20), nullable=False),
    Column("at", Big, nullable=False),
    **lasting,
)
