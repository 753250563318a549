"""Exports: what is in them, beside a running server, on each database; and what they refuse."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from test.storage.files.test_s3 import ENVIRON, swift
from test.storage.rig import OnMySql, OnPostgreSql, OnSqlite, Storage, asynchronous
from twim.logic.policy import may_join
from twim.operator.export import export_group, export_pair, export_user
from twim.operator.export_files import Copies, source_at
from twim.operator.refused import Refused
from twim.storage.database import Database
from twim.storage.files.interface import name_of
from twim.storage.files.opening import open_files
from twim.storage.files.threads import FileThreads
from twim.wire.commands import EDIT, GROUP, IMAGE, NOTICE, REACTION, RECALL

NAME = name_of("a" * 64, ".png")
MISSING = name_of("b" * 64, ".png")
EVIL = "<script>alert('x')</script>"


class AnyExport:
    """Exports from a database that a server uses."""

    storage: Storage

    def setUp(self: Any) -> None:
        super().setUp()
        self.files = Path(self.mktemp()).absolute()
        (self.files / NAME).parent.mkdir(parents=True)
        (self.files / NAME).write_bytes(b"picture")
        self.folder = Path(self.mktemp()).absolute()

    async def export(self: Any, what: Any, *ids: int) -> tuple[dict[str, int], list[Any], str]:
        """What the function gave, the lines of the data, and the page."""
        database = Database(self.address, None)
        try:
            counted = await deferToThread(what, database, f"file://{self.files}", *ids, self.folder)
        finally:
            database.stop()
        lines = (self.folder / "data.jsonl").read_bytes().splitlines()
        return counted, [msgspec.json.decode(line) for line in lines], (self.folder / "index.html").read_text()

    @asynchronous
    async def test_user(self: Any) -> None:
        """A user's export has profile, devices, friends and all conversations with their newest words and files, also
        what isn't indexed yet and what was said in a group that the user has left; and no secret."""
        a = await self.storage.user(nickname="Änne", avatar=f"/mnt/{NAME}")
        b = await self.storage.user(nickname=EVIL[:20])
        await self.storage.relations.befriend(a.id, b.id, "", False)
        group = await self.storage.group(b.id)
        await self.storage.relations.join(a.id, group.id, 0, may_join)
        await self.storage.say(a.id, group.id, "said in the group", GROUP)
        await self.storage.relations.leave(a.id, group.id, 0)
        await self.storage.say(a.id, b.id, "first words")
        await self.storage.say(a.id, b.id, "newest words", media=EDIT, ref=1)
        await self.storage.say(b.id, a.id, "gone", cid="x")
        await self.storage.say(b.id, a.id, "", media=RECALL, ref=3)
        await self.storage.say(b.id, a.id, "👍", media=REACTION, ref=1)
        await self.storage.say(b.id, a.id, "", media=IMAGE, url=f"/mnt/{NAME}")
        await self.storage.say(b.id, a.id, "", media=IMAGE, url=f"/mnt/{MISSING}")
        await self.storage.say(b.id, a.id, EVIL, url="javascript:alert(1)")
        counted, rows, page = await self.export(export_user, a.id)
        self.assertEqual(counted, {"messages": 9, "files": 1, "missing": 1})
        kinds = [row["kind"] for row in rows]
        self.assertEqual((kinds.count("message"), kinds.count("user"), kinds.count("contact")), (9, 1, 1))
        said = [row["message"] for row in rows if row["kind"] == "message"]
        self.assertEqual((said[0]["content"], said[2].get("content", ""), said[2]["recalled"]), ("newest words", "", 1))
        self.assertEqual([one["seq"] for one in said[:8]], list(range(1, 9)))
        self.assertEqual(said[8]["content"], "said in the group")
        self.assertNotIn("hash", b"".join(map(msgspec.json.encode, rows)).decode())
        self.assertNotIn("gone", page)
        self.assertNotIn("<script", page)
        self.assertNotIn('href="javascript', page)
        for words in ("newest words", "&lt;script&gt;", "Änne", "<i>recalled</i>", f'src="files/{NAME}"', "👍 1"):
            self.assertIn(words, page)
        self.assertEqual((self.folder / "files" / NAME).read_bytes(), b"picture")
        modes = {stat.S_IMODE(path.stat().st_mode) for path in (self.folder, *self.folder.rglob("*"))}
        self.assertEqual(modes, {0o700, 0o600})

    @asynchronous
    async def test_group(self: Any) -> None:
        """A group's export has its notices, of which the words are shown, and its members."""
        a = await self.storage.user(nickname="A")
        group = await self.storage.group(a.id, name="team")
        await self.storage.say(a.id, group.id, "renamed", GROUP, media=NOTICE, memo="new name")
        for number in range(450):
            await self.storage.say(a.id, group.id, f"words {number}", GROUP)
        counted, rows, page = await self.export(export_group, group.id)
        self.assertEqual(counted, {"messages": 451, "files": 0, "missing": 0})
        self.assertEqual([row["id"] for row in rows if row["kind"] == "member"], [a.id])
        self.assertEqual([row["message"]["seq"] for row in rows if row["kind"] == "message"], list(range(1, 452)))
        self.assertIn("renamed new name", page)
        self.assertIn("words 449", page)

    @asynchronous
    async def test_pair(self: Any) -> None:
        """A pair's export has what the two said, from either side, and nothing of others."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        await self.storage.say(a.id, b.id, "ours")
        await self.storage.say(a.id, c.id, "theirs")
        counted, rows, page = await self.export(export_pair, b.id, a.id)
        self.assertEqual((counted["messages"], rows[0]["dstid"]), (1, a.id))
        self.assertNotIn("theirs", page)

    @asynchronous
    async def test_refused(self: Any) -> None:
        """Who or what isn't there, a folder that is there, and a store that can't be read: nothing is left behind."""
        a = await self.storage.user(avatar=f"/mnt/{NAME}")
        for what, ids, why in (
            (export_user, (2**50,), "no user"),
            (export_group, (2**50,), "no group"),
            (export_pair, (a.id, 2**50), "no conversation"),
        ):
            with self.assertRaisesRegex(Refused, why):
                await self.export(what, *ids)
        self.assertFalse(self.folder.exists())
        (self.files / NAME).unlink()
        (self.files / NAME).mkdir()
        with self.assertRaisesRegex(Refused, "directory"):
            await self.export(export_user, a.id)
        self.assertFalse(self.folder.exists())
        self.folder.mkdir()
        (self.folder / "mine").touch()
        with self.assertRaisesRegex(Refused, "exists"):
            await self.export(export_user, a.id)
        self.assertTrue((self.folder / "mine").exists())


class SqliteExport(AnyExport, OnSqlite):
    """On SQLite."""


class MySqlExport(AnyExport, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlExport(AnyExport, OnPostgreSql):
    """On PostgreSQL."""


class Files(TestCase):
    """Files on their way into an export."""

    timeout = 120

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()

    def test_names(self) -> None:
        """What is no name of a stored file is not looked for."""
        copies = Copies(source_at("file:///etc"), self.folder)
        for name in ("passwd", "../etc/passwd", f"/{NAME}", f"{NAME}/../../x", f"{NAME}\n"):
            self.assertFalse(copies.copy(name))
        self.assertFalse(self.folder.exists())

    def test_wrong_store(self) -> None:
        """A store that there isn't is refused."""
        for url in ("http://x", "file://relative", "s3://B"):
            with self.assertRaises(Refused):
                source_at(url, {})

    def test_unreachable(self) -> None:
        """An object store that can't be reached ends the export."""
        copies = Copies(source_at("s3://pictures?endpoint=http://127.0.0.1:9", ENVIRON), self.folder)
        with self.assertRaisesRegex(Refused, "reached"):
            copies.copy(NAME)

    @asynchronous
    async def test_object_store(self: Any) -> None:
        """A file comes from an object store; one that isn't there is missing; wrong keys are refused."""
        url = f"s3://pictures/export?endpoint={swift().endpoint}"
        threads = FileThreads(reactor, "files", 1)
        threads.start()
        self.addCleanup(threads.stop)
        store = open_files(url, Path(self.mktemp()), reactor, threads, ENVIRON)
        self.addCleanup(lambda: Deferred.fromCoroutine(store.close()))
        spooled = await threads.run(store.spool.whole, b"picture")
        await store.adopt(spooled, NAME, "image/png")
        copies = Copies(source_at(url, ENVIRON), self.folder)
        self.assertTrue(await deferToThread(copies.copy, NAME))
        self.assertFalse(await deferToThread(copies.copy, MISSING))
        self.assertEqual((self.folder / NAME).read_bytes(), b"picture")
        self.assertEqual((copies.copied, copies.missing), (1, 1))
        wrong = Copies(source_at(url, ENVIRON | {"AWS_SECRET_ACCESS_KEY": "x"}), self.folder / "other")
        with self.assertRaisesRegex(Refused, "403"):
            await deferToThread(wrong.copy, NAME)
