"""Acts are carried out by the running server or, where none runs, by the command: once, or not at all."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import delete
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from test.command.folder import InFolder
from test.storage.databases import MYSQL, POSTGRESQL, empty_database
from test.storage.rig import asynchronous
from twim.command import acting
from twim.command.account import account_name
from twim.errors import Conflict
from twim.node import now_ms
from twim.storage.audit import AuditStore
from twim.storage.orders import OrderStore
from twim.storage.schema import orders

FILE = "mobile,nickname\n111,Ann\n222,Bob\n"


class Acting(InFolder):
    """On SQLite, where a lock tells whether a server runs."""

    async def import_two(self) -> None:
        """Let there be Ann and Bob."""
        (self.folder / "two.csv").write_text(FILE)
        said = await self.command("import-users", self.folder / "two.csv")
        self.assertEqual(said.code, 0, said)

    @asynchronous
    async def test_alone(self) -> None:
        """Without a server the command acts itself, in the name of who runs it, and leaves the database free."""
        await self.import_two()
        said = await self.command("user", "role", "Ann", "admin")
        self.assertEqual((said.code, said.err), (0, ""))
        self.assertIn(("Ann", "admin"), self.users())
        (line, _) = await AuditStore(self.database).lines(0, 10)
        self.assertEqual((line.act, line.who), ("user.role", account_name()))
        self.assertEqual(self.left(), 0)
        os.close(self.database.backend.lock() or 0)

    @asynchronous
    async def test_refused_alone(self) -> None:
        """A refusal is one line."""
        await self.import_two()
        await self.command("user", "role", "Ann", "admin")
        self.assertIn("administrator", await self.refused("user", "disable", "Ann"))

    @asynchronous
    async def test_by_the_server(self) -> None:
        """Beside a server nothing is done here: it is asked, and its answer shown; no order is left."""
        server = self.serve({"rows": [], "next": 0})
        said = await self.command("user", "list", "x")
        self.assertEqual(said, (0, "none\n", ""))
        self.assertEqual(server.asked, [("user.list", {"q": "x", "before": 0, "limit": 200}, account_name())])
        self.assertEqual(self.left(), 0)

    @asynchronous
    async def test_refused_by_the_server(self) -> None:
        """What the server refuses is told with its words."""
        self.serve(Conflict("signup was given as an option"))
        self.assertEqual(await self.refused("set", "signup", "open"), "twim: signup was given as an option\n")

    @asynchronous
    async def test_nobody_answers(self) -> None:
        """What holds the lock and takes no orders is told of, and the order is taken back."""
        self.patch(acting, "BUSY_SECONDS", 0.2)
        held = self.database.backend.lock()
        self.addCleanup(os.close, held)
        self.assertIn("nothing was done", await self.refused("user", "list"))
        self.assertEqual(self.left(), 0)

    @asynchronous
    async def test_no_locks(self) -> None:
        """Where the system has no locks it is the order that tells, as on a database server."""
        self.patch(acting, "LOCKS", False)
        self.patch(acting, "TAKEN_SECONDS", 0.2)
        self.assertEqual(await self.command("user", "list", "--json"), (0, "[]\n", ""))
        self.patch(acting, "TAKEN_SECONDS", 30)
        server = self.serve({"rows": [], "next": 0})
        self.assertEqual(await self.command("user", "list", "--json"), (0, "[]\n", ""))
        self.assertEqual(len(server.asked), 1)

    @asynchronous
    async def test_server_ends_while_at_it(self) -> None:
        """An order whose node ended is not carried out again: nobody knows what became of it."""
        self.patch(acting, "SILENT_SECONDS", 0.2)
        held = self.database.backend.lock()
        self.addCleanup(os.close, held)
        waiting = Deferred.fromCoroutine(self.refused("user", "role", "id:1", "admin"))
        order = await self.take()
        self.assertIn("twim audit", await waiting)
        found = await OrderStore(self.database).look(order.id)
        self.assertEqual(found.state if found else None, "running")

    async def take(self) -> Any:
        """Take the order as soon as there is one."""
        store = OrderStore(self.database)
        while (order := await store.take("n1", now_ms())) is None:
            await deferLater(reactor, 0.02)
        return order

    @asynchronous
    async def test_order_is_gone(self) -> None:
        """An order that was too old to be carried out is told of."""
        held = self.database.backend.lock()
        self.addCleanup(os.close, held)
        waiting = Deferred.fromCoroutine(self.refused("user", "list"))
        while not self.left():
            await deferLater(reactor, 0.02)
        await self.database.write(lambda connection: connection.execute(delete(orders)))
        self.assertIn("nothing was done", await waiting)

    @asynchronous
    async def test_no_database(self) -> None:
        """Where there is no database none is made, nor its folder."""
        for line in ("user list", "set", "audit", "purge --older-than 3 --yes", "new-epoch", "key create x", "copy x"):
            said = await self.command(*line.split(), "--data", self.folder / "none")
            self.assertEqual((said.code, said.out), (1, ""), line)
            self.assertIn("no such database", said.err)
        self.assertFalse((self.folder / "none").exists())

    @asynchronous
    async def test_no_database_of_ours(self) -> None:
        """A file that is something else is refused."""
        (self.folder / "other").mkdir()
        (self.folder / "other" / "im.db").write_bytes(b"rubbish" * 1000)
        said = await self.command("user", "list", "--data", self.folder / "other")
        self.assertEqual(said.code, 1)
        self.assertIn("not a database", said.err)


class OnServers(InFolder):
    """On a database server, where only the order tells whether a node runs."""

    async def both(self, test: Any) -> None:
        """Run a test on each."""
        for server in (MYSQL, POSTGRESQL):
            url = empty_database(server)
            await test(self.made(url), url.render_as_string(hide_password=False))

    @asynchronous
    async def test_alone(self) -> None:
        """An order that nobody takes is taken back, and the command acts: once."""
        self.patch(acting, "TAKEN_SECONDS", 0.3)

        async def test(database: Any, url: str) -> None:
            (self.folder / "two.csv").write_text(FILE)
            (self.folder / "two.links.csv").unlink(missing_ok=True)
            said = await self.command("import-users", self.folder / "two.csv", "--db", url)
            self.assertEqual(said.code, 0, said)
            said = await self.command("--db", url, "user", "role", "mobile:222", "admin")
            self.assertEqual((said.code, said.err), (0, ""))
            self.assertIn(("Bob", "admin"), self.users(database))
            self.assertEqual(self.left(database), 0)
            lines = await AuditStore(database).lines(0, 10)
            self.assertEqual([line.act for line in lines], ["user.role", "user.import"])

        await self.both(test)

    @asynchronous
    async def test_by_a_node(self) -> None:
        """A node that runs takes it in time."""

        self.patch(acting, "TAKEN_SECONDS", 30)

        async def test(database: Any, url: str) -> None:
            server = self.serve({"rows": [], "next": 0}, database)
            said = await self.command("--db", url, "audit", "--json")
            self.assertEqual(said, (0, "[]\n", ""))
            self.assertEqual(len(server.asked), 1)

        await self.both(test)

    @asynchronous
    async def test_no_schema(self) -> None:
        """A server's database in which nothing is kept stays so."""
        url = empty_database(POSTGRESQL).render_as_string(hide_password=False)
        self.assertIn("nothing is kept there yet", await self.refused("user", "list", "--db", url))
        self.assertIn("nothing is kept there yet", await self.refused("user", "list", "--db", url))

    @asynchronous
    async def test_no_server(self) -> None:
        """A database server that isn't there is told of in one line."""
        said = await self.refused("user", "list", "--db", "postgresql://postgres@127.0.0.1:1/x")
        self.assertEqual(said.strip().count("\n"), 0, said)
