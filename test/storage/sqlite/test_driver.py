"""Statements that are given to SQLite's driver directly: their results, where they stop, and how they fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.exc import OperationalError
from twisted.trial.unittest import SynchronousTestCase

from twim.storage.engine import parse_url
from twim.storage.schema import participant
from twim.storage.sqlite.driver import Text, fetch, fetch_until
from twim.storage.sqlite.engine import open_sqlite

BLOBS = "SELECT cast(value AS blob), value FROM (SELECT 'one' AS value UNION ALL SELECT 'two' UNION ALL SELECT ?)"


class DriverTests(SynchronousTestCase):
    """Statements within a transaction of SQLAlchemy."""

    def setUp(self) -> None:
        url = parse_url(f"sqlite:///{Path(self.mktemp()).absolute()}.db")
        engine = open_sqlite(url, 1, 1.0)
        self.addCleanup(engine.dispose)
        self.connection: Connection = engine.connect().execution_options(write=True)
        self.addCleanup(self.connection.close)

    def test_same_transaction(self) -> None:
        """The driver sees what its transaction has written, and nothing of it after a rollback."""
        with self.connection.begin() as transaction:
            participant.create(self.connection)
            row = {"userid": 1, "conversation": 2, "scope": 10, "dstid": 3, "read": 4}
            self.connection.execute(participant.insert(), row)
            self.assertEqual(fetch(self.connection, "SELECT read FROM participant WHERE userid = ?", (1,)), [(4,)])
            transaction.rollback()
        with self.connection.begin():
            self.assertRaises(OperationalError, fetch, self.connection, "SELECT read FROM participant", ())

    def test_until(self) -> None:
        """Reading stops with the row at which the blobs reach so many bytes."""
        with self.connection.begin():
            for most, count in ((1, 1), (3, 1), (4, 2), (7, 3), (100, 3)):
                found = fetch_until(self.connection, BLOBS, ("three",), most)
                self.assertEqual([value for _, value in found], ["one", "two", "three"][:count], most)

    def test_failing(self) -> None:
        """An error of the driver becomes one of SQLAlchemy, which the storage knows how to handle."""
        with self.connection.begin():
            for asked in (fetch, lambda *of: fetch_until(*of, 1)):
                self.assertRaises(OperationalError, asked, self.connection, "SELECT body FROM nowhere", ())

    def test_text(self) -> None:
        """A built statement becomes text with its parameters in order, also one that is used twice, and its
        constants."""
        one: Any = bindparam("b_one")
        text = Text(select(one, bindparam("b_two"), one + 5, func.coalesce(None, 7)))
        with self.connection.begin():
            found = fetch(self.connection, text.sql, text.arguments({"b_one": 1, "b_two": 2}))
        self.assertEqual(found, [(1, 2, 6, 7)])
