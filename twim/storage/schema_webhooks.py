"""The tables of webhooks, and of the leases by which one node does what only one may do."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table

from twim.storage.schema import Big, lasting, metadata, options

# Whom events are told. `secret` signs what is sent, so it is stored as it is. `events` have commas between them, of the
# group `community` alone unless that is 0. `state` is `ok`, `failing` (since when, in ms: `since`) or `failed`, and
# `failure` is why. `log` and `happened` are the ids of the last message and happening that were delivered with all
# before them; `retries` counts how often an administrator asked for another try.
webhook = Table(
    "webhook",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("url", String(2048), nullable=False),
    Column("secret", String(64), nullable=False),
    Column("events", String(40), nullable=False),
    Column("community", Big, nullable=False),
    Column("state", String(8), nullable=False),
    Column("since", Big, nullable=False),
    Column("failure", String(200), nullable=False),
    Column("retries", Integer, nullable=False),
    Column("log", Big, nullable=False),
    Column("happened", Big, nullable=False),
    Column("at", Big, nullable=False),
    **lasting,
)

# What happened that isn't in the log, until every webhook was told (see `happenings`): the `event` is `user`, `member`
# (of the group `place`) or `read` (of the conversation `place`, up to `seq`). `name` is the external id of a user who
# is being erased. `at` is in milliseconds since 1970.
happening = Table(
    "happening",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("at", Big, nullable=False),
    Column("userid", Big, nullable=False, index=True),
    Column("event", String(8), nullable=False),
    Column("what", String(16), nullable=False),
    Column("name", String(64), nullable=False),
    Column("place", Big, nullable=False),
    Column("seq", Big, nullable=False),
    **lasting,
)

# Which node does what only one may do. `fence` grows with each new holder, `beat` while the holder lives; `holder` is
# "" after it was given back.
lease = Table(
    "lease",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(40), nullable=False),
    Column("fence", Big, nullable=False),
    Column("beat", Big, nullable=False),
    **options,
)
