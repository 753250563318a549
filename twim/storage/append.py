"""The transaction that appends a batch of posts, on any database: its `Dialect` says what differs.

The conversations' heads are taken (and, where several servers share the database, locked in the order of their ids,
so that two batches never deadlock); each post that was not stored before gets the next seq.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from twim.errors import NotYours, Refusal
from twim.storage import attachments, conversation_table, events, unread
from twim.storage.dialect import Dialect
from twim.storage.interface import Post
from twim.storage.schema import participant
from twim.wire.commands import EVENTS, NOTICE, RECALL
from twim.wire.message import Message, decode_shown, encode


class Outsiders(Exception):
    """Some of the senders are no participants any more: `pairs`, `(userid, conversation id)` each.
    Nothing is stored; it is tried again without them."""

    def __init__(self, pairs: set[tuple[int, int]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def append(
    dialect: Dialect,
    connection: Connection,
    posts: Sequence[Post],
    at: int,
    outsiders: Collection[tuple[int, int]] = (),
) -> None:
    """Store `posts` in order, accepted at `at` (ms), and write on each what became of it; those of `outsiders`, which
    are `(userid, conversation id)`, are refused. On a database server `Outsiders` when there are others."""
    batch = _Batch(dialect, connection, at, outsiders)
    batch.load(posts)
    for post in posts:
        post.refused = post.first = None
        try:
            batch.take(post)
        except Refusal as refused:
            post.refused = refused
    batch.finish(posts)


class _Batch:
    def __init__(
        self, dialect: Dialect, connection: Connection, at: int, outsiders: Collection[tuple[int, int]]
    ) -> None:
        self.dialect = dialect
        self.connection = connection
        self.at = at
        self.outsiders = outsiders
        self.heads: dict[int, int] = {}
        self.floors: dict[int, int] = {}
        self.known: dict[tuple[int, bytes], tuple[int, int, int, int]] = {}
        self.rows: list[dict[str, Any]] = []
        self.attached: list[dict[str, Any]] = []
        self.silent: list[tuple[int, int]] = []
        self.named: list[tuple[int, int, int]] = []
        self.read: dict[tuple[int, int], int] = {}

    def load(self, posts: Sequence[Post]) -> None:
        self.dialect.write_index(self.connection)
        self.heads = self.dialect.heads(self.connection, {post.conversation.id for post in posts})
        self.before = dict(self.heads)
        if referring := {post.conversation.id for post in posts if post.message.ref}:
            self.floors = conversation_table.kept_from(self.connection, sorted(referring))
        asked = {(post.message.userid, post.message.cid.encode()) for post in posts if post.message.cid}
        self.known = first_answers(self.dialect, self.connection, asked)

    def take(self, post: Post) -> None:
        said = post.message
        cid = said.cid.encode() or None
        first = self.known.get((said.userid, cid)) if cid else None
        if first is not None:
            post.first = first
            return
        conversation_id = post.conversation.id
        if self.outsiders and said.media != NOTICE and (said.userid, conversation_id) in self.outsiders:
            raise NotYours("dstid: you are not in that group")
        head = self.heads[conversation_id]
        if said.ref > head or (said.ref and said.ref < self.floors.get(conversation_id, 1)):
            raise Refusal("ref: there is no such message")
        if post.files:
            attachments.check_use(self.connection, said.userid, post.files)
        if said.media in EVENTS:
            self.flush()
            self.dialect.write_index(self.connection)
            events.apply(self.connection, self.dialect.messages, post, self.at)
        self.heads[conversation_id] = said.seq = head + 1
        said.at = self.at
        post.body = encode(said)
        if cid:
            self.known[(said.userid, cid)] = (said.cmd, said.dstid, said.seq, said.at)
        self.read[(said.userid, conversation_id)] = said.seq
        if said.url or said.pic:
            self.attached += attachments.of_message(said, conversation_id)
        if said.media >= RECALL or said.mentions:
            self.count(said, conversation_id)
        self.rows.append(
            {
                "conversation": conversation_id,
                "seq": said.seq,
                "sender": said.userid,
                "cid": cid,
                "ref": said.ref or None,
                "body": post.body,
            }
        )

    def count(self, said: Message, conversation_id: int) -> None:
        """What isn't a mere message, for whoever counts what is unread."""
        if said.media in EVENTS or said.media == NOTICE:
            self.silent.append((conversation_id, said.seq))
        self.named += [(userid, conversation_id, said.seq) for userid in unread.names(said)]

    def flush(self) -> None:
        if self.rows:
            self.dialect.insert_messages(self.connection, self.rows)
            attachments.store(self.connection, self.attached)
            self.dialect.store_unread(self.connection, self.silent, self.named)
            self.rows, self.attached, self.silent, self.named = [], [], [], []

    def finish(self, posts: Sequence[Post]) -> None:
        self.flush()
        moved = [(one, head) for one, head in self.heads.items() if head != self.before[one]]
        self.dialect.move_heads(self.connection, moved)
        # Who has sent something has read it: a mark that isn't there is of somebody who was removed, at another server
        # perhaps, which this one hasn't heard of. That costs no statement.
        if not self.dialect.mark_senders(self.connection, [(*one, seq) for one, seq in self.read.items()]):
            self.look_for_outsiders(posts)

    def look_for_outsiders(self, posts: Sequence[Post]) -> None:
        users, conversation_ids = {user for user, _ in self.read}, {one for _, one in self.read}
        wanted = select(participant.c.userid, participant.c.conversation).where(
            participant.c.conversation.in_(conversation_ids), participant.c.userid.in_(users)
        )
        found = {(user, conversation_id) for user, conversation_id in self.connection.execute(wanted)}
        # Who left is named by the notice of it.
        speakers = {(x.message.userid, x.conversation.id) for x in posts if x.is_new and x.message.media != NOTICE}
        if outside := speakers - found:
            raise Outsiders(outside)


def first_answers(
    dialect: Dialect, connection: Connection, asked: Iterable[tuple[int, bytes]]
) -> dict[tuple[int, bytes], tuple[int, int, int, int]]:
    """`(scope, dstid, seq, at)` of those `(sender, cid)` that are stored already."""
    found = {}
    for sender, cid, body in dialect.stored_cids(connection, sorted(asked)):
        first = decode_shown(body)
        found[(sender, bytes(cid))] = (first.cmd, first.dstid, first.seq, first.at)
    return found
