"""The limits of a node."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.errors import TooMany
from twim.limits.limits import Limits
from twim.limits.table import DEFAULT_RATES, LIMITS, REQUESTS, SOCKETS_DEFAULT, SOCKETS_OPTION, UPLOAD_BYTES

DOCUMENT = Path(__file__).parents[2] / "docs" / "limits.md"


class LimitsTests(SynchronousTestCase):
    """Of what the table has."""

    def test_off(self) -> None:
        """With limits off nothing is counted."""
        limits = Limits(False, Clock().seconds)
        for _ in range(5_000):
            for one in (limits.user, limits.passwd, limits.upload, limits.friend, limits.group):
                one(1)
            limits.address("192.0.2.1")
            limits.connect("192.0.2.1")
            limits.opened("192.0.2.1")

    def test_each(self) -> None:
        """Each limit allows its burst and then refuses; limits don't affect each other."""
        limits = Limits(True, Clock().seconds, {one: rate._replace(burst=3) for one, rate in DEFAULT_RATES.items()})
        for one in (limits.user, limits.passwd, limits.upload, limits.friend, limits.group):
            for _ in range(3):
                one(1)
            with self.assertRaises(TooMany):
                one(1)
            one(2)

    def test_bytes(self) -> None:
        """A user who has uploaded too many bytes can't begin another upload."""
        clock = Clock()
        limits = Limits(True, clock.seconds, DEFAULT_RATES | {UPLOAD_BYTES: DEFAULT_RATES[REQUESTS]})
        limits.upload(1)
        limits.uploaded(1, 10_000)
        with self.assertRaises(TooMany) as caught:
            limits.upload(1)
        clock.advance(caught.exception.wait / 1000)
        limits.upload(1)

    def test_sockets(self) -> None:
        """No more WebSockets from one address are open than allowed; a closed one makes room, and this machine's own
        don't count."""
        limits = Limits(True, Clock().seconds, sockets=2)
        for _ in range(2):
            limits.connect("192.0.2.1")
            limits.opened("192.0.2.1")
        with self.assertRaises(TooMany):
            limits.connect("192.0.2.1")
        limits.connect("192.0.2.2")
        limits.closed("192.0.2.1")
        limits.connect("192.0.2.1")
        for _ in range(5):
            limits.connect("")
            limits.opened("")

    def test_documented(self) -> None:
        """The table in the documents has each option with its default."""
        found = re.findall(r"^\| `--([a-z-]+)` \| `([^`]+)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
        self.assertEqual(dict(found), {one.option: one.default for one in LIMITS} | {SOCKETS_OPTION: SOCKETS_DEFAULT})
