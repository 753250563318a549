"""Appending to SQLite: which messages of a batch are stored the quick way, with the same result as the portable way."""

from __future__ import annotations

import sqlite3
from random import Random
from typing import Any

import msgspec
from sqlalchemy import insert, select
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from test.storage.rig import OnSqlite, asynchronous, stored_bodies
from twim.errors import Failed, Unavailable
from twim.storage.interface import Post
from twim.storage.schema import message, named, silent, user
from twim.storage.sqlite import batch
from twim.wire.commands import EDIT, NOTICE, REACTION, RECALL, SINGLE
from twim.wire.message import Message

STEM = "ab/" + "c" * 62


def text_of(userid: int, dstid: int, **more: Any) -> Message:
    """A text message."""
    return Message(**({"userid": userid, "cmd": SINGLE, "dstid": dstid, "media": 1, "content": "x"} | more))


class AppendTests(OnSqlite):
    """Batches of plain messages and others."""

    def setUp(self) -> None:
        super().setUp()
        self.left: list[list[int]] = []
        appender = self.storage.log._appender
        self.fallback = appender._fallback.append

        def watched(posts: Any, at: int, ended: Any) -> None:
            self.left.append([post.message.amount for post in posts])
            self.fallback(posts, at, ended)

        self.patch(appender._fallback, "append", watched)

    async def users(self, count: int) -> list[int]:
        """So many users."""
        return [(await self.storage.user()).id for _ in range(count)]

    async def rows(self, table: Any) -> list[Any]:
        """All of a table."""
        work: Deferred[Any] = self.storage.database.read(lambda c: [tuple(row) for row in c.execute(select(table))])
        return list(await work)

    @asynchronous
    async def test_plain(self) -> None:
        """Texts, replies, pictures, mentions and notices are stored the quick way, completely."""
        a, b = await self.users(2)
        await self.storage.together(
            text_of(a, b, cid="1"),
            text_of(b, a, cid="1", ref=1),
            text_of(a, b, url=f"/mnt/{STEM}.png"),
            text_of(a, b, mentions=(b, 0)),
            text_of(a, b, media=NOTICE),
        )
        self.assertEqual(self.left, [])
        self.assertEqual(await self.storage.attachments.referenced([STEM]), {STEM})
        refs = [row[5] for row in await self.rows(message)]
        self.assertEqual(refs, [None, 1, None, None, None])
        (row,) = await self.storage.conversations.rows(b)
        self.assertEqual((row.unread, row.mentions), (2, 1))
        self.assertEqual(len(await self.rows(silent)), 1)

    @asynchronous
    async def test_one_event(self) -> None:
        """An event is stored the portable way, with later messages of its conversation; the others the quick way."""
        a, b, c = await self.users(3)
        await self.storage.say(a, b, amount=1)
        posts = await self.storage.together(
            text_of(a, b, amount=2),
            text_of(a, b, amount=3, media=EDIT, ref=2, content="new"),
            text_of(a, c, amount=4),
            text_of(b, a, amount=5),
            text_of(c, a, amount=6),
        )
        self.assertEqual(self.left, [[3, 5]])
        self.assertEqual([post.message.seq for post in posts], [2, 3, 1, 4, 2])
        contents = [msgspec.json.decode(body)["content"] for body in await self.storage.bodies(a, b)]
        self.assertEqual(contents, ["hi", "new", "new", "x"])
        await self.storage.together(text_of(a, b, amount=7), text_of(a, c, amount=8))
        self.assertEqual(len(self.left), 1)

    @asynchronous
    async def test_repeats_among_others(self) -> None:
        """A repeated cid, recent or old, gets its first answer; the others of the batch are stored."""
        a, b, c = await self.users(3)
        await self.storage.together(text_of(a, b, cid="old"), text_of(a, b, cid="x"))
        await self.storage.indexing.written()
        await self.storage.say(a, b, cid="new")
        posts = await self.storage.together(
            text_of(a, c, amount=1, cid="1"),
            text_of(a, b, amount=2, cid="old"),
            text_of(a, b, amount=3, cid="2"),
            text_of(b, c, amount=4, cid="old"),
            text_of(a, c, amount=5, cid="new"),
            text_of(a, b, amount=6, cid="1"),
        )
        self.assertEqual(self.left, [[2, 3, 5, 6]])
        now = self.storage.now
        first = [None, (SINGLE, b, 1, now), None, None, (SINGLE, b, 3, now), (SINGLE, c, 1, now)]
        self.assertEqual([post.first for post in posts], first)
        self.assertEqual([posts[n].message.seq for n in (0, 2, 3)], [1, 4, 1])
        # A conversation in which something was repeated goes on as before.
        await self.storage.together(text_of(a, b), text_of(a, c), text_of(b, c))
        self.assertEqual(len(self.left), 1)
        self.assertEqual(len(await self.rows(message)), 9)

    @asynchronous
    async def test_index_not_loaded(self) -> None:
        """As long as it isn't known which cids are stored, the portable way finds out; then it is known."""
        a, b = await self.users(2)
        await self.storage.say(a, b, cid="x")
        await self.storage.indexing.written()
        self.storage.database.dialect.cids.__init__()
        posts = await self.storage.together(text_of(a, b, amount=1, cid="x"), text_of(a, b, amount=2, cid="y"))
        self.assertEqual(self.left, [[1, 2]])
        self.assertEqual([post.first and post.first[2] for post in posts], [1, None])
        self.assertIsNone((await self.storage.say(a, b, amount=3, cid="z")).first)
        self.assertEqual(len(self.left), 1)

    @asynchronous
    async def test_repeated_at_once(self) -> None:
        """The same cid twice in a batch, the first of them an event, is stored once."""
        a, b, c = await self.users(3)
        await self.storage.say(a, b)
        posts = await self.storage.together(
            text_of(a, b, amount=1, cid="x", media=REACTION, ref=1, content="👍"), text_of(a, c, amount=2, cid="x")
        )
        self.assertEqual(self.left, [[1, 2]])
        self.assertEqual([post.first for post in posts], [None, (SINGLE, b, 2, self.storage.now)])

    @asynchronous
    async def test_rest_fails(self) -> None:
        """When the portable way fails its senders are refused; the others are answered, since they are stored."""
        a, b, c = await self.users(3)
        await self.storage.say(a, b)
        real = self.fallback
        self.fallback = lambda posts, at, ended: ended(Failure(Unavailable()))
        said = [text_of(a, b, media=EDIT, ref=1), text_of(a, c)]
        edit, plain = await self.storage.together(*said)
        self.assertIsInstance(edit.refused, Unavailable)
        self.assertIsNone(plain.refused)
        self.fallback = lambda posts, at, ended: ended(Failure(ZeroDivisionError()))
        edit, plain = await self.storage.together(*said)
        self.assertIsInstance(edit.refused, Failed)
        self.assertEqual(plain.message.seq, 2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.fallback = real
        self.assertEqual((await self.storage.say(b, a)).message.seq, 2)

    @asynchronous
    async def test_failed_commit(self) -> None:
        """A commit that fails is tried again the portable way; numbers and cids are those of the disk."""
        a, b = await self.users(2)
        await self.storage.say(a, b, cid="1")
        real = self.storage.log._appender._committer.run

        def failing(call: Any, done: Any) -> None:
            self.storage.log._appender._connection.rollback()
            real(lambda: (_ for _ in ()).throw(sqlite3.OperationalError("disk I/O error")), done)

        self.patch(self.storage.log._appender._committer, "run", failing)
        posts = await self.storage.together(text_of(a, b, cid="2"), text_of(b, a, cid="2"))
        self.patch(self.storage.log._appender._committer, "run", real)
        self.assertEqual([post.message.seq for post in posts], [2, 3])
        self.assertEqual((await self.storage.say(a, b, cid="2")).first[2], 2)
        self.assertEqual((await self.storage.say(a, b, cid="3")).message.seq, 4)

    @asynchronous
    async def test_recalled_before_it_is_indexed(self) -> None:
        """A mention that was indexed and recalled meanwhile isn't written again."""
        a, b = await self.users(2)
        await self.storage.say(a, b, mentions=(b,))
        await self.storage.say(a, b, media=RECALL, ref=1)
        await self.storage.say(a, b, mentions=(b,))
        await self.storage.indexing.written()
        self.assertEqual([row[2] for row in await self.rows(named)], [3])

    @asynchronous
    async def test_any_mix(self) -> None:
        """Random batches are stored as the portable way alone would store them, with the same answers."""
        self.patch(batch, "_INSERTS", tuple((n, s) for n, s in batch._INSERTS if n < 100))
        random = Random(11)
        people = await self.users(3)
        other = self.open_other()
        known = await self.storage.database.read(lambda connection: connection.execute(select(user)).mappings().all())
        await other.database.write(lambda connection: connection.execute(insert(user), [dict(one) for one in known]))
        for _ in range(60):
            said = [self.random_message(random, people) for _ in range(random.choice((1, 3, 30)))]
            here = await self.storage.together(*said)
            there = await other.together(*[msgspec.convert(msgspec.to_builtins(one), Message) for one in said])
            self.assertEqual([outcome(post) for post in here], [outcome(post) for post in there])
            if random.random() < 0.3:
                await self.storage.indexing.written()
        for a in people:
            for b in people:
                self.assertEqual(await self.storage.bodies(a, b), await other.bodies(a, b))
            rows = [await one.conversations.rows(a) for one in (self.storage, other)]
            counted = [sorted((row.dstid, row.seq, row.read, row.unread, row.mentions) for row in one) for one in rows]
            self.assertEqual(*counted)
        self.assertEqual(len(await stored_bodies(self.storage)), len(await stored_bodies(other)))

    def open_other(self) -> Any:
        """A storage over another database, which has only the portable way."""
        self.address = self.url()
        other = self.open()
        other.log._appender = other.log._appender._fallback
        return other

    def random_message(self, random: Random, people: list[int]) -> Message:
        """Mostly plain ones, with few different cids."""
        a, b = random.choices(people, k=2)
        more = random.choice(
            (
                {},
                {"cid": str(random.randrange(200))},
                {"cid": str(random.randrange(2000))},
                {"mentions": (random.choice(people), 0)[: random.randint(1, 2)]},
                {"ref": random.randrange(1, 30)},
                {"ref": random.randrange(1, 30), "media": random.choice((RECALL, EDIT, REACTION)), "content": "y"},
                {"media": NOTICE, "content": "removed", "memo": str(b)},
            )
        )
        return text_of(a, b, **more)


def outcome(post: Post) -> tuple[Any, ...]:
    """The result that its sender is told."""
    return post.first, post.refused and post.refused.msg, post.is_new and post.message.seq
