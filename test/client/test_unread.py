"""What a client counts as unread without a network, and when it asks the server."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from test.client.fakes import ME, PEER, WITH_PEER, Bench
from twim.client import Conversation
from twim.client.unread import EXACT, RECENT_EVENTS, Unread
from twim.client.unread_counts import AGAIN_SECONDS, ASK_SECONDS
from twim.wire.commands import EDIT, NOTICE, REACTION, RECALL
from twim.wire.message import Shown


def message(seq: int, **more: Any) -> Shown:
    """A message of the other user's."""
    return Shown(**({"userid": PEER, "cmd": 10, "dstid": ME, "media": 1, "seq": seq} | more))


def listed(seq: int, read: int = 0, unread: int = 0, mentions: int = 0) -> Conversation:
    """A row of the server's list."""
    return Conversation(10, PEER, seq, read, unread, mentions)


class CountingTests(SynchronousTestCase):
    """The counts of one conversation."""

    def setUp(self) -> None:
        self.here = Unread(ME)

    def counted(self, *messages: Shown) -> tuple[int, int]:
        for message in messages:
            self.here.take(message)
        return self.here.counted

    def test_live(self) -> None:
        """Messages of others count; events, notices about others and repeats don't; a recall lowers the count."""
        self.assertEqual(
            self.counted(message(1), message(2, mentions=(ME,)), message(3, mentions=(0,)), message(3)), (3, 2)
        )
        self.assertEqual(self.counted(message(4, media=REACTION, ref=1, content="x")), (3, 2))
        self.assertEqual(self.counted(message(5, media=EDIT, ref=1, content="y", mentions=(ME,))), (3, 3))
        self.assertEqual(self.counted(message(6, media=RECALL, ref=2)), (2, 2))
        self.assertEqual(self.counted(message(7, media=NOTICE, content="renamed", memo=str(ME))), (2, 2))
        self.assertEqual(self.counted(message(8, media=NOTICE, content="removed", memo=str(ME))), (3, 3))
        self.assertEqual(self.counted(message(9, userid=ME), message(10)), (1, 0))
        self.assertFalse(self.here.unsure)

    def test_came_recalled(self) -> None:
        """A message that arrives already recalled isn't subtracted twice."""
        self.assertEqual(self.counted(message(1), message(2, recalled=1), message(3, media=RECALL, ref=2)), (1, 0))

    def test_after_a_row(self) -> None:
        """Messages before a row are included in it; later ones are added, and recalls of the row's messages
        subtracted."""
        self.here.adopt(listed(5, read=2, unread=3))
        self.assertEqual(self.counted(message(4), message(5), message(6)), (4, 0))
        self.assertEqual(self.counted(message(7, media=RECALL, ref=1), message(8, media=RECALL, ref=3)), (3, 0))
        self.here.adopt(listed(6, read=2, unread=4))
        self.assertEqual(self.here.counted, (3, 0))
        self.here.adopt(listed(4, read=2, unread=9))
        self.assertEqual((self.here.counted, self.here.unsure), ((3, 0), False))

    def test_unsure(self) -> None:
        """Where only the server can know the count, the client says that it doesn't."""
        for change in (
            lambda here: here.take(message(6, media=RECALL, ref=3)),
            lambda here: here.take(message(6, media=EDIT, ref=3, content="x", mentions=(PEER,))),
            lambda here: here.read_to(3),
            lambda here: here.skip(9),
        ):
            here = Unread(ME)
            here.adopt(listed(5, read=1, unread=4, mentions=2))
            change(here)
            self.assertTrue(here.unsure)
            here.adopt(listed(9, read=here.read, unread=1))
            self.assertEqual((here.unsure, here.counted), (False, (1, 0)))

    def test_too_much_since_an_old_row(self) -> None:
        """A row that is older than the events that are kept isn't used."""
        self.here.adopt(listed(1, unread=1))
        self.counted(*[message(seq, media=REACTION, ref=1) for seq in range(2, RECENT_EVENTS + 10)])
        self.here.adopt(listed(2, unread=1))
        self.assertTrue(self.here.unsure)

    def test_bound(self) -> None:
        """A thousand are counted exactly; more are "more" until enough of them are subtracted."""
        self.assertEqual(self.counted(*[message(seq) for seq in range(1, EXACT + 5)]), (EXACT + 1, 0))
        recalls = [message(EXACT + 5 + ref, media=RECALL, ref=ref + 1) for ref in range(5)]
        self.assertEqual((self.counted(*recalls), self.here.unsure), ((EXACT - 1, 0), False))


class AskingTests(SynchronousTestCase):
    """A client that can't count asks for the list."""

    def test_asked_until_known(self) -> None:
        """The server is asked once for all uncertain conversations, and again while it knows less than the client."""
        bench = Bench()
        row = {"scope": 10, "dstid": PEER, "seq": 5, "read": 0, "unread": 5, "mentions": 1}
        bench.online(rows=[row])
        bench.client.mark_read(WITH_PEER, 2)
        bench.client.mark_read(WITH_PEER, 3)
        bench.rest.listed = [listed(5, 0, 5, 1)]
        bench.clock.advance(ASK_SECONDS)
        bench.rest.listed = [listed(5, 3, 2, 1)]
        bench.clock.advance(AGAIN_SECONDS)
        self.assertEqual(bench.client.unread(WITH_PEER), (2, 1))
        bench.client.mark_read(WITH_PEER, 5)
        self.assertEqual(bench.client.unread(WITH_PEER), (0, 0))
