"""What SQLite is told behind the log: it is there for whoever asks, whenever the server ended, and costs no commit."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import msgspec
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, text
from sqlalchemy.engine import URL
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from test.storage.rig import OnSqlite, Storage, asynchronous, stored_bodies
from twim.errors import Unavailable
from twim.storage import behind, migrations, opening, places
from twim.storage.behind import BEHIND_SECONDS, RETRY_SECONDS, Behind
from twim.storage.conversations import make
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.migrations.versions import r0001_begin
from twim.storage.opening import open_database
from twim.storage.schema import message, run, said
from twim.wire.commands import SINGLE
from twim.wire.message import Message, encode


def text_of(userid: int, dstid: int, **more: Any) -> Message:
    """A text message."""
    return Message(**({"userid": userid, "cmd": SINGLE, "dstid": dstid, "media": 1, "content": "x"} | more))


async def rows_of(storage: Storage, table: Any) -> list[tuple[Any, ...]]:
    """All of a table."""
    work: Deferred[Any] = storage.database.read(lambda c: [tuple(row) for row in c.execute(table.select())])
    return list(await work)


class BehindTests(OnSqlite):
    """When it is written, and what if it isn't."""

    async def two(self) -> tuple[int, int]:
        """Two users."""
        return (await self.storage.user()).id, (await self.storage.user()).id

    @asynchronous
    async def test_not_with_the_message(self) -> None:
        """A message that nobody has read yet is in the log alone."""
        a, b = await self.two()
        await self.storage.say(a, b, cid="c")
        self.assertEqual(await rows_of(self.storage, run), [])
        self.assertEqual(await rows_of(self.storage, said), [])

    @asynchronous
    async def test_runs(self) -> None:
        """What was stored one after the other in one conversation is found by one row."""
        a, b = await self.two()
        await self.storage.together(*[text_of(a, b) for _ in range(5)], text_of(a, a), *[text_of(b, a)] * 2)
        await self.storage.behind.written()
        spans = [(first, last, ident) for _, first, last, ident in await rows_of(self.storage, run)]
        self.assertEqual(sorted(spans), [(1, 1, 6), (1, 5, 1), (6, 7, 7)])

    @asynchronous
    async def test_in_time(self) -> None:
        """It is written a moment later by itself, once for all."""
        clock = Clock()
        here = Behind(self.storage.database, clock)
        self.storage.log._appender._behind = self.storage.fast._fallback._behind = here
        a, b = await self.two()
        for _ in range(3):
            await self.storage.say(a, b)
        self.assertEqual(len(clock.getDelayedCalls()), 1)
        clock.advance(BEHIND_SECONDS)
        await here.written()
        self.assertEqual([row[1:3] for row in await rows_of(self.storage, run)], [(1, 3)])
        self.assertEqual(clock.getDelayedCalls(), [])

    @asynchronous
    async def test_many(self) -> None:
        """It doesn't wait when there are many."""
        self.patch(behind, "BEHIND_MESSAGES", 4)
        a, b = await self.two()
        for _ in range(4):
            await self.storage.say(a, b)
        turn: Deferred[None] = Deferred()
        self.storage.database.turn.ask(lambda: turn.callback(None))
        await turn
        self.storage.database.turn.release()
        self.assertEqual(len(await rows_of(self.storage, run)), 1)

    @asynchronous
    async def test_storage_gone(self) -> None:
        """While it can't be written it is made for each reader and undone; it is tried again, and nothing forgotten."""
        clock = Clock()
        here = Behind(self.storage.database, clock)
        self.storage.log._appender._behind = here
        self.storage.conversations._behind = here
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
        """The end writes it; if that fails the end isn't held up."""
        a, b = await self.two()
        await self.storage.say(a, b)
        await self.storage.behind.stop()
        self.assertEqual(len(await rows_of(self.storage, run)), 1)
        await self.storage.say(a, b)
        self.patch(self.storage.database, "write", lambda *_, **__: fail(Unavailable()))
        await self.storage.behind.stop()

    @asynchronous
    async def test_crash(self) -> None:
        """After a crash everything is found: places, what clients called their messages, and marks."""
        a, b = await self.two()
        for n in range(3):
            await self.storage.say(a, b, cid=f"c{n}")
        await self.storage.behind.written()
        await self.storage.together(*[text_of(b, a, cid=f"d{n}") for n in range(3)])
        await self.storage.close(flush=False)
        storage = self.open()
        self.assertEqual([msgspec.json.decode(body)["seq"] for body in await storage.bodies(a, b)], [1, 2, 3, 4, 5, 6])
        for sender, peer, cid, seq in ((a, b, "c1", 2), (b, a, "d2", 6)):
            self.assertEqual((await storage.say(sender, peer, cid=cid)).first[:3], (SINGLE, peer, seq))
        (row,) = await storage.conversations.rows(b)
        self.assertEqual((row.seq, row.read, row.peer_read), (6, 6, 3))

    @asynchronous
    async def test_pieces(self) -> None:
        """So much that it takes several statements."""
        self.patch(behind, "PIECE", 2)
        a, b = await self.two()
        await self.storage.together(*[text_of(a, b, cid=f"{n}") for n in range(7)])
        await self.storage.behind.written()
        spans = [(first, last) for _, first, last, _ in await rows_of(self.storage, run)]
        self.assertEqual(spans, [(1, 2), (3, 4), (5, 6), (7, 7)])
        self.assertEqual(len(await self.storage.bodies(a, b)), 7)
        self.assertEqual(len(await rows_of(self.storage, said)), 7)

    @asynchronous
    async def test_repeats(self) -> None:
        """A cid is known in the same batch, before it is written behind, and after."""
        a, b = await self.two()
        posts = await self.storage.together(text_of(a, b, cid="c"), text_of(a, b, cid="c"), text_of(b, a, cid="c"))
        self.assertEqual([post.message.seq if post.first is None else post.first[2] for post in posts], [1, 1, 2])
        for _ in range(2):
            self.assertEqual((await self.storage.say(a, b, cid="c")).first[2], 1)
            await self.storage.behind.written()
        self.assertEqual(len(await self.storage.bodies(a, b)), 2)

    @asynchronous
    async def test_some_with_cid(self) -> None:
        """Messages of several conversations, some with a cid, in one batch: each is found in its own place."""
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
        """An event finds the message before it in its own batch."""
        a, b = await self.two()
        await self.storage.together(text_of(a, b), text_of(a, b, media=21, ref=1, content="new"))
        first, _ = await self.storage.bodies(a, b)
        self.assertEqual(msgspec.json.decode(first)["content"], "new")


class PlacesTests(OnSqlite):
    """Finding messages, however their conversations were mixed in the log."""

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
        model: dict[int, list[bytes]] = {place: [] for place in range(3)}

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
                for ident, place in zip(ids, batch, strict=True):
                    body = b"%d:%d" % (place, len(model[place]) + 1)
                    model[place].append(body)
                    row = {"id": ident, "conversation": place, "seq": len(model[place]), "sender": 1, "body": body}
                    connection.execute(insert(message).values(row))
                if not late:
                    behind.catch_up(connection)
            behind.catch_up(connection)
            for place, bodies in model.items():
                self.assertEqual(places.head(connection, place), len(bodies))
                found = places.bodies_after(connection, place, after, up_to, limit)
                self.assertEqual(found, bodies[after:up_to][:limit])
                found = places.bodies_before(connection, place, up_to, limit)
                self.assertEqual(found, bodies[: max(up_to - 1, 0)][-limit:])
                one = places.body_at(connection, place, after)
                self.assertEqual(one, bodies[after - 1] if 0 < after <= len(bodies) else None)

        self.storage.database.transact(work, True)


class UpgradeTests(TestCase):
    """A log that was made with indexes."""

    timeout = 60

    @asynchronous
    async def test_from_the_first_schema(self) -> None:
        """Everything in it is there, and found."""
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

    def _begin(self, url: URL) -> str:
        """Make a database of the first schema, with a conversation of four messages in it."""
        first = Path(self.mktemp())
        first.mkdir()
        shutil.copy(Path(r0001_begin.__file__), first)
        alone = ScriptDirectory(migrations.__path__[0], version_locations=[str(first)])
        old = Database(url, reactor)
        with mock.patch.object(migrations, "scripts", lambda: alone), mock.patch.object(opening, "catch_up"):
            epoch = open_database(old)
        old.transact(_fill, True)
        old.stop()
        return epoch


def _fill(connection: Connection) -> None:
    place = make(connection, (SINGLE, 1, 2), (1, 2)).id
    for seq in range(1, 5):
        sender, peer = (1, 2) if seq % 2 else (2, 1)
        body = encode(text_of(sender, peer, seq=seq, at=1, cid=f"c{seq}"))
        row = {"conversation": place, "seq": seq, "sender": sender, "cid": f"c{seq}".encode(), "body": body}
        connection.execute(insert(message).values(row))
