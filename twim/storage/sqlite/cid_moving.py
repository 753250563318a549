"""How entries of recent cids come to the buckets of older ones (see `cid_index`): some buckets in a transaction.

All recent rows up to one are moved together; `meta.cid_moving` says up to which, and which bucket is next. Their
entries stay where they are until the last bucket has its own, so they are always found, and a crash costs nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from twim.storage.sqlite.cid_entries import HASH_BITS, ID_BITS, ID_MASK, Entries, pack, unpack

Execute = Callable[[str, Sequence[Any]], Iterable[Any]]
"""Runs a statement with these values and gives its rows."""

BUCKET_BITS: Final = 10
BUCKETS: Final = 1 << BUCKET_BITS  # ranges of hashes
BUCKET_SHIFT: Final = HASH_BITS - BUCKET_BITS
ROW_BITS: Final = 32  # the rows of bucket b have the ids from b << ROW_BITS on
ENTRY_SHIFT: Final = BUCKET_SHIFT + ID_BITS  # of an entry: what is above is its bucket

MOST_ENTRIES: Final = 1 << 18  # recent ones: 2 MiB of memory
MOST_ROWS: Final = 64  # recent ones: each is searched for a cid that may be stored
TOGETHER: Final = 64  # buckets in a transaction: some milliseconds
# Rows of a bucket before they become one, and of some buckets up to so many more: not all become one in the same move.
RUNS: Final = 8

_MOVING: Final = "SELECT value FROM meta WHERE name = 'cid_moving'"
_STOP: Final = "DELETE FROM meta WHERE name = 'cid_moving'"
_MOVE: Final = "INSERT INTO meta (name, value) VALUES ('cid_moving', ?)"
_COUNT: Final = f"SELECT id >> {ROW_BITS}, count(*) FROM cid_bucket WHERE id >= ? AND id < ? GROUP BY 1"
_RUNS: Final = "SELECT entries FROM cid_bucket WHERE id >= ? AND id < ?"
_REMOVE: Final = "DELETE FROM cid_bucket WHERE id >= ? AND id < ?"
_ADD: Final = "INSERT INTO cid_bucket (id, entries) VALUES (?, ?)"
_OLDEST: Final = "SELECT coalesce(min(id), 0) FROM message"


def moving_through(execute: Execute) -> int:
    """The id of the last recent row of those that are being moved; 0 when none is."""
    return _state(execute)[0]


def stop_moving(execute: Execute) -> None:
    """Nothing is being moved any more."""
    execute(_STOP, ())


def move_some(execute: Execute, recent: Mapping[int, Entries[int]]) -> bool:
    """Move the entries of `TOGETHER` buckets out of what is `recent`, by row ids, if a move has begun or it is time for
    one. False when it isn't."""
    through, first = _state(execute)
    if not through:
        if len(recent) < MOST_ROWS and sum(map(len, recent.values())) < MOST_ENTRIES:
            return False
        through = max(recent)
    end = min(first + TOGETHER, BUCKETS)
    _fill(execute, [entries for one, entries in recent.items() if one <= through], first, end)
    execute(_STOP, ())
    if end == BUCKETS:
        execute("DELETE FROM cid_recent WHERE id <= ?", (through,))
    else:
        execute(_MOVE, (f"{through} {end}",))
    return True


def _state(execute: Execute) -> tuple[int, int]:
    found = list(execute(_MOVING, ()))
    if not found:
        return 0, 0
    through, bucket = found[0][0].split()
    return int(through), int(bucket)


def _fill(execute: Execute, moved: Sequence[Entries[int]], first: int, end: int) -> None:
    bounds = [bucket << ENTRY_SHIFT for bucket in range(first, end + 1)]
    places = [[bisect_left(entries, bound) for bound in bounds] for entries in moved]
    counts: dict[int, int] = dict(execute(_COUNT, (first << ROW_BITS, end << ROW_BITS)))
    ((oldest,),) = execute(_OLDEST, ())
    for number, bucket in enumerate(range(first, end)):
        entries = array("Q")
        for one, place in zip(moved, places, strict=True):
            entries += one[place[number] : place[number + 1]]
        if entries:
            _add(execute, bucket, counts.get(bucket, 0), entries, oldest)


def _add(execute: Execute, bucket: int, count: int, entries: Entries[int], oldest: int) -> None:
    row = bucket << ROW_BITS
    if count < RUNS + bucket % RUNS:
        execute(_ADD, (row + count, pack(entries)))
        return
    ids = row, row + count
    for (stored,) in list(execute(_RUNS, ids)):
        entries += unpack(stored)
    execute(_REMOVE, ids)
    # Those of messages that were deleted find nothing.
    execute(_ADD, (row, pack(one for one in entries if one & ID_MASK >= oldest)))
