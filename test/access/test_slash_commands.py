"""Messages that begin with a slash, told to a bot's own server, whose answers are posted."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import ClassVar
from unittest import mock

from test.access.bot_receiver import Receiver
from test.access.http.rest.api.key import KeyedNode
from test.access.running_node import Device, until
from twim.logic import slash_commands


class SlashTests(KeyedNode):
    """`ann` and `ben` in a group `g` with the bot `meteo`, which understands ``/weather``."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "webhooks": "private"}

    async def setUp(self) -> None:
        await super().setUp()
        self.ids = dict(zip(("ann", "ben"), await self.users("ann", "ben"), strict=True))
        self.receiver = Receiver()
        self.url = self.receiver.listen(self)
        commands = [{"word": "weather", "help": "of a place"}, {"word": "天气"}]
        self.made = await self.done("PUT", "/bots/meteo", {"url": self.url, "commands": commands})
        self.bot: int = self.made["id"]
        members = ["ben", "meteo"]
        self.group: int = (await self.done("PUT", "/groups/g", {"name": "G", "owner": "ann", "members": members}))["id"]
        self.ann = await self.connected("ann")

    async def connected(self, name: str) -> Device:
        made = await self.done("POST", f"/users/{name}/token")
        device: Device = await self.knock(f"/chat?id={made['id']}&token={made['token']}")
        device.say(cmd=0)
        await device.hear(cmd=0)
        return device

    async def settled(self) -> None:
        """Nothing waits for a bot any more."""
        await until(lambda: not self.node.slash_commands.waiting, "the commands")

    def texts(self) -> list[str]:
        return [told.json["text"] for told in self.receiver.told]

    async def test_group(self) -> None:
        """The bot is told in a signed request, and its answer is posted as its own."""
        self.receiver.answer = lambda told: json.dumps({"text": f"rain in {told['text']}"}).encode()
        await self.ann.tell(11, self.group, "/Weather  Rome and \n Paris ")
        heard = await self.ann.hear(cmd=11, content="rain in Rome and \n Paris")
        self.assertEqual((heard["userid"], heard["media"]), (self.bot, 1))
        (told,) = self.receiver.told
        expected = {"command": "weather", "text": "Rome and \n Paris", "user": "ann", "group": "g"}
        self.assertEqual(told.json, expected)
        self.assertEqual(told.headers["content-type"], "application/json")
        seconds, _, signed = told.headers["twim-signature"].removeprefix("t=").partition(",v1=")
        by = hmac.new(self.made["secret"].encode(), f"{seconds}.".encode() + told.body, hashlib.sha256)
        self.assertEqual(signed, by.hexdigest())

    async def test_pair(self) -> None:
        """In a chat with the bot itself `with` names the bot; what other programs post counts as well."""
        self.receiver.answer = lambda told: json.dumps({"text": "sun"}).encode()
        said = {"from": "ben", "to": {"user": "meteo"}, "content": "/天气"}
        self.assertEqual((await self.done("POST", "/messages", said))["seq"], 1)
        await self.settled()
        self.assertEqual(self.receiver.told[0].json, {"command": "天气", "text": "", "user": "ben", "with": "meteo"})
        rows = await self.done("GET", "/messages?users=ben,meteo&after=1")
        self.assertEqual([(row["from"], row["content"]) for row in rows], [("meteo", "sun")])

    async def test_no_command(self) -> None:
        """What is no command of a bot in this chat is a message like any other; so is what a bot says itself. A refused
        message is told to nobody."""
        await self.done("PUT", "/groups/h", {"name": "H", "owner": "ann", "members": ["ben"]})
        other = (await self.done("GET", "/groups/h"))["id"]
        for text in ("weather", "/ weather", "/", "//weather", "/weathers", " /weather", "x /weather"):
            await self.ann.tell(11, self.group, text)
        await self.ann.tell(11, other, "/weather of another group")
        first = await self.ann.ask(cmd=11, dstid=self.group, media=1, content="/weather once", cid="c1")
        again = await self.ann.ask(cmd=11, dstid=self.group, media=1, content="/weather once", cid="c1")
        self.assertEqual(first["seq"], again["seq"])
        await self.ann.ask(cmd=11, dstid=self.group, media=21, ref=first["seq"], content="/weather edited")
        await self.ann.ask(cmd=11, dstid=self.group, media=7, url="http://x.example", content="/weather link")
        said = {"to": {"group": "g"}, "content": "/weather by a bot"}
        self.assertEqual((await self.call("POST", "/messages", said, key=self.made["key"])).status, 200)
        bot: Device = await self.knock(f"/chat?id={self.bot}&token={self.made['key']}")
        bot.say(cmd=0)
        await bot.tell(11, self.group, "/weather by a bot's socket")
        hook = (await self.done("POST", "/hooks", {"group": "g", "name": "H"}))["url"]
        await self.post_json(hook, {"text": "/weather by a hook"})
        refused = await self.ann.ask(cmd=10, dstid=self.bot, media=1, content="/weather to no friend")
        self.assertEqual(refused["code"], -3)
        await self.settled()
        self.assertEqual(self.texts(), ["once"])

    async def test_two_bots(self) -> None:
        """Of two bots with the same word both are told; a disabled one, and one without an address, is not."""
        for name, url in (("second", self.url), ("third", self.url), ("silent", "")):
            commands = [{"word": "WEATHER"}]
            made = await self.done("PUT", f"/bots/{name}", {"url": url, "commands": commands})
            self.ids[name] = made["id"]
            await self.done("PUT", f"/groups/g/members/{name}")
        await self.done("PUT", "/users/third", {"disabled": 1})
        self.receiver.answer = lambda told: json.dumps({"text": "sun"}).encode()
        await self.ann.tell(11, self.group, "/weather Rome")
        heard = {(await self.ann.hear(cmd=11, content="sun"))["userid"] for _ in range(2)}
        self.assertEqual(heard, {self.bot, self.ids["second"]})
        await self.settled()
        self.assertEqual(len(self.receiver.told), 2)

    async def test_answers_without_a_text(self) -> None:
        """Nothing is posted of what isn't a text, is too long or comes with another status."""
        wrong = (b"", b"{}", b"sun", b"[]", b'{"text":7}', b'{"text":" "}', json.dumps({"text": "x" * 8001}).encode())
        answers: list[bytes] = list(wrong)
        self.receiver.answer = lambda told: answers.pop(0) if answers else b'{"text":"refused"}'
        for _ in wrong:
            await self.ann.tell(11, self.group, "/weather Rome")
            await self.settled()
        self.receiver.status = 500
        await self.ann.tell(11, self.group, "/weather Rome")
        await self.settled()
        self.assertEqual(len(self.receiver.told), len(wrong) + 1)
        rows = await self.done("GET", "/messages?group=g&limit=200")
        self.assertEqual([row for row in rows if row["from"] == "meteo"], [])

    async def test_slow_and_gone(self) -> None:
        """A bot that doesn't answer in time, or isn't there, holds nothing up."""
        self.receiver.answer = lambda told: None
        with mock.patch.object(slash_commands, "SECONDS", 0.1):
            await self.ann.tell(11, self.group, "/weather slow")
            await self.ann.tell(11, self.group, "and on")
            await self.settled()
        await self.done("PUT", "/bots/meteo", {"url": "http://127.0.0.1:1/"})
        await self.ann.tell(11, self.group, "/weather gone")
        await self.settled()
        rows = await self.done("GET", "/messages?group=g&limit=200")
        self.assertEqual([row for row in rows if row["from"] == "meteo"], [])

    async def test_bounds(self) -> None:
        """So many commands wait at most, and so many requests to a bot are under way; more are not told."""
        self.receiver.answer = lambda told: None
        with (
            mock.patch.object(slash_commands, "WAITING", 4),
            mock.patch.object(slash_commands, "AT_ONCE", 2),
            mock.patch.object(slash_commands, "SECONDS", 60),
        ):
            for number in range(6):
                await self.ann.tell(11, self.group, f"/weather {number}")
            for left in (4, 2):
                await until(lambda: len(self.receiver.open) == 2, "two requests")
                self.assertEqual(self.node.slash_commands.waiting, left)
                self.receiver.release()
                await until(lambda left=left: self.node.slash_commands.waiting == left - 2, "their ends")
        self.assertEqual(sorted(self.texts()), ["0", "1", "2", "3"])

    async def test_node_ends(self) -> None:
        """A node that ends waits for no bot."""
        self.receiver.answer = lambda told: None
        with mock.patch.object(slash_commands, "AT_ONCE", 1):
            for _ in range(2):
                await self.ann.tell(11, self.group, "/weather Rome")
            await until(lambda: self.receiver.told, "the first one is told")
        self.node.slash_commands.stop()
        await self.settled()
        self.assertEqual(len(self.receiver.told), 1)

    async def test_removed(self) -> None:
        """A bot that was removed meanwhile, or may not post, doesn't answer."""
        self.receiver.answer = lambda told: b'{"text":"sun"}'
        await self.done("PUT", "/groups/g", {"members": ["ben"]})
        await self.ann.tell(11, self.group, "/weather Rome")
        await self.settled()
        self.assertEqual(self.receiver.told, [])
        await self.done("PUT", "/groups/g/members/meteo")
        token = (await self.done("POST", "/users/ann/token"))["token"]
        muted = await self.post("/contact/mutemember", token=token, dstid=self.group, memberid=self.bot, seconds=600)
        self.assertEqual(muted.json["code"], 0)
        await self.ann.tell(11, self.group, "/weather Rome")
        await self.settled()
        self.assertEqual(len(self.receiver.told), 1)
        rows = await self.done("GET", "/messages?group=g&limit=200")
        self.assertEqual([row for row in rows if row["content"] == "sun"], [])
