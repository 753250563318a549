"""``/message/search`` on a running node."""

from __future__ import annotations

from test.access.running_node import Person, RunningNode
from twim.wire.commands import EDIT, RECALL


class SearchTests(RunningNode):
    """Searches as clients ask them."""

    async def texts(self, person: Person, words: str, **how: object) -> list[str]:
        answer = await person.get("/message/search", q=words, **how)
        self.assertEqual((answer.status, answer.json["next"]), (200, 0), answer)
        return [row["content"] for row in answer.rows]

    async def test_found(self) -> None:
        """A message is found once it is answered, by both, under the name that each has for the chat."""
        one, two = await self.friends()
        device = await one.device()
        await device.tell(10, two.id, "今天下雪了")
        for person, other in ((one, two), (two, one)):
            answer = await person.get("/message/search", q="雪")
            (row,) = answer.rows
            self.assertEqual((row["scope"], row["dstid"], row["userid"]), (10, other.id, one.id))
            self.assertEqual((row["content"], row["seq"], row["cmd"]), ("今天下雪了", 1, 10))
            self.assertEqual((answer.json["total"], answer.json["next"]), (1, 0))

    async def test_pages(self) -> None:
        """`next` of a page is `before` of the following one, and 0 at the end."""
        one, two = await self.friends()
        device = await one.device()
        for number in range(5):
            await device.tell(10, two.id, f"page {number}")
        found, before = [], 0
        for rows in (2, 2, 1):
            answer = await one.post("/message/search", q="page", limit=2, before=before)
            self.assertEqual(len(answer.rows), rows)
            found += [row["content"] for row in answer.rows]
            before = answer.json["next"]
        self.assertEqual((found, before), ([f"page {number}" for number in reversed(range(5))], 0))

    async def test_changed(self) -> None:
        """Edited ones by their newest words, recalled ones never; the events themselves never."""
        one, two = await self.friends()
        device = await one.device()
        await device.tell(10, two.id, "first draft")
        await device.tell(10, two.id, "second draft")
        await device.ask(cmd=10, dstid=two.id, media=EDIT, ref=1, content="final words")
        await device.ask(cmd=10, dstid=two.id, media=RECALL, ref=2)
        self.assertEqual(await self.texts(two, "draft"), [])
        self.assertEqual(await self.texts(two, "final"), ["final words"])

    async def test_where(self) -> None:
        """In one conversation, or of one person; with a friend to whom nothing was said there is none, and a blocked
        one's words stay readable."""
        one, two = await self.friends()
        group = (await one.post("/contact/createcommunity", name="g")).data["id"]
        await two.post("/contact/joincommunity", dstid=group)
        device = await one.device()
        await device.tell(11, group, "to all")
        self.assertEqual(await self.texts(two, "to", scope=10, dstid=one.id), [])
        await device.tell(10, two.id, "to you")
        self.assertEqual(await self.texts(two, "to"), ["to you", "to all"])
        self.assertEqual(await self.texts(two, "to", scope=11, dstid=group), ["to all"])
        self.assertEqual(await self.texts(two, "to", scope=10, dstid=one.id), ["to you"])
        self.assertEqual(await self.texts(two, "to", userid=two.id), [])
        self.assertEqual(await self.texts(two, "to", userid=one.id), ["to you", "to all"])
        await two.post("/contact/block", dstid=one.id)
        self.assertEqual(await self.texts(two, "to", scope=10, dstid=one.id), ["to you"])
        await two.post("/contact/leavecommunity", dstid=group)
        self.assertEqual(await self.texts(two, "to"), ["to you"])
        self.assertEqual((await two.get("/message/search", q="to", scope=11, dstid=group)).status, 403)

    async def test_refused(self) -> None:
        """What can't be asked for. Words of nothing but punctuation are in no message."""
        one = await self.person()
        for how in (
            {},
            {"q": ""},
            {"q": "  "},
            {"q": "x" * 101},
            {"q": "x", "limit": 0},
            {"q": "x", "limit": 51},
            {"q": "x", "limit": "many"},
            {"q": "x", "before": -1},
            {"q": "x", "scope": 10},
            {"q": "x", "dstid": one.id},
            {"q": "x", "scope": 12, "dstid": one.id},
            {"q": "x", "media": 101},
        ):
            answer = await one.get("/message/search", **how)
            self.assertEqual((answer.status, answer.json["code"]), (400, -1), how)
        self.assertEqual(await self.texts(one, "?!"), [])
