"""Guessers have to wait, the owner doesn't, and a whole school can log in."""

from __future__ import annotations

from typing import Any

from test.storage.rig import OnSqlite, asynchronous
from twim.errors import TooMany
from twim.limits.table import DEFAULT_RATES
from twim.logic.login_guard import LoginGuard
from twim.logic.searches import Searches
from twim.storage.attempts import AttemptStore

MOBILE = "13800000001"


class OnClock(OnSqlite):
    """Tests with a clock of their own, in milliseconds."""

    now = 1_700_000_000_000

    def guard(self, on: bool = True) -> LoginGuard:
        return LoginGuard(AttemptStore(self.storage.database), on, lambda: self.now)

    async def tries(self, guard: LoginGuard, count: int, address: str, mobile: str = MOBILE, cookie: str = "") -> int:
        """How many of so many wrong passwords at once may be tried."""
        passed = 0
        for _ in range(count):
            try:
                await guard.begin(mobile, address, cookie)
                passed += 1
            except TooMany:
                pass
        return passed


class LoginGuardTests(OnClock):
    """Failed log-ins."""

    @asynchronous
    async def test_a_guesser(self: Any) -> None:
        """One address tries few passwords of one account in a day, and thousands of addresses not many more."""
        guard, passed = self.guard(), 0
        end = self.now + 24 * 3600 * 1000
        while self.now < end:
            try:
                await guard.begin(MOBILE, "192.0.2.1", "")
                passed += 1
            except TooMany as refused:
                self.now += refused.wait
        self.assertLess(passed, 250)

    @asynchronous
    async def test_many_guessers(self: Any) -> None:
        """However many addresses guess at one account, few attempts are allowed."""
        guard, passed = self.guard(), 0
        for number in range(400):
            passed += await self.tries(guard, 1, f"192.0.{number // 200}.{number % 200}")
            self.now += 1_000
        self.assertLess(passed, 90)

    @asynchronous
    async def test_the_owner(self: Any) -> None:
        """A browser or address that the account was used from doesn't wait because of strangers' failures."""
        guard = self.guard()
        ann = await self.storage.user(mobile=MOBILE)
        cookie = await guard.succeeded(await guard.begin(MOBILE, "198.51.100.7", ""), ann.id)
        for number in range(200):
            await self.tries(guard, 3, f"192.0.2.{number}")
        with self.assertRaises(TooMany):
            await guard.begin(MOBILE, "203.0.113.9", "")
        await guard.begin(MOBILE, "203.0.113.9", cookie)
        await guard.begin(MOBILE, "198.51.100.7", "")
        # A guesser beside the owner, behind the same address, has its own count.
        await self.tries(guard, 50, "198.51.100.7")
        self.assertEqual(await guard.succeeded(await guard.begin(MOBILE, "198.51.100.7", cookie), ann.id), cookie)

    @asynchronous
    async def test_a_cookie_opens_nothing(self: Any) -> None:
        """With the account's cookie one may guess no more than others, and another account's cookie doesn't help."""
        guard = self.guard()
        ann = await self.storage.user(mobile=MOBILE)
        cookie = await guard.registered(ann.id, "198.51.100.7", "")
        self.assertEqual(await self.tries(guard, 50, "192.0.2.1", cookie=cookie), 5)
        await self.storage.user(mobile="13800000002")
        self.assertEqual(await self.tries(guard, 50, "192.0.2.1", "13800000002", cookie), 5)
        self.assertEqual(await self.tries(guard, 50, "192.0.2.1", "13800000003", "no\x00cookie"), 5)

    @asynchronous
    async def test_unknown_mobiles_alike(self: Any) -> None:
        """A mobile without an account is counted like one with an account."""
        guard = self.guard()
        await self.storage.user(mobile=MOBILE)
        waits = []
        for mobile in (MOBILE, "13800000009"):
            with self.assertRaises(TooMany) as caught:
                for _ in range(6):
                    await guard.begin(mobile, "192.0.2.1", "")
            waits.append((caught.exception.wait, caught.exception.msg))
        self.assertEqual(waits[0], waits[1])

    @asynchronous
    async def test_a_school(self: Any) -> None:
        """500 people behind one address, who sometimes mistype, get in within a minute."""
        guard = self.guard()
        for number in range(500):
            mobile = f"1390000{number:04d}"
            user = await self.storage.user(mobile=mobile)
            attempts = 2 if number % 5 == 0 else 1
            for _ in range(attempts):
                attempt = await guard.begin(mobile, "192.0.2.1", "")
            await guard.succeeded(attempt, user.id)
            self.now += 100

    @asynchronous
    async def test_a_success_clears(self: Any) -> None:
        """The right password clears one's own failures."""
        guard = self.guard()
        ann = await self.storage.user(mobile=MOBILE)
        self.assertEqual(await self.tries(guard, 4, "192.0.2.1"), 4)
        await guard.succeeded(await guard.begin(MOBILE, "192.0.2.1", ""), ann.id)
        self.assertEqual(await self.tries(guard, 9, "192.0.2.1"), 5)

    @asynchronous
    async def test_off(self: Any) -> None:
        """With limits off nobody waits, and browsers are still recognised."""
        guard = self.guard(on=False)
        ann = await self.storage.user(mobile=MOBILE)
        self.assertEqual(await self.tries(guard, 100, "192.0.2.1"), 100)
        cookie = await guard.succeeded(await guard.begin(MOBILE, "192.0.2.1", ""), ann.id)
        self.assertEqual(len(cookie), 22)


class SearchTests(OnClock):
    """Searches for people."""

    @asynchronous
    async def test_an_hour(self: Any) -> None:
        """A user may search 20 times at once and once more every three minutes; an address 60 times."""
        searches = Searches(AttemptStore(self.storage.database), True, DEFAULT_RATES, lambda: self.now)
        for _ in range(20):
            await searches.check_user(1)
            await searches.count_user(1)
        for refused in (searches.check_user, searches.count_user):
            with self.assertRaises(TooMany) as caught:
                await refused(1)
            self.assertEqual(caught.exception.wait, 180_000)
        await searches.count_user(2)
        self.now += 180_000
        await searches.count_user(1)
        for _ in range(60):
            await searches.count_address("192.0.2.1")
        for refused in (searches.check_address, searches.count_address):
            with self.assertRaises(TooMany):
                await refused("192.0.2.1")

    @asynchronous
    async def test_off(self: Any) -> None:
        """With limits off everybody may search."""
        searches = Searches(AttemptStore(self.storage.database), False, DEFAULT_RATES, lambda: self.now)
        for _ in range(50):
            await searches.count_user(1)
            await searches.check_address("192.0.2.1")
