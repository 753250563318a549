"""The index of cids of SQLite's log: which message its sender called by a `cid`.

Cids are random. In a table with a row for each, in their order, every new one would belong to a page of its own, and
ten thousand new ones would write ten thousand pages. So the index is of sorted runs, written once each:

- table `cid_recent` has a row for each time that the deferred index was written, or a few of them together: the
  `entries` of the messages from row id `id` on, sorted by hash (see `cid_entries`). They are in memory, too;
- table `cid_bucket` has those of older messages, a few rows for each range of hashes: a row is one run. What is recent
  is moved there range by range (see `cid_moving`).

Whether a cid may have been stored at all is known from memory (see `cid_filter`). What is found is compared with the
message itself, so no collision matters, and entries of messages that are gone find nothing.

Whoever uses this holds the write lock of the database, or is alone with it. What is in memory may be more than what a
transaction that was undone has left on the disk, never less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from twim.storage.interface import Post
from twim.storage.sqlite.cid_entries import (
    CID_BYTES,
    ENTRY_BYTES,
    HASH_MASK,
    ID_BITS,
    ID_MASK,
    INPUT_BITS,
    SENDER_BITS,
    Entries,
    hash_of,
    ids_of,
    new_key,
    pack,
    shortened,
    unpack,
)
from twim.storage.sqlite.cid_filter import MASK_OF, MASKS, CidFilter
from twim.storage.sqlite.cid_moving import BUCKET_SHIFT, ROW_BITS, Execute, move_some, moving_through, stop_moving

FEW: Final = 1_024  # entries: a recent row that has fewer is written again with the next ones
PIECE: Final = 50_000  # messages whose entries are made from the log at a time
NO_CID: Final = -1

CID_KEY: Final = "cid_key"  # in table `meta`
_KEY: Final = f"SELECT value FROM meta WHERE name = '{CID_KEY}'"
_NEW_KEY: Final = f"INSERT INTO meta (name, value) VALUES ('{CID_KEY}', ?)"
_FROM_LOG: Final = (
    "SELECT group_concat(id || ' ' || sender || ' ' || hex(cid)) FROM message"
    " WHERE id > ? AND id <= ? AND cid IS NOT NULL"
)
_OF_BUCKET: Final = "SELECT entries FROM cid_bucket WHERE id >= ? AND id < ?"
_IS_IT: Final = "SELECT 1 FROM message WHERE id = ? AND sender = ? AND cid = ?"


class CidIndex:
    """See the module."""

    def __init__(self) -> None:
        self.recent: dict[int, Entries[int]] = {}
        """What is in `cid_recent`, and perhaps what was there."""
        self.key = 0
        """Of the hashes; 0 until it knows what is on the disk."""
        self._filter = CidFilter(0, 3)

    @property
    def loaded(self) -> bool:
        """Whether it knows what is on the disk."""
        return self.key != 0

    def sift(self, execute: Execute, posts: Sequence[Post]) -> tuple[list[int], set[int]]:
        """The hash of each post's cid, `NO_CID` for one without, and the `id()` of those posts whose cid the index has
        already. The filter has all of them from now on."""
        key, bits, shift = self.key, self._filter.bits, self._filter.shift
        hashes: list[int] = []
        stored: set[int] = set()
        for post in posts:
            said = post.message
            if not said.cid:
                hashes.append(NO_CID)
                continue
            cid = said.cid.encode()
            # As `hash_of` and `CidFilter` do it: calling them would take as long again.
            short = cid if len(cid) <= CID_BYTES else shortened(cid)
            number = int.from_bytes(short, "little") << SENDER_BITS | said.userid
            hashed = number * key >> INPUT_BITS & HASH_MASK
            hashes.append(hashed)
            place, mask = hashed >> shift, MASKS[hashed & MASK_OF]
            if bits[place] & mask != mask:
                bits[place] |= mask
            elif self._find(execute, hashed, said.userid, cid) is not None:
                stored.add(id(post))
        return hashes, stored

    def find(self, execute: Execute, sender: int, cid: bytes) -> int | None:
        """The id of the message that a sender called so; None when the index has none."""
        hashed = hash_of(self.key, sender, cid)
        return self._find(execute, hashed, sender, cid) if self._filter.may_have(hashed) else None

    def _find(self, execute: Execute, hashed: int, sender: int, cid: bytes) -> int | None:
        for one in self._candidates(execute, hashed):
            if list(execute(_IS_IT, (one, sender, cid))):
                return one
        return None

    def _candidates(self, execute: Execute, hashed: int) -> Iterator[int]:
        for entries in self.recent.values():
            yield from ids_of(entries, hashed)
        first = hashed >> BUCKET_SHIFT << ROW_BITS
        for (stored,) in list(execute(_OF_BUCKET, (first, first + (1 << ROW_BITS)))):
            yield from ids_of(unpack(stored), hashed)

    def write(self, execute: Execute, through: int, newest: int, noted: Sequence[int] | None) -> None:
        """Write the entries of the messages with ids above `through`, up to `newest`. `noted` has them, and perhaps
        some before; None where they have to be read from the log. What was written without its key is made anew."""
        stored = list(execute(_KEY, ()))
        key = int(stored[0][0], 16) if stored else 0
        if not key:
            self._begin(execute, newest)
            through = 0
        elif key != self.key:
            self._load(execute, key)
        elif noted is not None:
            self._append(execute, through + 1, [one for one in noted if one & ID_MASK > through])
            return
        for start in range(through, newest, PIECE):
            end = min(start + PIECE, newest)
            entries = self._from_log(execute, start, end)
            self._filter.add(entries)
            self._append(execute, start + 1, entries)
            while end < newest and self._move(execute):
                pass

    def tidy(self, execute: Execute) -> None:
        """Move a part of what is recent to the buckets, if it is time for it. At the beginning of a transaction: what
        isn't in `cid_recent` then is not there for ever, and can be forgotten."""
        if self.loaded:
            for gone in self.recent.keys() - self._stored(execute):
                del self.recent[gone]
            self._move(execute)

    def _move(self, execute: Execute) -> bool:
        return move_some(execute, {one: self.recent[one] for one in self._stored(execute)})

    def _begin(self, execute: Execute, messages: int) -> None:
        execute("DELETE FROM cid_recent", ())
        execute("DELETE FROM cid_bucket", ())
        stop_moving(execute)
        key = new_key()
        execute(_NEW_KEY, (f"{key:x}",))
        self.key, self.recent, self._filter = key, {}, CidFilter(messages)

    def _load(self, execute: Execute, key: int) -> None:
        ((size,),) = execute("SELECT coalesce(sum(length(entries)), 0) FROM cid_bucket", ())
        self.recent = {one: unpack(stored) for one, stored in execute("SELECT id, entries FROM cid_recent", ())}
        self._filter = CidFilter(size // ENTRY_BYTES + sum(map(len, self.recent.values())))
        for entries in self.recent.values():
            self._filter.add(entries)
        for (stored,) in execute("SELECT entries FROM cid_bucket", ()):
            self._filter.add(unpack(stored))
        self.key = key

    def _from_log(self, execute: Execute, after: int, up_to: int) -> list[int]:
        # All in one row: each row would let go of the GIL and wait for it.
        ((text,),) = execute(_FROM_LOG, (after, up_to))
        entries = []
        for one in (text or "").split(","):
            if one:
                message_id, sender, cid = one.split(" ")
                entries.append(hash_of(self.key, int(sender), bytes.fromhex(cid)) << ID_BITS | int(message_id))
        return entries

    def _append(self, execute: Execute, first: int, entries: Sequence[int]) -> None:
        if not entries:
            return
        last = max(self._stored(execute), default=0)
        if last > moving_through(execute) and len(self.recent[last]) < FEW:
            first, entries = last, [*self.recent[last], *entries]
        packed = pack(entries)
        self.recent[first] = unpack(packed)
        execute("INSERT OR REPLACE INTO cid_recent (id, entries) VALUES (?, ?)", (first, packed))

    @staticmethod
    def _stored(execute: Execute) -> set[int]:
        return {one for (one,) in execute("SELECT id FROM cid_recent", ())}
