"""The tables: older, newer, or unfinished."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from sqlalchemy import insert, text, update

from test.doctor.examined import Examined
from test.doctor.test_database import address
from test.storage.databases import MYSQL, POSTGRESQL
from twim.config import Config
from twim.doctor import schema
from twim.storage.engine import open_engine, parse_url
from twim.storage.migrations import newest, scripts
from twim.storage.opening import COPYING
from twim.storage.schema import meta


class SchemaTests(Examined):
    """The topic `schema`."""

    def stamp(self, config: Config, revision: str) -> None:
        """Say that the tables are those of a revision."""
        engine = open_engine(parse_url(config.db), 1)
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
        engine.dispose()

    def configs(self) -> list[Config]:
        """A database of each kind."""
        return [self.config(), *(self.config(db=address(server)) for server in (MYSQL, POSTGRESQL))]

    def test_right(self) -> None:
        """Empty at first, and then as this release makes it."""
        for config in self.configs():
            found = self.examine("schema", config)
            self.assertEqual([one.level for one in found], ["note"])
            self.make(config)
            found = self.examine("schema", config)
            self.assert_no_problem(found)
            self.assert_found(found, "ok", newest())

    def test_newer(self) -> None:
        """A database that a newer release has used: the way back is the copy that it made."""
        (self.data / "im.db.schema-0007").write_text("old")
        for config in self.configs():
            self.make(config)
            self.stamp(config, "9999")
            fix = self.assert_found(self.examine("schema", config), "error", "9999, of a newer release").fix
            self.assertEqual("im.db.schema-0007" in fix, config.db.startswith("sqlite"), fix)
            self.assert_found(self.examine("administrators", config), "note", "the schema isn't that")

    def test_newer_without_copy(self) -> None:
        """Where there is no copy none is named."""
        self.make()
        self.stamp(self.config(), "9999")
        self.assertIn("no way back", self.assert_found(self.examine("schema"), "error", "9999").fix)

    def test_pending(self) -> None:
        """On SQLite the start makes a copy first; on a server that is for the operator."""
        before = scripts().get_revision(newest()).down_revision
        for config in self.configs():
            self.make(config)
            self.stamp(config, str(before))
            found = self.examine("schema", config)
            if config.db.startswith("sqlite"):
                self.assert_found(found, "note", "makes 1 change, after a copy")
            else:
                self.assertIn("mysqldump", self.assert_found(found, "warning", "makes 1 change").fix)

    def test_no_room_for_the_copy(self) -> None:
        """A disk that is too full for it."""
        self.make()
        self.stamp(self.config(), str(scripts().get_revision(newest()).down_revision))
        full = type("Usage", (), {"free": 1000})
        self.patch(schema.shutil, "disk_usage", lambda path: full)
        self.assert_found(self.examine("schema"), "warning", "too little for the copy")

    def test_unfinished_copy(self) -> None:
        """No server opens it."""
        for config in self.configs():
            self.make(config)
            engine = open_engine(parse_url(config.db), 1)
            with engine.connect().execution_options(write=True) as connection, connection.begin():
                connection.execute(insert(meta).values(name=COPYING, value="x"))
                connection.execute(update(meta).where(meta.c.name == "epoch").values(value="y"))
            engine.dispose()
            self.assert_found(self.examine("schema", config), "error", "copy into this database was not finished")

    def test_strange_tables(self) -> None:
        """A database of another program has no schema of ours."""
        with closing(sqlite3.connect(self.path)) as other:
            other.execute("CREATE TABLE theirs (x)")
        self.assert_found(self.examine("schema"), "note", "no tables yet")
