"""A device that isn't used for a month is logged out; one that is used is not."""

from __future__ import annotations

from sqlalchemy import update

from test.access.running_node import Person, RunningNode
from twim.logic.idle_devices import DAY_MS, IDLE_DAYS
from twim.storage.schema import device


class IdleDeviceTests(RunningNode):
    """A running node whose clock is advanced."""

    async def setUp(self) -> None:
        await super().setUp()
        self.later = 0
        now_ms = self.node.idle._now_ms
        self.node.idle._now_ms = lambda: now_ms() + self.later

    async def pass_days(self, days: float) -> None:
        """Advance the clock and let the node look for idle devices."""
        self.later += int(days * DAY_MS)
        await self.node.idle.check()

    async def status(self, person: Person) -> int:
        return (await person.post("/user/find", id=person.id)).status

    async def test_nobody(self) -> None:
        """After a month without use the token is refused, and the device isn't listed."""
        one = await self.person()
        other = await self.log_in(one)
        await self.pass_days(0)
        await self.pass_days(IDLE_DAYS - 1)
        self.assertEqual(await self.status(other), 200)
        await self.pass_days(2)
        self.assertEqual(await self.status(one), 401)
        self.assertEqual(await self.status(other), 200)
        self.assertEqual(len((await other.post("/user/sessions")).rows), 1)

    async def test_connected(self) -> None:
        """A connected device counts as used all the time; after it disconnects it has a month."""
        one = await self.person()
        socket = await one.device()
        for _ in range(4):
            await self.pass_days(20)
        self.assertTrue(socket.open and not socket.gone)
        self.assertEqual(await self.status(one), 200)
        await self.pass_days(1)
        await socket.leave()
        await self.pass_days(IDLE_DAYS + 1)
        self.assertEqual(await self.status(one), 401)

    async def test_an_older_program(self) -> None:
        """The month of a device that an older program stored begins when it is first seen."""
        one = await self.person()
        self.node.tokens.take_used()
        await self.database.write(lambda connection: connection.execute(update(device).values(used=0)))
        await self.pass_days(IDLE_DAYS * 2)
        await self.pass_days(IDLE_DAYS - 1)
        self.assertEqual(await self.status(one), 200)

    async def test_written_rarely(self) -> None:
        """The stored time of use changes twice a day at most, however often a device is used."""
        one = await self.person()
        stored = []
        for _ in range(12):
            await self.status(one)
            await self.pass_days(1 / 8)
            stored.append(await self.database.read(lambda connection: connection.execute(device.select()).one().used))
        self.assertLessEqual(len(set(stored)), 4)

    async def test_cookie(self) -> None:
        """A browser's cookie is renewed once a day when it is used; other clients get no cookie."""
        one = await self.person()
        cookie = f"Cookie: token={one.token}"
        self.assertEqual((await self.ask("GET", f"/user/find?id={one.id}", cookie)).header("set-cookie"), "")
        answers = [await self.post("/user/find", cookie, id=one.id) for _ in range(2)]
        self.assertEqual([one.header("set-cookie").partition(";")[0] for one in answers], [f"token={one.token}", ""])
        self.assertIn("Max-Age=2592000", answers[0].header("set-cookie"))
        answer = await self.post("/user/find", f"Authorization: Bearer {one.token}", id=one.id)
        self.assertEqual(answer.header("set-cookie"), "")
