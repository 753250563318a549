"""What every database keeps for webhooks: the webhooks, what happens, leases, and that nothing is passed over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select
from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.task import Clock, deferLater

from test.storage.rig import Storage, asynchronous
from twim.errors import Conflict, NotFound
from twim.logic.policy import may_act_on, may_join
from twim.storage import happenings, tail, webhooks
from twim.storage.leases import LeaseLost, LeaseState, LeaseStore
from twim.storage.schema import message
from twim.storage.schema_webhooks import happening, lease, webhook
from twim.storage.tail import GAP_SECONDS, Tail
from twim.storage.webhook_events import Waiting, WebhookEvents
from twim.storage.webhooks import LEASE, Webhook, WebhookStore
from twim.wire.commands import GROUP

NOW = 1_700_000_000_000
URL = "https://a.example/"
IDS = select(message.c.id).where(message.c.id > bindparam("b_after")).order_by(message.c.id).limit(bindparam("b_limit"))


def _clear(connection: Connection) -> None:
    for table in (webhook, happening, lease):
        connection.execute(delete(table))


class AnyWebhooks:
    """The stores for webhooks."""

    storage: Storage

    def setUp(self: Any) -> None:
        super().setUp()
        self.storage.database.transact(_clear, True)
        self.hooks = WebhookStore(self.storage.database)
        self.leases = LeaseStore(self.storage.database)
        self.clock = Clock()

    async def hook(self: Any, events: str = "message,member,user,read", community: int = 0) -> Webhook:
        """A new webhook."""
        made = await self.hooks.create(URL, "secret", events, community, NOW)
        return next(one for one in await self.hooks.all() if one.id == made)

    def reading(self: Any, hook: Webhook) -> WebhookEvents:
        return WebhookEvents(self.storage.database, hook, self.storage.epoch, self.clock)

    async def events(self: Any, hook: Webhook) -> list[tuple[object, ...]]:
        """The kind of each event that waits, and its data but times and numbers."""
        await self.storage.indexing.written()
        found = (await self.read_on(self.reading(hook), hook.log, hook.happened)).events
        return [(one.event, *(one.data.get(x) for x in ("group", "with", "user", "what", "content"))) for one in found]

    async def read_on(self: Any, reading: WebhookEvents, log: int, happened: int, limit: int = 100) -> Waiting:
        """What waits, once it is known that nothing comes before it: what other tests stored was deleted."""
        found: Waiting = await reading.read(log, happened, limit)
        for _ in range(200):
            if not found.waits:
                break
            self.clock.advance(GAP_SECONDS)
            await deferLater(reactor, 0.05)
            found = await reading.read(log, happened, limit)
        self.assertFalse(found.waits)
        return found

    # Webhooks

    @asynchronous
    async def test_kept(self: Any) -> None:
        """A webhook is kept as it was made, newest first, and is gone when it is deleted."""
        first, second = await self.hook("user"), await self.hook("message", 7)
        self.assertEqual([one.id for one in await self.hooks.all()], [second.id, first.id])
        self.assertEqual((second.events, second.community, second.state, second.failure), ("message", 7, "ok", ""))
        await self.hooks.delete(first.id)
        self.assertEqual([one.id for one in await self.hooks.all()], [second.id])
        for gone in (self.hooks.delete(first.id), self.hooks.retry(first.id)):
            await self.refused(gone, "no such webhook", NotFound)
        self.patch(webhooks, "WEBHOOKS", 1)
        await self.refused(self.hook(), "at most 1 webhooks", Conflict)

    @asynchronous
    async def test_fenced(self: Any) -> None:
        """Only who holds the lease moves a webhook, and never back; another try that is asked for isn't undone by what
        an earlier one tells."""
        hook = await self.hook()
        fence = await self.leases.take(LEASE, "a", None)
        await self.hooks.move(fence, hook.id, hook.log + 5, hook.happened + 3)
        await self.hooks.move(fence, hook.id, hook.log + 4, hook.happened + 3)
        await self.hooks.tell(fence, hook.id, 0, "failed", NOW, "status 500")
        (now,) = await self.hooks.all()
        self.assertEqual((now.log, now.happened), (hook.log + 5, hook.happened + 3))
        self.assertEqual((now.state, now.since, now.failure), ("failed", NOW, "status 500"))
        await self.hooks.retry(hook.id)
        await self.hooks.tell(fence, hook.id, 0, "failed", NOW, "status 500")
        (now,) = await self.hooks.all()
        self.assertEqual((now.state, now.since, now.failure, now.retries), ("ok", 0, "", 1))
        await self.leases.take(LEASE, "b", await self.leases.look(LEASE))
        for late in (
            self.hooks.move(fence, hook.id, hook.log + 9, hook.happened),
            self.hooks.tell(fence, hook.id, 1, "failing", NOW, ""),
            self.hooks.tidy(fence, NOW),
        ):
            await self.refused(late, "another node holds the lease", LeaseLost)
        self.assertEqual((await self.hooks.all())[0], now)

    # Leases

    @asynchronous
    async def test_lease(self: Any) -> None:
        """A lease is taken from the state that was seen, once; each holder has the next fence."""
        self.assertIsNone(await self.leases.look("x"))
        self.assertEqual(await self.leases.take("x", "a", None), 1)
        self.assertIsNone(await self.leases.take("x", "b", None))
        seen = await self.leases.look("x")
        self.assertEqual(seen, LeaseState("a", 1, 0))
        self.assertTrue(await self.leases.beat("x", 1))
        self.assertIsNone(await self.leases.take("x", "b", seen))
        self.assertEqual(await self.leases.take("x", "b", await self.leases.look("x")), 2)
        self.assertFalse(await self.leases.beat("x", 1))
        await self.leases.give_back("x", 1)
        self.assertEqual(await self.leases.look("x"), LeaseState("b", 2, 0))
        await self.leases.give_back("x", 2)
        self.assertEqual(await self.leases.look("x"), LeaseState("", 2, 0))

    @asynchronous
    async def test_lease_at_once(self: Any) -> None:
        """Of several that take it at the same moment one has it."""
        others = LeaseStore(self.open().database) if self.servers > 1 else self.leases
        for seen in (None, LeaseState("0", 1, 0)):
            stores = (self.leases, others) * 3
            taken = await gatherResults([one.take("y", str(n % 1), seen) for n, one in enumerate(stores)])
            self.assertEqual(len([one for one in taken if one is not None]), 1)

    # What happens

    @asynchronous
    async def test_happenings(self: Any) -> None:
        """What happens to users, members and read marks is written down with it, in order, for who wants to hear it."""
        ann, ben = [(await self.storage.user()).id for _ in range(2)]
        hook = await self.hook()
        store = self.storage.relations
        group = await self.storage.group(ann)
        await store.join(ben, group.id, NOW, may_join)
        posted = await self.storage.say(ann, group.id, "hi", GROUP)
        found = await self.storage.conversations.find((GROUP, group.id, 0))
        await self.storage.conversations.mark_read(ben, found, posted.message.seq, NOW)
        await self.storage.conversations.mark_read(ben, found, posted.message.seq, NOW)
        await self.storage.accounts.change(ben, {"nickname": "Ben"})
        await store.mute(ann, group.id, ben, NOW + 1, NOW, may_act_on)
        await store.remove(ann, group.id, ben, NOW, may_act_on)
        called, us, them = f"id:{group.id}", f"id:{ann}", f"id:{ben}"
        happened = [
            ("member", called, None, us, "created", None),
            ("member", called, None, them, "joined", None),
            ("read", called, None, them, None, None),
            ("user", None, None, them, "changed", None),
            ("member", called, None, them, "muted", None),
            ("member", called, None, them, "removed", None),
        ]
        found = await self.events(hook)
        self.assertEqual([one for one in found if one[0] != "message"], happened)
        self.assertEqual([one[1::4] for one in found if one[0] == "message"], [(called, "hi")])
        self.assertLess(found.index(("message", called, None, None, None, "hi")), found.index(happened[2]))
        only = await self.hook("user")
        self.assertEqual(await self.events(only), [])
        await self.storage.accounts.change(ben, {})
        self.assertEqual(await self.events(only), [])

    @asynchronous
    async def test_nobody_wants_it(self: Any) -> None:
        """Nothing is written down that no webhook wants, and nothing stays when the last one goes."""
        hook = await self.hook("message,read")
        ann = (await self.storage.user()).id
        await self.storage.group(ann)
        rows = self.storage.database.read(lambda c: c.execute(select(happening)).all())
        self.assertEqual(await rows, [])
        await self.hook("user")
        await self.storage.user()
        self.assertEqual(await self.storage.database.read(happenings.newest) > 0, True)
        for one in await self.hooks.all():
            await self.hooks.delete(one.id)
        self.assertEqual(await self.storage.database.read(lambda c: c.execute(select(happening)).all()), [])
        self.assertEqual(hook.state, "ok")

    @asynchronous
    async def test_tidied(self: Any) -> None:
        """What all were told is forgotten, and what is very old."""
        await self.hook("user"), await self.hook("user")
        fence = await self.leases.take(LEASE, "a", None)
        for _ in range(3):
            await self.storage.user()
        one, other = await self.hooks.all()
        left = select(happening.c.id).order_by(happening.c.id)
        ids = await self.storage.database.read(lambda c: c.scalars(left).all())
        await self.hooks.move(fence, one.id, one.log, ids[2])
        await self.hooks.move(fence, other.id, other.log, ids[0])
        await self.hooks.tidy(fence, NOW)
        self.assertEqual(await self.storage.database.read(lambda c: c.scalars(left).all()), ids[1:])
        await self.hooks.tidy(fence, 2 * NOW)
        self.assertEqual(await self.storage.database.read(lambda c: c.scalars(left).all()), [])

    # The log

    @asynchronous
    async def test_pages(self: Any) -> None:
        """A page at a time nothing is missed and nothing comes twice."""
        ann, ben = [(await self.storage.user()).id for _ in range(2)]
        hook = await self.hook("message")
        for number in range(7):
            await self.storage.say(ann, ben, str(number))
        reading, at, said = self.reading(hook), hook.log, []
        while True:
            page = await self.read_on(reading, at, hook.happened, 3)
            said += [one.data["content"] for one in page.events]
            at = page.log
            if not page.more:
                break
        self.assertEqual(said, [str(number) for number in range(7)])
        self.assertEqual((await reading.read(at, hook.happened)).events, [])

    @asynchronous
    async def test_of_one_group(self: Any) -> None:
        """Who hears of one group gets no other rows, however many lie between, and misses none of its own."""
        self.patch(tail, "SKIMMED", 4)
        ann, ben = [(await self.storage.user()).id for _ in range(2)]
        group = await self.storage.group(ann)
        hook = await self.hook("message", group.id)
        for number, others in enumerate((9, 0, 4, 0, 0, 2)):
            for _ in range(others):
                await self.storage.say(ann, ben)
            await self.storage.say(ann, group.id, str(number), GROUP)
        await self.storage.say(ann, ben)
        reading, at, said = self.reading(hook), hook.log, []
        while True:
            page = await self.read_on(reading, at, hook.happened, 2)
            said += [one.data["content"] for one in page.events]
            self.assertLessEqual(len(page.events), 2)
            at = page.log
            if not page.more:
                break
        self.assertEqual(said, [str(number) for number in range(6)])
        newest = await self.storage.database.read(lambda c: max(c.scalars(select(message.c.id))))
        self.assertEqual(at, newest)

    @asynchronous
    async def test_late_commit(self: Any) -> None:
        """A message that is committed after one with a higher id isn't passed over: the later ones wait for it.
        One that is undone is waited for only as long as it takes to find that out."""
        if self.storage.database.dialect.commits_in_order:
            return
        ann, ben, cat = [(await self.storage.user()).id for _ in range(3)]
        await self.storage.say(ann, ben)
        after = await self.storage.database.read(lambda c: max(c.scalars(select(message.c.id))))
        for seq, ends in ((900, "commit"), (901, "rollback")):
            following = Tail(self.storage.database, message, IDS, self.clock)
            slow = self.storage.database.engine.connect()
            self.addCleanup(slow.close)
            transaction = slow.begin()
            here = await self.storage.conversations.find((10, min(ann, ben), max(ann, ben)))
            self.storage.database.dialect.heads(slow, [here.id])
            row = {"conversation": here.id, "seq": seq, "sender": ann, "body": b"{}"}
            late = slow.execute(insert(message).values(row)).inserted_primary_key[0]
            await self.storage.say(ann, cat)
            self.assertEqual(await self.read(following, after), ([], True))
            self.clock.advance(GAP_SECONDS)
            self.assertEqual(await self.read(following, after), ([], True))
            self.assertEqual(await self.read(following, after), ([], True))
            getattr(transaction, ends)()
            slow.close()
            found, waits = await self.read(following, after)
            # Other databases of the server may have transactions of their own.
            for _ in range(200):
                if not waits:
                    break
                await deferLater(reactor, 0.05)
                found, waits = await self.read(following, after)
            self.assertEqual((len(found), waits), (2 if ends == "commit" else 1, False))
            self.assertEqual(late in found, ends == "commit")
            after = found[-1]

    async def read(self: Any, following: Tail, after: int) -> tuple[Sequence[int], bool]:
        """The ids that follow, and whether some wait."""
        found = await following.read(after, 10)
        return [row[0] for row in found.rows], found.waits

    @asynchronous
    async def test_gap_of_deleted(self: Any) -> None:
        """What was deleted above is passed over."""
        ann, ben = [(await self.storage.user()).id for _ in range(2)]
        await self.storage.say(ann, ben)
        after = await self.storage.database.read(lambda c: max(c.scalars(select(message.c.id))))
        for _ in range(3):
            await self.storage.say(ann, ben)
        gone = delete(message).where(message.c.id > after, message.c.id < after + 3)
        await self.storage.database.execute(gone)
        following = Tail(self.storage.database, message, IDS, self.clock)
        in_order = self.storage.database.dialect.commits_in_order
        self.assertEqual(await self.read(following, after), ([after + 3], False) if in_order else ([], True))
        self.clock.advance(GAP_SECONDS)
        for _ in range(200):
            found = await self.read(following, after)
            if not found[1]:
                break
            await deferLater(reactor, 0.05)
        self.assertEqual(found, ([after + 3], False))
