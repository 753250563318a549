"""The settings that a page needs before anybody has logged in."""

from __future__ import annotations

from typing import ClassVar

from test.access.running_node import RunningNode, reactor
from twim.outbound.vapid import Vapid
from twim.storage.push_key import read_push_key


class Usual(RunningNode):
    async def test_told(self) -> None:
        """The contract's names, with what a server does that was told nothing; asked with or without a token."""
        told: dict[str, object] = {"signup": "open", "friend": "open", "group": "open", "name": "twim"}
        told["upload_limit"] = 20 << 20
        told["push"] = Vapid(read_push_key(self.database), reactor.seconds).public
        anna = await self.person()
        for answer in (
            await self.ask("GET", "/settings"),
            await self.post("/settings"),
            await anna.get("/settings"),
            await self.ask("GET", "/settings", "Authorization: Bearer wrong"),
        ):
            self.assertEqual((answer.status, answer.json), (200, {"code": 0, "msg": "", "data": told}))
            self.assertEqual(answer.header("cache-control"), "no-store")

    async def test_other_methods(self) -> None:
        """Other methods get 405 in the envelope."""
        self.assert_refused(await self.ask("DELETE", "/settings"), 405)


class Told(RunningNode):
    settings: ClassVar[dict[str, str]] = {"friend": "approve", "upload-limit": "3", "name": "办公室 <&>"}

    async def test_told(self) -> None:
        """What it was given."""
        told = (await self.ask("GET", "/settings")).data
        self.assertEqual((told["friend"], told["upload_limit"], told["name"]), ("approve", 3 << 20, "办公室 <&>"))
