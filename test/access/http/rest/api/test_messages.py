"""Messages of another program."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import fail
from twisted.python.failure import Failure

from test.access.http.rest.api.key import KeyedNode
from test.access.running_node import Device
from twim.access.http.request import SMALL_BODY
from twim.access.http.rest.api.calling import LARGE_BODY
from twim.errors import Unavailable


class MessageTests(KeyedNode):
    """``/api/v1/messages``, with users `ann`, `ben` and `cat`, and a group `g` of the first two."""

    async def setUp(self) -> None:
        await super().setUp()
        self.ids = dict(zip(("ann", "ben", "cat"), await self.users("ann", "ben", "cat"), strict=True))
        group = await self.done("PUT", "/groups/g", {"name": "Shop", "owner": "ann", "members": ["ben"]})
        self.group: int = group["id"]

    async def token(self, name: str) -> str:
        token: str = (await self.done("POST", f"/users/{name}/token"))["token"]
        return token

    async def connected(self, name: str) -> Device:
        device: Device = await self.knock(f"/chat?id={self.ids[name]}&token={await self.token(name)}")
        device.say(cmd=0)
        await device.hear(cmd=0)
        return device

    def said(self, speaker: str, to: str, content: str = "hi", **more: Any) -> dict[str, Any]:
        where = {"group": to} if to == "g" else {"user": to}
        return {"from": speaker, "to": where, "media": 1, "content": content} | more

    async def rows(self, *said: dict[str, Any]) -> list[dict[str, Any]]:
        answer = await self.call("POST", "/messages", list(said))
        self.assertEqual((answer.status, answer.json["code"], answer.json["total"]), (200, 0, len(said)), answer)
        rows: list[dict[str, Any]] = answer.rows
        return rows

    async def test_pair(self) -> None:
        """Any two may be made to write to each other: both hear it, and are friends, so that an answer passes."""
        ann, ben = await self.connected("ann"), await self.connected("ben")
        posted = await self.done("POST", "/messages", self.said("ann", "ben", "hello"))
        self.assertEqual(posted["seq"], 1)
        for device in (ann, ben):
            heard = await device.hear(cmd=10, content="hello")
            self.assertEqual((heard["userid"], heard["seq"], heard["at"]), (self.ids["ann"], 1, posted["at"]))
        await ben.tell(10, self.ids["ann"], "hello yourself")
        self.assertEqual((await self.done("POST", "/messages", self.said("ann", "ann", "a note")))["seq"], 1)

    async def test_group(self) -> None:
        """Members write into a group, though they are muted and the group is for admins to write; others don't."""
        ann = await self.connected("ann")
        owner = await self.token("ann")
        await self.post("/contact/mutemember", token=owner, dstid=self.group, memberid=self.ids["ben"], seconds=600)
        await self.post("/contact/updatecommunity", token=owner, dstid=self.group, post="admins")
        await self.done("POST", "/messages", self.said("ben", "g", "all of you", mentions=["ann", 0]))
        heard = await ann.hear(cmd=11, content="all of you")
        self.assertEqual(heard["mentions"], [0, self.ids["ann"]])
        self.assert_refused(await self.call("POST", "/messages", self.said("cat", "g")), 403, "no member")

    async def test_list(self) -> None:
        """A list is stored in one commit; each of its messages is answered by its own, and one that is refused doesn't
        stop the rest."""
        before = self.node.log.batches
        rows = await self.rows(
            self.said("ann", "ben", "1"),
            self.said("nobody", "ben"),
            self.said("cat", "g"),
            self.said("ann", "g", media=23),
            {"from": "ann", "to": {}},
            {"to": {"user": "ann"}},
            self.said("ann", "ben", "x" * 8_001),
            self.said("ann", "ben", cid="a\0b"),
            self.said("ann", "ben", mentions=[7]),
            self.said("ann", "ben", media=20, ref=77),
            self.said("ben", "ann", "2"),
        )
        codes = [row["code"] for row in rows]
        self.assertEqual(codes, [0, -4, -3, -1, -1, -1, -1, -1, -1, -1, 0])
        self.assertEqual([row["seq"] for row in rows if not row["code"]], [1, 2])
        self.assertTrue(all(row["msg"] for row in rows if row["code"]))
        self.assertEqual(self.node.log.batches, before + 1)

    async def test_long_list(self) -> None:
        """500 messages are taken, in a body that nobody without a key may send; 501 are not, nor a larger body."""
        said = [self.said("ann", "ben", f"{number:0300}") for number in range(501)]
        self.assertEqual([row["seq"] for row in await self.rows(*said[:500])], list(range(1, 501)))
        self.assert_refused(await self.call("POST", "/messages", said), 413, "500")
        self.assert_refused(await self.call("POST", "/messages", said[:500], key="twk_wrong"), 413, str(SMALL_BODY))
        large = self.said("ann", "ben", "x" * LARGE_BODY)
        self.assert_refused(await self.call("POST", "/messages", large), 413, str(LARGE_BODY))

    async def test_single_refused(self) -> None:
        """A single message is refused with its status."""
        for loose, status in (
            (self.said("ann", "nobody"), 404),
            (self.said("nobody", "ann"), 404),
            (self.said("cat", "g"), 403),
            (self.said("ann", "ben", media=23), 400),
            (self.said("ann", "ben", mentions=["nobody"]), 404),
            (self.said("ann", "ben", url="x" * 7_000), 400),
            (self.said("a b", "ben"), 400),
            ({"from": "ann", "to": {"user": "ben", "group": "g"}}, 400),
            ({"from": "ann", "to": {"group": "no"}}, 404),
            (self.said("ann", "ben", media=20, ref=3), 409),
            ("words", 400),
        ):
            self.assert_refused(await self.call("POST", "/messages", loose), status)

    async def test_blocked(self) -> None:
        """A block holds against a program's messages too."""
        await self.post("/contact/block", token=await self.token("ben"), dstid=self.ids["ann"])
        self.assert_refused(await self.call("POST", "/messages", self.said("ann", "ben")), 403, "not your friend")
        self.assertEqual([row["code"] for row in await self.rows(self.said("ann", "ben"))], [-3])

    async def test_disabled_speaker(self) -> None:
        """A disabled user says no more, and one who was erased isn't there; a dissolved group is silent."""
        await self.done("PUT", "/users/ben", {"disabled": 1})
        self.assert_refused(await self.call("POST", "/messages", self.said("ben", "ann")), 403, "disabled")
        await self.done("DELETE", "/users/cat")
        by_number = {"from": "ann", "to": {"user": f"id:{self.ids['cat']}"}}
        self.assert_refused(await self.call("POST", "/messages", by_number), 404)
        await self.done("DELETE", "/groups/g")
        gone = {"from": "ann", "to": {"group": f"id:{self.group}"}}
        self.assert_refused(await self.call("POST", "/messages", gone), 403, "dissolved")

    async def test_cid(self) -> None:
        """A known cid gets its first answer, in a list and after the author has left, too."""
        first = await self.done("POST", "/messages", self.said("ben", "g", cid="c-1"))
        self.assertEqual(await self.done("POST", "/messages", self.said("ben", "g", "other", cid="c-1")), first)
        rows = await self.rows(*[self.said("ann", "g", cid="c-1")] * 2)
        self.assertEqual(rows[0], rows[1])
        await self.done("DELETE", "/groups/g/members/ben")
        self.assertEqual(await self.done("POST", "/messages", self.said("ben", "g", cid="c-1")), first)
        self.assert_refused(await self.call("POST", "/messages", self.said("ben", "g", cid="c-2")), 403)

    async def test_read(self) -> None:
        """A conversation is read by its group or its two users, after a seq or the newest, a page at a time."""
        await self.rows(*[self.said("ann", "ben", str(number), mentions=["ben"]) for number in range(1, 6)])
        answer = await self.call("GET", "/messages?users=ben,ann&after=2&limit=2")
        self.assertEqual(answer.json["total"], 5)
        self.assertEqual([(row["seq"], row["content"]) for row in answer.rows], [(3, "3"), (4, "4")])
        expected = {"from": "ann", "to": {"user": "ben"}, "media": 1, "mentions": ["ben"]}
        self.assertEqual(answer.rows[0] | expected, answer.rows[0])
        newest = await self.done("GET", "/messages?users=ann,ben&limit=1")
        self.assertEqual([row["seq"] for row in newest], [5])
        self.assertEqual(await self.done("GET", "/messages?users=ann,cat"), [])
        in_group = await self.done("GET", "/messages?group=g")
        self.assertEqual({row["media"] for row in in_group}, {23})
        self.assertEqual(in_group[0]["to"], {"group": "g"})

    async def test_read_refused(self) -> None:
        """What names no conversation is refused."""
        for query, status in (
            ("", 400),
            ("users=ann", 400),
            ("users=ann,ben&group=g", 400),
            ("users=ann,nobody", 404),
            ("group=no", 404),
            ("group=g&limit=201", 400),
            ("group=g&after=x", 400),
            ("users=a b,c", 400),
        ):
            answer = await self.call("GET", f"/messages?{query.replace(' ', '%20')}")
            self.assert_refused(answer, status)
            self.assert_refused(await self.call("DELETE", f"/messages/0?{query.replace(' ', '%20')}"), 400)

    async def test_recall(self) -> None:
        """A message is recalled in its author's name, in a group also after the author has left."""
        ann = await self.connected("ann")
        await self.rows(self.said("ben", "ann", "1"), self.said("ben", "g", "2"))
        seq = (await ann.hear(cmd=11, content="2"))["seq"]
        await self.done("DELETE", "/messages/1?users=ann,ben")
        recall = await ann.hear(cmd=10, media=20)
        self.assertEqual((recall["userid"], recall["ref"]), (self.ids["ben"], 1))
        self.assertEqual((await self.done("GET", "/messages?users=ann,ben"))[0]["recalled"], 1)
        self.assert_refused(await self.call("DELETE", "/messages/1?users=ann,ben"), 409, "recalled")
        self.assert_refused(await self.call("DELETE", "/messages/9?users=ann,ben"), 404, "no such message")
        self.assert_refused(await self.call("DELETE", "/messages/x?users=ann,ben"), 404)
        await self.done("DELETE", "/groups/g/members/ben")
        await self.done("DELETE", f"/messages/{seq}?group=g")
        self.assertEqual((await ann.hear(cmd=11, media=20))["ref"], seq)

    async def test_storage_gone(self) -> None:
        """While nothing can be stored, no message is said to be."""

        def lose(posts: Any, at: int, ended: Any) -> None:
            ended(Failure(Unavailable()))

        await self.done("POST", "/messages", self.said("ann", "ben"))
        self.patch(self.node.log._appender, "append", lose)
        self.assert_refused(await self.call("POST", "/messages", self.said("ann", "ben")), 503)
        self.assertEqual([row["code"] for row in await self.rows(self.said("ann", "ben"))], [-6])

    async def test_no_conversation(self) -> None:
        """While conversations can't be found, nothing is posted, and the program is told to try again."""
        self.patch(self.node.database, "read", lambda work: fail(Unavailable()))
        self.patch(self.node.database, "write", lambda work: fail(Unavailable()))
        messages = self.node.log.posts
        self.assert_refused(await self.call("POST", "/messages", self.said("ann", "ben")), 503)
        self.assertEqual(self.node.log.posts, messages)

    async def test_unread(self) -> None:
        """What users have not read is counted for one, by its conversations, and for some."""
        await self.rows(*[self.said("ann", "ben", mentions=["ben"])] * 3)
        await self.rows(self.said("ann", "g"))
        unread = await self.done("GET", "/users/ben/unread")
        by_name = {str(one.get("user") or one.get("group")): one for one in unread["conversations"]}
        self.assertEqual((by_name["ann"]["unread"], by_name["ann"]["mentions"]), (3, 3))
        self.assertEqual(by_name["g"]["unread"], unread["unread"] - 3)
        rows = await self.done("GET", "/unread?users=ben,ann,cat")
        self.assertEqual([row["user"] for row in rows], ["ben", "ann", "cat"])
        self.assertEqual(rows[0], {"user": "ben", "unread": unread["unread"], "mentions": unread["mentions"]})
        self.assertEqual(rows[2]["unread"], 0)
        self.assert_refused(await self.call("GET", "/unread?users=ben,nobody"), 404)
        self.assert_refused(await self.call("GET", "/unread"), 400)
        self.assert_refused(await self.call("GET", "/unread?users=" + ",".join(["ben"] * 501)), 400)
