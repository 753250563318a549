"""Orders: acts that the command leaves in the database, of which each is carried out by one node at most.

An order `waits` until a node takes it, then it is `running`, and at the end `done` or `failed`. Each of these steps is
one statement that changes the order only from the state before, so of two nodes one takes it, and of a node that takes
it and a command that takes it back one has it. A node shows that it goes on by counting `beat` up; whoever waits
compares that with what it was, and needs no clock that agrees with the node's.
"""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import Connection, and_, bindparam, delete, insert, or_, select, update
from twisted.internet.defer import Deferred

from twim.storage.database import Database
from twim.storage.schema import orders

WAITING: Final = "waiting"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"

VOID_MS: Final = 60_000
"""After this time an order that nobody took is never carried out: whoever left it has given up. Clocks of the command
and of a node that differ by more find nothing to do."""
KEPT_MS: Final = 24 * 3600 * 1000
"""How long what became of an order is kept for a command that never came to read it."""
SECRET_MS: Final = 60_000
"""The same where it has a code that is shown once."""


class Order(msgspec.Struct):
    """One order. `told` and `outcome` are JSON: what the act is told, and its result or, of one that `failed`, the
    refusal (``{"code":-4,"msg":"no such user","status":404}``). `at` and `taken` are milliseconds since 1970."""

    id: int
    act: str
    told: bytes
    who: str
    state: str
    outcome: bytes
    at: int
    taken: int
    node: str
    beat: int


_ORDER: Final = tuple(orders.c[name] for name in Order.__struct_fields__)
_OPEN: Final = orders.c.state == WAITING
_NEXT: Final = (
    select(orders.c.id)
    .where(_OPEN, orders.c.at >= bindparam("after"), orders.c.at <= bindparam("until"))
    .order_by(orders.c.id)
    .limit(1)
)


class OrderStore:
    """The store of orders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # For who leaves one

    def leave(self, act: str, told: bytes, who: str, at: int) -> Deferred[int]:
        """Leave an order for the next node that looks. Gives its id."""
        values = {"act": act, "told": told, "who": who, "at": at}
        unset = {"state": WAITING, "outcome": b"", "taken": 0, "node": "", "beat": 0}

        def work(connection: Connection) -> int:
            made = connection.execute(insert(orders).values(values | unset))
            assert made.inserted_primary_key is not None
            return int(made.inserted_primary_key[0])

        return self._database.write(work)

    def look(self, id: int) -> Deferred[Order | None]:
        """The order as it is now; None when it is gone."""
        return self._database.read(lambda connection: _read(connection, id))

    def take_back(self, id: int) -> Deferred[bool]:
        """Take an order back. False when a node has taken it already."""
        this = delete(orders).where(orders.c.id == id, _OPEN)
        return self._database.write(lambda connection: connection.execute(this).rowcount > 0)

    def collect(self, id: int) -> Deferred[Order | None]:
        """The order whose outcome is known, which is deleted, so that a code that is shown once stays nowhere; None
        while a node is at it."""

        def work(connection: Connection) -> Order | None:
            found = _read(connection, id)
            if found is None or found.state not in (DONE, FAILED):
                return None
            connection.execute(delete(orders).where(orders.c.id == id))
            return found

        return self._database.write(work)

    # For nodes

    def waits(self, now: int) -> Deferred[bool]:
        """Whether there is an order to take."""
        return self._database.read(lambda connection: _next(connection, now) is not None)

    def take(self, node: str, now: int) -> Deferred[Order | None]:
        """Take the oldest order that waits; None where there is none, or another node was faster."""

        def work(connection: Connection) -> Order | None:
            id = _next(connection, now)
            mine = update(orders).where(orders.c.id == id, _OPEN).values(state=RUNNING, node=node, taken=now)
            return _read(connection, id) if id is not None and connection.execute(mine).rowcount else None

        return self._database.write(work)

    def beat(self, id: int) -> Deferred[None]:
        """Show that the order is still being carried out."""
        this = update(orders).where(orders.c.id == id, orders.c.state == RUNNING).values(beat=orders.c.beat + 1)
        return self._database.execute(this)

    def end(self, id: int, node: str, state: str, outcome: bytes) -> Deferred[None]:
        """Write down what became of an order that `node` took: `DONE` or `FAILED`."""
        mine = (orders.c.id == id, orders.c.state == RUNNING, orders.c.node == node)
        this = update(orders).where(*mine).values(state=state, outcome=outcome)
        return self._database.execute(this)

    def forget(self, now: int, secret: tuple[str, ...]) -> Deferred[None]:
        """Delete what nobody came to read: of the acts in `secret` after a minute, else after a day."""
        late = and_(orders.c.act.in_(secret), orders.c.state == DONE, orders.c.taken < now - SECRET_MS)
        gone = delete(orders).where(or_(orders.c.at < now - KEPT_MS, late))
        return self._database.execute(gone)


def _next(connection: Connection, now: int) -> int | None:
    return connection.execute(_NEXT, {"after": now - VOID_MS, "until": now + VOID_MS}).scalar_one_or_none()


def _read(connection: Connection, id: int) -> Order | None:
    found = connection.execute(select(*_ORDER).where(orders.c.id == id)).one_or_none()
    if found is None:
        return None
    order = Order(*found)
    order.told, order.outcome = bytes(order.told), bytes(order.outcome)
    return order
