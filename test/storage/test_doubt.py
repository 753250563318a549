"""A connection is lost while a batch is committed: its senders are told that nothing was stored, although it was."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from test.storage.rig import OnMySql, OnPostgreSql, asynchronous, stored_bodies
from twim.errors import Unavailable


class DoubtOnMySql(OnMySql):
    """On MariaDB."""

    def lose(self) -> None:
        """The next transaction is committed and then ends in an outage."""
        database = self.storage.database
        write = database.write

        def lost(work: Any) -> Deferred[Any]:
            database.write = write  # type: ignore[method-assign]
            return write(work).addCallback(lambda _: Failure(Unavailable()))

        database.write = lost  # type: ignore[method-assign,assignment]

    @asynchronous
    async def test_stored(self) -> None:
        """Messages that are on the disk all the same are reported once, before the next batch, and answer nobody."""
        a, b = (await self.storage.user()).id, (await self.storage.user()).id
        await self.storage.say(a, b, "before")
        appeared = self.storage.appeared
        self.lose()
        await self.refused(self.storage.say(a, b, "lost", cid="c"), "storage unavailable", Unavailable)
        told = await self.storage.say(b, a, "next")
        self.assertEqual([(one.message.content, one.message.seq, one.origin) for one in appeared], [("lost", 2, None)])
        again = await self.storage.say(a, b, "lost", cid="c")
        self.assertEqual((told.message.seq, again.first and again.first[2], len(appeared)), (3, 2, 1))
        self.assertEqual([one["seq"] for one in await stored_bodies(self.storage)], [1, 2, 3])

    @asynchronous
    async def test_not_stored(self) -> None:
        """Messages that aren't on the disk are reported to nobody; another message with their seq isn't taken for one
        of them."""
        real = self.storage.database.transact

        def undone(work: Any, writes: bool, synced: bool = True) -> Any:
            with self.storage.database.engine.connect() as connection:
                transaction = connection.begin()
                found = work(connection)
                transaction.rollback()
            self.storage.database.transact = real  # type: ignore[method-assign]
            return found

        a, b = (await self.storage.user()).id, (await self.storage.user()).id
        await self.storage.say(a, b, "before")
        appeared = self.storage.appeared
        self.storage.database.transact = undone  # type: ignore[method-assign]
        self.lose()
        await self.refused(self.storage.say(a, b, "lost", cid="c"), "storage unavailable", Unavailable)
        told = [(await self.storage.say(b, a, "next")).message.seq, (await self.storage.say(a, b, "x")).message.seq]
        self.assertEqual((told, appeared), ([2, 3], []))


class DoubtOnPostgreSql(OnPostgreSql, DoubtOnMySql):
    """On PostgreSQL."""
