"""Settings that change while the node runs."""

from __future__ import annotations

from typing import ClassVar

from twisted.trial.unittest import SynchronousTestCase

from test.access.running_node import RunningNode
from twim.errors import Conflict, Malformed
from twim.logic.live_settings import Given, LiveSettings
from twim.wire.settings import LIVE, UPLOAD_LIMIT, stricter


class StricterTests(SynchronousTestCase):
    """Which of two values holds."""

    def test_each(self) -> None:
        """The later choice, the smaller number, and always the same one of two names."""
        for setting in LIVE.values():
            for least, other in zip(setting.choices, setting.choices[1:], strict=False):
                self.assertEqual(stricter(setting, least, other), other)
                self.assertEqual(stricter(setting, other, least), other)
        self.assertEqual((stricter(UPLOAD_LIMIT, "9", "10"), stricter(UPLOAD_LIMIT, "10", "9")), ("9", "9"))
        self.assertEqual(stricter(LIVE["name"], "b", "a"), stricter(LIVE["name"], "a", "b"))

    def test_options_win(self) -> None:
        """A node's option wins over a changed setting, which wins over the default."""
        defaults = {one.name: one.default for one in LIVE.values()}
        live = LiveSettings(defaults | {"signup": "invite"}, {"signup"})
        live.learn({"signup": "off", "friend": "approve", "find": "id"}, [Given("find", "mobile", "other")])
        self.assertEqual((live.signup, live.approve_friends, live.finds_mobiles), ("invite", True, True))
        rows = {row["name"]: (row["value"], row["fixed"]) for row in live.rows()}
        self.assertEqual(set(rows), set(LIVE))
        self.assertEqual((rows["signup"], rows["friend"], rows["find"]), (("invite", 1), ("approve", 0), ("mobile", 1)))
        live.learn({}, [])
        self.assertEqual((live.approve_friends, live.is_fixed("find")), (False, False))


class ChangingTests(RunningNode):
    """Changes on a running node."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "signup": "open"}

    async def test_changed(self) -> None:
        """Each change takes effect at once, is kept over a restart, and is shown by ``/settings``."""
        new = {"friend": "approve", "group": "invite", "find": "id", "group_invites": "members", "name": " Us "}
        for name, value in (new | {"upload_limit": "1"}).items():
            await self.node.changing_settings.change(name, value)
        for _ in range(2):
            told = (await self.ask("GET", "/settings")).data
            wanted = {"signup": "open", "friend": "approve", "group": "invite", "upload_limit": 2**20, "name": "Us"}
            self.assertEqual(told, wanted | {"push": self.node.push.key})
            self.assertFalse(self.node.settings.finds_mobiles)
            self.assertTrue(self.node.settings.members_invite)
            await self.stop()
            await self.start()
        one, two = await self.people(2)
        self.assertEqual((await one.post("/contact/addfriend", dstid=two.id)).data, {"friend": 0})
        self.assertEqual((await one.post("/contact/createcommunity", name="g")).data["join"], "invite")

    async def test_refused(self) -> None:
        """A setting given as an option can't be changed; wrong names and values are refused, and nothing changes."""
        with self.assertRaises(Conflict):
            await self.node.changing_settings.change("signup", "off")
        for name, value in (("port", "1"), ("friend", "never"), ("name", ""), ("upload_limit", "0"), ("find", "")):
            with self.assertRaises(Malformed):
                await self.node.changing_settings.change(name, value)
        self.assertEqual(self.node.settings.rows(), LiveSettings(self.config().live, {"signup"}).rows())
