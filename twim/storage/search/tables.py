"""The tables of the index of words. They follow from the log: they are made again, never copied.

A segment indexes the messages of a range of row ids, and has `PAGES` pages (see `pages`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, SmallInteger, Table

from twim.storage.schema import Big, Body, counted, lasting, options

BUILDING: Final = 0  # its pages are being written
LIVE: Final = 1  # it is searched
DEAD: Final = 2  # another one has taken its place; its pages are still there

segment = Table(
    "searchsegment",
    counted,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("state", SmallInteger, nullable=False),
    # The row ids of the log that it indexes, and the times (ms) of the oldest and the newest message among them.
    Column("first", Big, nullable=False),
    Column("last", Big, nullable=False),
    Column("since", Big, nullable=False),
    Column("until", Big, nullable=False),
    # When it became what `state` says (ms).
    Column("at", Big, nullable=False),
    # How many messages it indexes, and which (see `pages.Directory`).
    Column("messages", Integer, nullable=False),
    Column("directory", Body, nullable=False),
    **lasting,
)

# Its `id` is the segment's, times `PAGES`, and the page's number.
page = Table(
    "searchpage",
    counted,
    Column("id", Big, primary_key=True, autoincrement=False),
    Column("data", Body, nullable=False),
    **options,
)

# Messages whose words have changed or are gone, until the segment that has them is put right: `edited` is 1 where
# there are new words.
change = Table(
    "searchchange",
    counted,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("message", Big, nullable=False),
    Column("edited", SmallInteger, nullable=False),
    Column("at", Big, nullable=False),
    Index("ix_searchchange_edited_message", "edited", "message"),
    **lasting,
)
