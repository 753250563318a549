"""One order for what comes in any."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twim.logic.order import EARLY, Order
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
        """Each once and ascending, from where it was begun, whatever comes first or twice."""
        order = Order()
        order.begin(CHAT, begun)
        given_out = [one for seq in [*came, *again] for one in seqs(order.offer(CHAT, post(seq)))]
        self.assertEqual(given_out, list(range(begun + 1, 9)))
        self.assertEqual((order.gaps(), order.has_gaps()), ([], False))

    def test_where_it_begins(self) -> None:
        """A conversation that nobody knew of begins with its first message."""
        self.assertEqual(seqs(self.order.offer(CHAT, post(2))), [])
        self.assertEqual(self.order.gaps(), [(CHAT, 0, 1)])
        self.assertEqual(seqs(self.order.offer(CHAT, post(1))), [1, 2])

    def test_waits_for_the_place(self) -> None:
        """What comes before the place is known is kept, and not lost when the place is read later."""
        self.assertEqual(self.order.offer(CHAT, post(7), wait=True), [])
        self.assertEqual(self.order.unbegun(), [CHAT])
        self.assertEqual(seqs(self.order.begin(CHAT, 8)), [7])
        self.assertEqual((self.order.place(CHAT), self.order.begin(CHAT, 99)), (7, []))

    def test_bound(self) -> None:
        """Too many early ones are dropped, and said to be; what is missing still gets through."""
        for seq in range(2, EARLY + 4):
            self.order.offer(CHAT, post(seq))
        self.assertTrue(self.order.dropped)
        self.assertEqual(seqs(self.order.offer(CHAT, post(1))), list(range(1, EARLY + 2)))
        self.assertEqual(self.order.place(CHAT), EARLY + 1)

    def test_own_are_kept(self) -> None:
        """A message that was said here is never dropped, nor replaced by what the log says of it."""
        origin = object()
        for seq in range(2, EARLY + 2):
            self.order.offer(CHAT, post(seq))
        self.order.offer(CHAT, post(EARLY + 2, origin))
        self.assertFalse(self.order.dropped)
        self.order.offer(CHAT, post(EARLY + 2))
        self.assertIs(self.order.offer(CHAT, post(1))[-1].origin, origin)

    def test_own_take_the_place(self) -> None:
        """Only what was said here knows its device: it is given, whichever copy of it comes first."""
        for own_first in (True, False):
            self.setUp()
            origin = object()
            copies = [post(3, origin), post(3)]
            for one in copies if own_first else copies[::-1]:
                self.order.offer(CHAT, one)
            self.order.offer(CHAT, post(1))
            self.assertEqual([one.origin for one in self.order.offer(CHAT, post(2))], [None, origin])

    def test_forgotten_own(self) -> None:
        """What was said here and still waits is given back, to be answered."""
        origin = object()
        self.order.offer(CHAT, post(3))
        self.order.offer(CHAT, post(4, origin))
        self.assertEqual([one.origin for one in self.order.forget([CHAT])], [origin])

    def test_forgets(self) -> None:
        """A conversation without anybody here takes no memory."""
        self.order.offer(CHAT, post(3))
        self.order.forget([CHAT])
        self.assertEqual((self.order.known(CHAT), self.order.gaps(), self.order.place(CHAT)), (False, [], 0))
