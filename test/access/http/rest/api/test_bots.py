"""Bots of another program, and what their keys open."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from twisted.internet.defer import Deferred

from test.access.http.rest.api.key import COMMAND, KeyedNode
from test.access.running_node import Answer, Device
from twim.errors import Conflict
from twim.storage.accounts import AccountStore
from twim.storage.bots import BOTS
from twim.storage.schema_bots import bot as bots_table

WEATHER = {"word": "weather", "help": "of a place"}


class BotTests(KeyedNode):
    """``/api/v1/bots``, with a user `ann` and a group `g` of hers in which the bot is."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "webhooks": "private"}

    async def setUp(self) -> None:
        await super().setUp()
        (self.ann,) = await self.users("ann")
        self.ann_token = (await self.done("POST", "/users/ann/token"))["token"]
        self.made = await self.done("PUT", "/bots/meteo", {"nickname": "Meteo", "commands": [WEATHER]})
        self.bot, self.bot_key = self.made["id"], self.made["key"]
        self.group = (await self.done("PUT", "/groups/g", {"name": "G", "owner": "ann", "members": ["meteo"]}))["id"]

    async def connected(self, userid: int, token: str) -> Device:
        device: Device = await self.knock(f"/chat?id={userid}&token={token}")
        assert device.open, device.refused
        device.say(cmd=0)
        await device.hear(cmd=0)
        return device

    async def as_ann(self, path: str, **fields: object) -> Answer:
        return await self.ask("GET", f"{path}?{urlencode({'token': self.ann_token} | fields)}")

    async def test_made_and_changed(self) -> None:
        """The key and the secret are told once; what isn't said stays."""
        self.assertTrue(self.bot_key.startswith("twb_"))
        self.assertTrue(self.made["secret"].startswith("tws_"))
        again = await self.done("PUT", "/bots/meteo", {"url": "http://127.0.0.1:1/x"})
        self.assertEqual(again, {"id": self.bot})
        (row,) = await self.done("GET", "/bots")
        expected = {"id": self.bot, "user": "meteo", "nickname": "Meteo", "url": "http://127.0.0.1:1/x"}
        self.assertEqual(row, expected | {"avatar": "", "commands": [WEATHER]})
        ann = await self.connected(self.ann, self.ann_token)
        await self.done("PUT", "/bots/meteo", {"nickname": "Sky", "commands": [], "url": ""})
        (row,) = await self.done("GET", "/bots")
        self.assertEqual((row["nickname"], row["commands"], row["url"]), ("Sky", [], ""))
        self.assertEqual((await self.done("PUT", "/bots/plain", {})).keys(), {"id", "key", "secret"})
        self.assertEqual([row["nickname"] for row in await self.done("GET", "/bots")], ["Sky", "plain"])
        await ann.leave()

    async def test_wrong_ones(self) -> None:
        """What is refused of a bot."""
        for loose, status in (
            ({"nickname": ""}, 400),
            ({"nickname": "x" * 21}, 400),
            ({"avatar": "x" * 151}, 400),
            ({"url": "x" * 2001}, 400),
            ({"url": "ftp://example.org/"}, 422),
            ({"commands": [{"word": "two words"}]}, 400),
            ({"commands": [{"word": ""}]}, 400),
            ({"commands": [{"word": "/x"}]}, 400),
            ({"commands": [{"word": "x" * 33}]}, 400),
            ({"commands": [{"word": "x", "help": "y" * 101}]}, 400),
            ({"commands": [{"word": "x"}, {"word": "X"}]}, 400),
            ({"commands": [{"word": f"x{n}"} for n in range(21)]}, 400),
            ({"role": "admin"}, 400),
        ):
            self.assert_refused(await self.call("PUT", "/bots/other", loose), status)
        self.assert_refused(await self.call("PUT", "/bots/ann", {}), 409, "no bot")
        self.assert_refused(await self.call("PUT", "/bots/oidc:x", {}), 400)
        self.assert_refused(await self.call("PUT", "/bots/id:77", {}), 404)
        self.assert_refused(await self.call("DELETE", "/bots/ann"), 404, "no such bot")
        self.assert_refused(await self.call("DELETE", "/bots/nobody"), 404)
        key = await self.new_key("users,groups,messages")
        for method, path in (("PUT", "/bots/x"), ("GET", "/bots"), ("DELETE", "/bots/meteo")):
            self.assert_refused(await self.call(method, path, {}, key=key), 403, "webhooks")
        reader = await self.new_key("read")
        self.assertEqual((await self.call("GET", "/bots", key=reader)).status, 200)
        self.assert_refused(await self.call("PUT", "/bots/x", {}, key=reader), 403)

    async def test_too_many(self) -> None:
        """There are at most so many bots."""

        def fill(connection: Any) -> None:
            lines = [{"userid": n, "url": "", "secret": "", "commands": b"[]", "at": 0} for n in range(1, BOTS)]
            connection.execute(bots_table.insert(), lines)

        await self.database.write(fill)
        self.assert_refused(await self.call("PUT", "/bots/more", {}), 409, "at most")

    async def test_no_login(self) -> None:
        """Nobody logs in as a bot, and nobody gives it a password or a role."""
        self.assert_refused(await self.call("POST", "/users/meteo/token"), 403, "does not log in")
        for act, values in (("user.role", {"user": self.bot, "role": "admin"}), ("user.reset", {"user": self.bot})):
            acting = Deferred.fromCoroutine(self.node.administration.act(act, values, COMMAND))
            await self.assertFailure(acting, Conflict)
        admin = await self.new_key("users,admin")
        refused = await self.call("PUT", "/users/meteo", {"role": "admin"}, key=admin)
        self.assert_refused(refused, 409, "never an administrator")
        await self.done("PUT", "/users/meteo", {"mobile": "13900000001"})
        answer = await self.post("/user/login", mobile="13900000001", passwd="")
        self.assertNotEqual(answer.json["code"], 0)

    async def test_key(self) -> None:
        """A bot's key posts, reads and recalls as the bot itself, and opens the socket and REST."""
        ann = await self.connected(self.ann, self.ann_token)
        said = {"to": {"group": "g"}, "content": "rain"}
        posted = (await self.call("POST", "/messages", said, key=self.bot_key)).data
        heard = await ann.hear(cmd=11, content="rain")
        self.assertEqual((heard["userid"], heard["seq"]), (self.bot, posted["seq"]))
        rows = (
            await self.call("POST", "/messages", [said | {"from": "meteo"}, said | {"from": "ann"}], key=self.bot_key)
        ).rows
        self.assertEqual([row["code"] for row in rows], [0, -3])
        read = (await self.call("GET", "/messages?group=g&after=0", key=self.bot_key)).rows
        self.assertEqual(read[-1]["content"], "rain")
        self.assertEqual(read[-1]["from"], "meteo")
        done = await self.call("DELETE", f"/messages/{posted['seq']}?group=g", key=self.bot_key)
        self.assertEqual(done.json["code"], 0)
        device = await self.connected(self.bot, self.bot_key)
        await device.tell(11, self.group, "from the socket")
        headers = f"Authorization: Bearer {self.bot_key}"
        self.assertEqual((await self.ask("GET", "/user/find?id=me", headers)).data["bot"], 1)
        await device.leave()
        unread = (await self.as_ann("/message/conversations")).rows[0]["unread"]
        self.assertEqual(unread, 2)  # what it posted twice and didn't recall; notices don't count

    async def test_key_opens_no_more(self) -> None:
        """With its key a bot does what a member may, and nothing of what other programs may."""
        self.assert_refused(await self.call("GET", "/users/ann", key=self.bot_key), 401)
        self.assert_refused(await self.call("GET", "/bots", key=self.bot_key), 401)
        stranger = {"to": {"user": "ann"}, "content": "hi"}
        self.assert_refused(await self.call("POST", "/messages", stranger, key=self.bot_key), 403, "not your friend")
        for query in ("users=ann,meteo", "users=ann,ann"):
            answer = await self.call("GET", f"/messages?{query}", key=self.bot_key)
            self.assertEqual(answer.status, 200 if "meteo" in query else 403, answer)
        await self.done("PUT", "/groups/other", {"name": "O", "owner": "ann"})
        self.assert_refused(await self.call("GET", "/messages?group=other", key=self.bot_key), 403)
        said = {"to": {"group": "other"}, "content": "hi"}
        self.assert_refused(await self.call("POST", "/messages", said, key=self.bot_key), 403, "no member")
        seq = (await self.done("POST", "/messages", {"from": "ann", "to": {"group": "g"}, "content": "hers"}))["seq"]
        self.assert_refused(await self.call("DELETE", f"/messages/{seq}?group=g", key=self.bot_key), 403, "not your")
        self.assert_refused(await self.call("DELETE", "/messages/999?group=g", key=self.bot_key), 403)
        fields = {"token": self.ann_token, "dstid": self.group, "memberid": self.bot, "seconds": 600}
        self.assertEqual((await self.post("/contact/mutemember", **fields)).json["code"], 0)
        said = {"to": {"group": "g"}, "content": "hi"}
        self.assert_refused(await self.call("POST", "/messages", said, key=self.bot_key), 403, "may not post")
        wrong = "twb_" + "x" * 32
        self.assert_refused(await self.call("POST", "/messages", said, key=wrong), 401)

    async def test_friends(self) -> None:
        """Who befriends a bot hears from it, unless it is blocked."""
        await self.post("/contact/addfriend", token=self.ann_token, dstid=self.bot)
        said = {"to": {"user": "ann"}, "content": "hi"}
        self.assertEqual((await self.call("POST", "/messages", said, key=self.bot_key)).json["code"], 0)
        self.assertEqual(
            (await self.call("GET", "/messages?users=ann,meteo", key=self.bot_key)).rows[0]["content"], "hi"
        )
        await self.post("/contact/block", token=self.ann_token, dstid=self.bot)
        self.assert_refused(await self.call("POST", "/messages", said, key=self.bot_key), 403)

    async def test_repeated(self) -> None:
        """Idempotency-Key holds for a bot, apart from those of other keys."""
        said = {"to": {"group": "g"}, "content": "once"}
        answers = [await self.call("POST", "/messages", said, "Idempotency-Key: a", key=self.bot_key) for _ in range(2)]
        self.assertEqual(answers[0].json, answers[1].json)
        other = {"from": "meteo"} | said
        self.assertNotEqual((await self.call("POST", "/messages", other, "Idempotency-Key: a")).json, answers[0].json)

    async def test_new_key(self) -> None:
        """A key stays, however long it isn't used. Ending a bot's sessions ends it, and so does disabling the bot; the
        next PUT gives a new one to a bot that is not disabled."""
        idle = await AccountStore(self.database).end_idle(2**50, 2**50)
        self.assertIn(self.ann, {userid for userid, _ in idle})
        self.assertNotIn(self.bot, {userid for userid, _ in idle})
        device = await self.connected(self.bot, self.bot_key)
        await self.done("DELETE", "/users/meteo/sessions")
        await device.closed()
        said = {"to": {"group": "g"}, "content": "hi"}
        self.assert_refused(await self.call("POST", "/messages", said, key=self.bot_key), 401)
        made = await self.done("PUT", "/bots/meteo", {})
        self.assertEqual(made.keys(), {"id", "key"})
        self.assertEqual((await self.call("POST", "/messages", said, key=made["key"])).json["code"], 0)
        await self.done("PUT", "/users/meteo", {"disabled": 1})
        self.assert_refused(await self.call("POST", "/messages", said, key=made["key"]), 401)
        self.assertEqual(await self.done("PUT", "/bots/meteo", {}), {"id": self.bot})
        await self.done("PUT", "/users/meteo", {"disabled": 0})
        self.assertEqual((await self.done("PUT", "/bots/meteo", {})).keys(), {"id", "key"})

    async def test_ended(self) -> None:
        """An ended bot is out of its groups, opens nothing, and stays as the author of what it said; an erased one is a
        bot no more."""
        said = {"to": {"group": "g"}, "content": "last words"}
        seq = (await self.call("POST", "/messages", said, key=self.bot_key)).data["seq"]
        await self.done("DELETE", "/bots/meteo")
        self.assert_refused(await self.call("POST", "/messages", said, key=self.bot_key), 401)
        self.assertEqual(await self.done("GET", "/bots"), [])
        rows = (await self.as_ann("/message/history", scope=11, dstid=self.group)).rows
        self.assertIn((seq, "last words"), [(row["seq"], row.get("content")) for row in rows])
        self.assertEqual((await self.done("GET", "/groups/g"))["members"], ["ann"])
        self.assert_refused(await self.call("GET", "/users/meteo"), 404)
        again = (await self.done("PUT", "/bots/meteo", {"commands": [WEATHER]}))["id"]
        self.assertNotEqual(again, self.bot)
        await self.done("PUT", "/groups/g/members/meteo")
        await self.done("DELETE", "/users/meteo")
        self.assertEqual(await self.done("GET", "/bots"), [])
        self.assertEqual((await self.as_ann("/contact/commands", scope=11, dstid=self.group)).rows, [])

    async def test_offered(self) -> None:
        """A bot is told from people wherever users are shown, and its commands to who is in a chat with it."""
        found = (await self.as_ann("/user/find", id=self.bot)).data
        self.assertEqual((found["nickname"], found["bot"]), ("Meteo", 1))
        members = (await self.as_ann("/contact/loadmember", dstid=self.group)).rows
        self.assertEqual({row["id"]: row.get("bot") for row in members}, {self.ann: None, self.bot: 1})
        rows = (await self.as_ann("/contact/commands", scope=11, dstid=self.group)).rows
        self.assertEqual(rows, [{"word": "weather", "help": "of a place", "userid": self.bot}])
        self.assert_refused(await self.as_ann("/contact/commands", scope=10, dstid=self.bot), 403)
        await self.post("/contact/addfriend", token=self.ann_token, dstid=self.bot)
        self.assertEqual((await self.as_ann("/contact/commands", scope=10, dstid=self.bot)).rows, rows)
        self.assertEqual((await self.as_ann("/contact/commands", scope=10, dstid=self.ann)).rows, [])
        self.assert_refused(await self.as_ann("/contact/commands", scope=11, dstid=99), 403)
        self.assert_refused(await self.as_ann("/contact/commands", scope=12, dstid=self.group), 400, "scope")


class PublicTests(KeyedNode):
    """A server that tells public addresses only, with its limits."""

    settings: ClassVar[dict[str, str]] = {"limit-bots": "1/h,2", "limit-hooks": "1/h,1"}

    async def test_address(self) -> None:
        """A bot is not told at this machine's own address."""
        for url in ("http://127.1/x", "http://localhost:8080/", "http://[::1]/"):
            self.assert_refused(await self.call("PUT", "/bots/x", {"url": url}), 422, "url")

    async def test_limits(self) -> None:
        """A bot posts as much as its limit allows, and so does a hook."""
        await self.users("ann")
        key = (await self.done("PUT", "/bots/x", {}))["key"]
        await self.done("PUT", "/groups/g", {"name": "G", "owner": "ann", "members": ["x"]})
        said = {"to": {"group": "g"}, "content": "hi"}
        self.assertEqual((await self.call("POST", "/messages", [said, said], key=key)).status, 200)
        refused = await self.call("POST", "/messages", said, key=key)
        self.assert_refused(refused, 429)
        self.assertGreater(int(refused.header("retry-after")), 0)
        hook = (await self.done("POST", "/hooks", {"group": "g", "name": "H"}))["url"]
        self.assertEqual((await self.post_json(hook, {"text": "hi"})).status, 200)
        refused = await self.post_json(hook, {"text": "hi"})
        self.assert_refused(refused, 429)
        self.assertGreater(int(refused.header("retry-after")), 0)
        self.assertGreater(refused.json["wait"], 0)
