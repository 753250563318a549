"""One order for messages that arrive in any order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twim.hub.order import EARLY, Order
from twim.storage.interface import Conversation, Key, Post
from twim.wire.commands import SINGLE
from twim.wire.message import Message

CHAT: Key = (SINGLE, 1, 2)


def post(seq: int, origin: object = None) -> Post:
    return Post(origin, Message(cmd=SINGLE, userid=1, dstid=2, seq=seq), Conversation(0, SINGLE, 1, 2, 0))


def seqs(posts: list[Post]) -> list[int]:
    return [one.message.seq for one in posts]


class OrderTests(SynchronousTestCase):
    """`Order`."""

    def setUp(self) -> None:
        self.order = Order()

    @given(st.permutations(range(1, 9)), st.lists(st.integers(1, 8), max_size=8), st.integers(0, 8))
    def test_any_order(self, came: list[int], again: list[int], begun: int) -> None:
        """Messages are given once and ascending from the beginning, whatever comes first or twice."""
        order = Order()
        order.begin(CHAT, begun)
        given_out = [one for seq in [*came, *again] for one in seqs(order.offer(CHAT, post(seq)))]
        self.assertEqual(given_out, list(range(begun + 1, 9)))
        self.assertEqual((order.gaps(), order.has_gaps()), ([], False))

    def test_where_it_begins(self) -> None:
        """An unknown conversation begins with its first message."""
        self.assertEqual(seqs(self.order.offer(CHAT, post(2))), [])
        # With the early message: the log decides whether it exists.
        self.assertEqual(self.order.gaps(), [(CHAT, 0, 2)])
        self.assertEqual(seqs(self.order.offer(CHAT, post(1))), [1, 2])

    def test_waits_for_the_place(self) -> None:
        """A message that comes before the head is known is kept, also while the head is read."""
        self.assertEqual(self.order.offer(CHAT, post(7), wait=True), [])
        self.assertEqual(self.order.unbegun(), [CHAT])
        self.assertEqual(seqs(self.order.begin(CHAT, 8)), [7])
        self.assertEqual((self.order.position(CHAT), self.order.begin(CHAT, 99)), (7, []))

    def test_bound(self) -> None:
        """Too many early messages are dropped, and reported; missing ones are still accepted."""
        for seq in range(2, EARLY + 4):
            self.order.offer(CHAT, post(seq))
        self.assertTrue(self.order.dropped)
        self.assertEqual(seqs(self.order.offer(CHAT, post(1))), list(range(1, EARLY + 2)))
        self.assertEqual(self.order.position(CHAT), EARLY + 1)

    def test_own_are_kept(self) -> None:
        """A message that was sent on this node is never dropped, nor replaced by the log's copy."""
        origin = object()
        for seq in range(2, EARLY + 2):
            self.order.offer(CHAT, post(seq))
        self.order.offer(CHAT, post(EARLY + 2, origin))
        self.assertFalse(self.order.dropped)
        self.order.offer(CHAT, post(EARLY + 2))
        self.assertIs(self.order.offer(CHAT, post(1))[-1].origin, origin)

    def test_own_take_the_place(self) -> None:
        """Only a message sent on this node knows its device: that copy is used, whichever comes first."""
        for own_first in (True, False):
            self.setUp()
            origin = object()
            copies = [post(3, origin), post(3)]
            for one in copies if own_first else copies[::-1]:
                self.order.offer(CHAT, one)
            self.order.offer(CHAT, post(1))
            self.assertEqual([one.origin for one in self.order.offer(CHAT, post(2))], [None, origin])

    def test_forgotten_own(self) -> None:
        """Waiting messages sent on this node are given back, to be answered."""
        origin = object()
        self.order.offer(CHAT, post(3))
        self.order.offer(CHAT, post(4, origin))
        self.assertEqual([one.origin for one in self.order.forget([CHAT])], [origin])

    def test_forgets(self) -> None:
        """A conversation without anybody connected takes no memory."""
        self.order.offer(CHAT, post(3))
        self.order.forget([CHAT])
        self.assertEqual((self.order.known(CHAT), self.order.gaps(), self.order.position(CHAT)), (False, [], 0))

    def test_an_early_one_that_the_log_lacks(self) -> None:
        """A message after one that the log doesn't have is dropped and not asked for again, except this node's own,
        which are stored."""
        self.order.begin(CHAT, 3)
        self.order.offer(CHAT, post(2**62))
        self.order.offer(CHAT, post(6, origin=object()))
        self.assertEqual(self.order.gaps(), [(CHAT, 3, 2**62)])
        self.order.distrust(CHAT, 2**62, is_end=True)
        self.assertEqual(self.order.gaps(), [(CHAT, 3, 5)])
        self.assertEqual(seqs(self.order.offer(CHAT, post(4)) + self.order.offer(CHAT, post(5))), [4, 5, 6])

    def test_a_conversation_that_was_claimed(self) -> None:
        """Nothing is kept of a conversation of which the log knows nothing."""
        self.order.offer(CHAT, post(9))
        self.order.distrust(CHAT, 9, is_end=True)
        self.assertEqual((self.order.known(CHAT), self.order.has_gaps()), (False, False))

    def test_somebody_waits(self) -> None:
        """A seq that somebody waits for is missing until the conversation has reached it."""
        self.order.begin(CHAT, 1)
        self.order.want(CHAT, 3)
        self.order.want(CHAT, 2)
        self.assertEqual(self.order.gaps(), [(CHAT, 1, 3)])
        self.order.offer(CHAT, post(2))
        self.order.offer(CHAT, post(3))
        self.assertEqual((self.order.gaps(), self.order.has_gaps()), ([], False))
