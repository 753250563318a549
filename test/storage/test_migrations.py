"""Making, upgrading and refusing schemas on each database."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, UniqueConstraint, delete, insert, inspect, select, text
from sqlalchemy.engine import URL
from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.threads import deferToThread
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from test.storage.databases import MYSQL, POSTGRESQL, empty_database
from test.storage.rig import asynchronous
from twim.storage import conversation_list, migrations
from twim.storage.conversation_table import make
from twim.storage.database import Database
from twim.storage.engine import open_engine, parse_url
from twim.storage.opening import CannotOpen, open_database
from twim.storage.schema import MEMBER, community, contact, counted, derived, message, meta, metadata
from twim.storage.server import postgresql
from twim.wire.commands import GROUP
from twim.wire.message import Shown, encode

LATER = """
import sqlalchemy as sa
from alembic import op

revision = "9998"
down_revision = "{newest}"


def upgrade():
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True), if_not_exists=True)
    op.execute("INSERT INTO later (id) VALUES (1)")
"""
_GROUP = (
    "INSERT INTO community (name, ownerid, icon, cate, memo, createat)"
    " VALUES ('kept', 0, '', 0, '', '2026-01-02 00:00:00')"
)
NOW = datetime(2026, 1, 2)
PROJECT = Path(__file__).resolve().parents[2]


class OnSqlite:
    """An empty database in SQLite."""

    timeout = 300

    def url(self) -> URL:
        """Of an empty database."""
        return parse_url(f"sqlite:///{Path(self.mktemp()).absolute()}.db")

    def setUp(self) -> None:
        self.address = self.url()
        self.database = Database(self.address, reactor)
        self.addCleanup(self.database.stop)

    def _do(self, work: Any) -> Any:
        return self.database.transact(work, True)

    def _up_to(self, revision: str) -> Path:
        """A folder with the revisions up to this one."""
        until = Path(self.mktemp())
        until.mkdir()
        for one in Path(migrations.scripts().versions).glob("r*.py"):
            if one.name[1:5] <= revision:
                shutil.copy(one, until)
        return until

    def _open_as(self, revision: str, database: Database | None = None) -> None:
        """Make the database with the revisions up to this one, or bring it up to it."""
        database = database or self.database
        old = ScriptDirectory(migrations.__path__[0], version_locations=[str(self._up_to(revision))])
        with (
            mock.patch.object(migrations, "scripts", lambda: old),
            mock.patch.object(database.dialect, "write_index"),
        ):
            open_database(database)


class MigratingSqlite(OnSqlite, TestCase):
    """On SQLite."""

    servers = 1  # SQLite's file has one server
    tables = (metadata, counted, derived)

    def declared(self) -> Any:
        """The tables of the declared schema."""
        ours = [MetaData(), counted, derived]
        for table in metadata.tables.values():
            table.to_metadata(ours[0])
        log = ours[0].tables["message"]
        log.indexes = {one for one in log.indexes if not one.unique}
        log.constraints = {one for one in log.constraints if not isinstance(one, UniqueConstraint)}
        return ours

    def test_made(self) -> None:
        """The revisions together make exactly the schema that the program works with, indexes included."""
        open_database(self.database)
        # A comparison doesn't know which indexes are for this database only.
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
        """A database that is opened again is the same log."""
        self.assertEqual(open_database(self.database), open_database(self.database))

    def test_halfway(self) -> None:
        """A start that was interrupted is completed by the next one."""
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
        """An older schema is brought up to date with its data; the program that made it then refuses it."""
        epoch = open_database(self.database)
        ours = migrations.scripts().versions
        later = Path(self.mktemp())
        later.mkdir()
        (later / "r9998_later.py").write_text(LATER.format(newest=migrations.newest()))
        both = ScriptDirectory(migrations.__path__[0], version_locations=[ours, str(later)])
        with mock.patch.object(migrations, "scripts", lambda: both):
            self.assertEqual(open_database(self.database), epoch)
            self.assertTrue(self._do(lambda c: inspect(c).has_table("later")))
            self.assertEqual(open_database(self.database), epoch)
        self.assertRaises(CannotOpen, open_database, self.database)

    def test_unread_of_a_log_without_tables(self) -> None:
        """Recalls, events, notices and mentions are found in a log that was stored without these tables."""
        self._open_as("0002")
        self._do(_fill)
        open_database(self.database)
        listed = self._do(lambda c: conversation_list.rows_of(self.database.dialect, c, 2))
        rows = [(row.unread, row.mentions) for row in listed]
        self.assertEqual(rows, [(3, 2)])

    def test_owners_who_left(self) -> None:
        """A group whose owner isn't a member gets its oldest member as the owner; an empty one gets none."""
        self._open_as("0003")

        def fill(connection: Connection) -> None:
            for group, members in ((1, (7, 5)), (2, ()), (3, (5, 7))):
                connection.execute(insert(community).values(id=group, name="g", ownerid=5, createat=NOW))
                for member in members:
                    values = {"ownerid": member, "cate": MEMBER, "dstobj": group, "createat": NOW}
                    connection.execute(insert(contact).values(values))
            connection.execute(delete(contact).where(contact.c.ownerid == 5, contact.c.dstobj == 1))

        self._do(fill)
        open_database(self.database)
        owners = self._do(
            lambda c: c.execute(select(community.c.id, community.c.ownerid).order_by(community.c.id)).all()
        )
        self.assertEqual(owners, [(1, 7), (2, 0), (3, 5)])

    async def _dying(self, database: Database, statements: int, revision: str) -> int:
        """Bring the database up to this revision in a process that dies before this change of the schema, counted from
        1. Gives how many changes there were; it lives when there are fewer changes, or for 0."""
        url = database.url.render_as_string(hide_password=False)

        def ask() -> str:
            assert self.dying.stdin is not None and self.dying.stdout is not None
            self.dying.stdin.write(f"{url} {statements} {self._up_to(revision).absolute()}\n")
            self.dying.stdin.flush()
            return self.dying.stdout.readline()

        status, changes = (await deferToThread(ask)).split()
        self.assertEqual(int(status), -signal.SIGKILL if statements else 0)
        return int(changes)

    def _start_dying(self) -> None:
        command = [sys.executable, "-m", "test.storage.dying"]
        self.dying = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def end() -> None:
            self.dying.communicate()
            self.assertEqual(self.dying.returncode, 0)

        self.addCleanup(end)

    @asynchronous
    async def test_killed_in_a_revision(self) -> None:
        """Whichever revision a power cut interrupts, at its beginning, in its middle or at its end: the next start
        finishes it, and at last the schema is whole, with what was in the database from the first revision on."""
        self._start_dying()
        open_database(self.database)
        whole = self._do(_shapes)
        first, *revisions = sorted(one.revision for one in migrations.scripts().walk_revisions())
        unhurt, *dying = [self._empty() for _ in range(4)]
        for revision in (first, *revisions):
            changes = await self._dying(unhurt, 0, revision)
            self.assertGreater(changes, 0, revision)
            for database, statements in zip(dying, (1, (changes + 1) // 2, changes), strict=True):
                await self._dying(database, statements, revision)
                self._open_as(revision, database)
                if revision == first:
                    database.transact(lambda c: c.execute(text(_GROUP)), True)
        for database in dying:
            open_database(database)
            self.assertEqual(database.transact(_shapes, False), whole)
            named = database.transact(lambda c: c.execute(select(community.c.name)).scalars().all(), False)
            self.assertEqual(named, ["kept"])

    def _empty(self) -> Database:
        database = Database(self.url(), reactor)
        self.addCleanup(database.stop)
        return database

    def test_unfinished_copy(self) -> None:
        """A database whose copy wasn't finished is refused."""
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


class SavedTests(OnSqlite, TestCase):
    """The copy that is made before SQLite's schema is changed."""

    def saved(self) -> list[str]:
        path = Path(str(self.address.database))
        return sorted(one.name.removeprefix(path.name) for one in path.parent.glob(f"{path.name}.*"))

    def test_saved(self) -> None:
        """The copy is whole, private, and can be opened by the program that made the database."""
        self._open_as("0002")
        self._do(lambda c: c.execute(text(_GROUP)))
        open_database(self.database)
        self.assertEqual(self.saved(), [".schema-0002"])
        saved = Path(f"{self.address.database}.schema-0002")
        self.assertEqual(saved.stat().st_mode & 0o777, 0o600)
        with closing(sqlite3.connect(saved)) as copy:
            self.assertEqual(copy.execute("SELECT version_num FROM alembic_version").fetchall(), [("0002",)])
            self.assertEqual(copy.execute("SELECT name FROM community").fetchall(), [("kept",)])
            self.assertEqual(copy.execute("PRAGMA integrity_check").fetchall(), [("ok",)])

    def test_not_needed(self) -> None:
        """No copy is made of an empty database, nor of one that is up to date."""
        open_database(self.database)
        open_database(self.database)
        self.assertEqual(self.saved(), [])

    def test_kept(self) -> None:
        """The last two copies are kept."""
        path = Path(str(self.address.database))
        for number, name in enumerate(("0000", "0001", "zzzz", "0000.part")):
            one = path.with_name(f"{path.name}.schema-{name}")
            one.touch()
            os.utime(one, (1_000 + number, 1_000 + number))
        self._open_as("0003")
        open_database(self.database)
        self.assertEqual(self.saved(), [".schema-0000.part", ".schema-0001", ".schema-0003", ".schema-zzzz"])

    def test_no_copy(self) -> None:
        """If no copy can be made nothing is changed, and the start is refused in one line."""
        self._open_as("0003")
        Path(f"{self.address.database}.schema-0003").mkdir()
        error = self.assertRaises(CannotOpen, open_database, self.database)
        self.assertIn("no copy can be made before the upgrade", str(error))
        self.assertEqual(
            self._do(lambda c: c.execute(text("SELECT version_num FROM alembic_version")).scalar()), "0003"
        )


class OnServer:
    """What is particular to database servers, whose schema several nodes may change at once."""

    servers = 4
    tables = (metadata, counted)
    lock: str
    """The statement by which a node takes the lock of the schema."""

    def declared(self: Any) -> Any:
        return [metadata, counted]

    def test_locked_for_too_long(self: Any) -> None:
        """A server that waits too long for another one's changes stops with one line."""
        self.patch(migrations, "LOCK_SECONDS", 1)
        holder = open_engine(self.address, 1, patient=True)
        self.addCleanup(holder.dispose)
        with holder.connect() as connection, connection.begin():
            connection.execute(text(self.lock))
            error = self.assertRaises(CannotOpen, open_database, self.database)
        self.assertIn("another node has been changing its schema", str(error))


class MigratingMySql(OnServer, MigratingSqlite):
    """On MySQL or MariaDB."""

    lock = "SELECT GET_LOCK(concat('twim ', md5(database())), 1)"

    def url(self) -> URL:
        return empty_database(MYSQL)


class MigratingPostgreSql(OnServer, MigratingSqlite):
    """On PostgreSQL."""

    lock = f"SELECT pg_advisory_xact_lock({postgresql._SCHEMA_LOCK})"

    def url(self) -> URL:
        return empty_database(POSTGRESQL)


def _fill(connection: Connection) -> None:
    """User 2 has read none of a group's messages: of eight three count, of which two name the user."""
    conversation_id = make(connection, (GROUP, 9, 0), (1, 2)).id
    gone = {"recalled": 1}
    for seq, fields in enumerate(
        (
            {"media": 1, "content": "a"},
            {"media": 1, "content": 'b "media":20, "mentions":[2]', "mentions": (0, 2)},
            {"media": 1} | gone,
            {"media": 20, "ref": 3},
            {"media": 21, "ref": 1, "content": "c", "mentions": (2,)},
            {"media": 22, "ref": 1, "content": "x"},
            {"media": 23, "content": "renamed", "memo": "2"},
            {"media": 23, "content": "removed", "memo": "2"},
        ),
        start=1,
    ):
        said = Shown(userid=1, cmd=GROUP, dstid=9, seq=seq, at=1, **fields)  # type: ignore[arg-type]
        row = {"conversation": conversation_id, "seq": seq, "sender": 1, "ref": said.ref or None, "body": encode(said)}
        connection.execute(insert(message).values(row))


def _shapes(connection: Connection) -> dict[str, Any]:
    """What each database tells of its tables beyond their columns."""
    kind = connection.dialect.name
    if kind == "sqlite":
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%'"))
        return {name: _tidy(sql) for name, sql in rows if name != "alembic_version"}
    tables = [*metadata.tables, *counted.tables]
    if kind == "postgresql":
        rows = connection.execute(text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"))
        return {name: sql for name, sql in rows if not name.startswith("alembic")}
    return {name: _tidy(connection.execute(text(f"SHOW CREATE TABLE `{name}`")).one()[1]) for name in tables}


def _tidy(sql: str | None) -> list[str]:
    # The order of constraints in a table's text says nothing.
    words = (sql or "").replace("(", " ( ").replace(")", " ) ").replace(",", " ").split()
    return sorted(word.strip('"`') for word in words if not word.startswith("AUTO_INCREMENT="))
