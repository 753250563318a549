"""Databases that disconnect, hang, come back, or abort a transaction because of another one."""

from __future__ import annotations

import os
from threading import Event
from typing import Any

from sqlalchemy import select
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import globalLogPublisher

from test.storage.crossing import crossing
from test.storage.proxy import Proxy
from test.storage.rig import OnMySql, OnPostgreSql, Storage, asynchronous, stored_bodies
from twim.errors import Refusal, Unavailable
from twim.storage import engine
from twim.storage.database import Database
from twim.storage.opening import open_when_there
from twim.storage.schema import conversation
from twim.storage.server import bounds

EVERY = 0.02  # seconds between messages
OUTAGE = float(os.environ.get("TWIM_OUTAGE", "4"))  # seconds
BACK = 5.0  # seconds within which a recovered database must be used
AT_ONCE = 1.0  # seconds within which a send is refused while the server is known to be away


class Load:
    """Messages that are sent all the time, and when each was answered or refused."""

    def __init__(self, storage: Storage, a: int, b: int) -> None:
        self._storage = storage
        self._people = (a, b)
        self._loop = LoopingCall(self._send)
        self._waiting: list[Deferred[None]] = []
        self.answered: dict[str, float] = {}
        self.refused: list[tuple[float, float]] = []
        self._count = 0

    def start(self) -> None:
        self._loop.start(EVERY)

    async def stop(self) -> None:
        self._loop.stop()
        await gatherResults(self._waiting)

    def _send(self) -> None:
        self._count += 1
        self._waiting.append(Deferred.fromCoroutine(self._one(str(self._count))))

    async def _one(self, content: str) -> None:
        begun = reactor.seconds()
        try:
            await self._storage.say(*self._people, content, cid=content)
        except Refusal:
            self.refused.append((begun, reactor.seconds()))
        else:
            self.answered[content] = reactor.seconds()


class OutageOnMySql(OnMySql):
    """MySQL or MariaDB behind a proxy."""

    timeout = 60 + 2 * OUTAGE
    port = 3306

    def setUp(self) -> None:
        self.patch(bounds, "ANSWER_SECONDS", 2)
        self.patch(bounds, "CONNECT_SECONDS", 2)
        self.patch(bounds, "LOCK_SECONDS", 1)
        super().setUp()
        self.proxy = Proxy(self.address.host or "", self.address.port or self.port)
        self.addCleanup(self.proxy.cut)
        self.proxied = self.address.set(host="127.0.0.1", port=self.proxy.number)

    async def _load(self) -> Load:
        storage = Storage(self.proxied, self.storage.epoch)
        self.addCleanup(lambda: Deferred.fromCoroutine(self._close(storage)))
        load = Load(storage, (await self.storage.user()).id, (await self.storage.user()).id)
        load.start()
        await self._until(lambda: len(load.answered) > 20)
        return load

    async def _until(self, condition: Any, seconds: float = 10) -> None:
        until = reactor.seconds() + seconds
        while not condition():
            self.assertLess(reactor.seconds(), until, "too late")
            await deferLater(reactor, 0.02)

    async def _end(self, load: Load, mended: float) -> None:
        await self._until(lambda: max(load.answered.values()) > mended, BACK)
        await load.stop()
        bodies = await stored_bodies(self.storage)
        contents = [body["content"] for body in bodies]
        self.assertEqual(len(set(contents)), len(contents))
        self.assertEqual(set(load.answered) - set(contents), set())
        self.assertEqual([body["seq"] for body in bodies], list(range(1, len(bodies) + 1)))

    @asynchronous
    async def test_cut(self) -> None:
        """While disconnected, sends are refused at once, no answered message is lost, and the server recovers by
        itself."""
        load = await self._load()
        await self.proxy.cut()
        await deferLater(reactor, OUTAGE)
        self.assertGreater(len(load.refused), 50)
        self.assertLess(max(end - begin for begin, end in load.refused), AT_ONCE)
        self.proxy.mend()
        await self._end(load, reactor.seconds())

    @asynchronous
    async def test_hang(self) -> None:
        """A database that doesn't answer is noticed after the bound, and from then on sends are refused at once."""
        load = await self._load()
        self.proxy.hang()
        hung = reactor.seconds()
        await self._until(lambda: len(load.refused) > 0)
        self.assertLess(load.refused[0][1] - hung, bounds.ANSWER_SECONDS + bounds.CONNECT_SECONDS + 1)
        await deferLater(reactor, 0.2)
        known = reactor.seconds()
        await deferLater(reactor, OUTAGE)
        later = [end - begin for begin, end in load.refused if begin > known]
        self.assertGreater(len(later), 50)
        self.assertLess(max(later), AT_ONCE)
        self.proxy.mend()
        await self._end(load, reactor.seconds())

    @asynchronous
    async def test_server_waits(self) -> None:
        """A server that starts before its database waits for it, and logs it once."""
        heard: list[str] = []
        globalLogPublisher.addObserver(observer := lambda event: heard.append(event.get("log_format") or ""))
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        await self.proxy.cut()
        database = Database(self.proxied, reactor)
        database.start()
        self.addCleanup(database.stop)
        opening = Deferred.fromCoroutine(open_when_there(database, reactor))
        await deferLater(reactor, 2.5)
        self.assertFalse(opening.called)
        self.proxy.mend()
        self.assertEqual(await opening, self.storage.epoch)
        self.assertEqual(sum("waiting for the database" in text for text in heard), 1)

    @asynchronous
    async def test_stopped_while_waiting(self) -> None:
        """The server can be stopped while it waits."""
        await self.proxy.cut()
        database = Database(self.proxied, reactor)
        database.start()
        self.addCleanup(database.stop)
        opening = Deferred.fromCoroutine(open_when_there(database, reactor))
        await deferLater(reactor, 0.2)
        opening.cancel()
        try:
            await opening
        except CancelledError:
            return
        self.fail("went on")

    @asynchronous
    async def test_deadlock(self) -> None:
        """Two transactions that wait for each other both succeed in the end."""
        a, b = await self.storage.user(), await self.storage.user()
        mine, theirs = Event(), Event()
        write = self.storage.database.write
        await gatherResults([write(crossing(a.id, b.id, mine, theirs)), write(crossing(b.id, a.id, theirs, mine))])
        found = await self.storage.accounts.many([a.id, b.id])
        self.assertEqual(sorted(one.memo for one in found), ["both", "both"])

    @asynchronous
    async def test_locked(self) -> None:
        """A conversation that somebody keeps locked is refused after a bounded time; others work meanwhile."""
        a, b = (await self.storage.user()).id, (await self.storage.user()).id
        contested = (await self.storage.say(a, b)).conversation
        other = self.open()
        with self.storage.database.engine.connect() as holder, holder.begin():
            holder.execute(select(conversation.c.id).where(conversation.c.id == contested.id).with_for_update())
            waiting = Deferred.fromCoroutine(self.storage.say(a, b))
            self.assertEqual((await other.say(a, a)).message.seq, 1)
            await self.refused(waiting, "storage unavailable", Unavailable)
            self.assertEqual((await self.storage.say(a, a)).message.seq, 2)
        self.assertEqual((await self.storage.say(a, b)).message.seq, 2)

    @asynchronous
    async def test_dead_holder(self) -> None:
        """A server that died in the middle of a transaction doesn't keep a conversation locked."""
        a, b = (await self.storage.user()).id, (await self.storage.user()).id
        contested = (await self.storage.say(a, b)).conversation
        self.patch(bounds, "IDLE_SECONDS", 1)
        dead = engine.open_engine(self.address, 1)
        self.addCleanup(dead.dispose)
        holder = dead.connect()
        holder.execute(select(conversation.c.id).where(conversation.c.id == contested.id).with_for_update())
        self.assertEqual((await self.storage.say(a, b)).message.seq, 2)
        holder.invalidate()
        holder.close()


class OutageOnPostgreSql(OnPostgreSql, OutageOnMySql):
    """PostgreSQL behind a proxy."""

    port = 5432

    def setUp(self) -> None:
        OutageOnMySql.setUp(self)
