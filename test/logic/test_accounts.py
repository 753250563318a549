"""Tokens and passwords when two things happen at the same time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import SynchronousTestCase, TestCase

from test.access.running_node import PASSWD, RunningNode, reactor
from twim.errors import NotLoggedIn, TooMany
from twim.logic import accounts, passwords
from twim.logic.accounts import Tokens, hash_token, new_token
from twim.logic.passwords import Passwords, prepare
from twim.storage.accounts import AccountStore, Device

DEVICE = Device(7, 1, "", "", datetime(2026, 1, 1))


class SlowStore:
    """A store of devices whose answers come when the test gives them."""

    def __init__(self) -> None:
        self.asked: list[Deferred[Any]] = []

    def by_token(self, hashed: bytes) -> Deferred[Any]:
        self.asked.append(Deferred())
        return self.asked[-1]


class TokensTests(SynchronousTestCase):
    """`Tokens`."""

    def setUp(self) -> None:
        self.store = SlowStore()
        self.tokens = Tokens(self.store)  # type: ignore[arg-type]

    def check(self, token: str = "t") -> Deferred[Any]:
        return Deferred.fromCoroutine(self.tokens.check(token))

    def test_kept(self) -> None:
        """A token is looked up once, and remembered until its device ends."""
        first = self.check()
        self.store.asked[0].callback(DEVICE)
        self.assertEqual(self.successResultOf(first), self.successResultOf(self.check()))
        self.assertEqual(len(self.store.asked), 1)
        self.tokens.forget(DEVICE.id)
        again = self.check()
        self.store.asked[1].callback(None)
        self.failureResultOf(again, NotLoggedIn)

    def test_ended_while_it_was_read(self) -> None:
        """A device that ends during its look-up is refused, then and later."""
        late = self.check()
        self.tokens.forget(DEVICE.id)
        self.store.asked[0].callback(DEVICE)
        self.store.asked[1].callback(None)
        self.failureResultOf(late, NotLoggedIn)
        later = self.check()
        self.store.asked[2].callback(None)
        self.failureResultOf(later, NotLoggedIn)

    def test_never_asked_for(self) -> None:
        """A value that can't be a token costs no query."""
        for token in ("", "x" * 201):
            self.failureResultOf(self.check(token), NotLoggedIn)
        self.assertEqual(self.store.asked, [])

    def test_bounded(self) -> None:
        """No more tokens are kept than allowed, and a device whose token was dropped can still be ended."""
        self.patch(accounts, "CACHED", 2)
        for deviceid in range(1, 5):
            self.tokens.learn(hash_token(str(deviceid)), 1, deviceid)
        self.assertEqual((len(self.tokens._known), len(self.tokens._by_device)), (2, 2))
        self.tokens.forget(1)
        self.tokens.forget(4)
        self.assertEqual((len(self.tokens._known), len(self.tokens._by_device)), (1, 1))

    def test_random(self) -> None:
        """Tokens are 256 bits in characters that need no escaping."""
        tokens = {new_token() for _ in range(100)}
        self.assertEqual(len(tokens), 100)
        for token in tokens:
            self.assertRegex(token, r"^[A-Za-z0-9_-]{43}$")


class PasswordsTests(TestCase):
    """`Passwords`."""

    def setUp(self) -> None:
        self.passwords = Passwords(reactor)
        self.passwords.start()
        self.addCleanup(self.passwords.stop)

    async def test_checks(self) -> None:
        """The right password matches, another one doesn't, nor does a missing hash; each stored hash has its own
        salt."""
        first, second = await self.passwords.hash("päss\0wörd"), await self.passwords.hash("päss\0wörd")
        self.assertNotEqual(first, second)
        self.assertTrue(await self.passwords.check(first, "päss\0wörd"))
        for wrong in ("päss", "päss\0wörd ", "", "x" * 129):
            self.assertFalse(await self.passwords.check(first, wrong))
        self.assertFalse(await self.passwords.check(None, "nobody's password"))
        self.assertFalse(await self.passwords.check("", "x"))
        self.assertFalse(await self.passwords.check("$argon2id$broken", "x"))

    async def test_prepared(self) -> None:
        """A password is the same however a keyboard composes it or its spaces; an old hash of the typed form is
        accepted once, and reported."""
        stored = await self.passwords.hash(prepare("pa\u0301ss wörd"))
        for typed in ("p\u00e1ss wörd", "pa\u0301ss wo\u0308rd", "pa\u0301ss\u3000wörd", "p\u00e1ss\u00a0wörd"):
            self.assertEqual(await self.passwords.check(stored, typed), "páss wörd")
        for wrong in ("pass word", "páss  wörd", "PÁSS WÖRD", "páss\u200bwörd"):
            self.assertIsNone(await self.passwords.check(stored, wrong))
        old = await self.passwords.hash("pa\u0301ss")
        self.assertEqual(await self.passwords.check(old, "pa\u0301ss"), "pa\u0301ss")
        self.assertIsNone(await self.passwords.check(old, "p\u00e1ss"))

    async def test_as_long_for_nobody(self) -> None:
        """For an unknown account as many hashes are computed as for a known one."""
        stored = await self.passwords.hash("x")
        await self.passwords.check(None, "x")
        tried: list[str] = []
        self.patch(self.passwords, "_opens", lambda stored, passwd: bool(tried.append(passwd)))
        for typed in ("plain", "e\u0301", "e\u0301" * 100):
            counts = []
            for one in (stored, None):
                tried.clear()
                await self.passwords.check(one, typed)
                counts.append(len(tried))
            self.assertEqual(counts[0], counts[1], typed)

    async def test_outdated(self) -> None:
        """A hash with weaker parameters is recognised."""
        self.assertFalse(self.passwords.outdated(await self.passwords.hash("x")))
        weak = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("x")
        self.assertTrue(self.passwords.outdated(weak))

    async def test_bounded(self) -> None:
        """Beyond the queue's bound one is told to come again, and after it one is served."""
        self.patch(passwords, "WAITING", 2)
        running = [Deferred.fromCoroutine(self.passwords.hash("x")) for _ in range(2)]
        with self.assertRaises(TooMany):
            await self.passwords.hash("x")
        await gatherResults(running)
        self.assertTrue(await self.passwords.hash("x"))


class PasswdRaceTests(RunningNode):
    """A log-in with the old password while the password is changed."""

    async def test_no_token_survives(self) -> None:
        """A log-in whose password was checked before a change, and whose device is made after it, gets the same
        refusal as one that comes later."""
        one = await self.person()
        checked: Deferred[None] = Deferred()
        real = AccountStore.add_device

        def late(*given: Any) -> Deferred[Any]:
            return checked.addCallback(lambda _: real(*given))

        self.patch(AccountStore, "add_device", late)
        login = Deferred.fromCoroutine(self.post("/user/login", mobile=one.mobile, passwd=PASSWD))
        while not checked.callbacks:
            await one.get("/user/sessions")
        self.assertEqual((await one.post("/user/passwd", passwd=PASSWD, newpasswd="another-1")).json["code"], 0)
        checked.callback(None)
        answer = await login
        self.assertEqual((answer.status, answer.json), (200, {"code": -1, "msg": "password wrong"}))
        self.assertEqual((await one.get("/user/sessions")).json["total"], 1)

    async def test_weaker_hash(self) -> None:
        """A hash with weaker parameters is renewed at log-in, and the password still matches."""
        one = await self.person()
        weak = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWD)
        await self.database.write(lambda c: c.exec_driver_sql("UPDATE user SET passwd = ?", (weak,)))
        for _ in range(2):
            self.assertEqual((await self.log_in(one)).id, one.id)
        stored = await self.database.read(lambda c: c.exec_driver_sql("SELECT passwd FROM user").scalar_one())
        self.assertNotEqual(stored, weak)
