"""Accounts from a file: all good lines or none, each with a link that nobody else reads."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from twisted.internet.defer import Deferred

from test.command.folder import InFolder
from test.storage.databases import MYSQL, POSTGRESQL, empty_database
from test.storage.rig import asynchronous
from twim.command import imports
from twim.errors import NotFound
from twim.logic.signup import hash_code
from twim.node import now_ms
from twim.storage.audit import AuditStore
from twim.storage.imports import Account, Link, make
from twim.storage.password_resets import PasswordResetStore
from twim.storage.schema import attachment, user

DAY_MS = 24 * 3600 * 1000


class Imports(InFolder):
    """`twim import-users`."""

    def file(self, text: str) -> Path:
        path = self.folder / "people.csv"
        path.write_text(text)
        return path

    def links(self, name: str = "people.links.csv") -> list[dict[str, str]]:
        with (self.folder / name).open(newline="") as file:
            return list(csv.DictReader(file))

    @asynchronous
    async def test_accounts(self) -> None:
        """Each account is a member without a password, whose link sets one, once."""
        path = self.file(
            "mobile,nickname,avatar\n111,安妮,https://x/mnt/ab/cdef0123456789abcdef0123456789.png\n222,Bob,\n"
        )
        said = await self.command("import-users", path, "--site", "https://chat.example")
        self.assertEqual((said.code, said.err), (0, ""))
        self.assertIn("2 accounts made; their links, good for 30 days, are in", said.out)
        self.assertEqual(sorted(self.users()), [("Bob", "member"), ("安妮", "member")])
        stored = self.database.transact(lambda one: one.execute(select(user.c.passwd, user.c.waiting)).all(), False)
        self.assertEqual(set(stored), {("", 0)})
        pictures = self.database.transact(lambda one: one.execute(select(attachment.c.stem)).all(), False)
        self.assertEqual(pictures, [("ab/cdef0123456789abcdef0123456789",)])
        ann, bob = self.links()
        self.assertEqual(
            (ann["mobile"], ann["nickname"], urlsplit(ann["link"]).netloc), ("111", "安妮", "chat.example")
        )
        resets = PasswordResetStore(self.database)
        for line in (ann, bob):
            hashed = hash_code(line["link"].rpartition("/reset/")[2])
            soon = now_ms() + 29 * DAY_MS
            await resets.use(hashed, "hash", soon)
            with self.assertRaises(NotFound):
                await resets.look(hashed, soon)
        (line,) = await AuditStore(self.database).lines(0, 10)
        self.assertEqual((line.act, line.what), ("user.import", '{"made":2}'))

    @asynchronous
    async def test_links_expire(self) -> None:
        """After 30 days a link is good no more."""
        await self.command("import-users", self.file("mobile\n111\n"))
        hashed = hash_code(self.links()[0]["link"].removeprefix("/reset/"))
        with self.assertRaises(NotFound):
            await PasswordResetStore(self.database).look(hashed, now_ms() + 30 * DAY_MS + 1)

    @asynchronous
    async def test_private(self) -> None:
        """The links are for who imports, and a file that is there is never written over."""
        path = self.file("mobile\n111\n")
        await self.command("import-users", path)
        links = self.folder / "people.links.csv"
        self.assertEqual(links.stat().st_mode & 0o777, 0o600)
        before = links.read_text()
        said = await self.command("import-users", self.file("mobile\n222\n"))
        self.assertEqual(said.code, 1)
        self.assertIn("--links", said.err)
        self.assertEqual(links.read_text(), before)
        self.assertEqual(len(self.users()), 1)
        said = await self.command("import-users", path, "--links", self.folder / "more.csv")
        self.assertEqual((said.code, len(self.links("more.csv"))), (0, 1))

    @asynchronous
    async def test_nothing_by_half(self) -> None:
        """One bad line, or one mobile that somebody has, and nothing of the file is imported; each is told."""
        await self.command("import-users", self.file("mobile,nickname\n111,Ann\n"))
        path = self.file("mobile,nickname\n222,Bob\nx,Eve\n111,Ann\n")
        said = await self.command("import-users", path, "--links", self.folder / "l.csv")
        self.assertEqual((said.code, said.out), (1, ""))
        first, second, last = said.err.strip().split("\n")
        self.assertEqual(first, "line 3: mobile: 3 to 20 digits")
        self.assertEqual(second, "line 4: mobile 111: somebody has it already")
        self.assertIn("2 lines can't be imported; nothing was", last)
        self.assertEqual(self.users(), [("Ann", "member")])
        self.assertFalse((self.folder / "l.csv").exists())

    @asynchronous
    async def test_skip_bad(self) -> None:
        """With ``--skip-bad`` the good lines are imported, and the others told."""
        path = self.file("mobile,nickname\n222,Bob\nx,Eve\n")
        said = await self.command("import-users", path, "--skip-bad", "--json")
        self.assertEqual(said.code, 0)
        skipped = [{"line": 3, "why": "mobile: 3 to 20 digits"}]
        expected = {"made": 1, "links": str(self.folder / "people.links.csv"), "skipped": skipped}
        self.assertEqual(json.loads(said.out), expected)

    @asynchronous
    async def test_many_bad(self) -> None:
        """The list of bad lines has an end."""
        said = await self.command("import-users", self.file("mobile\n" + "x\n" * 60))
        self.assertIn("line 51: mobile: 3 to 20 digits\nand 10 more\n", said.err)

    @asynchronous
    async def test_stopped_in_the_middle(self) -> None:
        """Whatever ends an import, each account that there is has its link on the disk; the same file goes on."""
        path = self.file("mobile,nickname\n" + "".join(f"{n},n{n}\n" for n in range(1000, 1600)))
        done: list[object] = []
        real = imports.make

        def dying(*told: Any) -> set[str]:
            if done:
                raise KeyboardInterrupt
            done.append(told)
            return real(*told)

        self.patch(imports, "make", dying)
        said = await self.command("import-users", path)
        self.assertEqual(said.code, 130)
        made = {name for name, _ in self.users()}
        self.assertEqual(len(made), 250)
        self.assertLessEqual(made, {line["nickname"] for line in self.links()})
        self.patch(imports, "make", real)
        said = await self.command("import-users", path, "--skip-bad", "--links", self.folder / "rest.csv", "--json")
        self.assertEqual(json.loads(said.out)["made"], 350)
        self.assertEqual(len(self.links("rest.csv")), 350)
        self.assertEqual(len(self.users()), 600)

    @asynchronous
    async def test_taken_meanwhile(self) -> None:
        """A mobile that somebody registers during the import stays theirs, on every database."""
        databases = [self.database, *(self.made(empty_database(server)) for server in (MYSQL, POSTGRESQL))]
        for database in databases:
            ann = (Account("111", "Ann", ""), Link(b"a" * 32, 1))
            bob = (Account("222", "Bob", ""), Link(b"b" * 32, 1))
            eve = (Account("222", "Eve", ""), Link(b"c" * 32, 1))

            def run(*wanted: tuple[Account, Link], database: Any = database) -> Deferred[set[str]]:
                result: Deferred[set[str]] = database.write(lambda one: make(one, wanted, "command:x", 1))
                return result

            self.assertEqual(await run(ann, bob), set())
            self.assertEqual(await run(eve), {"222"})
            self.assertEqual(sorted(self.users(database)), [("Ann", "member"), ("Bob", "member")])

    @asynchronous
    async def test_taken_meanwhile_is_told(self) -> None:
        """It is told of, since its link is void."""
        real = imports.make

        def late(connection: Any, wanted: Any, who: str, at: int) -> set[str]:
            real(connection, [(Account("111", "Eve", ""), Link(b"e" * 32, 1))], who, at)
            return real(connection, wanted, who, at)

        self.patch(imports, "make", late)
        said = await self.command("import-users", self.file("mobile,nickname\n111,Ann\n222,Bob\n"))
        self.assertEqual(said.code, 0)
        self.assertEqual(said.err, "line 2: mobile 111: somebody has it already; its link is void\n")
        self.assertIn("1 accounts made", said.out)
        self.assertEqual({name for name, _ in self.users()}, {"Bob", "Eve"})
