"""Messages on their way into the log of a running node: first messages, relations that change meanwhile, failures."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, gatherResults
from twisted.python.failure import Failure

from test.access.running_node import RunningNode, until
from twim.errors import TooMany
from twim.storage import log


class FirstTests(RunningNode):
    """Conversations that begin."""

    async def test_both_begin(self) -> None:
        """Two users who write to each other for the first time at once share one conversation."""
        one, two = await self.friends()
        mine, theirs = await one.device(), await two.device()
        for number in range(10):
            mine.say(cmd=10, dstid=two.id, media=1, content="m", id=number + 1)
            theirs.say(cmd=10, dstid=one.id, media=1, content="t", id=number + 1)
        seqs = []
        for device in (mine, theirs):
            own = [(await device.hear(cmd=1, id=number + 1))["seq"] for number in range(10)]
            self.assertEqual(own, sorted(own))
            seqs += own
        self.assertEqual(sorted(seqs), list(range(1, 21)))
        self.assertEqual(await one.history(10, two.id), await two.history(10, one.id))

    async def test_many_begin(self) -> None:
        """Many conversations that begin at once each count from 1."""
        one, *others = await self.people(12)
        await one.befriend(*others)
        device = await one.device()
        asked = [Deferred.fromCoroutine(device.tell(10, other.id, "hi")) for other in others]
        self.assertEqual({answer["seq"] for answer in await gatherResults(asked)}, {1})

    async def test_parted_while_it_begins(self) -> None:
        """A friendship that ends while its first message waits for its conversation refuses that message."""
        one, two = await self.friends()
        device, peer = await one.device(), await two.device()
        found: list[Deferred[Any]] = []
        conversations = self.conversations()
        real = conversations.find

        def find(key: Any) -> Deferred[Any]:
            found.append(Deferred())
            return found[-1].addCallback(lambda _: real(key))

        self.patch(conversations, "find", find)
        device.say(cmd=10, dstid=two.id, media=1, content="x", id=1)
        await until(lambda: found)
        await two.post("/contact/deletefriend", dstid=one.id)
        found[0].callback(None)
        self.assertLess((await device.hear(cmd=1, id=1))["code"], 0)
        self.assertNotIn(10, [frame["cmd"] for frame in await peer.quiet()])

    async def test_repeated_after_parting(self) -> None:
        """A message that is sent again after the friendship ended gets its first answer, although new ones are
        refused."""
        one, two = await self.friends()
        group = await two.group()
        await one.post("/contact/joincommunity", dstid=group)
        device = await one.device()
        targets = ((10, two.id, "a"), (11, group, "b"))
        before = [await device.ask(cmd=cmd, dstid=dstid, media=1, cid=cid) for cmd, dstid, cid in targets]
        await two.post("/contact/deletefriend", dstid=one.id)
        await two.post("/contact/removemember", dstid=group, userid=two.id, memberid=one.id)
        await device.quiet()
        again = [await device.ask(cmd=cmd, dstid=dstid, media=1, cid=cid) for cmd, dstid, cid in targets]
        self.assertEqual(again, before)
        for cmd, dstid, _ in targets:
            self.assertEqual((await device.ask(cmd=cmd, dstid=dstid, media=1, cid=f"new {cmd}"))["code"], -3)
            device.say(cmd=cmd, dstid=dstid, media=1, id=7)
            self.assertEqual((await device.hear(cmd=1, id=7))["code"], -3)

    def conversations(self) -> Any:
        """Where the node looks for conversations."""
        dispatch = self.node.admission.received.__self__  # type: ignore[attr-defined]
        return dispatch._posting._conversations


class FailureTests(RunningNode):
    """Messages that can't be stored."""

    async def test_full(self) -> None:
        """When the queue is full a message is refused as to be tried again, isn't counted as a wrong frame, and is
        accepted later."""
        self.patch(log, "QUEUE", 3)
        one, two = await self.friends()
        device, peer = await one.device(), await two.device()
        await device.tell(10, two.id, "first")
        for number in range(200):
            device.say(cmd=10, dstid=two.id, media=1, content="x", id=number + 1)
        codes = [(await device.hear(cmd=1, id=number + 1))["code"] for number in range(200)]
        self.assertEqual(set(codes), {0, TooMany.code})
        self.assertIsNone(device.code)
        stored = 1 + codes.count(0)
        self.assertEqual((await device.tell(10, two.id, "last"))["seq"], stored + 1)
        await until(lambda: len(peer.messages()) == stored + 1)
        self.assertEqual([m["seq"] for m in peer.messages()], list(range(1, stored + 2)))

    async def test_our_bug(self) -> None:
        """An internal error is answered, logged, and delivers nothing; the next message is accepted."""
        one, two = await self.friends()
        device, peer = await one.device(), await two.device()
        await device.tell(10, two.id, "before")
        real = self.node.log._appender.append
        self.patch(self.node.log._appender, "append", lambda posts, at, ended: ended(Failure(ZeroDivisionError())))
        lost = await device.ask(cmd=10, dstid=two.id, media=1, content="lost", cid="again")
        self.assertLess(lost["code"], 0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.patch(self.node.log._appender, "append", real)
        again = await device.ask(cmd=10, dstid=two.id, media=1, content="lost", cid="again")
        self.assertEqual((again["code"], again["seq"]), (0, 2))
        await peer.quiet()
        self.assertEqual([m["seq"] for m in peer.messages()], [1, 2])

    async def test_our_bug_in_a_command(self) -> None:
        """An internal error in another command is answered too, and the connection stays."""
        one, two = await self.friends()
        device = await one.device()
        await device.tell(10, two.id, "x")
        self.patch(self.database, "write", lambda *_, **__: fail(ZeroDivisionError()))
        self.patch(self.database, "read", lambda work: fail(ZeroDivisionError()))
        for frame in ({"cmd": 6, "scope": 10, "dstid": two.id, "seq": 1}, {"cmd": 4}):
            answer = await device.ask(**frame)
            self.assertEqual(answer["msg"], "the server failed")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        self.assertEqual(await device.quiet(), [])
