"""Deleting by age, on each database: what goes, what stays, and what follows from it for readers and writers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import func, select
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from test.storage.rig import OnMySql, OnPostgreSql, OnSqlite, Storage, asynchronous
from twim.errors import Conflict, Malformed, NotFound, Unavailable
from twim.logic import retention
from twim.logic.pauses import Pauses
from twim.logic.policy import may_join
from twim.logic.retention import DAY_MS, Retention
from twim.logic.unused_files import UnusedFiles
from twim.storage import retention as retention_store
from twim.storage.files.interface import name_of
from twim.storage.files.local import LocalFiles
from twim.storage.files.threads import FileThreads
from twim.storage.interface import key_of
from twim.storage.retention import RetentionStore
from twim.storage.schema import attachment, message, named, original, silent
from twim.wire.commands import EDIT, GROUP, NOTICE, REACTION, RECALL, SINGLE

OLD = 1_700_000_000_000  # ms: the time of the rig
STORED_AT = OLD / 1000  # s: when the files of these tests were stored


class AnyRetention:
    """Deletes by age."""

    storage: Storage

    def retention(self: Any, storage: Storage | None = None, days: int = 400) -> Retention:
        """That of a node, so many days after all that the rig stores."""
        storage = storage or self.storage
        threads = FileThreads(reactor, "files", 1)
        threads.start()
        self.addCleanup(threads.stop)
        self.folder = Path(self.mktemp())
        store = LocalFiles(self.folder, threads)
        return Retention(
            RetentionStore(storage.database, storage.indexing),
            storage.conversations,
            UnusedFiles(store, storage.attachments.referenced),
            Pauses(reactor),  # type: ignore[arg-type]
            lambda: OLD + days * DAY_MS,
        )

    async def count(self: Any, table: Any) -> int:
        """How many rows a table has."""
        wanted = select(func.count()).select_from(table)
        found: Deferred[int] = self.storage.database.read(lambda c: c.execute(wanted).scalar_one())
        return await found

    async def say(self: Any, userid: int, dstid: int, count: int = 1, scope: int = SINGLE, **more: Any) -> None:
        """Store messages."""
        for number in range(count):
            await self.storage.say(userid, dstid, f"words {number}", scope, **more)

    async def page(self: Any, userid: int, dstid: int, scope: int = SINGLE, **where: Any) -> tuple[list[int], int]:
        """The seqs of a page of history as the user reads it, and the head."""
        asked = {"before": None, "after": None, "limit": 50, "most": 1 << 20} | where
        found = await self.storage.conversations.page_for(userid, key_of(scope, userid, dstid), **asked)
        return [msgspec.json.decode(body)["seq"] for body in found.bodies], found.head

    async def row(self: Any, userid: int) -> Any:
        """The only row of the user's list."""
        (row,) = await self.storage.conversations.rows(userid)
        return row

    @asynchronous
    async def test_old_goes_and_young_stays(self: Any) -> None:
        """Only what is older goes; history, catch-up and the list begin at the first that stays."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.say(a.id, b.id, 5)
        self.storage.now += 300 * DAY_MS
        await self.say(b.id, a.id, 3)
        self.assertEqual((await self.retention().delete_older(200))["messages"], 5)
        self.assertEqual(await self.page(a.id, b.id), ([6, 7, 8], 8))
        self.assertEqual(await self.page(a.id, b.id, before=6), ([], 8))
        self.assertEqual(await self.page(a.id, b.id, after=0), ([6, 7, 8], 8))
        row = await self.row(a.id)
        self.assertEqual((row.floor, row.seq, row.unread), (6, 8, 3))
        bodies, left = await self.storage.conversations.after(a.id, [(row.conversation_id, 2, 8)], 1 << 20)
        self.assertEqual(([msgspec.json.decode(one)["seq"] for one in bodies], left), ([6, 7, 8], []))
        self.assertEqual(await self.count(message), 3)

    @asynchronous
    async def test_nothing_is_old(self: Any) -> None:
        """Nothing happens to what is young, nor to an empty conversation."""
        a, b = await self.storage.user(), await self.storage.user()
        group = await self.storage.group(a.id)
        await self.say(a.id, b.id, 3)
        nothing = {"messages": 0, "files": 0, "bytes": 0}
        self.assertEqual(await self.retention().delete_older(401), nothing)
        self.assertEqual(await self.retention().delete_older(1, group.id), nothing)
        self.assertEqual(await self.page(a.id, b.id), ([1, 2, 3], 3))
        self.assertEqual((await self.row(a.id)).floor, 1)

    @asynchronous
    async def test_edits(self: Any) -> None:
        """What old messages said before they were edited goes with them, and nobody asks for it any more."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.say(a.id, b.id)
        await self.storage.say(a.id, b.id, "newer words", media=EDIT, ref=1)
        self.storage.now += 300 * DAY_MS
        await self.say(a.id, b.id)
        await self.storage.say(a.id, b.id, "newer words", media=EDIT, ref=3)
        await self.retention().delete_older(200)
        self.assertEqual(await self.count(original), 1)
        key = key_of(SINGLE, a.id, b.id)
        await self.refused(self.storage.details.edits(a.id, key, 1), "no such message", NotFound)
        found = await self.storage.details.edits(a.id, key, 3)
        self.assertEqual([content for content, _ in found], ["words 0", "newer words"])

    @asynchronous
    async def test_everything_goes(self: Any) -> None:
        """After everything is deleted and the server has started anew, the next message gets the next seq and the next
        row id; whoever had something before gets what is new, and the words of the newest message are gone too."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.say(a.id, b.id, 7, url="/mnt/x.png", memo="memo")
        newest = await self._newest_id()
        self.assertEqual((await self.retention().delete_older(1))["messages"], 7)
        self.assertEqual(await self.count(message), 1)
        (left,) = await self._bodies()
        self.assertNotIn(b"words", left)
        self.assertEqual(msgspec.json.decode(left)["recalled"], 1)
        self.assertEqual(await self.page(a.id, b.id), ([], 7))
        self.assertFalse((await self.row(b.id)).is_listed)
        again = {"messages": 0, "files": 0, "bytes": 0}
        self.assertEqual(await self.retention().delete_older(1), again)
        await self.storage.close()
        self.storage = self.open()
        post = await self.storage.say(b.id, a.id, "new")
        self.assertEqual(post.message.seq, 8)
        self.assertGreater(await self._newest_id(), newest)
        self.assertEqual(await self.page(a.id, b.id, after=3), ([8], 8))
        row = await self.row(a.id)
        self.assertEqual((row.floor, row.seq, row.unread), (8, 8, 1))
        self.storage.now += 300 * DAY_MS
        await self.say(b.id, a.id)
        self.assertEqual((await self.retention().delete_older(200))["messages"], 1)
        self.assertEqual(await self.page(a.id, b.id), ([9], 9))

    async def _newest_id(self: Any) -> int:
        work: Deferred[int] = self.storage.database.read(lambda c: c.execute(select(func.max(message.c.id))).scalar())
        return await work

    async def _bodies(self: Any) -> list[bytes]:
        wanted = select(message.c.body).order_by(message.c.id)
        work: Deferred[Any] = self.storage.database.read(lambda c: [bytes(one) for one in c.scalars(wanted)])
        return list(await work)

    @asynchronous
    async def test_one_group(self: Any) -> None:
        """Of one group alone; who joins later may not read below its floor either."""
        a, b = await self.storage.user(), await self.storage.user()
        group, other = await self.storage.group(a.id, history="all"), await self.storage.group(a.id)
        await self.say(a.id, group.id, 4, GROUP)
        await self.say(a.id, other.id, 2, GROUP)
        self.storage.now += 300 * DAY_MS
        await self.say(a.id, group.id, 1, GROUP)
        self.assertEqual((await self.retention().delete_older(200, group.id))["messages"], 4)
        self.assertEqual(await self.page(a.id, other.id, GROUP), ([1, 2], 2))
        await self.storage.relations.join(b.id, group.id, 0, may_join)
        self.assertEqual(await self.page(b.id, group.id, GROUP), ([5], 5))
        self.assertEqual((await self.row(b.id)).floor, 5)

    @asynchronous
    async def test_unread(self: Any) -> None:
        """What is gone is neither unread nor a mention; the notices and events among what stays aren't either."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.say(a.id, b.id, 4, mentions=(b.id,))
        await self.storage.say(a.id, b.id, "x", media=REACTION, ref=2)
        self.storage.now += 300 * DAY_MS
        await self.say(a.id, b.id, 2, mentions=(b.id,))
        await self.storage.say(a.id, b.id, "!", media=REACTION, ref=6)
        await self.storage.indexing.written()
        row = await self.row(b.id)
        self.assertEqual((row.unread, row.mentions), (6, 6))
        await self.retention().delete_older(200)
        row = await self.row(b.id)
        self.assertEqual((row.unread, row.mentions, row.read), (2, 2, 5))
        self.assertEqual((await self.count(named), await self.count(silent)), (2, 1))

    @asynchronous
    async def test_referring_to_what_is_gone(self: Any) -> None:
        """A reaction, an edit, a recall or a quote of a gone message is refused as one of none, on every server."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.say(a.id, b.id, 3)
        self.storage.now += 300 * DAY_MS
        await self.say(a.id, b.id)
        await self.retention().delete_older(200)
        for media in (REACTION, EDIT, RECALL, 1):
            post = await self.storage.say(a.id, b.id, "x", media=media, ref=1)
            self.assertIn("there is no such message", str(post.refused))
        self.assertTrue((await self.storage.say(a.id, b.id, "quote", ref=await self._head(a.id))).is_new)

    async def _head(self: Any, userid: int) -> int:
        return int((await self.row(userid)).seq)

    @asynchronous
    async def test_quote_after_a_restart(self: Any) -> None:
        """The floor is known to a server that starts after the deletion, too."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.say(a.id, b.id, 3)
        self.storage.now += 300 * DAY_MS
        await self.say(a.id, b.id)
        await self.retention().delete_older(200)
        for find in (
            lambda s: s.conversations.find(key_of(SINGLE, a.id, b.id)),
            lambda s: s.conversations.seek((10, *sorted((a.id, b.id)))),
        ):
            await self.storage.close()
            self.storage = self.open()
            await find(self.storage)
            post = await self.storage.say(a.id, b.id, "x", ref=3)
            self.assertIn("there is no such message", str(post.refused))

    @asynchronous
    async def test_files(self: Any) -> None:
        """The files of what is gone are deleted, less those that a younger message or a profile carries and those
        that somebody uploaded lately."""
        names = [name_of(sha256(bytes([n])).hexdigest(), ".png") for n in range(4)]
        a, b = await self.storage.user(avatar=f"/mnt/{names[1]}"), await self.storage.user()
        for name in names:
            await self.say(a.id, b.id, url=f"/mnt/{name}", media=4)
        self.storage.now += 300 * DAY_MS
        await self.say(a.id, b.id, url=f"/mnt/{names[2]}", media=4)
        retention = self.retention()
        self._store(names[:3], STORED_AT)
        self._store([names[0].replace(".png", ".thumb.webp")], STORED_AT)
        self._store(names[3:], STORED_AT + 400 * 86400)
        done = await retention.delete_older(200)
        self.assertEqual(done, {"messages": 4, "files": 2, "bytes": 8})
        left = {str(path.relative_to(self.folder)) for path in self.folder.glob("??/*")}
        self.assertEqual(left, set(names[1:]))
        self.assertEqual(await self.count(attachment), 2)

    def _store(self: Any, names: Sequence[str], at: float) -> None:
        for name in names:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"file")
            os.utime(path, (at, at))

    @asynchronous
    async def test_many_batches(self: Any) -> None:
        """Many small transactions do the same, with messages coming in between; a run that a deletion cuts is found."""
        self.patch(retention_store, "DELETED", 3)
        a, b, c = [await self.storage.user() for _ in range(3)]
        for _ in range(4):
            await self.say(a.id, b.id, 2)
            await self.say(a.id, c.id, 3, cid="")
        await self.storage.indexing.written()
        self.storage.now += 300 * DAY_MS
        deleting = Deferred.fromCoroutine(self.retention().delete_older(200))
        for _ in range(10):
            await self.say(b.id, a.id, 1, cid=f"{_}")
        self.assertEqual((await deleting)["messages"], 20)
        self.assertEqual(await self.page(a.id, b.id), (list(range(9, 19)), 18))
        self.assertEqual(await self.page(a.id, c.id), ([], 12))

    @asynchronous
    async def test_interrupted(self: Any) -> None:
        """A deletion that stops after the floors rose is finished by the next one; nobody sees the rest."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.say(a.id, b.id, 5)
        store = RetentionStore(self.storage.database, self.storage.indexing)
        aged, _ = await store.aged(0, OLD + 1, None)
        await store.raise_floors(aged)
        self.assertEqual(await self.page(a.id, b.id), ([], 5))
        self.assertEqual((await self.row(b.id)).unread, 0)
        self.assertEqual(await self.count(message), 5)
        self.assertEqual((await self.retention().delete_older(1))["messages"], 5)
        self.assertEqual(await self.count(message), 1)

    @asynchronous
    async def test_repeated_message(self: Any) -> None:
        """The newest message of a conversation is answered again after its deletion. An earlier one that is sent again
        is stored anew: nothing is left of it."""
        a, b = await self.storage.user(), await self.storage.user()
        for cid in ("first", "last"):
            await self.say(a.id, b.id, cid=cid)
        await self.retention().delete_older(1)
        self.assertEqual((await self.storage.say(a.id, b.id, cid="last")).first, (SINGLE, b.id, 2, OLD))
        self.assertEqual((await self.storage.say(a.id, b.id, cid="first")).message.seq, 3)

    @asynchronous
    async def test_refusals(self: Any) -> None:
        """Days out of bounds, a group that isn't there, a second deletion at the same time, a node that stops."""
        deleting = self.retention()
        for days in (0, retention.DAYS + 1):
            await self.refused(deleting.delete_older(days), "days", Malformed)
        await self.refused(deleting.delete_older(1, 2**50), "no such group", NotFound)
        first = Deferred.fromCoroutine(deleting.delete_older(1))
        await self.refused(deleting.delete_older(1), "running", Conflict)
        await first
        a, b = await self.storage.user(), await self.storage.user()
        await self.say(a.id, b.id)
        deleting._pauses.stop()
        await self.refused(deleting.delete_older(1), "stopping", Unavailable)

    @asynchronous
    async def test_notices(self: Any) -> None:
        """A notice of a removal names its member no more once it is gone, also where it is the newest message."""
        a, b = await self.storage.user(), await self.storage.user()
        group = await self.storage.group(a.id)
        for _ in range(2):
            await self.storage.say(a.id, group.id, "removed", GROUP, media=NOTICE, memo=str(b.id))
        await self.storage.indexing.written()
        self.assertEqual(await self.count(named), 2)
        await self.retention().delete_older(1)
        self.assertEqual(await self.count(named), 0)


class SqliteRetention(AnyRetention, OnSqlite):
    """On SQLite."""

    @asynchronous
    async def test_index_made_anew(self) -> None:
        """The index that follows from the log, made from nothing, is the one that the deletion left."""
        a, b = await self.storage.user(), await self.storage.user()
        for number in range(3):
            await self.say(a.id, b.id, 4)
            await self.say(b.id, a.id, 2, cid=f"c{number}" if not number else "")
            self.storage.now += 100 * DAY_MS
        await self.retention().delete_older(250)
        kept = await self._index()
        self.storage.database.transact(self._forget_index, True)
        self.storage.database.transact(lambda c: self.storage.database.dialect.write_index(c), True)
        self.assertEqual(await self._index(), kept)

    def _forget_index(self, connection: Any) -> None:
        for table in ("run", "silent", "named"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("DELETE FROM meta WHERE name = 'written_through'")

    async def _index(self) -> Any:
        found = (
            "SELECT m.seq FROM run JOIN message AS m ON m.id BETWEEN run.id AND run.id + run.last - run.first"
            " AND m.conversation = run.conversation AND m.seq = run.first + m.id - run.id ORDER BY m.seq"
        )
        return await self.storage.database.read(lambda c: [tuple(x) for x in c.exec_driver_sql(found)])


class MySqlRetention(AnyRetention, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlRetention(AnyRetention, OnPostgreSql):
    """On PostgreSQL."""
