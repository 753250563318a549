"""Who arrives while something changes, and who is here when the server ends."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from test.access.living import Device, Living, Person, until
from twim.storage.relations import Relations as RelationStore


class ArrivingTests(Living):
    """Between the question who somebody is and the open socket."""

    def slow(self) -> list[Deferred[None]]:
        """Newcomers are read at once, but the first ones are given when the test fires this."""
        waiting: list[Deferred[None]] = []
        real = RelationStore.arriving

        def arriving(*asked: Any) -> Deferred[Any]:
            found = real(*asked)
            if waiting:
                return found
            waiting.append(Deferred())
            return waiting[0].addCallback(lambda _: found)

        self.patch(RelationStore, "arriving", arriving)
        self.node.roster.circles.clear()
        return waiting

    async def arriving(self, person: Person, waiting: list[Deferred[None]]) -> Deferred[Device]:
        """A device on its way in, its friends and groups read but not given yet."""
        knocking = Deferred.fromCoroutine(self.knock(f"/chat?token={person.token}"))
        await until(lambda: len(waiting) == 1)
        # What is read now is on its way; the next transaction comes after it.
        await self.database.read(lambda connection: None)
        return knocking

    async def test_befriended_meanwhile(self) -> None:
        """A friend, and a group, that one gets while arriving are known when one has arrived."""
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
        """A token that ends while its device arrives doesn't let it in."""
        one = await self.person()
        two = await self.log_in(one)
        waiting = self.slow()
        knocking = await self.arriving(two, waiting)
        await one.post("/user/passwd", passwd="secret-1", newpasswd="another-1")
        waiting[0].callback(None)
        device = await knocking
        assert device.refused is not None
        self.assert_refused(device.refused, 401)
        self.assertEqual(self.node.roster.connections, 0)

    async def test_restarting_meanwhile(self) -> None:
        """Who is still arriving when the server begins to end isn't let in."""
        one = await self.person()
        waiting = self.slow()
        knocking = await self.arriving(one, waiting)
        self.node.lobby.close()
        waiting[0].callback(None)
        device = await knocking
        assert device.refused is not None
        self.assert_refused(device.refused, 503)
        self.assertEqual(self.node.roster.connections, 0)

    async def test_gone_meanwhile(self) -> None:
        """Who is gone before it was let in is nowhere."""
        one = await self.person()
        waiting = self.slow()
        knocking = await self.arriving(one, waiting)
        await self.devices[-1].leave()
        await one.get("/user/sessions")
        waiting[0].callback(None)
        self.assertFalse((await knocking).open)
        self.assertEqual(self.node.roster.connections, 0)


class EndingTests(Living):
    """The server ends."""

    async def test_restart(self) -> None:
        """Every device is told to come again, nobody is let in any more, what was said is kept."""
        one, two = await self.friends()
        mine, theirs = await one.device(), await two.device()
        await mine.tell(10, two.id, "before")
        self.node.lobby.close()
        for device in (mine, theirs):
            self.assertEqual(await device.closed(), 1012)
        self.assert_refused(await self.upgrade_refusal(f"/chat?token={one.token}"), 503)
        await self.stop()
        await self.start()
        self.assertEqual([m["content"] for m in await two.history(10, one.id)], ["before"])
        again = await one.device()
        self.assertEqual((await again.tell(10, two.id, "after"))["seq"], 2)

    async def test_said_at_the_end(self) -> None:
        """What was taken before the end is stored, and read marks and log-ins outlast a restart."""
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
