"""``/message/…`` on a running node: settings of conversations, a page around a message, readers, edits, files."""

from __future__ import annotations

from typing import Any

from test.access.running_node import Person, RunningNode
from twim.wire.commands import EDIT, IMAGE, RECALL


class SettingTests(RunningNode):
    """What a user sets of a conversation."""

    async def rows(self, person: Person) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await person.get("/message/conversations")).rows
        return rows

    async def test_told(self) -> None:
        """All devices of the user are told, and nobody else; the rows of lists and catch-ups have it."""
        one, two = await self.friends()
        first, second, other = await one.device(), await one.device(), await two.device()
        await first.tell(10, two.id, "hello")
        await second.quiet()
        await other.quiet()
        answer = await one.post("/message/setting", scope=10, dstid=two.id, mute=1, pin=1)
        self.assertEqual(answer.data, {"mute": 1, "pin": 1, "hide": 0})
        told = {"cmd": 8, "what": "setting", "scope": 10, "dstid": two.id, "mute": 1, "pin": 1, "hide": 0}
        for device in (first, second):
            self.assertEqual(await device.quiet(), [told])
        self.assertEqual(await other.quiet(), [])
        first.say(cmd=4)
        (caught,) = (await first.hear(cmd=4))["rows"]
        for row in (caught, *await self.rows(one)):
            self.assertEqual((row["mute"], row["pin"], row["hide"]), (1, 1, 0))
        (row,) = await self.rows(two)
        self.assertEqual((row["mute"], row["pin"]), (0, 0))

    async def test_hidden(self) -> None:
        """A hidden conversation is in no list, and its messages in no catch-up, until its next message."""
        one, two = await self.friends()
        device, other = await one.device(), await two.device()
        await other.tell(10, one.id, "hello")
        await one.post("/message/setting", scope=10, dstid=two.id, hide=1)
        await device.quiet()
        device.say(cmd=4, have={})
        self.assertEqual((await device.hear(cmd=4)).get("rows"), [])
        self.assertEqual(await device.quiet(), [])
        self.assertEqual(await self.rows(one), [])
        await other.tell(10, one.id, "again")
        await device.hear(cmd=10, content="again")
        device.say(cmd=4, have={})
        self.assertEqual([row["seq"] for row in (await device.hear(cmd=4))["rows"]], [2])
        self.assertEqual([row["seq"] for row in await self.rows(one)], [2])

    async def test_refused(self) -> None:
        """What isn't 0 or 1, names nothing to change or no kind of conversation is 400."""
        one, two = await self.friends()
        for how, word in (
            ({"scope": 10}, "mute"),
            ({"scope": 10, "mute": 2}, "mute"),
            ({"scope": 10, "hide": "x"}, "hide"),
            ({"scope": 9, "pin": 1}, "scope"),
            ({"pin": 1}, "scope"),
        ):
            self.assert_refused(await one.post("/message/setting", dstid=two.id, **how), 400, word)
        self.assert_refused(await one.post("/message/setting", scope=10, dstid=two.id, pin=1), 403, "no such")


class AroundTests(RunningNode):
    """A page with a message in its middle."""

    async def test_around(self) -> None:
        """The message stands in the middle where there are enough on both sides."""
        one, two = await self.friends()
        device = await one.device()
        for number in range(1, 21):
            await device.tell(10, two.id, str(number))
        for how, expected in (
            ({"seq": 10, "limit": 5}, range(8, 13)),
            ({"seq": 10, "limit": 1}, range(10, 11)),
            ({"seq": 10, "limit": 4}, range(8, 12)),
            ({"seq": 1, "limit": 5}, range(1, 6)),
            ({"seq": 20, "limit": 5}, range(18, 21)),
            ({"seq": 10}, range(1, 21)),
        ):
            answer = await two.get("/message/around", scope=10, dstid=one.id, **how)
            self.assertEqual([row["seq"] for row in answer.rows], list(expected), how)
            self.assertEqual(answer.json["total"], 20)
        around = {"scope": 10, "dstid": one.id}
        self.assert_refused(await two.get("/message/around", **around, seq=21), 404, "seq")
        self.assert_refused(await two.get("/message/around", **around, seq=0), 400, "seq")
        self.assert_refused(await two.get("/message/around", **around, seq=1, limit=201), 400, "limit")
        self.assert_refused(await two.get("/message/around", scope=9, dstid=one.id, seq=1), 400, "scope")

    async def test_floor(self) -> None:
        """What was said before somebody joined is in no page, and can't be its middle."""
        one, two = await self.people(2)
        group = (await one.post("/contact/createcommunity", name="a group", history="joined")).data["id"]
        device = await one.device()
        for number in range(1, 6):
            last = await device.tell(11, group, str(number))
        await two.post("/contact/joincommunity", dstid=group)
        answer = await device.tell(11, group, "hello")
        page = await two.get("/message/around", scope=11, dstid=group, seq=answer["seq"], limit=100)
        self.assertGreater(page.rows[0]["seq"], last["seq"])
        self.assertEqual(page.rows[-1]["seq"], answer["seq"])
        for path in ("around", "readers", "edits"):
            refused = await two.get(f"/message/{path}", scope=11, dstid=group, seq=last["seq"])
            self.assert_refused(refused, 404, "seq")
        files = await two.get("/message/files", scope=11, dstid=group, media=1)
        self.assertEqual([row["seq"] for row in files.rows], [answer["seq"]])


class DetailTests(RunningNode):
    """Readers, edits and files."""

    async def test_readers(self) -> None:
        """Who has read a message of a group, and when."""
        one, two, three = await self.people(3)
        group = await one.group(two, three)
        device, reader = await one.device(), await two.device()
        seq = (await device.tell(11, group, "hello"))["seq"]
        other = await two.device()
        reader.say(cmd=6, scope=11, dstid=group, seq=seq)
        await other.hear(cmd=6, seq=seq)
        (row,) = (await one.get("/message/readers", scope=11, dstid=group, seq=seq)).rows
        self.assertEqual(row["userid"], two.id)
        self.assertGreater(row["at"], 1_700_000_000_000)
        self.assert_refused(await one.get("/message/readers", scope=9, dstid=group, seq=seq), 400, "scope")

    async def test_edits(self) -> None:
        """What a message has said, until it is recalled."""
        one, two = await self.friends()
        device = await one.device()
        first = await device.tell(10, two.id, "one")
        await device.ask(cmd=10, dstid=two.id, media=EDIT, content="two", ref=1)
        about = {"scope": 10, "dstid": one.id, "seq": 1}
        rows = (await two.get("/message/edits", **about)).rows
        self.assertEqual([row["content"] for row in rows], ["one", "two"])
        self.assertEqual(rows[0]["at"], first["at"])
        await device.ask(cmd=10, dstid=two.id, media=RECALL, ref=1)
        self.assertEqual((await two.get("/message/edits", **about)).rows, [])

    async def test_files(self) -> None:
        """What was sent of one kind, page by page; `next` is 0 at the end."""
        one, two = await self.friends()
        device = await one.device()
        for number in range(3):
            await device.ask(cmd=10, dstid=two.id, media=IMAGE, url=f"https://elsewhere.example/{number}.png")
            await device.tell(10, two.id, "words")
        asked: dict[str, object] = {"scope": 10, "dstid": one.id, "media": IMAGE, "limit": 2}
        page = await two.get("/message/files", **asked)
        self.assertEqual(([row["seq"] for row in page.rows], page.json["next"], page.json["total"]), ([5, 3], 3, 2))
        page = await two.get("/message/files", **asked, before=3)
        self.assertEqual(([row["seq"] for row in page.rows], page.json["next"]), ([1], 0))
        for wrong in ({"media": 0}, {"limit": 51}, {"limit": 0}, {"before": -1}, {"scope": 9}):
            self.assert_refused(await two.get("/message/files", **(asked | wrong)), 400, next(iter(wrong)))


class UserSettingTests(RunningNode):
    """How a user is told of messages."""

    async def test_kept(self) -> None:
        """What isn't given stays; the answer has all of it."""
        person = await self.person()
        kept = {"words": 1, "quiet": "", "zone": ""}
        for changed in ({}, {"words": 0}, {"quiet": "22:00-07:00", "zone": "Asia/Shanghai"}, {}, {"quiet": ""}):
            kept |= changed
            self.assertEqual((await person.post("/user/setting", **changed)).data, kept)

    async def test_refused(self) -> None:
        """What is no flag, no two times of a day and no time zone is 400, and changes nothing."""
        person = await self.person()
        for name, values in {
            "words": ("2", "yes", ""),
            "quiet": ("22:00", "24:00-07:00", "22:00-07:60", "22:00-7:00", "x" * 12),
            "zone": ("Nowhere/Land", "America", "../etc/passwd", "/etc/passwd", "x" * 65),
        }.items():
            for value in values:
                self.assert_refused(await person.post("/user/setting", **{name: value}), 400, name)
        self.assertEqual((await person.post("/user/setting")).data, {"words": 1, "quiet": "", "zone": ""})
