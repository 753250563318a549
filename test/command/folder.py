"""A server's folder for tests of the command, with a database in it, and what runs beside the command."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import URL
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from test.command.commanding import Said, command
from test.storage.databases import sqlite_database
from twim.logic.administration import orders as carrying
from twim.logic.administration.acts import Actor
from twim.logic.administration.orders import Orders
from twim.node import now_ms
from twim.storage.database import Database
from twim.storage.opening import open_database
from twim.storage.orders import OrderStore
from twim.storage.schema import orders, user


class Scripted:
    """Stands for a server's `Administration`: gives what it is told to give, for each act or for all that have none of
    their own, and knows what it was asked for."""

    def __init__(self, answer: dict[str, Any] | Exception, **answers: dict[str, Any] | Exception) -> None:
        self.answer = answer
        self.answers = {name.replace("_", "."): one for name, one in answers.items()}
        self.asked: list[tuple[str, Mapping[str, object], str]] = []

    async def act(self, name: str, values: Mapping[str, object], actor: Actor) -> dict[str, Any]:
        self.asked.append((name, values, actor.who))
        answer = self.answers.get(name, self.answer)
        if isinstance(answer, Exception):
            raise answer
        return answer


class InFolder(TestCase):
    """Each test has a folder with an empty database."""

    timeout = 120

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.database = self.made(sqlite_database(self.folder / "im.db"))

    def made(self, url: URL) -> Database:
        """A database with today's schema, whose threads run until the test ends."""
        database = Database(url, reactor)
        open_database(database)
        database.start()
        self.addCleanup(database.stop)
        return database

    def command(self, *arguments: object) -> Any:
        """The command on the folder, as a Deferred of `Said`."""
        return deferToThread(command, "--data", self.folder, *arguments)

    async def refused(self, *arguments: object) -> str:
        """What is said by a command that is refused."""
        said: Said = await self.command(*arguments)
        self.assertEqual((said.code, said.out), (1, ""), said.err)
        self.assertTrue(said.err.startswith("twim: "), said.err)
        return said.err

    def serve(
        self,
        answer: dict[str, Any] | Exception,
        database: Database | None = None,
        **answers: dict[str, Any] | Exception,
    ) -> Scripted:
        """Let a node carry out orders as a running server does, until the test ends."""
        used = database or self.database
        scripted = Scripted(answer, **answers)
        held = used.backend.lock()
        if held is not None:
            self.addCleanup(os.close, held)
        orders: Any = Orders(OrderStore(used), scripted, "n1", reactor, now_ms)  # type: ignore[arg-type]
        self.patch(carrying, "LOOK_SECONDS", 0.02)
        orders.start()
        self.addCleanup(orders.stop)
        return scripted

    def left(self, database: Database | None = None) -> int:
        """How many orders are in the database."""
        used = database or self.database
        return used.transact(
            lambda connection: connection.execute(select(func.count()).select_from(orders)).scalar_one(), False
        )

    def users(self, database: Database | None = None) -> list[tuple[str, str]]:
        """Nickname and role of everybody."""
        wanted = select(user.c.nickname, user.c.role).order_by(user.c.id)
        return (database or self.database).transact(
            lambda connection: [tuple(line) for line in connection.execute(wanted)], False
        )
