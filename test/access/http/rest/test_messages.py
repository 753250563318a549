"""``/message/…`` on a running node: lists and pages, and what later events make of a message."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, insert, select
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol

from test.access.http.request_rig import Talk
from test.access.running_node import Device, Person, RunningNode, until
from twim.storage.interface import key_of
from twim.storage.schema import conversation, message
from twim.wire.commands import GROUP


class PageTests(RunningNode):
    """History, page by page."""

    async def filled(self, count: int) -> tuple[Person, Person]:
        """Two friends, of whom the first has sent so many messages."""
        one, two = await self.friends()
        device = await one.device()
        for number in range(count):
            device.say(cmd=10, dstid=two.id, media=1, content=str(number + 1))
        await device.tell(10, two.id, "last")
        return one, two

    async def seqs(self, person: Person, dstid: int, **how: object) -> tuple[list[int], int]:
        answer = await person.get("/message/history", scope=10, dstid=dstid, **how)
        return [row["seq"] for row in answer.rows], answer.json["total"]

    async def test_pages(self) -> None:
        """Both ways, ascending always; `total` is the head."""
        one, two = await self.filled(249)
        for how, expected in (
            ({}, range(201, 251)),
            ({"limit": 3}, range(248, 251)),
            ({"limit": 200}, range(51, 251)),
            ({"before": 10, "limit": 3}, range(7, 10)),
            ({"before": 3, "limit": 50}, range(1, 3)),
            ({"before": 1}, range(0)),
            ({"before": 0}, range(0)),
            ({"before": 10_000, "limit": 2}, range(249, 251)),
            ({"after": 0, "limit": 200}, range(1, 201)),
            ({"after": 200, "limit": 200}, range(201, 251)),
            ({"after": 250}, range(0)),
            ({"after": 2**53 - 1}, range(0)),
        ):
            for person, other in ((one, two), (two, one)):
                self.assertEqual(await self.seqs(person, other.id, **how), (list(expected), 250), how)

    async def test_malformed(self) -> None:
        """Whatever can't be a page is 400 and names why."""
        one, two = await self.friends()
        for how in (
            {"scope": 9},
            {"scope": ""},
            {"dstid": 0},
            {"dstid": ""},
            {"limit": 0},
            {"limit": 201},
            {"limit": -1},
            {"limit": "x"},
            {"before": "x"},
            {"after": 2**53},
            {"before": 1, "after": 1},
        ):
            answer = await one.get("/message/history", **({"scope": 10, "dstid": two.id} | how))
            self.assert_refused(answer, 400)
        self.assert_refused(await one.get("/message/history"), 400, "scope")

    async def test_exact_path(self) -> None:
        """Asked for by exactly its path and method, or in another way that means the same: the answer is the same. A
        wrong method is 405."""
        one, two = await self.filled(3)
        query = f"scope=10&dstid={two.id}&token={one.token}"
        exact = await self.ask("GET", f"/message/history?{query}")
        escaped = await self.ask("GET", f"/message/h%69story?{query}")
        self.assertEqual((exact.status, escaped.status), (200, 200))
        self.assertEqual(exact.json, escaped.json)
        self.assertEqual(exact.header("content-length"), str(len(exact.body)))
        head = await self.ask("HEAD", f"/message/history?{query}")
        self.assertEqual((head.status, head.body), (200, b""))
        for name in ("content-type", "cache-control", "x-content-type-options"):
            self.assertEqual(exact.header(name), escaped.header(name))
            self.assertEqual(exact.header(name), head.header(name))
        refused = await self.ask("DELETE", f"/message/history?{query}")
        self.assertEqual((refused.status, refused.header("allow")), (405, "GET, HEAD, POST"))

    async def test_gone(self) -> None:
        """A client that disconnects while a page is read leaves nothing behind."""
        one, two = await self.filled(3)
        hold: Deferred[None] = Deferred()
        real = self.node.log_writing.indexing.written
        self.patch(self.node.log_writing.indexing, "written", lambda: hold)
        asking = await connectProtocol(self.way_in(), Talk())
        asked = f"GET /message/history?scope=10&dstid={two.id}&token={one.token} HTTP/1.1\r\nHost: x\r\n\r\n"
        asking.transport.write(asked.encode())
        await until(lambda: self.node.backlogs.under_way == 1)
        asking.transport.abortConnection()
        await until(lambda: self.node.backlogs.under_way == 0)
        self.assertTrue(hold.called)  # by its cancellation
        self.patch(self.node.log_writing.indexing, "written", real)
        self.assertEqual(len(await one.history(10, two.id)), 4)

    async def test_not_yours(self) -> None:
        """A stranger's, nobody's and a foreign group's pages are refused; a silent friend's is empty."""
        one, two, three = await self.people(3)
        await one.befriend(two)
        group = await three.group()
        self.assertEqual(await self.seqs(one, two.id), ([], 0))
        self.assertEqual(await self.seqs(one, one.id), ([], 0))
        for scope, dstid in ((10, three.id), (10, 999), (11, group), (11, 999)):
            self.assert_refused(await one.get("/message/history", scope=scope, dstid=dstid), 403)

    async def test_conversations(self) -> None:
        """The list has all of the user's conversations, newest first, each with its newest message, and the epoch."""
        one, two, three = await self.friends(3)
        group = await one.group(two)
        mine, theirs = await one.device(), await two.device()
        await mine.tell(10, three.id, "a")
        await mine.tell(10, two.id, "b")
        await theirs.tell(10, one.id, "c")
        await theirs.tell(11, group, "d")
        answer = await one.get("/message/conversations")
        self.assertEqual(answer.json["epoch"], self.epoch)
        self.assertEqual(
            [(r["scope"], r["dstid"], r["seq"], r["read"], r["unread"], r["last"]["content"]) for r in answer.rows],
            [(11, group, 3, 1, 1, "d"), (10, two.id, 2, 1, 1, "c"), (10, three.id, 1, 1, 0, "a")],
        )
        self.assertEqual(answer.json["total"], 3)
        self.assertEqual(answer.rows[2]["peerread"], 0)
        for row in answer.rows:
            self.assertTrue({"scope", "dstid", "seq", "read", "unread", "mentions", "last"} <= set(row))


class EventTests(RunningNode):
    """Recall, edit, reaction, reply: their rules, and what history shows."""

    async def asked(self, device: Device, dstid: int, media: int, ref: int, content: str = "", scope: int = 10) -> Any:
        said = {"content": content} if content else {}
        return await device.ask(cmd=scope, dstid=dstid, media=media, ref=ref, **said)

    async def test_recall(self) -> None:
        """A recalled message keeps its seq and has no text; nor have its edits."""
        one, two = await self.friends()
        mine, theirs = await one.device(), await two.device()
        await mine.ask(
            cmd=10, dstid=two.id, media=4, content="secret", url="/u", pic="/p", memo="m", mentions=[two.id], amount=3
        )
        await self.asked(mine, two.id, 21, 1, "secret too")
        await self.asked(theirs, one.id, 22, 1, "👍")
        self.assertEqual((await self.asked(mine, two.id, 20, 1))["code"], 0)
        heard = [await theirs.hear(cmd=10) for _ in range(3)]
        self.assertEqual([(m["media"], m.get("ref")) for m in heard], [(4, None), (21, 1), (20, 1)])
        rows = await two.history(10, one.id)
        self.assertEqual([r["seq"] for r in rows], [1, 2, 3, 4])
        self.assertEqual(set(rows[0]), {"userid", "cmd", "dstid", "media", "cid", "seq", "at", "recalled"}, rows[0])
        self.assertEqual(rows[0]["recalled"], 1)
        self.assertNotIn("secret", str(rows))
        self.assertEqual(rows[1]["media"], 21)
        device = await self.knock(f"/chat?token={two.token}")
        await device.caught_up()
        self.assertEqual(device.messages(), rows)
        for media, content in ((20, ""), (21, "x"), (22, "x")):
            answer = await self.asked(mine, two.id, media, 1, content)
            self.assertLess(answer["code"], 0)
            self.assertIn("ref", answer["msg"])

    async def test_edit(self) -> None:
        """The newest text is shown at the message's own seq, with its time; the edits keep theirs."""
        one, two = await self.friends()
        mine, theirs = await one.device(), await two.device()
        await mine.tell(10, two.id, "frist")
        await self.asked(mine, two.id, 21, 1, "first")
        answer = await self.asked(mine, two.id, 21, 1, "First")
        rows = await two.history(10, one.id)
        self.assertEqual([r["content"] for r in rows], ["First", "first", "First"])
        self.assertEqual(rows[0]["edited"], answer["at"])
        self.assertNotIn("edited", rows[1])
        for device, dstid, ref, content in (
            (theirs, one.id, 1, "mine now"),
            (mine, two.id, 1, ""),
            (mine, two.id, 2, "an edit's edit"),
            (mine, two.id, 9, "nothing there"),
            (mine, two.id, 0, "of what"),
        ):
            refused = await self.asked(device, dstid, 21, ref, content)
            self.assertLess(refused["code"], 0, (ref, content))
        self.assertEqual((await two.get("/message/history", scope=10, dstid=one.id)).json["total"], 3)

    async def test_reactions(self) -> None:
        """Each user has one reaction, can change it and take it back; it is shown with the message."""
        one, two = await self.friends()
        mine, theirs = await one.device(), await two.device()
        await mine.tell(10, two.id, "x")

        async def reactions() -> Any:
            return (await one.history(10, two.id))[0].get("reactions")

        await self.asked(theirs, one.id, 22, 1, "👍")
        self.assertEqual(await reactions(), {"👍": [two.id]})
        await self.asked(mine, two.id, 22, 1, "👍")
        self.assertEqual(await reactions(), {"👍": [two.id, one.id]})
        await self.asked(theirs, one.id, 22, 1, "👩‍👩‍👧‍👦")
        self.assertEqual(await reactions(), {"👍": [one.id], "👩‍👩‍👧‍👦": [two.id]})
        for device, dstid in ((theirs, one.id), (mine, two.id)):
            await self.asked(device, dstid, 22, 1)
        self.assertIsNone(await reactions())
        self.assertLess((await self.asked(mine, two.id, 22, 1, "x" * 100))["code"], 0)

    async def test_in_a_group(self) -> None:
        """A group's owner may recall others' messages, but not edit them; a member recalls only own ones; notices
        stay."""
        one, two, three = await self.people(3)
        group = await one.group(two, three)
        owner, member, other = await one.device(), await two.device(), await three.device()
        seq = (await member.tell(11, group, "said"))["seq"]
        for device, media, ref, content in (
            (other, 20, seq, ""),
            (other, 21, seq, "x"),
            (owner, 21, seq, "x"),
            (owner, 20, 1, ""),
            (owner, 22, 1, "👍"),
        ):
            answer = await self.asked(device, group, media, ref, content, scope=11)
            self.assertLess(answer["code"], 0, (media, ref))
        self.assertEqual((await self.asked(owner, group, 20, seq, scope=11))["code"], 0)
        shown = next(m for m in await two.history(11, group) if m["seq"] == seq)
        self.assertEqual((shown["recalled"], shown["userid"]), (1, two.id))
        self.assertNotIn("content", shown)

    async def test_reply(self) -> None:
        """`ref` of an ordinary message makes it a reply; the message must exist."""
        one, two = await self.friends()
        mine, theirs = await one.device(), await two.device()
        await mine.tell(10, two.id, "question")
        await theirs.tell(10, one.id, "answer", ref=1)
        self.assertEqual((await mine.hear(cmd=10))["ref"], 1)
        refused = await theirs.ask(cmd=10, dstid=one.id, media=1, content="x", ref=3)
        self.assertLess(refused["code"], 0)
        self.assertIn("ref", refused["msg"])

    async def test_a_repeated_event(self) -> None:
        """An event that is sent again with its cid has no further effect."""
        one, two = await self.friends()
        device = await one.device()
        await device.tell(10, two.id, "x")
        said = {"cmd": 10, "dstid": two.id, "media": 20, "ref": 1, "cid": "recall"}
        first = await device.ask(**said)
        self.assertEqual(first["code"], 0)
        self.assertEqual(await device.ask(**said), first)
        self.assertEqual(len(await one.history(10, two.id)), 2)

    async def test_in_one_batch(self) -> None:
        """A message, its edit and its recall in one batch end as they would one after the other."""
        one, two = await self.friends()
        device = await one.device()
        for frame in (
            {"media": 1, "content": "a"},
            {"media": 21, "ref": 1, "content": "b"},
            {"media": 22, "ref": 1, "content": "👍"},
            {"media": 20, "ref": 1},
            {"media": 21, "ref": 1, "content": "too late"},
            {"media": 1, "content": "after"},
        ):
            device.say(cmd=10, dstid=two.id, id=1, **frame)
        codes = [(await device.hear(cmd=1))["code"] for _ in range(6)]
        self.assertEqual([code == 0 for code in codes], [True, True, True, True, False, True])
        rows = await two.history(10, one.id)
        self.assertEqual([r["seq"] for r in rows], [1, 2, 3, 4, 5])
        self.assertEqual((rows[0]["recalled"], rows[1].get("content"), rows[4]["content"]), (1, None, "after"))


class JoinedTests(RunningNode):
    """Answers are joined from stored bytes. They say what these say, parsed one by one."""

    async def test_every_kind(self) -> None:
        """Plain, edited, recalled and reacted to; quoting, mentioning, a picture and a notice; and one that another
        version wrote, with blanks and a field that nobody knows."""
        one, two = await self.friends()
        group = await one.group(two)
        mine, theirs = await one.device(), await two.device()
        for said in (
            {"media": 1, "content": "plain"},
            {"media": 1, "content": "to be edited"},
            {"media": 1, "content": "to be recalled", "mentions": [two.id]},
            {"media": 1, "content": 'liked \u2028 \U0001f44d "\\\n'},
            {"media": 1, "content": "@two", "mentions": [two.id, 0]},
            {"media": 4, "pic": "/p", "url": "/u", "amount": -3},
            {"media": 100, "content": '{"a":1}', "memo": "m"},
        ):
            await mine.ask(cmd=11, dstid=group, **said)
        first = min(row["seq"] for row in await two.history(11, group) if row["media"] == 1)
        for device, media, ref, content in (
            (theirs, 1, first, "a quote"),
            (mine, 21, first + 1, "edited"),
            (mine, 20, first + 2, ""),
            (theirs, 22, first + 3, "\U0001f44d"),
        ):
            self.assertEqual((await device.ask(cmd=11, dstid=group, media=media, ref=ref, content=content))["code"], 0)
        bodies = await self.node.database.write(lambda connection: self._with_an_old_row(connection, group, one.id))
        stored = [json.loads(body) for body in bodies]
        self.assertEqual({row["media"] for row in stored}, {1, 4, 20, 21, 22, 23, 100})
        self.assertEqual((stored[-1]["later"], stored[-1]["seq"]), ([1, {}], len(stored)))

        self.is_described = False
        self.assertEqual(await two.history(11, group), stored)
        self.assertEqual(await two.history(11, group, limit=3), stored[-3:])
        self.assertEqual(await two.history(11, group, before=5, limit=2), stored[2:4])
        self.assertEqual(await two.history(11, group, after=2, limit=4), stored[2:6])
        device = await self.knock(f"/chat?token={two.token}")
        device.is_described = False
        end = await device.caught_up(have={f"11:{group}": 1})
        self.assertEqual([row for row in device.messages() if row["cmd"] == 11], stored[1:])
        listed = (await two.get("/message/conversations")).rows
        self.assertEqual(end["rows"], listed)
        (row,) = [row for row in listed if row["scope"] == 11]
        self.assertEqual(row["last"], stored[-1])
        self.assertEqual(
            {name: row[name] for name in ("dstid", "seq", "mentions")},
            {"dstid": group, "seq": len(stored), "mentions": 0},
        )

    def _with_an_old_row(self, connection: Connection, group: int, userid: int) -> list[bytes]:
        scope, a, b = key_of(GROUP, userid, group)
        where = (conversation.c.scope == scope, conversation.c.a == a, conversation.c.b == b)
        number = connection.execute(select(conversation.c.id).where(*where)).scalar_one()
        kept = select(message.c.body).where(message.c.conversation == number).order_by(message.c.seq)
        seq = len(connection.execute(kept).all()) + 1
        old = {"userid": userid, "cmd": 11, "dstid": group, "media": 1, "content": "old", "seq": seq, "later": [1, {}]}
        body = json.dumps(old, indent=1).encode()
        connection.execute(insert(message).values(conversation=number, seq=seq, sender=userid, body=body))
        self.node.database.dialect.write_index(connection)
        return [found for (found,) in connection.execute(kept)]
