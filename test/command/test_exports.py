"""What is kept of a user or a group, written into a folder, and noted in the audit log."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import insert

from test.command.folder import InFolder
from test.storage.rig import asynchronous
from twim.storage.accounts import utc_now
from twim.storage.audit import AuditStore
from twim.storage.conversation_table import make
from twim.storage.interface import key_of
from twim.storage.schema import user
from twim.wire.commands import SINGLE


class Exports(InFolder):
    """`twim user export` and `twim group export`."""

    def setUp(self) -> None:
        super().setUp()
        self.target = self.folder / "export"
        people = [{"id": id, "mobile": f"{id}{id}{id}", "nickname": name} for id, name in ((7, "Ann"), (8, "Bob"))]
        rows = [one | {"passwd": "", "createat": utc_now()} for one in people]
        self.database.transact(lambda connection: connection.execute(insert(user), rows), True)
        self.database.transact(lambda connection: make(connection, key_of(SINGLE, 7, 8), (7, 8)), True)

    async def audit(self) -> list[tuple[str, Any]]:
        return [(line.act, json.loads(line.what)) for line in await AuditStore(self.database).lines(0, 10)]

    @asynchronous
    async def test_user(self) -> None:
        """Everything of a user."""
        said = await self.command("user", "export", "Ann", self.target)
        self.assertEqual(said, (0, f"{self.target}: 0 messages, 0 files\n", ""))
        self.assertIn("Ann", (self.target / "index.html").read_text())
        self.assertEqual(await self.audit(), [("user.export", {"user": 7})])

    @asynchronous
    async def test_pair(self) -> None:
        """The conversation of two."""
        said = await self.command("user", "export", "Ann", self.target, "--with", "Bob", "--json")
        wanted = {"folder": str(self.target), "messages": 0, "files": 0, "missing": 0}
        self.assertEqual(json.loads(said.out), wanted)
        self.assertEqual(await self.audit(), [("user.export", {"user": 7, "with": 8})])

    @asynchronous
    async def test_no_group(self) -> None:
        """A group that isn't there leaves no folder; that it was asked for is noted."""
        self.assertIn("no group 5", await self.refused("group", "export", 5, self.target))
        self.assertFalse(self.target.exists())
        self.assertEqual(await self.audit(), [("group.export", {"group": 5})])

    @asynchronous
    async def test_folder_is_there(self) -> None:
        """Nothing is written over."""
        self.target.mkdir()
        for line in ("user export Ann", "group export 5"):
            self.assertIn("is there already", await self.refused(*line.split(), self.target))
        self.assertEqual(await self.audit(), [])
