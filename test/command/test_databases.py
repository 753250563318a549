"""The whole database: saved, brought back, copied and renamed."""

from __future__ import annotations

import json
import os

from sqlalchemy import text

from test.command.folder import InFolder
from test.storage.databases import POSTGRESQL, empty_database
from test.storage.rig import asynchronous
from twim.storage.opening import open_database


class Databases(InFolder):
    """`twim backup`, `restore`, `copy` and `new-epoch`."""

    @asynchronous
    async def test_backup_and_restore(self) -> None:
        """What was saved can be brought back, also into a folder that isn't there; what was there stands aside."""
        file = self.folder / "saved.db"
        said = await self.command("backup", file, "--json")
        self.assertEqual(json.loads(said.out), {"file": str(file), "bytes": file.stat().st_size})
        said = await self.command("restore", file, "--data", self.folder / "new" / "data")
        self.assertEqual(said, (0, f"restored from {file}\n", ""))
        self.assertTrue((self.folder / "new" / "data" / "im.db").exists())
        self.assertEqual((self.folder / "new").stat().st_mode & 0o777, 0o700)
        self.assertIn("--replace", await self.refused("restore", file))
        said = await self.command("restore", file, "--replace", "--json")
        aside = json.loads(said.out)["aside"]
        self.assertTrue(os.path.exists(aside))
        self.assertIn("is there already", await self.refused("backup", file))

    @asynchronous
    async def test_nothing_to_save(self) -> None:
        """Where there is no database nothing is saved, and nothing made; nor where there is no backup."""
        said = await self.command("backup", self.folder / "x", "--data", self.folder / "none")
        self.assertEqual(said.code, 1)
        said = await self.command("restore", self.folder / "x", "--data", self.folder / "none")
        self.assertEqual(said.code, 1)
        self.assertFalse((self.folder / "none").exists())
        self.assertFalse((self.folder / "x").exists())

    @asynchronous
    async def test_copy(self) -> None:
        """A copy goes into a file or a database server, and is told of when it is equal."""
        said = await self.command("copy", self.folder / "copy.db", "--json")
        self.assertEqual((said.code, json.loads(said.out)), (0, {"target": f"sqlite:///{self.folder}/copy.db"}))
        self.assertIn("done: the copy is equal\n", said.err)
        said = await self.command("copy", empty_database(POSTGRESQL).render_as_string(hide_password=False))
        self.assertEqual(said.code, 0, said)

    @asynchronous
    async def test_new_epoch(self) -> None:
        """A database gets another name."""
        said = await self.command("new-epoch")
        self.assertEqual(said, (0, f"epoch {open_database(self.database)}\n", ""))

    @asynchronous
    async def test_server_runs(self) -> None:
        """Under a running server nothing is replaced or renamed."""
        file = self.folder / "saved.db"
        self.assertEqual((await self.command("backup", file)).code, 0)
        self.addCleanup(os.close, self.database.backend.lock())
        for line in (("restore", file, "--replace"), ("new-epoch",), ("copy", self.folder / "copy.db")):
            self.assertIn("another server is using it", await self.refused(*line))

    @asynchronous
    async def test_other_schema(self) -> None:
        """A database of another version isn't touched before a server has brought it up to date."""
        older = text("UPDATE alembic_version SET version_num = '0001'")
        self.database.transact(lambda connection: connection.execute(older), True)
        for line in ("user list", "new-epoch", "copy x.db"):
            self.assertIn("start the server on it once", await self.refused(*line.split()))
