"""Connections that arrive while something changes, and those that are open when the server ends."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from test.access.running_node import Device, Person, RunningNode, until
from twim.storage.relations import RelationStore


class ArrivingTests(RunningNode):
    """Changes between the look-up of the token and the open socket."""

    def slow(self) -> list[Deferred[None]]:
        """Delay the answers for the first new connections until the test fires this."""
        waiting: list[Deferred[None]] = []
        real = RelationStore.arriving

        def arriving(*asked: Any) -> Deferred[Any]:
            found = real(*asked)
            if waiting:
                return found
            waiting.append(Deferred())
            return waiting[0].addCallback(lambda _: found)

        self.patch(RelationStore, "arriving", arriving)
        self.node.hub.remembered.clear()
        return waiting

    async def arriving(self, person: Person, waiting: list[Deferred[None]]) -> Deferred[Device]:
        """A device whose friends and groups have been read but not returned yet."""
        knocking = Deferred.fromCoroutine(self.knock(f"/chat?token={person.token}"))
        await until(lambda: len(waiting) == 1)
        # The present read has begun; the next transaction comes after it.
        await self.database.read(lambda connection: None)
        return knocking

    async def test_befriended_meanwhile(self) -> None:
        """A friend or group added while a device connects is known once it is connected."""
        one, two = await self.people(2)
        group = await two.group()
        waiting = self.slow()
        knocking = await self.arriving(one, waiting)
        await two.befriend(one)
        await one.post("/contact/joincommunity", dstid=group)
        waiting[0].callback(None)
        device = await knocking
        await device.tell(10, two.id, "hello")
        await device.tell(11, group, "hello")

    async def test_ended_meanwhile(self) -> None:
        """A token that ends while its device connects is refused."""
        one = await self.person()
        two = await self.log_in(one)
        waiting = self.slow()
        knocking = await self.arriving(two, waiting)
        await one.post("/user/passwd", passwd="secret-1", newpasswd="another-1")
        waiting[0].callback(None)
        device = await knocking
        assert device.refused is not None
        self.assert_refused(device.refused, 401)
        self.assertEqual(self.node.hub.connections, 0)

    async def test_restarting_meanwhile(self) -> None:
        """A device that is still connecting when the server begins to end is refused."""
        one = await self.person()
        waiting = self.slow()
        knocking = await self.arriving(one, waiting)
        self.node.admission.close()
        waiting[0].callback(None)
        device = await knocking
        assert device.refused is not None
        self.assert_refused(device.refused, 503)
        self.assertEqual(self.node.hub.connections, 0)

    async def test_gone_meanwhile(self) -> None:
        """A device that disconnects before it is admitted leaves nothing behind."""
        one = await self.person()
        waiting = self.slow()
        knocking = await self.arriving(one, waiting)
        await self.devices[-1].leave()
        await one.get("/user/sessions")
        waiting[0].callback(None)
        self.assertFalse((await knocking).open)
        self.assertEqual(self.node.hub.connections, 0)


class EndingTests(RunningNode):
    """The end of the server."""

    async def test_restart(self) -> None:
        """Every device is told to reconnect, none is admitted any more, and what was said is kept."""
        one, two = await self.friends()
        mine, theirs = await one.device(), await two.device()
        await mine.tell(10, two.id, "before")
        self.node.admission.close()
        for device in (mine, theirs):
            self.assertEqual(await device.closed(), 1012)
        self.assert_refused(await self.upgrade_refusal(f"/chat?token={one.token}"), 503)
        await self.stop()
        await self.start()
        self.assertEqual([m["content"] for m in await two.history(10, one.id)], ["before"])
        again = await one.device()
        self.assertEqual((await again.tell(10, two.id, "after"))["seq"], 2)

    async def test_said_at_the_end(self) -> None:
        """Messages accepted before the end are stored, and read marks and log-ins survive a restart."""
        one, two = await self.friends()
        device = await one.device()
        for number in range(50):
            device.say(cmd=10, dstid=two.id, media=1, content=str(number), id=number + 1)
        await device.hear(cmd=1, id=50)
        await self.stop()
        await self.start()
        rows = await two.history(10, one.id, limit=200)
        self.assertEqual([row["content"] for row in rows], [str(number) for number in range(50)])
        listed = (await one.get("/message/conversations")).rows
        self.assertEqual([(row["seq"], row["unread"]) for row in listed], [(50, 0)])
