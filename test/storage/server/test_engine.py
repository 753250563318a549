"""Connections of a database server's pool: one that died while nobody used it, and what is left in one."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, func, insert, select
from twisted.trial.unittest import SynchronousTestCase

from test.storage.databases import MYSQL, POSTGRESQL, Server, shared_database
from twim.storage.engine import open_engine
from twim.storage.schema import meta
from twim.storage.server import engine as server_engine

_ENDS = {MYSQL.name: "KILL {}", POSTGRESQL.name: "SELECT pg_terminate_backend({})"}
_NUMBERS = {MYSQL.name: "SELECT CONNECTION_ID()", POSTGRESQL.name: "SELECT pg_backend_pid()"}
_NAME = "left in a connection"


def _number(server: Server, connection: Connection) -> int:
    return int(connection.exec_driver_sql(_NUMBERS[server.name]).scalar_one())


class PoolTests(SynchronousTestCase):
    """One pooled connection at each server."""

    def engine(self, server: Server, connections: int = 1) -> Engine:
        engine = open_engine(shared_database(server), connections)
        self.addCleanup(engine.dispose)
        return engine

    def end(self, server: Server, number: int) -> None:
        with self.engine(server).begin() as connection:
            connection.exec_driver_sql(_ENDS[server.name].format(number))

    def test_died_while_quiet(self) -> None:
        """A connection that was idle for a while is asked whether it is there, and replaced if not: nobody notices."""
        self.patch(server_engine, "QUIET_SECONDS", 0.0)
        for server in (MYSQL, POSTGRESQL):
            engine = self.engine(server)
            with engine.begin() as connection:
                first = _number(server, connection)
            self.end(server, first)
            with engine.begin() as connection:
                self.assertNotEqual(_number(server, connection), first, server.name)

    def test_not_asked_each_time(self) -> None:
        """One that was used just now isn't asked, nor told to roll back: neither is a round trip of a batch."""
        calls: list[str] = []
        for server in (MYSQL, POSTGRESQL):
            engine = self.engine(server)
            with engine.begin() as connection:
                connection.execute(select(meta.c.name).limit(1)).all()
            for name in ("do_ping", "do_rollback"):
                self.patch(engine.dialect, name, lambda *_, name=name: calls.append(name))
            with engine.begin() as connection:
                connection.execute(select(meta.c.name).limit(1)).all()
            self.assertEqual(calls, [], server.name)

    def test_nothing_is_left_in_it(self) -> None:
        """What a transaction that nobody ended has done is undone before the connection is used again."""
        for server in (MYSQL, POSTGRESQL):
            engine = self.engine(server)
            with engine.connect() as connection:
                connection.execute(insert(meta).values(name=_NAME, value="1"))
            with engine.begin() as connection:
                count = connection.execute(select(func.count()).where(meta.c.name == _NAME)).scalar_one()
            self.assertEqual(count, 0, server.name)
