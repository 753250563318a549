"""A node that looks for orders and carries them out, over a real store."""

from __future__ import annotations

from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from test.storage.rig import OnSqlite, asynchronous
from twim.errors import NotFound, Unavailable
from twim.logic.administration.acts import Actor
from twim.logic.administration.orders import AT_ONCE, BEAT_SECONDS, LOOK_SECONDS, STOP_SECONDS, Orders
from twim.storage.orders import DONE, FAILED, RUNNING, SECRET_MS, WAITING, Order

NOW = 1_700_000_000_000


class Carrying:
    """In place of the administration: each act waits until the test ends it."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, dict[str, object], Actor, Deferred[Any]]] = []

    async def act(self, name: str, values: dict[str, object], actor: Actor) -> Any:
        waiting: Deferred[Any] = Deferred()
        self.begun.append((name, values, actor, waiting))
        return await waiting


class OrdersTests(OnSqlite):
    """One node's orders."""

    def setUp(self) -> None:
        super().setUp()
        self.clock, self.carrying = Clock(), Carrying()
        self.store = self.storage.orders
        self.orders = self.node("a")

    def node(self, name: str) -> Orders:
        carrying: Any = self.carrying
        made = Orders(self.store, carrying, name, self.clock, lambda: NOW)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.end(made)))
        return made

    async def end(self, orders: Orders) -> None:
        self.end_all()
        await self.settle()
        stopping = Deferred.fromCoroutine(orders.stop())
        self.clock.advance(STOP_SECONDS)
        await stopping

    async def settle(self) -> None:
        """What nodes have begun with the database is done, and what follows from it."""
        for _ in range(12):
            await self.storage.database.write(lambda connection: None)
            await self.storage.database.read(lambda connection: None)

    async def look(self, seconds: float = LOOK_SECONDS) -> None:
        self.clock.advance(seconds)
        await self.settle()

    async def leave(self, act: str = "user.show", told: bytes = b'{"user":7}') -> int:
        return await self.store.leave(act, told, "command:root", NOW)

    async def found(self, number: int) -> Order:
        order = await self.store.look(number)
        assert order is not None
        return order

    @asynchronous
    async def test_carried_out(self) -> None:
        """Within half a second an order is taken, and carried out for who left it; its result is stored."""
        self.orders.start()
        await self.settle()
        number = await self.leave()
        await self.look()
        ((name, values, actor, waiting),) = self.carrying.begun
        self.assertEqual((name, values, actor), ("user.show", {"user": 7}, Actor("command:root", 0)))
        self.assertEqual((await self.found(number)).state, RUNNING)
        waiting.callback({"id": 7, "nickname": "雪"})
        await self.settle()
        order = await self.found(number)
        self.assertEqual((order.state, order.node), (DONE, "a"))
        self.assertEqual(msgspec.json.decode(order.outcome), {"id": 7, "nickname": "雪"})

    @asynchronous
    async def test_refused(self) -> None:
        """A refusal is written as such, and so is our bug, of which the log has more."""
        self.orders.start()
        failed = [await self.leave() for _ in range(2)]
        malformed = [await self.leave(told=told) for told in (b"[]", b"no JSON")]
        await self.look()
        self.carrying.begun[0][3].errback(Failure(NotFound("no such user")))
        self.carrying.begun[1][3].errback(Failure(ZeroDivisionError()))
        await self.settle()
        outcomes = []
        for number in (*failed, *malformed):
            order = await self.found(number)
            self.assertEqual(order.state, FAILED)
            outcomes.append(msgspec.json.decode(order.outcome))
        self.assertEqual(outcomes[0], {"code": -4, "msg": "no such user", "status": 404})
        self.assertEqual((outcomes[1]["code"], outcomes[1]["status"]), (-7, 500))
        self.assertEqual([one["status"] for one in outcomes[2:]], [400, 400])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    @asynchronous
    async def test_at_once(self) -> None:
        """A long one keeps no other waiting; of very many the rest waits its turn."""
        self.orders.start()
        left = [await self.leave() for _ in range(AT_ONCE + 2)]
        await self.look()
        self.assertEqual(len(self.carrying.begun), AT_ONCE)
        self.assertEqual((await self.found(left[-1])).state, WAITING)
        self.carrying.begun[1][3].callback({})
        await self.settle()
        await self.look()
        self.assertEqual(len(self.carrying.begun), AT_ONCE + 1)
        self.end_all()

    def end_all(self) -> None:
        for *_, waiting in self.carrying.begun:
            if not waiting.called:
                waiting.callback({})

    @asynchronous
    async def test_one_node(self) -> None:
        """Of two nodes that look at the same moment one carries an order out."""
        other = self.node("b")
        self.orders.start()
        other.start()
        left = [await self.leave() for _ in range(3)]
        await self.look()
        await self.look()
        self.assertEqual(len(self.carrying.begun), len(left))
        self.end_all()

    @asynchronous
    async def test_sign_of_life(self) -> None:
        """While an order is being carried out its beat grows; of a node that was killed it stays as it is, and nobody
        else begins."""
        self.orders.start()
        number = await self.leave()
        await self.look()
        await self.look(BEAT_SECONDS)
        beat = (await self.found(number)).beat
        self.assertGreater(beat, 0)
        self.carrying.begun[0][3].callback({})
        await self.settle()
        killed = await self.leave()
        await self.store.take("killed", NOW)
        await self.look(10 * BEAT_SECONDS)
        order = await self.found(killed)
        self.assertEqual((order.state, order.beat, len(self.carrying.begun)), (RUNNING, 0, 1))

    @asynchronous
    async def test_outage(self) -> None:
        """While the database can't be used nothing is looked for, and the outcome of what was carried out is written
        when it can be again."""
        self.orders.start()
        number = await self.leave()
        await self.look()
        end = self.store.end
        self.patch(self.store, "end", _unavailable)
        self.patch(self.store, "waits", _unavailable)
        self.carrying.begun[0][3].callback({"id": 7})
        await self.look()
        self.assertEqual((await self.found(number)).state, RUNNING)
        self.store.end = end  # type: ignore[method-assign]
        await self.look(1)
        self.assertEqual((await self.found(number)).state, DONE)

    @asynchronous
    async def test_stop(self) -> None:
        """A stop takes no more orders, and waits for what is being carried out; not for ever."""
        self.orders.start()
        number = await self.leave()
        await self.look()
        stopping = Deferred.fromCoroutine(self.orders.stop())
        await self.leave()
        await self.look()
        self.assertNoResult(stopping)
        self.assertEqual(len(self.carrying.begun), 1)
        self.carrying.begun[0][3].callback({})
        await stopping
        self.assertEqual((await self.found(number)).state, DONE)

    @asynchronous
    async def test_stop_is_bounded(self) -> None:
        """What takes longer is left, and stays running for whoever asks."""
        self.orders.start()
        number = await self.leave()
        await self.look()
        stopping = Deferred.fromCoroutine(self.orders.stop())
        self.clock.advance(STOP_SECONDS)
        await stopping
        self.assertEqual((await self.found(number)).state, RUNNING)
        self.end_all()
        await self.settle()

    @asynchronous
    async def test_forgets(self) -> None:
        """Outcomes with a code that is shown once, and that nobody collects, are deleted."""
        number = await self.store.leave("user.reset", b"{}", "command:root", NOW - SECRET_MS - 1)
        await self.store.take("killed", NOW - SECRET_MS - 1)
        await self.store.end(number, "killed", DONE, b'{"url":"/reset/CODE"}')
        self.orders.start()
        await self.settle()
        self.assertIsNone(await self.store.look(number))


def _unavailable(*_: object) -> Any:
    raise Unavailable
