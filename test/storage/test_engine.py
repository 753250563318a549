"""Which database a URL means, how connections are set up, and what their errors mean."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from sqlalchemy import Connection
from sqlalchemy import exc as sql_errors
from twisted.trial.unittest import TestCase

from test.storage.databases import MYSQL, POSTGRESQL, empty_database
from twim.storage import engine
from twim.storage.backend import unusable
from twim.storage.engine import open_engine, parse_url
from twim.storage.server import bounds
from twim.storage.server.errors import may_try_again, unavailable


class Urls(TestCase):
    """The URLs that an operator writes."""

    def test_known(self) -> None:
        """Each kind gets the driver that the server uses."""
        for text, driver in (
            ("sqlite:////x/im.db", "sqlite"),
            ("mysql://u:p@h/im", "mysql+pymysql"),
            ("mariadb://u:p@h/im", "mysql+pymysql"),
            ("postgresql://u:p@h/im", "postgresql+psycopg"),
            ("postgres://u:p@h/im", "postgresql+psycopg"),
        ):
            self.assertEqual(parse_url(text).drivername, driver)

    def test_refused(self) -> None:
        """A URL that can't be used is refused with a text."""
        for text, why in (
            ("", "not a database URL"),
            ("im.db", "not a database URL"),
            ("oracle://h/im", "no database 'oracle'"),
            ("sqlite://", "names a file"),
            ("mysql://u@h", "names a database"),
            ("postgresql://u@h/", "names a database"),
        ):
            with self.assertRaisesRegex(ValueError, why):
                parse_url(text)

    def test_no_driver(self) -> None:
        """A missing driver is named, with the command that installs it."""
        with mock.patch.object(engine, "find_spec", lambda name: None):
            self.assertRaisesRegex(ValueError, r"pip install 'twim\[mysql\]'", parse_url, "mysql://u@h/im")
            self.assertRaisesRegex(ValueError, r"pip install 'twim\[postgresql\]'", parse_url, "postgres://u@h/im")


class Sessions(TestCase):
    """The settings of each connection."""

    def _one(self, connection: Connection, statement: str) -> object:
        return connection.exec_driver_sql(statement).scalar_one()

    def test_sqlite(self) -> None:
        """A commit is on disk when it returns."""
        made = open_engine(parse_url(f"sqlite:///{Path(self.mktemp()).absolute()}"), 1)
        self.addCleanup(made.dispose)
        with made.connect() as connection:
            self.assertEqual(self._one(connection, "PRAGMA journal_mode"), "wal")
            self.assertEqual(self._one(connection, "PRAGMA synchronous"), 2)

    def test_mysql(self) -> None:
        """Waits are bounded, oversized values are refused, and every character is accepted."""
        made = open_engine(empty_database(MYSQL), 1)
        self.addCleanup(made.dispose)
        with made.connect() as connection:
            self.assertEqual(self._one(connection, "SELECT @@innodb_lock_wait_timeout"), bounds.LOCK_SECONDS)
            self.assertIn("STRICT_ALL_TABLES", str(self._one(connection, "SELECT @@sql_mode")))
            self.assertEqual(self._one(connection, "SELECT @@character_set_client"), "utf8mb4")
            self.assertEqual(connection.get_isolation_level(), "READ COMMITTED")
            connection.exec_driver_sql("CREATE TABLE short (name VARCHAR(2))")
            insert = "INSERT INTO short VALUES ('long')"
            self.assertRaises(sql_errors.DataError, connection.exec_driver_sql, insert)

    def test_postgresql(self) -> None:
        """Waits are bounded."""
        made = open_engine(empty_database(POSTGRESQL), 1)
        self.addCleanup(made.dispose)
        with made.connect() as connection:
            self.assertEqual(self._one(connection, "SHOW lock_timeout"), f"{bounds.LOCK_SECONDS}s")
            self.assertEqual(self._one(connection, "SHOW statement_timeout"), f"{bounds.ANSWER_SECONDS}s")
            bound = f"{bounds.IDLE_SECONDS}s"
            self.assertEqual(self._one(connection, "SHOW idle_in_transaction_session_timeout"), bound)

    def test_slow_answer(self) -> None:
        """An answer that takes too long is given up by the driver as well."""
        for server, statement in ((MYSQL, "SELECT SLEEP(9)"), (POSTGRESQL, "SELECT pg_sleep(9)")):
            with mock.patch.object(bounds, "ANSWER_SECONDS", 1):
                made = open_engine(empty_database(server), 1)
                with made.connect() as connection:
                    self.assertRaises(sql_errors.OperationalError, connection.exec_driver_sql, statement)
                made.dispose()


class Meanings(TestCase):
    """What an error says about the database."""

    def _error(self, *arguments: object, statement: str | None = "SELECT 1", state: str = "") -> sql_errors.DBAPIError:
        original = Exception(*arguments)
        if state:
            original.sqlstate = state  # type: ignore[attr-defined]
        return sql_errors.OperationalError(statement, None, original)

    def test_try_again(self) -> None:
        """Deadlocks, lock waits and serialization failures are tried again; other errors aren't."""
        for error in (self._error(1213, "deadlock"), self._error(1205, ""), self._error("", state="40001")):
            self.assertTrue(may_try_again(error))
            self.assertFalse(unavailable(error))
        for error in (self._error(2013, "lost"), self._error("", state="23505"), self._error()):
            self.assertFalse(may_try_again(error))
            self.assertTrue(unusable(error))

    def test_unavailable(self) -> None:
        """A server that can't be reached is waited for; one that refuses isn't."""
        self.assertTrue(unavailable(self._error(2003, "refused", statement=None)))
        self.assertTrue(unavailable(self._error("connection refused", statement=None)))
        self.assertFalse(unavailable(self._error(1045, "access denied", statement=None)))
        self.assertFalse(unavailable(self._error('database "x" does not exist', statement=None)))
