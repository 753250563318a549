"""Backups of a database in use, and restoring them."""

from __future__ import annotations

import os
import sqlite3
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import msgspec
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from test.storage.databases import MYSQL, empty_database
from test.storage.rig import OnSqlite, asynchronous
from twim.operator.__main__ import main
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.opening import open_database


class Backups(OnSqlite):
    """The commands as an operator gives them."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.file = self.folder / "saved.db"
        self.name = self.address.database or ""

    def command(self, *arguments: object) -> tuple[int, str]:
        """The exit status of a command and its output."""
        with redirect_stdout(StringIO()) as out, redirect_stderr(out):
            code = main([str(one) for one in arguments])
        return code, out.getvalue()

    def refused(self, *arguments: object) -> str:  # type: ignore[override]
        """The one line of a refusal."""
        code, said = self.command(*arguments)
        self.assertEqual(code, 1, said)
        self.assertTrue(said.startswith("twim: "), said)
        self.assertEqual(said.count("\n"), 1)
        return said

    @asynchronous
    async def test_while_it_runs(self) -> None:
        """A backup under load is one consistent state of the log, and stops nobody."""
        a, b = (await self.storage.user()).id, (await self.storage.user()).id
        for n in range(200):
            await self.storage.say(a, b, str(n))
        saving = deferToThread(self.command, "backup", self.name, self.file)
        sent = 200
        while not saving.called:
            await self.storage.say(a, b, str(sent))
            sent += 1
        code, said = await saving
        self.assertEqual(code, 0, said)
        self.assertEqual(os.listdir(self.folder), ["saved.db"])
        self.address = parse_url(f"sqlite:///{self.file}")
        bodies = await self.open().bodies(a, b)
        seqs = [msgspec.json.decode(body)["seq"] for body in bodies]
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
        self.assertTrue(200 <= len(seqs) <= sent)

    @asynchronous
    async def test_restore(self) -> None:
        """A restored database has what was saved and another epoch; the one before it is kept beside it."""
        a, b = (await self.storage.user()).id, (await self.storage.user()).id
        await self.storage.say(a, b, "saved")
        self.assertEqual(self.command("backup", self.name, self.file)[0], 0)
        await self.storage.say(a, b, "later")
        await self.storage.close()
        code, said = self.command("restore", self.file, self.name, "--replace")
        self.assertEqual(code, 0, said)
        storage = self.open()
        self.assertNotEqual(storage.epoch, self.storage.epoch)
        self.assertEqual(len(await storage.bodies(a, b)), 1)
        self.assertEqual((await storage.say(b, a)).message.seq, 2)
        await storage.close()
        (aside,) = [
            path for path in Path(self.name).parent.glob("*.db.2*") if path.suffix[1:].replace("-", "").isdigit()
        ]
        self.address = parse_url(f"sqlite:///{aside}")
        self.assertEqual(len(await self.open().bodies(a, b)), 2)

    @asynchronous
    async def test_restore_anew(self) -> None:
        """Restoring also works where there was no database."""
        self.assertEqual(self.command("backup", self.name, self.file)[0], 0)
        new = self.folder / "new" / "im.db"
        new.parent.mkdir()
        self.assertEqual(self.command("restore", self.file, new), (0, f"restored from {self.file}\n"))
        database = Database(parse_url(f"sqlite:///{new}"), reactor)
        self.addCleanup(database.stop)
        self.assertEqual(len(open_database(database)), 16)

    @asynchronous
    async def test_refused(self) -> None:
        """A backup overwrites nothing and isn't restored from rubbish or under a running server."""
        self.assertEqual(self.command("backup", self.name, self.file)[0], 0)
        self.assertIn("is there already", self.refused("backup", self.name, self.file))
        self.assertIn("no such file", self.refused("backup", self.folder / "none.db", self.folder / "x"))
        self.assertFalse((self.folder / "none.db").exists())
        self.assertIn("no such file", self.refused("restore", self.folder / "none.db", self.name))
        self.assertIn("--replace", self.refused("restore", self.file, self.name))
        self.assertIn("No such file", self.refused("restore", self.file, self.folder / "no" / "im.db"))
        held = self.storage.database.backend.lock()
        self.assertIn("another server is using it", self.refused("restore", self.file, self.name, "--replace"))
        os.close(held or 0)
        rubbish = self.folder / "rubbish.db"
        rubbish.write_bytes(b"rubbish" * 1_000)
        self.assertIn("not a database", self.refused("restore", rubbish, self.folder / "x.db"))
        with sqlite3.connect(self.folder / "other.db") as other:
            other.execute("CREATE TABLE x (y)")
        self.assertIn("not a database of this program", self.refused("restore", self.folder / "other.db", "x.db"))
        self.assertEqual([path.name for path in self.folder.glob("*.part")], [])
        self.assertIn("no database 'oracle'", self.refused("backup", "oracle://x/y", "z"))

    def test_unwritable(self) -> None:
        """A folder that can't be written, here not even by root, is refused."""
        self.assertIn("/proc/backup.db.part: No such file", self.refused("backup", self.name, "/proc/backup.db"))

    @asynchronous
    async def test_new_epoch(self) -> None:
        """A log that was restored by other means gets a new epoch."""
        url = empty_database(MYSQL)
        text = url.render_as_string(hide_password=False)
        self.assertIn("own tools", self.refused("backup", text, self.file))
        code, said = self.command("new-epoch", text)
        self.assertEqual(code, 0, said)
        database = Database(url, reactor)
        self.addCleanup(database.stop)
        self.assertEqual(said, f"epoch {open_database(database)}\n")
        self.assertNotEqual(self.command("new-epoch", text)[1], said)
