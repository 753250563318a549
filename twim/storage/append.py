"""The transaction that appends a batch of posts, on any database.

The conversations' heads are taken (and, where several servers share the database, locked in the order of their ids,
so that two batches never wait for each other in a circle); each post that was not stored before gets the next seq.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection, insert, select, tuple_

from twim.errors import Refusal
from twim.storage import attachments, events, places
from twim.storage.behind import catch_up
from twim.storage.interface import Post
from twim.storage.moving import move_heads, move_marks
from twim.storage.schema import conversation, message
from twim.wire.commands import EVENTS
from twim.wire.message import decode_shown, encode

_CHUNK = 400  # values in one IN (…): SQLite takes 32,766 parameters, older ones 999

_insert = insert(message)
_COLUMNS = ("conversation", "seq", "sender", "cid", "ref", "body")
# A row at a time takes PostgreSQL three times as long. PyMySQL makes one statement of many rows by itself.
_INSERT_POSTGRESQL = (
    "INSERT INTO message (conversation, seq, sender, cid, ref, body)"
    " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bytea[])"
)

# Neither SQLite nor PostgreSQL uses the index for a list of pairs: both would read everything.
_FIRST_SQLITE = (
    "WITH asked(sender, cid) AS (VALUES {values}) SELECT m.sender, m.cid, m.body FROM asked"
    " CROSS JOIN said ON said.sender = asked.sender AND said.cid = asked.cid JOIN message AS m ON m.id = said.id"
)
_FIRST_POSTGRESQL = (
    "SELECT m.sender, m.cid, m.body FROM unnest(%s::bigint[], %s::bytea[]) AS asked(sender, cid)"
    " JOIN message AS m ON m.sender = asked.sender AND m.cid = asked.cid AND m.cid IS NOT NULL"
)


def append(connection: Connection, posts: Sequence[Post], at: int) -> None:
    """Store `posts` in order, accepted at `at` (ms), and write on each what became of it."""
    batch = _Batch(connection, at)
    batch.load(posts)
    for post in posts:
        post.refused = post.first = None
        try:
            batch.take(post)
        except Refusal as refused:
            post.refused = refused
    batch.finish()


class _Batch:
    def __init__(self, connection: Connection, at: int) -> None:
        self.connection = connection
        self.at = at
        self.heads: dict[int, int] = {}
        self.known: dict[tuple[int, bytes], tuple[int, int, int, int]] = {}
        self.rows: list[dict[str, Any]] = []
        self.attached: list[dict[str, Any]] = []
        self.read: dict[tuple[int, int], int] = {}

    def load(self, posts: Sequence[Post]) -> None:
        catch_up(self.connection)
        self.heads = heads(self.connection, {post.conversation.id for post in posts})
        self.before = dict(self.heads)
        asked = {(post.message.userid, post.message.cid.encode()) for post in posts if post.message.cid}
        self.known = first_answers(self.connection, asked)

    def take(self, post: Post) -> None:
        said = post.message
        cid = said.cid.encode() or None
        first = self.known.get((said.userid, cid)) if cid else None
        if first is not None:
            post.first = first
            return
        place = post.conversation.id
        head = self.heads[place]
        if said.ref > head:
            raise Refusal("ref: there is no such message")
        if said.media in EVENTS:
            self.flush()
            catch_up(self.connection)
            events.apply(self.connection, post, self.at)
        self.heads[place] = said.seq = head + 1
        said.at = self.at
        post.body = encode(said)
        if cid:
            self.known[(said.userid, cid)] = (said.cmd, said.dstid, said.seq, said.at)
        self.read[(said.userid, place)] = said.seq
        if said.url or said.pic:
            self.attached += attachments.of_message(said, place)
        self.rows.append(
            {
                "conversation": place,
                "seq": said.seq,
                "sender": said.userid,
                "cid": cid,
                "ref": said.ref or None,
                "body": post.body,
            }
        )

    def flush(self) -> None:
        if self.rows:
            _insert_rows(self.connection, self.rows)
            attachments.store(self.connection, self.attached)
            self.rows, self.attached = [], []

    def finish(self) -> None:
        self.flush()
        if self.connection.dialect.name == "sqlite":
            return
        move_heads(self.connection, ((place, head) for place, head in self.heads.items() if head != self.before[place]))
        move_marks(self.connection, ((user, place, seq) for (user, place), seq in self.read.items()))


def _insert_rows(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if connection.dialect.name == "postgresql" and len(rows) > 1:
        connection.exec_driver_sql(_INSERT_POSTGRESQL, tuple([row[name] for row in rows] for name in _COLUMNS))
    else:
        connection.execute(_insert, rows)


def heads(connection: Connection, wanted: Iterable[int]) -> dict[int, int]:
    """The newest seq of each conversation, by its id; 0 for an empty one. Locks them but on SQLite."""
    ordered = sorted(wanted)
    if connection.dialect.name == "sqlite":
        return {place: places.head(connection, place) for place in ordered}
    found: dict[int, int] = {}
    for start in range(0, len(ordered), _CHUNK):
        lock = (
            select(conversation.c.id, conversation.c.head)
            .where(conversation.c.id.in_(ordered[start : start + _CHUNK]))
            .order_by(conversation.c.id)
            .with_for_update()
        )
        found.update((place, head) for place, head in connection.execute(lock))
    return found


def first_answers(
    connection: Connection, asked: Iterable[tuple[int, bytes]]
) -> dict[tuple[int, bytes], tuple[int, int, int, int]]:
    """`(scope, dstid, seq, at)` of those `(sender, cid)` that are stored already."""
    found = {}
    for sender, cid, body in _stored(connection, sorted(asked)):
        first = decode_shown(body)
        found[(sender, bytes(cid))] = (first.cmd, first.dstid, first.seq, first.at)
    return found


def _stored(connection: Connection, pairs: Sequence[tuple[int, bytes]]) -> Iterator[Any]:
    if connection.dialect.name == "postgresql":
        if pairs:
            senders, cids = zip(*pairs, strict=True)
            yield from connection.exec_driver_sql(_FIRST_POSTGRESQL, (list(senders), list(cids)))
        return
    for start in range(0, len(pairs), _CHUNK):
        chunk = pairs[start : start + _CHUNK]
        if connection.dialect.name == "sqlite":
            values = ",".join(["(?,?)"] * len(chunk))
            yield from connection.exec_driver_sql(_FIRST_SQLITE.format(values=values), tuple(chain(*chunk)))
        else:
            stored = select(message.c.sender, message.c.cid, message.c.body)
            yield from connection.execute(stored.where(tuple_(message.c.sender, message.c.cid).in_(chunk)))
