"""Making, upgrading and refusing schemas, on each database."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, UniqueConstraint, insert, inspect, text
from sqlalchemy.engine import URL
from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from test.storage.databases import MYSQL, POSTGRESQL, empty_database
from test.storage.rig import asynchronous
from twim.storage import migrations
from twim.storage.database import Database
from twim.storage.engine import open_engine, parse_url
from twim.storage.opening import CannotOpen, open_database
from twim.storage.schema import derived, meta, metadata

LATER = """
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True), if_not_exists=True)
    op.execute("INSERT INTO later (id) VALUES (1)")
"""
PROJECT = Path(__file__).resolve().parents[2]


class MigratingSqlite(TestCase):
    """On SQLite."""

    timeout = 120
    servers = 1  # SQLite's file has one server
    tables = (metadata, derived)

    def url(self) -> URL:
        """Of an empty database."""
        return parse_url(f"sqlite:///{Path(self.mktemp()).absolute()}.db")

    def declared(self) -> Any:
        """What the schema is to be."""
        ours = [MetaData(), derived]
        for table in metadata.tables.values():
            table.to_metadata(ours[0])
        log = ours[0].tables["message"]
        log.indexes = {one for one in log.indexes if not one.unique}
        log.constraints = {one for one in log.constraints if not isinstance(one, UniqueConstraint)}
        return ours

    def setUp(self) -> None:
        self.address = self.url()
        self.database = Database(self.address, reactor)
        self.addCleanup(self.database.stop)

    def _do(self, work: Any) -> Any:
        return self.database.transact(work, True)

    def test_made(self) -> None:
        """The revisions together make the schema that the program works with, to the index."""
        open_database(self.database)
        # A comparison doesn't ask whether an index is for this database.
        declared = self.declared()

        def differences(connection: Connection) -> list[Any]:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            found: list[Any] = compare_metadata(context, declared)
            return found

        self.assertEqual(self._do(differences), [])

    def test_same_indexes(self) -> None:
        """Partial indexes, collations and lasting ids, of which a comparison knows nothing, are the same too."""
        open_database(self.database)
        made = self._do(_shapes)
        other = Database(self.url(), reactor)
        self.addCleanup(other.stop)
        for one in self.tables:
            other.transact(one.create_all, True)
        declared = other.transact(_shapes, True)
        for name, shape in declared.items():
            self.assertEqual(made[name], shape, name)

    def test_again(self) -> None:
        """Opened again it is the same log."""
        self.assertEqual(open_database(self.database), open_database(self.database))

    def test_halfway(self) -> None:
        """A start that ended in the middle is made good by the next."""
        open_database(self.database)
        self._do(lambda c: c.execute(text("DROP TABLE meta")))
        self._do(lambda c: c.execute(text("DELETE FROM alembic_version")))
        open_database(self.database)
        self.assertTrue(self._do(lambda c: inspect(c).has_table("meta")))

    def test_newer(self) -> None:
        """A schema that is newer than the program is refused in one line, and not touched."""
        open_database(self.database)
        self._do(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
        error = self.assertRaises(CannotOpen, open_database, self.database)
        self.assertIn("its schema is 9999, this program knows none newer than " + migrations.newest(), str(error))
        self.assertNotIn("\n", str(error))
        self.assertEqual(
            self._do(lambda c: c.execute(text("SELECT version_num FROM alembic_version")).scalar()), "9999"
        )

    def test_older(self) -> None:
        """A schema that is older than the program is brought up to date, with what is in it; the program that made
        it then refuses it."""
        epoch = open_database(self.database)
        ours = migrations.scripts().versions
        later = Path(self.mktemp())
        later.mkdir()
        (later / "r0003_later.py").write_text(LATER)
        both = ScriptDirectory(migrations.__path__[0], version_locations=[ours, str(later)])
        with mock.patch.object(migrations, "scripts", lambda: both):
            self.assertEqual(open_database(self.database), epoch)
            self.assertTrue(self._do(lambda c: inspect(c).has_table("later")))
            self.assertEqual(open_database(self.database), epoch)
        self.assertRaises(CannotOpen, open_database, self.database)

    def test_unfinished_copy(self) -> None:
        """A database into which a copy wasn't finished is refused."""
        open_database(self.database)
        self._do(lambda c: c.execute(insert(meta).values(name="copying", value="x")))
        error = self.assertRaises(CannotOpen, open_database, self.database)
        self.assertIn("a copy into it was not finished", str(error))

    @asynchronous
    async def test_at_once(self) -> None:
        """Of several servers that find an empty database one makes the schema, and all have the same log."""
        url = self.address.render_as_string(hide_password=False)
        results = await gatherResults(
            [
                getProcessOutputAndValue(
                    sys.executable,
                    ["-m", "test.storage.member", url],
                    env=os.environ | {"PYTHONPATH": str(PROJECT)},
                    path=str(PROJECT),
                    reactor=reactor,
                )
                for _ in range(self.servers)
            ]
        )
        self.assertEqual([code for _, _, code in results], [0] * self.servers, results)
        self.assertEqual({out.decode().strip() for out, _, _ in results}, {open_database(self.database)})


class MigratingMySql(MigratingSqlite):
    """On MySQL or MariaDB."""

    servers = 4
    tables = (metadata,)

    def url(self) -> URL:
        return empty_database(MYSQL)

    def declared(self) -> Any:
        return metadata

    def test_locked_for_too_long(self) -> None:
        """A server that waits too long for another one's changes gives up in one line."""
        self.patch(migrations, "LOCK_SECONDS", 1)
        holder = open_engine(self.address, 1, patient=True)
        self.addCleanup(holder.dispose)
        with holder.connect() as connection:
            connection.execute(text("SELECT GET_LOCK(concat('twim ', md5(database())), 1)"))
            error = self.assertRaises(CannotOpen, open_database, self.database)
        self.assertIn("another node has been changing its schema", str(error))


class MigratingPostgreSql(MigratingSqlite):
    """On PostgreSQL."""

    servers = 4
    tables = (metadata,)

    def url(self) -> URL:
        return empty_database(POSTGRESQL)

    def declared(self) -> Any:
        return metadata

    def test_locked_for_too_long(self) -> None:
        """A server that waits too long for another one's changes gives up in one line."""
        self.patch(migrations, "LOCK_SECONDS", 1)
        holder = open_engine(self.address, 1, patient=True)
        self.addCleanup(holder.dispose)
        with holder.connect() as connection, connection.begin():
            connection.execute(text(f"SELECT pg_advisory_xact_lock({migrations._LOCK_NUMBER})"))
            error = self.assertRaises(CannotOpen, open_database, self.database)
        self.assertIn("another node has been changing its schema", str(error))


def _shapes(connection: Connection) -> dict[str, Any]:
    """What each database tells of its tables beyond their columns."""
    kind = connection.dialect.name
    if kind == "sqlite":
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%'"))
        return {name: _tidy(sql) for name, sql in rows if name != "alembic_version"}
    tables = list(metadata.tables)
    if kind == "postgresql":
        rows = connection.execute(text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"))
        return {name: sql for name, sql in rows if not name.startswith("alembic")}
    return {name: _tidy(connection.execute(text(f"SHOW CREATE TABLE `{name}`")).one()[1]) for name in tables}


def _tidy(sql: str | None) -> list[str]:
    # The order of constraints in a table's text says nothing.
    words = (sql or "").replace("(", " ( ").replace(")", " ) ").replace(",", " ").split()
    return sorted(word.strip('"`') for word in words if not word.startswith("AUTO_INCREMENT="))
