"""What the stores of administration promise on every database: audit log, orders, resets and keys."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete
from twisted.internet.defer import DeferredList, gatherResults

from test.storage.rig import DEVICE, Storage, asynchronous
from twim.errors import Conflict, NotFound, NotLoggedIn
from twim.storage import api_keys
from twim.storage.orders import DONE, FAILED, KEPT_MS, RUNNING, SECRET_MS, VOID_MS, WAITING
from twim.storage.schema import api_key, audit, orders

NOW = 1_700_000_000_000
CODE = b"a code".ljust(32)


class AnyAdministration:
    """The stores of administration."""

    storage: Storage

    def setUp(self: Any) -> None:
        super().setUp()
        # The database may be shared with other tests.
        self.storage.database.transact(_clear, True)

    # The audit log

    @asynchronous
    async def test_audit(self: Any) -> None:
        """Lines come back the newest first, a page at a time, as they were written."""
        for number in range(5):
            await self.storage.audit.append("id:7", "user.disable", {"user": number}, NOW + number)
        first = await self.storage.audit.lines(0, 2)
        self.assertEqual([line.public()["what"] for line in first], [{"user": 4}, {"user": 3}])
        rest = await self.storage.audit.lines(first[-1].id, 10)
        self.assertEqual([line.public()["what"]["user"] for line in rest], [2, 1, 0])
        row = rest[-1].public()
        self.assertEqual(row, {"id": row["id"], "at": NOW, "who": "id:7", "act": "user.disable", "what": {"user": 0}})

    # Orders

    async def leave(self: Any, act: str = "user.list", at: int = NOW) -> int:
        number: int = await self.storage.orders.leave(act, b"{}", "command:root", at)
        return number

    @asynchronous
    async def test_order(self: Any) -> None:
        """An order goes from waiting over running to done, and is gone when its outcome has been collected."""
        store = self.storage.orders
        self.assertFalse(await store.waits(NOW))
        self.assertIsNone(await store.take("a", NOW))
        number = await self.leave()
        self.assertEqual((await store.look(number)).state, WAITING)
        self.assertIsNone(await store.collect(number))
        self.assertTrue(await store.waits(NOW))
        taken = await store.take("a", NOW + 5)
        self.assertEqual((taken.id, taken.act, taken.told, taken.who), (number, "user.list", b"{}", "command:root"))
        self.assertEqual((taken.state, taken.node, taken.taken, taken.beat), (RUNNING, "a", NOW + 5, 0))
        self.assertFalse(await store.waits(NOW))
        await store.beat(number)
        self.assertEqual((await store.look(number)).beat, 1)
        self.assertIsNone(await store.collect(number))
        await store.end(number, "a", DONE, b'{"rows":[]}')
        self.assertEqual((await store.collect(number)).outcome, b'{"rows":[]}')
        self.assertIsNone(await store.look(number))
        self.assertIsNone(await store.collect(number))

    @asynchronous
    async def test_one_takes_it(self: Any) -> None:
        """Of many who look at once, at two servers where there may be, one takes an order; and of a node that takes it
        and a command that takes it back one has it."""
        other = self.open().orders if self.servers > 1 else self.storage.orders
        for _ in range(8):
            number = await self.leave()
            looks = [store.take(node, NOW) for node, store in enumerate((self.storage.orders, other) * 3)]
            took = await gatherResults([*looks, other.take_back(number)])
            self.assertEqual(sum(bool(one) for one in took), 1, took)
            await self.storage.orders.end(number, "0", DONE, b"")

    @asynchronous
    async def test_oldest_first(self: Any) -> None:
        """Orders are taken in the order in which they were left."""
        left = [await self.leave() for _ in range(3)]
        self.assertEqual([(await self.storage.orders.take("a", NOW)).id for _ in range(3)], left)

    @asynchronous
    async def test_void(self: Any) -> None:
        """An order that nobody took in time is never carried out, nor is one that seems to come from the future."""
        for late in (VOID_MS, -VOID_MS):
            number = await self.leave(at=NOW - late)
            self.assertTrue(await self.storage.orders.waits(NOW))
            past = NOW + (1 if late > 0 else -1)
            self.assertFalse(await self.storage.orders.waits(past))
            self.assertIsNone(await self.storage.orders.take("a", past))
            self.assertTrue(await self.storage.orders.take_back(number))
            self.assertIsNone(await self.storage.orders.look(number))

    @asynchronous
    async def test_only_its_node_ends_it(self: Any) -> None:
        """Nobody writes an outcome but the node that took the order, and only once; nor a beat afterwards."""
        number = await self.leave()
        await self.storage.orders.end(number, "a", DONE, b"not taken")
        await self.storage.orders.take("a", NOW)
        await self.storage.orders.end(number, "b", DONE, b"another's")
        await self.storage.orders.end(number, "a", FAILED, b"mine")
        await self.storage.orders.end(number, "a", DONE, b"again")
        await self.storage.orders.beat(number)
        found = await self.storage.orders.look(number)
        self.assertEqual((found.state, found.outcome, found.beat), (FAILED, b"mine", 0))
        self.assertFalse(await self.storage.orders.take_back(number))

    @asynchronous
    async def test_forgotten(self: Any) -> None:
        """Outcomes that nobody collects go after a day, and those with a code that is shown once after a minute."""
        secret, plain, running = [await self.leave(act) for act in ("user.reset", "user.list", "user.reset")]
        for _ in range(3):
            await self.storage.orders.take("a", NOW)
        for number in (secret, plain):
            await self.storage.orders.end(number, "a", DONE, b"")
        for after, left in ((SECRET_MS, {secret, plain, running}), (SECRET_MS + 1, {plain, running})):
            await self.storage.orders.forget(NOW + after, ("user.reset",))
            self.assertEqual({one for one in (secret, plain, running) if await self.storage.orders.look(one)}, left)
        await self.storage.orders.forget(NOW + KEPT_MS + 1, ("user.reset",))
        self.assertIsNone(await self.storage.orders.look(plain))

    # Resets of passwords

    @asynchronous
    async def test_reset(self: Any) -> None:
        """From its beginning the password and all devices are dead; one new password is set by it."""
        one = await self.storage.user()
        (device,) = await self.storage.accounts.devices(one.id)
        self.assertEqual(await self.storage.resets.begin(one.id, CODE, NOW + 1), [device.id])
        self.assertEqual(await self.storage.accounts.devices(one.id), [])
        again = DEVICE | {"tokenhash": (one.id + 1).to_bytes(32, "big")}
        self.assertIsNone(await self.storage.accounts.add_device(one.id, "hash", again))
        self.assertEqual((await self.storage.accounts.by_id(one.id))[1], "")
        self.assertFalse(await self.storage.accounts.replace_hash(one.id, "hash", "hash again"))
        await self.refused(self.storage.accounts.change_passwd(one.id, "mine", device.id), "log in", NotLoggedIn)
        self.assertEqual(await self.storage.resets.look(CODE, NOW), one.id)
        self.assertEqual(await self.storage.resets.use(CODE, "new", NOW), one.id)
        self.assertEqual((await self.storage.accounts.by_id(one.id))[1], "new")
        await self.refused(self.storage.resets.use(CODE, "newer", NOW), "no such link", NotFound)

    @asynchronous
    async def test_reset_not_good(self: Any) -> None:
        """Wrong, expired, replaced, forgotten: there is no such link. Nothing is reset of who isn't there."""
        one = await self.storage.user()
        await self.storage.resets.begin(one.id, CODE, NOW + 1)
        wrong = b"another".ljust(32)
        for hashed, at in ((wrong, NOW), (CODE, NOW + 1)):
            await self.refused(self.storage.resets.look(hashed, at), "no such link", NotFound)
            await self.refused(self.storage.resets.use(hashed, "new", at), "no such link", NotFound)
        await self.storage.resets.begin(one.id, wrong, NOW + 1)
        await self.refused(self.storage.resets.look(CODE, NOW), "no such link", NotFound)
        await self.storage.resets.forget(one.id)
        await self.refused(self.storage.resets.look(wrong, NOW), "no such link", NotFound)
        await self.refused(self.storage.resets.begin(7, CODE, NOW + 1), "no such user", NotFound)
        self.assertEqual((await self.storage.accounts.by_id(one.id))[1], "")

    @asynchronous
    async def test_reset_at_once(self: Any) -> None:
        """Of several who use the same link at once one sets the password."""
        one = await self.storage.user()
        await self.storage.resets.begin(one.id, CODE, NOW + 1)
        tried = await DeferredList(
            [self.storage.resets.use(CODE, f"hash {n}", NOW) for n in range(6)], consumeErrors=True
        )
        self.assertEqual([is_done for is_done, _ in tried].count(True), 1)

    @asynchronous
    async def test_end_all(self: Any) -> None:
        """All devices of a user end, and nobody else's."""
        one, other = [await self.storage.user() for _ in range(2)]
        devices = [device.id for device in await self.storage.accounts.devices(one.id)]
        self.assertEqual(await self.storage.accounts.end_all(one.id), devices)
        self.assertEqual(await self.storage.accounts.end_all(one.id), [])
        self.assertEqual(len(await self.storage.accounts.devices(other.id)), 1)
        await self.refused(self.storage.accounts.end_all(7), "no such user", NotFound)

    # Keys

    @asynchronous
    async def test_keys(self: Any) -> None:
        """Keys are listed the newest first, and end when they are revoked."""
        first = await self.storage.keys.create("a script", CODE, "read,users", NOW)
        second = await self.storage.keys.create("a bot", b"other".ljust(32), "messages", NOW + 1)
        listed = [key.public() for key in await self.storage.keys.keys()]
        self.assertEqual([row["id"] for row in listed], [second, first])
        row = {"id": first, "name": "a script", "scopes": ["read", "users"], "createat": NOW}
        self.assertEqual(listed[1], row | {"used": 0})
        await self.storage.keys.touch([first], NOW + 2)
        by_hash = await self.storage.keys.by_hash()
        self.assertEqual(
            {hashed: (key.id, key.used) for hashed, key in by_hash.items()},
            {CODE: (first, NOW + 2), b"other".ljust(32): (second, 0)},
        )
        await self.storage.keys.revoke(first)
        await self.refused(self.storage.keys.revoke(first), "no such key", NotFound)
        self.assertEqual([key.id for key in await self.storage.keys.keys()], [second])

    @asynchronous
    async def test_too_many_keys(self: Any) -> None:
        """There is a bound."""
        self.patch(api_keys, "KEYS", 1)
        await self.storage.keys.create("one", CODE, "read", NOW)
        await self.refused(self.storage.keys.create("two", b"2".ljust(32), "read", NOW), "at most 1 keys", Conflict)


def _clear(connection: Connection) -> None:
    for table in (audit, orders, api_key):
        connection.execute(delete(table))
