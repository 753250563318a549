"""The WebSocket of a running node: who may connect, who gets which message, and how wrong frames are answered."""

from __future__ import annotations

from random import Random
from typing import Any

from test.access.running_node import BINARY, PING, Answer, Device, Person, RunningNode, until
from test.wire.test_frames import client_frame
from twim.errors import OTHER_USER
from twim.hub import session
from twim.wire.message import CONTENT_CHARS, TEXT_CHARS, Frame

MEDIA = (1, 2, 3, 4, 5, 6, 7, 8, 9, 100)


class UpgradeTests(RunningNode):
    """Whether somebody may connect is decided before the upgrade."""

    async def test_ways_in(self) -> None:
        """The token is accepted in the query, in Authorization, and in a cookie from one of our pages."""
        one = await self.person()
        for path, headers in (
            (f"/chat?id={one.id}&token={one.token}", ()),
            (f"/chat?token={one.token}", ()),
            (f"/chat?id=&token={one.token}", ("Origin: http://evil.example",)),
            ("/chat", (f"Authorization: Bearer {one.token}",)),
            (f"/chat?token={one.token}", ("Cookie: token=wrong",)),
            ("/chat", (f"Authorization: Bearer {one.token}", "Cookie: token=wrong")),
            (f"/chat?id={one.id}", (f"Cookie: token={one.token}", f"Origin: http://{self.host}")),
        ):
            device = await self.knock(path, *headers)
            self.assertTrue(device.open, (path, headers, device.refused))

    async def test_wrong_token(self) -> None:
        """A wrong token gets 401 with the envelope."""
        one = await self.person()
        for path, headers in (
            ("/chat", ()),
            (f"/chat?id={one.id}", ()),
            (f"/chat?id={one.id}&token=wrong", ()),
            (f"/chat?id={one.id}&token=", ()),
            (f"/chat?id={one.id}&token={'x' * 200}", ()),
            ("/chat", ("Cookie: token=wrong", f"Origin: http://{self.host}")),
            ("/chat", ("Authorization: Bearer wrong",)),
        ):
            self.assert_refused(await self.upgrade_refusal(path, *headers), 401)

    async def test_not_yours(self) -> None:
        """Another user's id gets 403, and a value that isn't an id 400."""
        one, two = await self.people(2)
        for other in (two.id, 0):
            self.assert_refused(await self.upgrade_refusal(f"/chat?id={other}&token={one.token}"), 403, "id")
        for wrong in ("x", "-1", "1.5", "9" * 30, "%ff"):
            self.assert_refused(await self.upgrade_refusal(f"/chat?id={wrong}&token={one.token}"), 400)
        self.assert_refused(await self.upgrade_refusal(f"/chat?token={'x' * 300}"), 400)

    async def test_somebody_elses_page(self) -> None:
        """A page that names its user isn't connected with another user's cookie."""
        one, two = await self.people(2)
        cookie = (f"Cookie: token={two.token}", f"Origin: http://{self.host}")
        self.assert_refused(await self.upgrade_refusal(f"/chat?id={one.id}", *cookie), 403, "id")
        named = await self.upgrade_refusal("/chat", *cookie, f"Twim-User: {one.id}")
        self.assert_refused(named, 403)
        self.assertEqual(named.json["code"], OTHER_USER)
        self.assertTrue((await self.knock(f"/chat?id={two.id}", *cookie, f"Twim-User: {two.id}")).open)

    async def test_other_sites(self) -> None:
        """A page of another site can't use the cookie."""
        one = await self.person()
        for origin in ("http://evil.example", "null", f"http://{self.host}.evil.example", "http://["):
            answer = await self.upgrade_refusal("/chat", f"Cookie: token={one.token}", f"Origin: {origin}")
            self.assert_refused(answer, 403)
        # A request without an Origin isn't from one of our pages, whether it is known or not.
        for token in (one.token, "wrong"):
            self.assert_refused(await self.upgrade_refusal("/chat", f"Cookie: token={token}"), 403, "Origin")
        self.assert_refused(await self.upgrade_refusal("/chat", f"Cookie: token={one.token}", "Origin:"), 403)
        # A page can make its browser send this, with a name in the URL.
        basic = ("Authorization: Basic eDp5", f"Cookie: token={one.token}", "Origin: http://evil.example")
        self.assert_refused(await self.upgrade_refusal("/chat", *basic), 403)

    async def test_no_websocket(self) -> None:
        """An ordinary GET, or a broken handshake, is refused."""
        one = await self.person()
        self.assert_refused(await self.ask("GET", "/chat"), 401)
        self.assert_refused(await self.ask("GET", f"/chat?id={one.id}&token={one.token}"), 400, "a WebSocket")
        self.assert_refused(await self.handshake(one, "Upgrade: h2c"), 400, "a WebSocket")
        self.assertEqual(self.node.hub.connections, 0)

    async def test_refused_upgrade(self) -> None:
        """A refusal tells whether a WebSocket was asked for: proxies that lose the upgrade are known by that."""
        self.assertEqual((await self.upgrade_refusal("/chat")).header("sec-websocket-version"), "13")
        self.assertEqual((await self.ask("GET", "/chat")).header("sec-websocket-version"), "")

    async def test_wrong_version(self) -> None:
        """A WebSocket of another version, or of none, is told which one there is."""
        one = await self.person()
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        for version in ((), ("8",), ("14",), ("013",), ("x",), ("",), ("13", "8")):
            lines = [f"Sec-WebSocket-Version: {said}" for said in version]
            answer = await self.handshake(one, "Upgrade: websocket", key, *lines)
            self.assert_refused(answer, 426, "Sec-WebSocket-Version: 13")
            self.assertEqual((answer.header("sec-websocket-version"), answer.header("upgrade")), ("13", "websocket"))
            self.assertIn(b" 426 Upgrade Required\r\n", answer.raw)
            self.assertIn(b"\r\nconnection: upgrade\r\n", answer.raw.lower())
        self.assert_refused(await self.upgrade_refusal("/chat", "Sec-WebSocket-Version: 8"), 401)
        self.assertEqual(self.node.hub.connections, 0)

    async def test_wrong_key(self) -> None:
        """A missing, double or wrong key is refused in the envelope."""
        one = await self.person()
        usual = ("Upgrade: websocket", "Sec-WebSocket-Version: 13")
        good = "dGhlIHNhbXBsZSBub25jZQ=="
        for keys in ((), ("",), ("x",), (good, good), (good[:-1],), (good[:-3] + "!==",), (good + "A",), ("A" * 24,)):
            lines = [f"Sec-WebSocket-Key: {key}" for key in keys]
            self.assert_refused(await self.handshake(one, *usual, *lines), 400, "Sec-WebSocket-Key")
        self.assertEqual(self.node.hub.connections, 0)

    async def handshake(self, person: Person, *lines: str) -> Answer:
        """The refusal of an upgrade with these headers alone."""
        return await self.ask("GET", f"/chat?token={person.token}", "Connection: Upgrade", *lines)

    async def test_frames_behind_the_handshake(self) -> None:
        """Frames that a client sends right after its handshake aren't lost."""
        one = await self.person()
        device = await self.knock(f"/chat?token={one.token}")
        self.assertTrue(device.open)
        for number in range(3):
            device.say(cmd=10, dstid=one.id, media=1, content=str(number), id=number + 1)
        for number in range(3):
            self.assertEqual((await device.hear(cmd=1, id=number + 1))["seq"], number + 1)


class SingleTests(RunningNode):
    """Messages of a single chat."""

    async def test_to_every_other_device(self) -> None:
        """The peer's devices and the sender's others get the message; the sending device gets the answer."""
        one, two, other = await self.friends(3)
        sending, beside = await one.device(), await one.device()
        first, second = await two.device(), await two.device()
        stranger = await other.device()
        answer = await sending.ask(id=5, cmd=10, dstid=two.id, media=1, content="hello", cid="a")
        self.assertEqual(
            {k: v for k, v in answer.items() if k != "at"},
            {"cmd": 1, "id": 5, "cid": "a", "code": 0, "scope": 10, "dstid": two.id, "seq": 1},
        )
        expected = {
            "id": 5,
            "userid": one.id,
            "cmd": 10,
            "dstid": two.id,
            "media": 1,
            "content": "hello",
            "cid": "a",
            "seq": 1,
            "at": answer["at"],
        }
        for device in (beside, first, second):
            self.assertEqual(await device.hear(cmd=10), expected)
            self.assertEqual(await device.quiet(), [])
        self.assertEqual(await sending.quiet(), [])
        self.assertEqual(await stranger.quiet(), [])
        self.assertEqual(await two.history(10, one.id), [expected])
        self.assertEqual(await one.history(10, two.id), [expected])

    async def test_answered_only_when_asked(self) -> None:
        """A message without `id` and `cid` isn't answered; with either the answer has just that."""
        one, two = await self.friends()
        device, peer = await one.device(), await two.device()
        device.say(cmd=10, dstid=two.id, media=1, content="x")
        await peer.hear(cmd=10)
        self.assertEqual(await device.quiet(), [])
        device.say(cmd=10, dstid=two.id, media=1, content="x", id=9)
        self.assertEqual(set(await device.hear(cmd=1)), {"cmd", "id", "code", "scope", "dstid", "seq", "at"})
        device.say(cmd=10, dstid=two.id, media=1, content="x", cid="密")
        answer = await device.hear(cmd=1)
        self.assertEqual(set(answer), {"cmd", "cid", "code", "scope", "dstid", "seq", "at"})
        self.assertEqual((answer["cid"], answer["seq"]), ("密", 3))

    async def test_every_media(self) -> None:
        """All media of the original Go server are carried whole, and nothing but a message's own fields."""
        one, two = await self.friends()
        device, peer = await one.device(), await two.device()
        for media in MEDIA:
            said = {
                "media": media,
                "content": "标题 \U0001f44d \u2028",
                "pic": "http://a/b,jpg",
                "url": "u" * TEXT_CHARS,
                "memo": "恭喜发财",
                "amount": -300,
                "mentions": [0, two.id],
            }
            strange = {"userid": two.id, "seq": 999, "at": 5, "scope": 11, "have": {"a": 1}, "epoch": "e", "new": [1]}
            answer = await device.ask(cmd=10, dstid=two.id, **said, **strange)
            heard = await peer.hear(cmd=10)
            for key in ("cid", "at"):
                self.assertEqual(heard.pop(key), answer[key])
            self.assertEqual(heard, said | {"cmd": 10, "userid": one.id, "dstid": two.id, "seq": answer["seq"]})

    async def test_one_strange_field(self) -> None:
        """Each unknown field is dropped, also if it is the only one."""
        one, two = await self.friends()
        device, peer = await one.device(), await two.device()
        for strange in ({"userid": two.id}, {"scope": 11}, {"have": {}}, {"have": {"a": 1}}, {"epoch": "e"}):
            answer = await device.ask(cmd=10, dstid=two.id, media=1, content="x", **strange)
            said = {"cmd": 10, "userid": one.id, "dstid": two.id, "media": 1, "content": "x"}
            self.assertEqual(await peer.hear(cmd=10), said | {key: answer[key] for key in ("cid", "seq", "at")})

    async def test_as_the_original_server_says_it(self) -> None:
        """The form of the original Go client: with `userid` and `id`, without `cid`, and without fields that are
        zero."""
        one, two = await self.friends()
        device, peer = await one.device(), await two.device()
        device.say(id=1, userid=one.id, dstid=two.id, cmd=10, media=3, url="http://www.a,com/dsturl.mp3", amount=40)
        heard = await peer.hear(cmd=10)
        self.assertEqual((heard["url"], heard["amount"], heard["media"]), ("http://www.a,com/dsturl.mp3", 40, 3))
        self.assertEqual((await device.hear(cmd=1, id=1))["code"], 0)

    async def test_to_oneself(self) -> None:
        """A note to oneself reaches one's other devices, once."""
        one = await self.person()
        sending, beside = await one.device(), await one.device()
        answer = await sending.tell(10, one.id, "note")
        self.assertEqual((await beside.hear(cmd=10))["content"], "note")
        self.assertEqual(await beside.quiet(), [])
        self.assertEqual(await sending.quiet(), [])
        self.assertEqual((answer["dstid"], answer["seq"]), (one.id, 1))

    async def test_strangers(self) -> None:
        """Messages to a stranger, to nobody and to a former friend are refused in the answer."""
        one, two, friend = await self.people(3)
        await one.befriend(friend)
        device, peer = await one.device(), await friend.device()
        stranger = await two.device()
        for dstid in (two.id, 999_999, 0, 2**53 - 1):
            answer = await device.ask(cmd=10, dstid=dstid, media=1, content="x")
            self.assertLess(answer["code"], 0)
            self.assertIn("dstid", answer["msg"])
        await device.tell(10, friend.id, "x")
        await peer.hear(cmd=10)
        await friend.post("/contact/deletefriend", dstid=one.id)
        answer = await device.ask(cmd=10, dstid=friend.id, media=1, content="x")
        self.assertLess(answer["code"], 0)
        self.assertEqual([f for f in await peer.quiet() if f["cmd"] != 8], [])
        self.assertEqual(await stranger.quiet(), [])
        await one.befriend(two)
        await device.tell(10, two.id, "at once")
        self.assertEqual((await stranger.hear(cmd=10))["content"], "at once")

    async def test_a_repeated_cid(self) -> None:
        """Sent again, from any device, at once or later, it is stored once and the first answer comes back."""
        one, two = await self.friends()
        device, beside, peer = await one.device(), await one.device(), await two.device()
        first = await device.ask(cmd=10, dstid=two.id, media=1, content="x", cid="same", id=1)
        again = await device.ask(cmd=10, dstid=two.id, media=1, content="changed", cid="same", id=2)
        self.assertEqual(again, first | {"id": 2})
        elsewhere = await beside.ask(cmd=10, dstid=one.id, media=1, content="x", cid="same", id=1)
        self.assertEqual(elsewhere, first)
        for _ in range(5):
            device.say(cmd=10, dstid=two.id, media=1, content="y", cid="burst")
        answers = [await device.hear(cmd=1, cid="burst") for _ in range(5)]
        self.assertEqual({a["seq"] for a in answers}, {2})
        self.assertEqual([m["seq"] for m in await two.history(10, one.id)], [1, 2])
        await peer.quiet()
        self.assertEqual([m["seq"] for m in peer.messages()], [1, 2])
        # The cid is the sender's own: the peer may have used the same.
        theirs = await peer.ask(cmd=10, dstid=one.id, media=1, content="z", cid="same")
        self.assertEqual(theirs["seq"], 3)

    async def test_order(self) -> None:
        """Two who write at once are in the same order everywhere, without gaps."""
        one, two = await self.friends()
        mine, theirs = await one.device(), await two.device()
        watching = await one.device()
        for number in range(100):
            mine.say(cmd=10, dstid=two.id, media=1, content=f"m{number}", id=number + 1)
            theirs.say(cmd=10, dstid=one.id, media=1, content=f"t{number}", id=number + 1)
        await until(lambda: len(watching.messages()) == 200)
        for device in (mine, theirs):
            for number in range(100):
                await device.hear(cmd=1, id=number + 1)
        self.assertEqual([m["seq"] for m in watching.messages()], list(range(1, 201)))
        for device in (mine, theirs):
            seqs = [m["seq"] for m in device.messages()]
            self.assertEqual(seqs, sorted(seqs))
            seqs = [f["seq"] for f in device.heard if "seq" in f]
            self.assertEqual(sorted(seqs), list(range(1, 201)))


class GroupTests(RunningNode):
    """Messages of a group."""

    async def test_to_every_member(self) -> None:
        """Each member's devices get the message, except the sending one; nobody else does."""
        one, two, three, outsider = await self.people(4)
        group = await one.group(two, three)
        sending, beside = await one.device(), await one.device()
        members = [beside, await two.device(), await two.device(), await three.device()]
        outside = await outsider.device()
        answer = await sending.tell(11, group, "hello all")
        self.assertEqual((answer["scope"], answer["dstid"]), (11, group))
        for device in members:
            heard = await device.hear(cmd=11)
            self.assertEqual((heard["content"], heard["userid"], heard["seq"]), ("hello all", one.id, answer["seq"]))
            self.assertEqual(await device.quiet(), [])
        self.assertEqual(await sending.quiet(), [])
        self.assertEqual(await outside.quiet(), [])
        refused = await outside.ask(cmd=11, dstid=group, media=1, content="x")
        self.assertLess(refused["code"], 0)
        self.assertLess((await sending.ask(cmd=11, dstid=999, media=1, content="x"))["code"], 0)

    async def test_joined_while_connected(self) -> None:
        """A group made or joined while connected works at once, by whichever device it was joined."""
        one, two = await self.people(2)
        mine, theirs = await one.device(), await two.device()
        group = await one.group()
        await mine.hear(cmd=8, what="group", dstid=group)
        self.assertEqual((await mine.hear(cmd=11))["content"], "created")
        await mine.tell(11, group, "alone")
        await two.post("/contact/joincommunity", dstid=group)
        for device in (mine, theirs):
            self.assertEqual((await device.hear(cmd=11, media=23))["content"], "joined")
            await device.hear(cmd=8, what="group", dstid=group)
        await mine.tell(11, group, "welcome")
        self.assertEqual((await theirs.hear(cmd=11))["content"], "welcome")
        await theirs.tell(11, group, "thanks")
        self.assertEqual((await mine.hear(cmd=11))["content"], "thanks")

    async def test_left_while_connected(self) -> None:
        """Somebody who left or was removed can't post or read from then on."""
        one, two, three = await self.people(3)
        group = await one.group(two, three)
        mine, theirs, third = await one.device(), await two.device(), await three.device()
        await theirs.tell(11, group, "before")
        await two.post("/contact/leavecommunity", dstid=group)
        notice = await mine.hear(cmd=11, media=23, content="left")
        self.assertEqual(notice["userid"], two.id)
        await one.post("/contact/removemember", dstid=group, memberid=three.id)
        notice = await mine.hear(cmd=11, media=23, content="removed")
        self.assertEqual((notice["userid"], notice["memo"]), (one.id, str(three.id)))
        await mine.tell(11, group, "among ourselves")
        for person, device in ((two, theirs), (three, third)):
            await device.hear(cmd=8, what="group", dstid=group)
            self.assertLess((await device.ask(cmd=11, dstid=group, media=1, content="x"))["code"], 0)
            self.assert_refused(await person.get("/message/history", scope=11, dstid=group), 403)
            self.assertNotIn("among ourselves", str(device.heard))
            self.assertEqual((await person.get("/message/conversations")).rows, [])
            self.assertEqual((await device.caught_up())["rows"], [])
        await mine.quiet()
        self.assertNotIn("x", [m.get("content") for m in mine.messages()])
        # Back again, everything said is there.
        await two.post("/contact/joincommunity", dstid=group)
        self.assertIn("among ourselves", [m.get("content") for m in await two.history(11, group)])

    async def test_renamed(self) -> None:
        """A new name is a notice in the group, and is told."""
        one, two = await self.people(2)
        group = await one.group(two)
        device = await two.device()
        self.assert_refused(await two.post("/contact/updatecommunity", dstid=group, name="mine"), 403)
        await one.post("/contact/updatecommunity", dstid=group, name="新名")
        notice = await device.hear(cmd=11, media=23, content="renamed")
        self.assertEqual((notice["memo"], notice["userid"]), ("新名", one.id))
        await device.hear(cmd=8, what="group", dstid=group)
        await one.post("/contact/updatecommunity", dstid=group, name="新名")
        self.assertEqual([f for f in await device.quiet() if f["cmd"] == 11], [])


class WrongTests(RunningNode):
    """Wrong frames are answered, and affect nobody else."""

    async def test_answered(self) -> None:
        """Each wrong frame has an answer with a negative code, by its `id` and `cid` if they can be read."""
        one = await self.person()
        device = await one.device()
        for payload, expected in (
            (b"", {}),
            (b"{", {}),
            (b"[]", {}),
            (b"null", {}),
            (b'{"id":1', {}),
            (b'{"cmd":2,"cid":"a"}', {"cid": "a"}),
            (b'{"cmd":1,"id":3}', {"id": 3}),
            (b'{"cmd":-1,"id":3}', {"id": 3}),
            (b'{"cmd":99999999999999999999,"id":3}', {"id": 3}),
            (b'{"cmd":10,"id":3,"cid":"b","dstid":"x"}', {"id": 3, "cid": "b"}),
            (b'{"cmd":10,"id":3,"dstid":"x", broken', {}),
            (b'{"cmd":10,"id":3,"cid":"b","content":"cut \\ud83d"}', {"id": 3, "cid": "b"}),
            (b'{"cmd":10,"id":3,"cid":"\\ud83d"}', {"id": 3}),
            (b'{"cmd":10,"cid":"' + b"c" * 65 + b'"}', {"cid": "c" * 65}),
            (b'{"cmd":10,"id":9223372036854775807}', {"id": 2**63 - 1}),
            (b'{"cmd":7,"id":3}', {"id": 3}),
            (b'{"cmd":8,"id":3}', {"id": 3}),
            (b'{"cmd":5,"id":3}', {"id": 3}),
            (b'{"cmd":6,"id":3}', {"id": 3}),
        ):
            device.say_raw(payload)
            answer = await device.hear(cmd=1)
            self.assertLess(answer.pop("code"), 0)
            self.assertTrue(answer.pop("msg"))
            self.assertEqual(answer, {"cmd": 1} | expected, payload)
        self.assertEqual(await device.quiet(), [])

    async def test_bounds(self) -> None:
        """Beyond its bound a field is refused by name; at it the message is carried whole."""
        one, two = await self.friends()
        for name, value, word in (
            ("content", "c" * (CONTENT_CHARS + 1), "content"),
            ("url", "u" * (TEXT_CHARS + 1), "url"),
            ("pic", "u" * (TEXT_CHARS + 1), "pic"),
            ("memo", "u" * (TEXT_CHARS + 1), "memo"),
            ("mentions", [-1], "mentions"),
            ("ref", 2**53, "ref"),
            ("ref", 1_000, "ref"),
            ("dstid", -1, "dstid"),
            ("media", 0, "media"),
            ("media", 10, "media"),
            ("media", 23, "media"),
            ("media", 24, "media"),
            ("media", 101, "media"),
            ("amount", 2**53, "amount"),
        ):
            device = await one.device()
            answer = await device.ask(**({"cmd": 10, "dstid": two.id, "media": 1} | {name: value}))
            self.assertLess(answer["code"], 0, name)
            self.assertIn(word, answer["msg"])
            await device.leave()
        device, peer = await one.device(), await two.device()
        device.say(cmd=10, dstid=two.id, media=1, cid="c" * 65)
        self.assertIn("cid", (await device.hear(cmd=1))["msg"])
        device.say(cmd=10, dstid=two.id, media=1, cid="c\0")
        self.assertIn("cid", (await device.hear(cmd=1))["msg"])
        await device.ask(cmd=10, dstid=two.id, media=1, content="界" * CONTENT_CHARS, memo="\0\u200b", cid="c" * 64)
        heard = await peer.hear(cmd=10)
        self.assertEqual((heard["content"], heard["memo"]), ("界" * CONTENT_CHARS, "\0\u200b"))

    async def test_too_many(self) -> None:
        """Twenty in a minute are answered, the next one closes with 1008; nobody else notices."""
        one, two = await self.friends()
        device, beside, peer = await one.device(), await one.device(), await two.device()
        for number in range(20):
            device.say(cmd=99, id=number + 1)
        for number in range(20):
            self.assertLess((await device.hear(cmd=1, id=number + 1))["code"], 0)
        await device.quiet()
        device.say(cmd=99)
        self.assertEqual(await device.closed(), 1008)
        await beside.tell(10, two.id, "still here")
        await peer.hear(cmd=10)

    async def test_too_many_at_once(self) -> None:
        """When too many wrong frames come in one piece they are answered before the close, and what follows is
        ignored."""
        one, two = await self.friends()
        device, peer = await one.device(), await two.device()
        wrong = b"".join(client_frame(b'{"cmd":99,"id":%d}' % n) for n in range(1, 22))
        right = client_frame(b'{"cmd":10,"dstid":%d,"media":1,"content":"x"}' % two.id)
        device.transport.write(wrong + right)
        self.assertEqual(await device.closed(), 1008)
        self.assertEqual([f["id"] for f in device.heard if f["cmd"] == 1], list(range(1, 22)))
        self.assertEqual(await peer.quiet(), [])

    async def test_frames_that_close(self) -> None:
        """Binary, too big, not UTF-8, against the protocol: each closes its own connection alone."""
        one, two = await self.friends()
        peer, beside = await two.device(), await one.device()
        for payload, opcode, code in (
            (b"{}", BINARY, 1003),
            (b"x" * (64 * 1024 + 1), 1, 1009),
            (b"\xff", 1, 1007),
            (b"x", 5, 1002),
        ):
            device = await one.device()
            device.say_raw(payload, opcode)
            self.assertEqual(await device.closed(), code)
        await beside.tell(10, two.id, "x")
        await peer.hear(cmd=10)

    async def test_heartbeat(self) -> None:
        """A heartbeat is answered with the time, also in the original Go client's form without zeros; a ping gets a
        pong."""
        one = await self.person()
        device = await one.device()
        for payload in (b'{"cmd":0}', b"{}", b'{"id":1,"cmd":0,"userid":3}'):
            device.say_raw(payload)
            answer = await device.hear(cmd=0)
            self.assertEqual(set(answer), {"cmd", "at"})
            self.assertGreater(answer["at"], 1_600_000_000_000)
        device.say_raw(b"x", PING)
        await device.quiet()


class OddFrameTests(RunningNode):
    """Arbitrary frames."""

    async def test_any_frame(self) -> None:
        """Every frame with a known command and any fields is carried out or refused, without an internal error."""
        self.patch(session, "WRONGS", 100_000)
        one, two = await self.friends()
        group = await one.group(two)
        device, peer = await one.device(), await two.device()
        random = Random(7)
        values: list[Any] = [None, True, 0, 1, -1, 10, 11, 2**53, 2**63, 10**30, 1.5, "", "x", "\0", "👍", "x" * 3_000]
        values += [[], [0], [two.id], ["x"], {}, {"10:2": 1}, {"a": "b"}, one.id, two.id, group, [[]], "10:2"]
        names = [*Frame.__struct_fields__, "new"]
        for number in range(1_500):
            frame: dict[str, Any] = {
                name: random.choice(values) for name in random.sample(names, random.choice([0, 0, 1, 2, 5]))
            }
            frame |= {"cmd": random.choice([0, 4, 5, 6, 10, 11, 10, 11]), "id": number + 1}
            if random.random() < 0.7:
                frame |= {"scope": random.choice([10, 11]), "dstid": random.choice([one.id, two.id, group])}
            if random.random() < 0.7:
                frame |= {"media": random.choice([1, 20, 21, 22]), "ref": random.choice([0, 0, 1, 2, 9])}
            if random.random() < 0.3:
                frame |= {"cmd": 10, "dstid": two.id, "content": "x"}  # of which some are stored
            device.say(**frame)
            if number % 50 == 49:
                await device.quiet()
        self.assertIsNone(device.code)
        self.assertNotIn("the server failed", str(device.heard))
        seqs = [m["seq"] for m in await two.history(10, one.id, limit=200)]
        self.assertEqual(seqs, sorted(set(seqs)))
        self.assertTrue(seqs)
        await peer.tell(10, one.id, "still here")


class SmallTalkTests(RunningNode):
    """Typing, read marks and presence."""

    async def test_typing(self) -> None:
        """Told to the peer, by whom and in which of *their* conversations; to the members; never stored."""
        one, two, three = await self.friends(3)
        group = await one.group(two)
        mine, beside = await one.device(), await one.device()
        theirs, third = await two.device(), await three.device()
        mine.say(cmd=5, scope=10, dstid=two.id)
        self.assertEqual(await theirs.hear(cmd=5), {"cmd": 5, "scope": 10, "dstid": one.id, "userid": one.id})
        mine.say(cmd=5, scope=11, dstid=group)
        self.assertEqual(await theirs.hear(cmd=5), {"cmd": 5, "scope": 11, "dstid": group, "userid": one.id})
        await mine.quiet()
        self.assertEqual(await third.quiet(), [])
        self.assertNotIn(10, [f["cmd"] for f in await beside.quiet()])
        self.assertEqual(await two.history(10, one.id), [])
        for wrong in ({"scope": 10, "dstid": 999}, {"scope": 11, "dstid": 999}, {"scope": 9, "dstid": two.id}, {}):
            self.assertLess((await mine.ask(cmd=5, **wrong))["code"], 0)
        third.say(cmd=5, scope=11, dstid=group, id=1)
        self.assertLess((await third.hear(cmd=1, id=1))["code"], 0)

    async def row(self, person: Any, dstid: int) -> dict[str, Any]:
        """A line of the list of conversations."""
        rows = (await person.get("/message/conversations")).rows
        return next(row for row in rows if row["dstid"] == dstid)

    async def test_read_marks(self) -> None:
        """A mark is kept, told to the peer and to one's other devices, and never goes back; sending reads."""
        one, two = await self.friends()
        mine, beside, theirs = await one.device(), await one.device(), await two.device()
        for number in range(3):
            await theirs.tell(10, one.id, str(number))
        row = await self.row(one, two.id)
        self.assertEqual((row["scope"], row["seq"], row["read"], row["unread"]), (10, 3, 0, 3))
        self.assertEqual(row["last"]["content"], "2")
        self.assertEqual((await self.row(two, one.id))["unread"], 0)
        mine.say(cmd=6, scope=10, dstid=two.id, seq=2)
        self.assertEqual(await theirs.hear(cmd=6), {"cmd": 6, "scope": 10, "dstid": one.id, "userid": one.id, "seq": 2})
        self.assertEqual(await beside.hear(cmd=6), {"cmd": 6, "scope": 10, "dstid": two.id, "userid": one.id, "seq": 2})
        mine.say(cmd=6, scope=10, dstid=two.id, seq=1)
        await mine.tell(10, one.id, "something in between")
        row = await self.row(one, two.id)
        self.assertEqual((row["read"], row["unread"]), (2, 1))
        await mine.tell(10, two.id, "answering reads")
        row = await self.row(one, two.id)
        self.assertEqual((row["seq"], row["read"], row["unread"]), (4, 4, 0))
        self.assertEqual([f for f in await theirs.quiet() if f["cmd"] == 6], [])

    async def test_mark_after_parting(self) -> None:
        """Former friends can still mark what was said as read; the other one isn't told."""
        one, two = await self.friends()
        device, peer = await one.device(), await two.device()
        await peer.tell(10, one.id, "x")
        await one.post("/contact/deletefriend", dstid=two.id)
        await peer.quiet()
        device.say(cmd=6, scope=10, dstid=two.id, seq=1)
        await device.quiet()
        self.assertEqual((await self.row(one, two.id))["unread"], 0)
        self.assertEqual([f for f in await peer.quiet() if f["cmd"] == 6], [])
        self.assertLess((await device.ask(cmd=6, scope=10, dstid=two.id, seq=2))["code"], 0)

    async def test_wrong_marks(self) -> None:
        """A mark beyond the newest message, below the first, or of a missing conversation is refused."""
        one, two, three = await self.people(3)
        await one.befriend(two)
        group = await three.group()
        device, peer = await one.device(), await two.device()
        await device.tell(10, two.id, "x")
        for wrong in (
            {"scope": 10, "dstid": two.id, "seq": 2},
            {"scope": 10, "dstid": two.id, "seq": 0},
            {"scope": 10, "dstid": two.id},
            {"scope": 10, "dstid": three.id, "seq": 1},
            {"scope": 11, "dstid": group, "seq": 1},
            {"scope": 12, "dstid": two.id, "seq": 1},
        ):
            answer = await device.ask(cmd=6, **wrong)
            self.assertLess(answer["code"], 0, wrong)
        self.assertEqual([f["cmd"] for f in await peer.quiet()], [10])

    async def test_group_marks(self) -> None:
        """A mark in a group is told only to one's other devices."""
        one, two = await self.people(2)
        group = await one.group(two)
        mine, beside, theirs = await one.device(), await one.device(), await two.device()
        seq = (await theirs.tell(11, group, "x"))["seq"]
        mine.say(cmd=6, scope=11, dstid=group, seq=seq)
        self.assertEqual((await beside.hear(cmd=6))["seq"], seq)
        self.assertEqual(await theirs.quiet(), [])
        self.assertEqual((await self.row(one, group))["unread"], 0)

    async def test_presence(self) -> None:
        """Friends are told of the first device; strangers aren't, and second devices aren't told."""
        one, two, three = await self.people(3)
        await one.befriend(two)
        friend, stranger = await two.device(), await three.device()
        await one.device()
        self.assertEqual(await friend.hear(cmd=7), {"cmd": 7, "userid": one.id, "online": 1})
        await one.device()
        for device in (friend, stranger):
            await device.quiet()
            self.assertNotIn(7, [frame["cmd"] for frame in device._unread])
        self.assertEqual((await two.get("/contact/loadfriend")).rows[0]["online"], 1)


class SlowTests(RunningNode):
    """Slow readers."""

    async def test_slow_reader(self) -> None:
        """A client whose outbox overflows is closed with 1013; it catches up later, and nobody else waits."""
        one, two = await self.friends()
        slow, quick, sender = await two.device(), await two.device(), await one.device()
        slow.transport.pauseProducing()
        count = 0
        while self.node.hub.users[two.id].sessions[1:]:
            for _ in range(10):
                count += 1
                await sender.tell(10, two.id, "界" * CONTENT_CHARS, url="u" * TEXT_CHARS)
            self.assertLess(count, 2_000, "never closed")
        await until(lambda: len(quick.messages()) == count)
        self.assertIsNone(slow.code)
        slow.transport.resumeProducing()
        self.assertEqual(await slow.closed(), 1013)
        got = [m["seq"] for m in slow.messages()]
        self.assertEqual(got, list(range(1, len(got) + 1)))
        self.assertLess(len(got), count)
        again = await self.knock(f"/chat?id={two.id}&token={two.token}")
        await self.catch_up(again, f"10:{one.id}", got[-1], count)

    async def catch_up(self, device: Device, name: str, have: int, head: int) -> None:
        """Get what was missed by catch-up, or by history if it is too much."""
        done = await device.caught_up(epoch=self.epoch, have={name: have})
        if "more" not in done["rows"][0]:
            self.assertEqual([m["seq"] for m in device.messages()], list(range(have + 1, head + 1)))
