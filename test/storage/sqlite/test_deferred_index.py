"""SQLite's deferred index is complete for every reader, however the server ended, and costs no commit."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import msgspec
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, inspect, text
from sqlalchemy.engine import URL
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from test.storage.rig import OnSqlite, Storage, asynchronous, stored_bodies
from twim.errors import Unavailable
from twim.storage import migrations
from twim.storage.conversation_table import make
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.migrations.versions import r0001_begin
from twim.storage.opening import open_database
from twim.storage.schema import cid_recent, message, run
from twim.storage.sqlite import deferred_index, index_writing
from twim.storage.sqlite.cid_entries import unpack
from twim.storage.sqlite.deferred_index import DEFER_SECONDS, RETRY_SECONDS, DeferredIndex
from twim.storage.sqlite.message_index import RunIndex
from twim.wire.commands import REACTION, RECALL, SINGLE
from twim.wire.message import Message, encode


def text_of(userid: int, dstid: int, **more: Any) -> Message:
    """A text message."""
    return Message(**({"userid": userid, "cmd": SINGLE, "dstid": dstid, "media": 1, "content": "x"} | more))


async def rows_of(storage: Storage, table: Any) -> list[tuple[Any, ...]]:
    """All rows of a table."""
    work: Deferred[Any] = storage.database.read(lambda c: [tuple(row) for row in c.execute(table.select())])
    return list(await work)


class DeferredIndexTests(OnSqlite):
    """When the index is written, and what happens if it can't be."""

    async def two(self) -> tuple[int, int]:
        """Two users."""
        return (await self.storage.user()).id, (await self.storage.user()).id

    @asynchronous
    async def test_not_with_the_message(self) -> None:
        """A message that nobody has read yet is only in the log."""
        a, b = await self.two()
        await self.storage.say(a, b, cid="c")
        self.assertEqual(await rows_of(self.storage, run), [])
        self.assertEqual(await rows_of(self.storage, cid_recent), [])

    @asynchronous
    async def test_runs(self) -> None:
        """Consecutive messages of one conversation are found by one row of the index."""
        a, b = await self.two()
        await self.storage.together(*[text_of(a, b) for _ in range(5)], text_of(a, a), *[text_of(b, a)] * 2)
        await self.storage.indexing.written()
        runs = [(first, last, message_id) for _, first, last, message_id in await rows_of(self.storage, run)]
        self.assertEqual(sorted(runs), [(1, 1, 6), (1, 5, 1), (6, 7, 7)])

    @asynchronous
    async def test_in_time(self) -> None:
        """The index is written by itself a moment later, once for all messages."""
        clock = Clock()
        here = DeferredIndex(self.storage.database, self.storage.database.dialect.cids, clock)
        self.storage.log._appender._index = self.storage.log._appender._fallback._indexing = here
        a, b = await self.two()
        for _ in range(3):
            await self.storage.say(a, b)
        self.assertEqual(len(clock.getDelayedCalls()), 1)
        clock.advance(DEFER_SECONDS)
        await here.written()
        self.assertEqual([row[1:3] for row in await rows_of(self.storage, run)], [(1, 3)])
        self.assertEqual(clock.getDelayedCalls(), [])

    @asynchronous
    async def test_many(self) -> None:
        """It is written earlier when there are many messages."""
        self.patch(deferred_index, "DEFER_MESSAGES", 4)
        a, b = await self.two()
        for _ in range(4):
            await self.storage.say(a, b)
        acquired: Deferred[None] = Deferred()
        self.storage.database.backend.write_lock.acquire(lambda: acquired.callback(None))
        await acquired
        self.storage.database.backend.write_lock.release()
        self.assertEqual(len(await rows_of(self.storage, run)), 1)

    @asynchronous
    async def test_storage_gone(self) -> None:
        """While it can't be written each reader makes it and undoes it; writing is tried again, and nothing is
        forgotten."""
        clock = Clock()
        here = DeferredIndex(self.storage.database, self.storage.database.dialect.cids, clock)
        self.storage.log._appender._index = here
        self.storage.conversations._indexing = here
        a, b = await self.two()
        await self.storage.say(a, b)
        real = self.storage.database.write
        self.patch(self.storage.database, "write", lambda *_, **__: fail(Unavailable()))
        await self.refused(self.storage.conversations.rows(a), "", Unavailable)

        def full(work: Any, synced: bool = True) -> Any:
            return real(work) if synced else fail(Unavailable())

        self.patch(self.storage.database, "write", full)
        (row,) = await self.storage.conversations.rows(a)
        self.assertEqual((row.seq, row.read), (1, 1))
        self.assertEqual(await rows_of(self.storage, run), [])
        self.patch(self.storage.database, "write", real)
        clock.advance(RETRY_SECONDS)
        (row,) = await self.storage.conversations.rows(a)
        self.assertEqual((row.seq, row.read), (1, 1))

    @asynchronous
    async def test_stop(self) -> None:
        """Stopping writes it; if that fails, the server still stops."""
        a, b = await self.two()
        await self.storage.say(a, b)
        await self.storage.indexing.stop()
        self.assertEqual(len(await rows_of(self.storage, run)), 1)
        await self.storage.say(a, b)
        self.patch(self.storage.database, "write", lambda *_, **__: fail(Unavailable()))
        await self.storage.indexing.stop()

    @asynchronous
    async def test_crash(self) -> None:
        """After a crash messages are found by seq and by cid, and marks are there."""
        a, b = await self.two()
        for n in range(3):
            await self.storage.say(a, b, cid=f"c{n}")
        await self.storage.indexing.written()
        await self.storage.together(*[text_of(b, a, cid=f"d{n}") for n in range(3)])
        await self.storage.close(flush=False)
        storage = self.open()
        self.assertEqual([msgspec.json.decode(body)["seq"] for body in await storage.bodies(a, b)], [1, 2, 3, 4, 5, 6])
        for sender, peer, cid, seq in ((a, b, "c1", 2), (b, a, "d2", 6)):
            self.assertEqual((await storage.say(sender, peer, cid=cid)).first[:3], (SINGLE, peer, seq))
        (row,) = await storage.conversations.rows(b)
        self.assertEqual((row.seq, row.read, row.peer_read), (6, 6, 3))

    @asynchronous
    async def test_unread_after_a_crash(self) -> None:
        """After a crash unread counts are as before, whatever had been written."""
        a, b = await self.two()
        await self.storage.say(a, b, mentions=(b,))
        await self.storage.say(a, b, mentions=(0,))
        await self.storage.say(a, b, media=RECALL, ref=1)
        await self.storage.together(*[text_of(a, b, mentions=(b, b), cid=f"c{n}") for n in range(3)])
        await self.storage.say(a, b, media=REACTION, ref=2, content="x")
        await self.storage.close(flush=False)
        (row,) = await self.open().conversations.rows(b)
        self.assertEqual((row.seq, row.unread, row.mentions), (7, 4, 4))

    @asynchronous
    async def test_pieces(self) -> None:
        """An index of many rows is written by several statements."""
        self.patch(index_writing, "PIECE", 2)
        a, b = await self.two()
        await self.storage.together(*[text_of(a, b, cid=f"{n}") for n in range(7)])
        await self.storage.indexing.written()
        runs = [(first, last) for _, first, last, _ in await rows_of(self.storage, run)]
        self.assertEqual(runs, [(1, 2), (3, 4), (5, 6), (7, 7)])
        self.assertEqual(len(await self.storage.bodies(a, b)), 7)
        ((_, entries),) = await rows_of(self.storage, cid_recent)
        self.assertEqual(len(unpack(entries)), 7)

    @asynchronous
    async def test_repeats(self) -> None:
        """A cid is known in its own batch, before it is indexed, and after."""
        a, b = await self.two()
        posts = await self.storage.together(text_of(a, b, cid="c"), text_of(a, b, cid="c"), text_of(b, a, cid="c"))
        self.assertEqual([post.message.seq if post.first is None else post.first[2] for post in posts], [1, 1, 2])
        for _ in range(2):
            self.assertEqual((await self.storage.say(a, b, cid="c")).first[2], 1)
            await self.storage.indexing.written()
        self.assertEqual(len(await self.storage.bodies(a, b)), 2)

    @asynchronous
    async def test_some_with_cid(self) -> None:
        """Messages of several conversations, some with a cid, in one batch are each found in their own conversation."""
        a, b = await self.two()
        said = [(b, "x"), (b, ""), (a, "y"), (b, "z"), (a, ""), (b, "")]
        await self.storage.together(*[text_of(a, peer, cid=cid, content=f"{peer} {cid}") for peer, cid in said])
        for peer in (a, b):
            told = [msgspec.json.decode(body)["content"] for body in await self.storage.bodies(a, peer)]
            self.assertEqual(told, [f"{peer} {cid}" for one, cid in said if one == peer])
        contents = [body["content"] for body in await stored_bodies(self.storage)]
        self.assertEqual(contents, [f"{peer} {cid}" for peer, cid in said])

    @asynchronous
    async def test_event_in_the_batch(self) -> None:
        """An event finds its message in the same batch."""
        a, b = await self.two()
        await self.storage.together(text_of(a, b), text_of(a, b, media=21, ref=1, content="new"))
        first, _ = await self.storage.bodies(a, b)
        self.assertEqual(msgspec.json.decode(first)["content"], "new")


class RunIndexTests(OnSqlite):
    """Messages are found, however their conversations are mixed in the log."""

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        batches=st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=9), min_size=1, max_size=6),
        seed=st.integers(0, 2**32),
        after=st.integers(0, 14),
        up_to=st.integers(0, 14),
        limit=st.integers(1, 9),
        late=st.booleans(),
    )
    def test_any_mix(self, batches: list[list[int]], seed: int, after: int, up_to: int, limit: int, late: bool) -> None:
        """Pages, ranges, heads and single messages are those of a plain list; in whatever order the rows of a batch
        stand in the log, and with ids left out."""
        random = Random(seed)
        model: dict[int, list[bytes]] = {conversation_id: [] for conversation_id in range(3)}

        def work(connection: Connection) -> None:
            connection.execute(message.delete())
            connection.execute(run.delete())
            connection.execute(text("DELETE FROM meta WHERE name = 'written_through'"))
            last = 0
            for batch in batches:
                ids = sorted(random.sample(range(last + 1, last + 2 * len(batch) + 1), len(batch)))
                last = ids[-1]
                if seed % 2:
                    random.shuffle(ids)
                for message_id, conversation_id in zip(ids, batch, strict=True):
                    body = b"%d:%d" % (conversation_id, len(model[conversation_id]) + 1)
                    model[conversation_id].append(body)
                    row = {
                        "id": message_id,
                        "conversation": conversation_id,
                        "seq": len(model[conversation_id]),
                        "sender": 1,
                        "body": body,
                    }
                    connection.execute(insert(message).values(row))
                if not late:
                    self.storage.database.dialect.write_index(connection)
            self.storage.database.dialect.write_index(connection)
            for conversation_id, bodies in model.items():
                self.assertEqual(RunIndex().head(connection, conversation_id), len(bodies))
                found = RunIndex().bodies_after(connection, conversation_id, after, up_to, limit)
                self.assertEqual(found, bodies[after:up_to][:limit])
                first = RunIndex().first_before(connection, conversation_id, up_to, limit)
                found, last = RunIndex().slice_after(connection, conversation_id, first - 1, up_to - 1, limit, None)
                self.assertEqual(found, bodies[: max(up_to - 1, 0)][-limit:])
                self.assertEqual(last, min(len(bodies), up_to - 1) if found else first - 1)
                one = RunIndex().body_at(connection, conversation_id, after)
                self.assertEqual(one, bodies[after - 1] if 0 < after <= len(bodies) else None)

        self.storage.database.transact(work, True)


class UpgradeTests(TestCase):
    """A log made by a program with ordinary indexes."""

    timeout = 60

    @asynchronous
    async def test_from_the_first_schema(self) -> None:
        """Everything of a database with the first schema is there and found."""
        url = parse_url(f"sqlite:///{Path(self.mktemp()).absolute()}.db")
        epoch = self._begin(url)
        storage = Storage(url)
        self.addCleanup(lambda: Deferred.fromCoroutine(storage.close()))
        self.assertEqual(storage.epoch, epoch)
        self.assertEqual(len(await storage.bodies(1, 2)), 4)
        (row,) = await storage.conversations.rows(1)
        self.assertEqual((row.seq, row.read, row.peer_read), (4, 3, 4))
        self.assertEqual((await storage.say(1, 2, cid="c1")).first[2], 1)
        self.assertEqual((await storage.say(1, 2)).message.seq, 5)

    @asynchronous
    async def test_from_a_table_of_cids(self) -> None:
        """A cid that the schema before had in a table of its own is found; that table is gone."""
        url = parse_url(f"sqlite:///{Path(self.mktemp()).absolute()}.db")
        before = Storage(url)
        a, b = (await before.user()).id, (await before.user()).id
        for cid in ("x", "y"):
            await before.say(a, b, cid=cid)
        await before.close()
        with closing(sqlite3.connect(str(url.database))) as raw:
            raw.executescript(
                "DROP TABLE cid_recent; DROP TABLE cid_bucket; DELETE FROM meta WHERE name = 'cid_key';"
                "CREATE TABLE said (sender, cid, id, PRIMARY KEY (sender, cid)) WITHOUT ROWID;"
                "INSERT INTO said SELECT sender, cid, id FROM message; UPDATE alembic_version SET version_num = '0012'"
            )
        storage = Storage(url)
        self.addCleanup(lambda: Deferred.fromCoroutine(storage.close()))
        self.assertEqual([(await storage.say(a, b, cid=cid)).first[2] for cid in ("x", "y")], [1, 2])
        self.assertEqual((await storage.say(a, b, cid="z")).message.seq, 3)
        tables = await storage.database.read(lambda c: inspect(c).get_table_names())
        self.assertNotIn("said", tables)

    def _begin(self, url: URL) -> str:
        """Make a database of the first schema, with a conversation of four messages in it."""
        first = Path(self.mktemp())
        first.mkdir()
        shutil.copy(Path(r0001_begin.__file__), first)
        alone = ScriptDirectory(migrations.__path__[0], version_locations=[str(first)])
        old = Database(url, reactor)
        with mock.patch.object(migrations, "scripts", lambda: alone), mock.patch.object(old.dialect, "write_index"):
            epoch = open_database(old)
        old.transact(_fill, True)
        old.stop()
        return epoch


def _fill(connection: Connection) -> None:
    conversation_id = make(connection, (SINGLE, 1, 2), (1, 2)).id
    for seq in range(1, 5):
        sender, peer = (1, 2) if seq % 2 else (2, 1)
        body = encode(text_of(sender, peer, seq=seq, at=1, cid=f"c{seq}"))
        row = {"conversation": conversation_id, "seq": seq, "sender": sender, "cid": f"c{seq}".encode(), "body": body}
        connection.execute(insert(message).values(row))
