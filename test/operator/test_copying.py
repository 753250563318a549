"""Copying databases of every kind: whole, interrupted and refused copies."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, text, update
from sqlalchemy.engine import URL

from test.storage.databases import MYSQL, POSTGRESQL, empty_database
from test.storage.rig import OnSqlite, Storage, asynchronous
from twim.logic.policy import may_join
from twim.operator import copying, rows
from twim.operator.copying import copy
from twim.operator.refused import Refused
from twim.storage.backend import CannotOpen
from twim.storage.database import Database
from twim.storage.opening import open_database
from twim.storage.schema import conversation, meta, user
from twim.wire.commands import EDIT, GROUP, RECALL

WIDE = "👩‍🚀𠮷"


class ToMySql(OnSqlite):
    """From SQLite to MySQL or MariaDB."""

    timeout = 120

    def target_url(self) -> URL:
        """The URL of an empty database."""
        return empty_database(MYSQL)

    def setUp(self) -> None:
        super().setUp()
        self.patch(rows, "CHUNK", 7)
        self.patch(copying, "SAY_ROWS", 20)
        self.target = self.target_url()
        self.said: list[str] = []

    async def _fill(self) -> list[int]:
        storage = self.storage
        people = [(await storage.user(nickname=WIDE, avatar=f"/mnt/ab/{'c' * 62}.png")).id for _ in range(3)]
        await storage.relations.befriend(people[0], people[1], WIDE, False)
        await storage.relations.befriend(people[0], people[2], WIDE, True)
        group = await storage.group(people[0], name=WIDE)
        await storage.relations.join(people[1], group.id, 0, may_join)
        for n in range(20):
            await storage.say(people[n % 2], people[1 - n % 2], f"{WIDE} {n}", cid=f"{n}{WIDE}")
            await storage.say(people[0], group.id, scope=GROUP, url=f"/mnt/{n:02x}/{'d' * 62}.png")
        await storage.say(people[0], people[1], "newer", media=EDIT, ref=1)
        await storage.say(people[1], people[0], "last")
        for fields in ({"mentions": (0,)}, {"mentions": (people[1],)}, {"media": RECALL, "ref": 21}):
            await storage.say(people[0], group.id, scope=GROUP, **fields)
        return people

    def _copy(self, target: URL | None = None) -> None:
        self._one(self.address, target or self.target)

    def _one(self, source: URL, target: URL) -> None:
        databases = Database(source, None), Database(target, None)
        copy(databases[0], databases[1], self.said.append)
        for one in databases:
            one.engine.dispose()

    async def _as_seen(self, storage: Storage, people: list[int]) -> list[Any]:
        seen: list[Any] = [storage.epoch]
        for one in people:
            rows = await storage.conversations.rows(one)
            seen.append([(row.name, row.seq, row.read, row.peer_read, row.unread, row.mentions) for row in rows])
            seen.append(await storage.conversations.lasts(rows, 1 << 20))
            seen.append(await storage.accounts.by_id(one))
            seen.append(await storage.accounts.devices(one))
            seen.append(await storage.relations.friends(one))
            seen.append(await storage.relations.requests(one))
            seen.append(await storage.relations.groups(one))
        seen.append(await storage.bodies(people[0], people[1]))
        seen.append(await storage.attachments.referenced([f"{n:02x}/{'d' * 62}" for n in range(30)]))
        return seen

    @asynchronous
    async def test_there_and_back(self) -> None:
        """A server on the copy, and on the copy of the copy, shows what the first one showed, and goes on."""
        people = await self._fill()
        seen = await self._as_seen(self.storage, people)
        # As after a crash: the last marks are only in memory.
        await self.storage.close(flush=False)
        self._copy()
        self.assertIn("done: the copy is equal", self.said)
        back = OnSqlite.url(self)
        self._one(self.target, back)
        for url in (self.target, back):
            self.address = url
            storage = self.open()
            self.assertEqual(await self._as_seen(storage, people), seen)
            repeated = await storage.say(people[0], people[1], "again", cid=f"0{WIDE}")
            self.assertEqual(repeated.first, (10, people[1], 1, storage.now))
            self.assertEqual((await storage.say(people[0], people[1])).message.seq, 23)
            self.assertNotIn((await storage.user()).id, people)
            await storage.close()

    @asynchronous
    async def test_interrupted(self) -> None:
        """A copy that was interrupted continues where it stopped; no server opens it before it is complete."""
        await self._fill()
        await self.storage.close()
        told: list[str] = []

        class Stop(Exception):
            pass

        def stop(line: str) -> None:
            told.append(line)
            if line.startswith("message: 2"):
                raise Stop

        databases = Database(self.address, None), Database(self.target, None)
        self.assertRaises(Stop, copy, *databases, stop)
        self.assertRaises(CannotOpen, open_database, databases[1])
        self._copy()
        self.assertTrue(any("rows are there" in line for line in self.said), self.said)
        self.assertIn("done: the copy is equal", self.said)
        self.assertEqual(open_database(databases[1]), self.storage.epoch)
        for one in databases:
            one.engine.dispose()

    @asynchronous
    async def test_unequal(self) -> None:
        """A copy that differs from its source is refused, and stays refused."""
        await self._fill()
        await self.storage.close()

        def spoil(line: str) -> None:
            if line.startswith("user:"):
                target.transact(lambda c: c.execute(update(user).values(memo="spoilt")), True)

        source, target = Database(self.address, None), Database(self.target, None)
        error = self.assertRaises(Refused, copy, source, target, spoil)
        self.assertIn("user: 3 rows", str(error))
        self.assertRaises(CannotOpen, open_database, target)
        source.engine.dispose()
        target.engine.dispose()

    @asynchronous
    async def test_refused(self) -> None:
        """A copy onto itself, into a database with data, onto another copy, or from nothing is refused."""
        await self._fill()
        await self.storage.close()
        self.assertIn("one and the same", self._why(self.address))
        other = Database(self.target, None)
        open_database(other)
        other.transact(lambda c: c.execute(insert(conversation).values(scope=10, a=1, b=2, head=0)), True)
        self.assertIn("is not empty", self._why(self.target))
        other.transact(lambda c: c.execute(delete(conversation)), True)
        other.transact(lambda c: c.execute(insert(meta).values(name="copying", value="other")), True)
        self.assertIn("unfinished copy of another", self._why(self.target))
        empty = self.target_url() if self.storage.database.dialect.defers_index else self.target
        self.assertRaises(Refused, self._one, empty, self.address)
        other.engine.dispose()

    @asynchronous
    async def test_in_use(self) -> None:
        """An SQLite database that a server uses isn't copied, since later writes would be missing."""
        await self.storage.close()
        held = self.storage.database.backend.lock()
        self.assertIsNotNone(held)
        self.assertIn("another server is using it", self._why(self.target))

    @asynchronous
    async def test_older(self) -> None:
        """A source whose schema isn't this program's is refused."""
        await self.storage.close()
        source = Database(self.address, None)
        source.transact(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '0000'")), True)
        source.engine.dispose()
        self.assertIn("start the server on it once", self._why(self.target))

    def _why(self, target: URL) -> str:
        error = self.assertRaises(Refused, self._copy, target)
        self.assertNotIn("\n", str(error))
        return str(error)


class ToPostgreSql(ToMySql):
    """From SQLite to PostgreSQL."""

    def target_url(self) -> URL:
        return empty_database(POSTGRESQL)


class ToSqlite(ToMySql):
    """From SQLite to SQLite."""

    def target_url(self) -> URL:
        return OnSqlite.url(self)
