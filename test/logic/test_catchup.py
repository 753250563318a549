"""Catch-up on a running node: missed messages come once, in order, before those that arrive meanwhile."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from test.access.running_node import Device, Person, RunningNode, reactor, until
from twim.logic import catchup
from twim.storage.conversation_pages import PAGE


class CatchUpTests(RunningNode):
    """`cmd` 4."""

    async def silent(self, person: Person) -> Device:
        """A device that has sent nothing yet, as before its catch-up."""
        device = await self.knock(f"/chat?token={person.token}")
        self.assertTrue(device.open)
        return device

    async def said(self, sender: Device, dstid: int, count: int, content: str = "", cmd: int = 10) -> None:
        """Send so many messages and wait until all are stored."""
        asked = [Deferred.fromCoroutine(sender.tell(cmd, dstid, content or str(number))) for number in range(count)]
        await gatherResults(asked)

    def seqs(self, device: Device, dstid: int = 0) -> list[int]:
        """The seqs that arrived, of one sender or of all."""
        return [m["seq"] for m in device.messages() if not dstid or dstid in (m["userid"], m["dstid"])]

    async def test_what_was_missed(self) -> None:
        """The messages after those that the client has come ascending, then every conversation."""
        one, two, three = await self.friends(3)
        sender, other = await one.device(), await three.device()
        await self.said(sender, two.id, 5)
        await self.said(other, two.id, 3)
        device = await self.silent(two)
        end = await device.caught_up(epoch=self.epoch, have={f"10:{one.id}": 2})
        self.assertEqual(end["epoch"], self.epoch)
        self.assertNotIn("reset", end)
        self.assertEqual(self.seqs(device, one.id), [3, 4, 5])
        self.assertEqual(self.seqs(device, three.id), [1, 2, 3])
        self.assertEqual(device.heard[-1], end)
        self.assertEqual(
            [(r["scope"], r["dstid"], r["seq"], r["unread"], r.get("more")) for r in end["rows"]],
            [(10, three.id, 3, 3, None), (10, one.id, 5, 5, None)],
        )
        self.assertEqual(end["rows"], (await two.get("/message/conversations")).rows)
        await sender.tell(10, two.id, "live")
        self.assertEqual((await device.hear(cmd=10, content="live"))["seq"], 6)

    async def test_long_end(self) -> None:
        """The newest messages of many conversations come as one message in several frames, and messages sent
        meanwhile come after it."""
        one, *others = await self.friends(13)
        for other in others:
            await self.said(await other.device(), one.id, 1, "界" * 8_000)
        device = await self.silent(one)
        have = {f"10:{other.id}": 1 for other in others}
        device.say(cmd=4, epoch=self.epoch, have=have)
        for _ in range(50):
            device.say(cmd=0)
        end = await device.hear(cmd=4)
        await until(lambda: len([frame for frame in device.heard if frame["cmd"] == 0]) == 50)
        self.assertGreater(device.frames, 50 + 3)
        self.assertEqual(end["rows"], (await one.get("/message/conversations")).rows)
        self.assertEqual(len(end["rows"]), 12)
        self.assertEqual(device.messages(), [])

    async def test_nothing_missed(self) -> None:
        """A client that has everything gets no message; a claim to have what doesn't exist does no harm."""
        one, two = await self.friends()
        sender = await one.device()
        await self.said(sender, two.id, 2)
        have = {f"10:{one.id}": 2, "11:5": 7, "nonsense": 3, "": 1, "10:999": 2**53 - 1}
        device = await self.silent(two)
        end = await device.caught_up(epoch=self.epoch, have=have)
        self.assertEqual((device.messages(), len(end["rows"])), ([], 1))
        ahead = await device.caught_up(epoch=self.epoch, have={f"10:{one.id}": 99})
        self.assertEqual((device.messages(), ahead["rows"]), ([], end["rows"]))

    async def test_too_much(self) -> None:
        """For a conversation that misses more than a page none is sent and `more` is set; others are sent."""
        one, two, three = await self.friends(3)
        sender = await one.device()
        await self.said(sender, two.id, PAGE + 1)
        await self.said(await three.device(), two.id, 1)
        device = await self.silent(two)
        end = await device.caught_up(epoch=self.epoch, have={})
        self.assertEqual(self.seqs(device, one.id), [])
        self.assertEqual(self.seqs(device, three.id), [1])
        self.assertEqual([row.get("more") for row in end["rows"]], [None, True])
        again = await self.silent(two)
        end = await again.caught_up(epoch=self.epoch, have={f"10:{one.id}": 1})
        self.assertEqual(self.seqs(again, one.id), list(range(2, PAGE + 2)))
        self.assertEqual([row.get("more") for row in end["rows"]], [None, None])

    async def test_another_epoch(self) -> None:
        """What a client has of another log is ignored, and the client is told so."""
        one, two = await self.friends()
        await self.said(await one.device(), two.id, 3)
        device = await self.silent(two)
        end = await device.caught_up(epoch="another", have={f"10:{one.id}": 3})
        self.assertIs(end["reset"], True)
        self.assertEqual(end["epoch"], self.epoch)
        self.assertEqual(self.seqs(device), [1, 2, 3])
        fresh = await self.silent(two)
        self.assertNotIn("reset", await fresh.caught_up())

    async def test_live_meanwhile(self) -> None:
        """A client that reconnects again and again under load gets every message once and in order."""
        one, two, three = await self.friends(3)
        group = await one.group(two, three)
        senders = [await one.device(), await three.device()]
        names = {10: f"10:{one.id}", 11: f"11:{group}"}
        have = {names[10]: 0, names[11]: 0}
        heads = dict(have)
        random = Random(4)

        async def load() -> None:
            for _ in range(300):
                senders[0].say(cmd=10, dstid=two.id, media=1, content="s")
                senders[random.randrange(2)].say(cmd=11, dstid=group, media=1, content="g")
                await deferLater(reactor, 0.001)

        loading = Deferred.fromCoroutine(load())
        visits = 0
        while not loading.called or have != heads:
            device = await self.silent(two)
            device.say(cmd=4, epoch=self.epoch, have=have)
            await device.hear(cmd=4)
            await deferLater(reactor, random.random() * 0.03)
            if loading.called:
                heads = {names[10]: 300, names[11]: 300 + 3}
                await self.until_last(device, have, names, heads)
            await device.leave()
            self.assert_in_order(device, have, names)
            have = self.last(device, have, names)
            visits += 1
        self.assertGreater(visits, 5)

    def last(self, device: Device, have: dict[str, int], names: dict[int, str]) -> dict[str, int]:
        """What the client has now."""
        return have | {names[m["cmd"]]: m["seq"] for m in device.messages()}

    async def until_last(
        self, device: Device, have: dict[str, int], names: dict[int, str], heads: dict[str, int]
    ) -> None:
        """Wait until the client has everything."""
        await until(lambda: self.last(device, have, names) == heads, (have, heads))

    def assert_in_order(self, device: Device, have: dict[str, int], names: dict[int, str]) -> None:
        """Check that each conversation continues without a gap, a double or a step back."""
        for cmd, name in names.items():
            seqs = [m["seq"] for m in device.messages() if m["cmd"] == cmd]
            self.assertEqual(seqs, list(range(have[name] + 1, have[name] + 1 + len(seqs))), name)

    async def test_much_at_once(self) -> None:
        """Megabytes in many conversations come completely to a client that reads; it isn't taken for a slow one."""
        one = await self.person()
        peers = await self.people(7)
        await one.befriend(*peers)
        for peer in peers:
            device = await peer.device()
            await self.said(device, one.id, PAGE, content="x" * 7_000)
            await device.leave()
        device = await self.silent(one)
        await device.caught_up(epoch=self.epoch)
        self.assertIsNone(device.code)
        for peer in peers:
            self.assertEqual(self.seqs(device, peer.id), list(range(1, PAGE + 1)))

    async def test_reads_nothing(self) -> None:
        """A client that doesn't read its catch-up is closed with 1013, and little waits for it."""
        self.patch(catchup, "DRAIN_TRIES", 20)
        one, two = await self.friends()
        sender = await one.device()
        await self.said(sender, two.id, PAGE, content="界" * 8_000)
        device = await self.silent(two)
        device.transport.pauseProducing()
        device.say(cmd=4)
        await until(lambda: two.id not in self.node.hub.users)
        device.transport.resumeProducing()
        self.assertEqual(await device.closed(), 1013)

    async def test_one_at_a_time(self) -> None:
        """A second catch-up during the first is refused, without harm to the first."""
        one, two = await self.friends()
        await self.said(await one.device(), two.id, 3)
        device = await self.silent(two)
        device.say(cmd=4, id=1)
        device.say(cmd=4, id=2)
        refused = await device.hear(cmd=1, id=2)
        self.assertLess(refused["code"], 0)
        await device.hear(cmd=4)
        self.assertEqual(self.seqs(device), [1, 2, 3])
        self.assertEqual((await device.caught_up(have={f"10:{one.id}": 3}))["rows"][0]["seq"], 3)

    async def test_gone_meanwhile(self) -> None:
        """A client that disconnects during the catch-up leaves nothing behind."""
        one, two = await self.friends()
        await self.said(await one.device(), two.id, PAGE, content="x" * 5_000)
        for _ in range(5):
            device = await self.silent(two)
            device.say(cmd=4)
            await device.leave()
        await until(lambda: two.id not in self.node.hub.users)

    async def test_never_asked(self) -> None:
        """A client that doesn't ask gets messages once it sends anything, or a moment after it connected."""
        one, two = await self.friends()
        sender = await one.device()
        quiet = await self.silent(two)
        await sender.tell(10, two.id, "a")
        self.assertEqual((await quiet.hear(cmd=10))["content"], "a")

    async def test_no_storage(self) -> None:
        """While the database can't be read a catch-up is refused; live messages come as soon as there are any."""
        one, two = await self.friends()
        sender, device = await one.device(), await self.silent(two)
        file = self.folder / "im.db"
        away = file.rename(self.folder / "away.db")
        device.say(cmd=4, id=9)
        refused: dict[str, Any] = await device.hear(cmd=1, id=9)
        self.assertLess(refused["code"], 0)
        lost = await sender.ask(cmd=10, dstid=two.id, media=1, content="not stored", cid="x")
        self.assertLess(lost["code"], 0)
        self.assertEqual(await device.quiet(), [])
        away.rename(file)
        first = await sender.ask(cmd=10, dstid=two.id, media=1, content="stored", cid="x")
        self.assertEqual((first["code"], first["seq"]), (0, 1))
        self.assertEqual((await device.hear(cmd=10))["content"], "stored")
        await device.caught_up(have={f"10:{one.id}": 1})
        self.assertEqual(self.seqs(device), [1])
