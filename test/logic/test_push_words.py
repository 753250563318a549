"""What a push says, and when a user wants none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from twim.logic.push_words import WORDS_CHARS, is_quiet, is_told, payload_of, topic_of
from twim.outbound.push_sealing import PAYLOAD_BYTES
from twim.storage.push_receivers import Receiver, Wanted
from twim.wire.commands import (
    CONTACT,
    CUSTOM,
    EDIT,
    GROUP,
    IMAGE,
    NOTICE,
    REACTION,
    RECALL,
    SINGLE,
    TEXT,
)
from twim.wire.message import Message


def receiver(words: bool = True, group: str = "", sender: str = "Ann") -> Receiver:
    wanted = Wanted(2, GROUP if group else SINGLE, 9 if group else 1, 1, 5)
    return Receiver(wanted, sender, group, words, "", "", ())


def told(said: Message, to: Receiver) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(payload_of(said, to))
    return found


def said(content: str, media: int = TEXT) -> Message:
    return Message(userid=1, cmd=SINGLE, dstid=2, media=media, content=content, seq=5, at=7)


class PayloadTests(SynchronousTestCase):
    """What is pushed."""

    def test_words(self) -> None:
        """The conversation as the receiver names it, who said it, and the first words in one line."""
        place = {"scope": SINGLE, "dstid": 1, "seq": 5, "at": 7, "userid": 1, "name": "Ann"}
        self.assertEqual(told(said("hello\n  there"), receiver()), place | {"media": TEXT, "words": "hello there"})
        long = told(said("好" * 8_000), receiver())["words"]
        self.assertEqual(long, "好" * (WORDS_CHARS - 1) + "…")
        group = told(said("hi"), receiver(group="us"))
        self.assertEqual((group["scope"], group["dstid"], group["group"]), (GROUP, 9, "us"))

    def test_no_words(self) -> None:
        """Who wants no words is told neither these nor what kind of message it is."""
        self.assertFalse({"media", "words"} & told(said("hello"), receiver(words=False)).keys())

    def test_other_kinds(self) -> None:
        """Of a picture or a card only the kind is told: its content is no words."""
        for media in (IMAGE, CONTACT):
            found = told(said("x", media), receiver())
            self.assertEqual((found["media"], found.get("words")), (media, None))
        self.assertEqual(told(said("x", CUSTOM), receiver())["words"], "x")

    def test_fits(self) -> None:
        """However long the names and the words are, it fits into a push."""
        longest = receiver(group="𠮷" * 30, sender="\u0001" * 120)
        self.assertLess(len(payload_of(said("𠮷" * 8_000), longest)), PAYLOAD_BYTES)

    def test_told(self) -> None:
        """What changes another message, and the server's notes, are not told."""
        for media in (RECALL, EDIT, REACTION, NOTICE):
            self.assertFalse(is_told(said("x", media)))
        for media in (TEXT, IMAGE, CUSTOM):
            self.assertTrue(is_told(said("x", media)))

    def test_topic(self) -> None:
        """One for each user and conversation, of at most 32 characters of base64url, and another on another server."""
        one, group = receiver(), receiver(group="us")
        other = one._replace(wanted=one.wanted._replace(userid=3))
        topics = [topic_of(b"k", to) for to in (one, group, other)] + [topic_of(b"l", one)]
        self.assertEqual(len(set(topics)), 4)
        self.assertEqual(topic_of(b"k", one._replace(wanted=one.wanted._replace(seq=6))), topics[0])
        for topic in topics:
            self.assertRegex(topic, r"\A[A-Za-z0-9_-]{32}\Z")


class QuietTests(SynchronousTestCase):
    """The hours in which a user is not told."""

    def quiet(self, hours: str, zone: str, time: str) -> bool:
        at = datetime.fromisoformat(time).replace(tzinfo=UTC)
        return is_quiet(hours, zone, int(at.timestamp() * 1000))

    def test_hours(self) -> None:
        """From the first minute to before the last, also past midnight; the same time twice is never."""
        for hours, time, expected in (
            ("22:00-07:00", "2026-01-02T21:59", False),
            ("22:00-07:00", "2026-01-02T22:00", True),
            ("22:00-07:00", "2026-01-02T06:59", True),
            ("22:00-07:00", "2026-01-02T07:00", False),
            ("12:30-13:30", "2026-01-02T12:29", False),
            ("12:30-13:30", "2026-01-02T12:30", True),
            ("12:30-13:30", "2026-01-02T13:30", False),
            ("08:00-08:00", "2026-01-02T08:00", False),
            ("", "2026-01-02T03:00", False),
        ):
            self.assertEqual(self.quiet(hours, "", time), expected, (hours, time))

    def test_zone(self) -> None:
        """The times are those of the user's time zone, in summer as in winter."""
        self.assertTrue(self.quiet("22:00-07:00", "Asia/Shanghai", "2026-01-02T14:00"))
        self.assertFalse(self.quiet("22:00-07:00", "Asia/Shanghai", "2026-01-02T23:00"))
        self.assertTrue(self.quiet("22:00-07:00", "Europe/Berlin", "2026-07-02T20:00"))
        self.assertFalse(self.quiet("22:00-07:00", "Europe/Berlin", "2026-01-02T20:00"))

    def test_unknown_zone(self) -> None:
        """A zone that this machine doesn't know counts as UTC."""
        self.assertTrue(self.quiet("22:00-07:00", "Nowhere/City", "2026-01-02T23:00"))
