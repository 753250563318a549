"""Pushes to a push service on this machine, by HTTPS: what it is sent, and what its answers mean."""

from __future__ import annotations

from email.utils import formatdate

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from test.outbound.browser import Browser
from test.outbound.push_server import start_push_server
from test.outbound.test_vapid import SITE, claims_of
from twim.outbound.push_sealing import read_receiver
from twim.outbound.push_service import (
    LONGEST_PAUSE_SECONDS,
    PAUSE_SECONDS,
    TTL_SECONDS,
    Fate,
    Outcome,
    PushService,
    Subscription,
)
from twim.outbound.requests import OutboundRequests
from twim.outbound.vapid import Vapid

NOW = 1_700_000_000.0


class PushServiceTests(TestCase):
    """`PushService` against a server on 127.0.0.1."""

    async def setUp(self) -> None:
        self.server = await start_push_server(self)
        self.vapid = Vapid(7, lambda: NOW)
        self.service = PushService(self.requests(private=True), self.vapid, lambda: NOW)
        self.browser = Browser()

    def requests(self, private: bool) -> OutboundRequests:
        made = OutboundRequests(reactor, private)
        self.addCleanup(lambda: Deferred.fromCoroutine(made.close()))
        return made

    async def push(self, name: str = "a", service: PushService | None = None) -> Outcome:
        receiver = read_receiver(self.browser.p256dh, self.browser.auth)
        to = Subscription(1, self.server.url(name), receiver, SITE)
        return await (service or self.service).push(to, b"words", "topic")

    async def test_taken(self) -> None:
        """The browser opens what the push service was given, which says who pushes it and for how long."""
        self.assertEqual(await self.push(), Outcome(Fate.TAKEN))
        ((path, headers, body),) = self.server.pushed
        self.assertEqual((path, self.browser.open(body)), ("/a", b"words"))
        self.assertEqual((headers["content-encoding"], headers["topic"]), ("aes128gcm", "topic"))
        self.assertEqual((headers["ttl"], headers["urgency"]), (str(TTL_SECONDS), "high"))
        claims = claims_of(headers["authorization"], self.vapid.public)
        self.assertEqual((claims["aud"], claims["sub"]), (self.server.origin, SITE))

    async def test_answers(self) -> None:
        """A subscription that isn't there any more, what is refused for good, and what may be tried again."""
        pause = PAUSE_SECONDS
        date = {"Retry-After": formatdate(NOW + 90, usegmt=True)}
        past = {"Retry-After": formatdate(NOW - 90, usegmt=True)}
        for status, headers, fate, seconds in (
            (200, {}, Fate.TAKEN, 0),
            (404, {}, Fate.GONE, 0),
            (410, {}, Fate.GONE, 0),
            (302, {"Location": "/b"}, Fate.REFUSED, 0),
            (400, {}, Fate.REFUSED, 0),
            (403, {}, Fate.REFUSED, 0),
            (413, {}, Fate.REFUSED, 0),
            (429, {"Retry-After": "120"}, Fate.LATER, 120),
            (429, {"Retry-After": "0"}, Fate.LATER, 1),
            (429, {"Retry-After": "99999999"}, Fate.LATER, LONGEST_PAUSE_SECONDS),
            (429, {"Retry-After": "soon"}, Fate.LATER, pause),
            (429, {}, Fate.LATER, pause),
            (503, date, Fate.LATER, 90),
            (503, past, Fate.LATER, 1),
            (500, {}, Fate.LATER, pause),
        ):
            self.server.answers["/a"] = status, headers
            outcome = await self.push()
            self.assertEqual((outcome.fate, outcome.seconds), (fate, seconds), (status, headers))
        self.assertEqual(self.server.at("b"), [], "a redirection was followed")

    async def test_not_reached(self) -> None:
        """A name that stands for nothing, and a certificate that nobody signed, may be good later."""
        receiver = read_receiver(self.browser.p256dh, self.browser.auth)
        name = self.server.origin.replace("127.0.0.1", "localhost")  # which the certificate doesn't name
        outcome = await self.service.push(Subscription(1, f"{name}/a", receiver, ""), b"words", "topic")
        self.assertEqual((outcome.fate, outcome.seconds), (Fate.LATER, PAUSE_SECONDS))
        self.assertEqual(self.server.pushed, [])

    async def test_private(self) -> None:
        """An address that was taken while private ones were is not connected to when they are not any more."""
        public = PushService(self.requests(private=False), self.vapid, lambda: NOW)
        self.assertEqual((await self.push(service=public)).fate, Fate.REFUSED)
        self.assertEqual(self.server.pushed, [])
