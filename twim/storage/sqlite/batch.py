"""What of a batch of posts the quick way can store, and how: the rest takes the portable transaction after it.

Messages of one conversation keep their order: once one of them is left to the portable way, those after it are, too.
So does whatever repeats a `cid` of the batch.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any, Final

from twim.storage import attachments
from twim.storage.interface import Conversation, Post
from twim.storage.sqlite.cid_entries import ID_BITS
from twim.wire.commands import EVENTS, NOTICE
from twim.wire.message import encode

RecentCids = dict[int, set[str]]
"""The cids by their senders. Gives an empty set for a sender without one."""

_ROW: Final = "(?,?,?,?,?,?)"
_COLUMNS: Final = 6  # values of a row
# Rows in one statement. Each call lets go of the GIL several times and binds its values in a few nanoseconds each: a
# hundred rows at once take 1.1 µs each where one after the other takes 1.8. Old versions of SQLite take 999 values.
_TOGETHER: Final = (100, 10, 1)
_INSERTS: Final = tuple(
    (count, f"INSERT INTO message (conversation, seq, sender, cid, ref, body) VALUES {','.join([_ROW] * count)}")
    for count in _TOGETHER
)
_ATTACHED: Final = "INSERT INTO attachment (stem, cate, place, seq) VALUES (:stem, :cate, :place, :seq)"


class Batch:
    """The posts of a batch, sorted: `plain` are numbered and can be inserted, `rest` can't. The plain ones' cids are in
    `recent`, and their conversations' heads have moved, until `undo`."""

    def __init__(
        self, posts: Sequence[Post], hashes: Sequence[int], at: int, recent: RecentCids, left_out: Collection[int]
    ) -> None:
        """`hashes` are those of the posts' cids, of anything where there is none. Posts whose `id()` is in `left_out`
        are not plain."""
        self.plain: list[Post] = []
        self.rest: list[Post] = []
        self.concerned: list[int] = []
        """The ids, once they are inserted, of those that name somebody or that nobody has to read."""
        self.cids: list[int] = []
        """The entries of those with a cid, once they are inserted (see `cid_entries`)."""
        self._concerned: list[int] = []
        self._hashed: list[int] = []
        self._recent = recent
        self._values: list[Any] = []
        self._attached: list[dict[str, Any]] = []
        self._left_out = left_out
        self._waiting: set[Conversation] = set()
        self._waiting_cids: set[tuple[int, str]] = set()
        self._sort(posts, hashes, at)

    def _sort(self, posts: Sequence[Post], hashes: Sequence[int], at: int) -> None:
        plain, values, recent, left_out = self.plain, self._values, self._recent, self._left_out
        hashed = self._hashed
        for post, hash_of_cid in zip(posts, hashes, strict=True):
            said = post.message
            conversation = post.conversation
            head = conversation.head
            cid = said.cid
            # An unknown head is below every ref.
            if said.ref > head or said.media in EVENTS or post.files or (cid and cid in recent[said.userid]):
                self._leave(post)
                continue
            if (left_out and id(post) in left_out) or (self.rest and self._follows(post)):
                self._leave(post)
                continue
            if said.ref and said.ref < conversation.floor:
                self._leave(post)
                continue
            said.at = at
            said.seq = conversation.head = head + 1
            body = post.body = encode(said)
            if cid:
                recent[said.userid].add(cid)
                hashed.append(hash_of_cid << ID_BITS | len(plain))
            if said.mentions or said.media == NOTICE:
                self._concerned.append(len(plain))
            if said.url or said.pic:
                self._attached += attachments.of_message(said, conversation.id)
            plain.append(post)
            values += (conversation.id, head + 1, said.userid, cid.encode() if cid else None, said.ref or None, body)

    def _leave(self, post: Post) -> None:
        self.rest.append(post)
        self._waiting.add(post.conversation)
        self._waiting_cids.add((post.message.userid, post.message.cid))

    def _follows(self, post: Post) -> bool:
        """Whether it must be stored after one that is left."""
        said = post.message
        return post.conversation in self._waiting or (bool(said.cid) and (said.userid, said.cid) in self._waiting_cids)

    def insert(self, connection: sqlite3.Connection) -> None:
        """Insert the plain ones, of which there must be some."""
        values = self._values
        at = last = 0
        for count, statement in _INSERTS:
            size = count * _COLUMNS
            while at + size <= len(values):
                last = connection.execute(statement, values[at : at + size]).lastrowid or 0
                at += size
        first = last - len(self.plain) + 1
        self.cids = [first + one for one in self._hashed]
        self.concerned = [first + place for place in self._concerned]
        if self._attached:
            connection.executemany(_ATTACHED, self._attached)

    def undo(self) -> None:
        """Nothing of it is stored: forget the numbers that were given and the cids."""
        for post in reversed(self.plain):
            said = post.message
            post.conversation.head = said.seq - 1
            if said.cid:
                self._recent[said.userid].discard(said.cid)
