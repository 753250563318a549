"""Many connections at once are looked up together, and each is answered for itself."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from twim.access.websocket import authentication
from twim.access.websocket.authentication import Authentication
from twim.errors import NotLoggedIn, TooMany, Unavailable
from twim.hub.hub import Hub
from twim.logic.accounts import LoggedIn, Tokens
from twim.storage.interface import Circle

Asked = tuple[list[bytes], list[int]]


def token_of(number: int) -> bytes:
    """The hash of the token of user `number`."""
    return number.to_bytes(32, "big")


class SlowStore:
    """A store whose answers come when the test gives them."""

    def __init__(self) -> None:
        self.hops: list[tuple[Asked, Deferred[Any]]] = []

    def arriving(self, tokenhashes: list[bytes], userids: list[int]) -> Deferred[Any]:
        self.hops.append(((sorted(tokenhashes), sorted(userids)), Deferred()))
        return self.hops[-1][1]

    def asked(self) -> list[int]:
        """The numbers of the tokens in the newest query."""
        return [int.from_bytes(one, "big") for one in self.hops[-1][0][0]]

    def answer(self, *unknown: int) -> None:
        """Answer the newest query: user n has the device 100 + n and the friend 200 + n, except for unknown ones."""
        (tokenhashes, userids), hop = self.hops[-1]
        numbers = {one: int.from_bytes(one, "big") for one in tokenhashes}
        known = {one: (n, 100 + n) for one, n in numbers.items() if n not in unknown}
        everybody = {*userids, *(userid for userid, _ in known.values())}
        hop.callback((known, {n: Circle({200 + n}, set()) for n in everybody}))


class AuthenticationTests(SynchronousTestCase):
    """`Authentication`."""

    def setUp(self) -> None:
        self.store = SlowStore()
        self.hub = Hub()
        self.tokens = Tokens(None)  # type: ignore[arg-type]
        self.authentication = Authentication(self.tokens, self.store, self.hub)  # type: ignore[arg-type]

    def read(self, number: int) -> Deferred[tuple[LoggedIn, Circle]]:
        return self.authentication.read(token_of(number))

    def assert_read(self, waiting: Deferred[tuple[LoggedIn, Circle]], number: int) -> None:
        who, circle = self.successResultOf(waiting)
        self.assertEqual((who.userid, who.deviceid, circle.friends), (number, 100 + number, {200 + number}))

    def test_together(self) -> None:
        """The first is looked up at once; those that come meanwhile are looked up together after it."""
        first = self.read(1)
        others = [self.read(number) for number in range(2, 10)]
        self.assertEqual(self.store.asked(), [1])
        self.store.answer()
        self.assert_read(first, 1)
        self.assertEqual(self.store.asked(), list(range(2, 10)))
        self.store.answer()
        for number, waiting in enumerate(others, 2):
            self.assert_read(waiting, number)
        self.assertEqual(len(self.store.hops), 2)

    def test_bounded_hop(self) -> None:
        """One query looks up no more tokens than its bound, in the order of coming."""
        self.patch(authentication, "TOGETHER", 3)
        waiting = [self.read(number) for number in range(1, 9)]
        for expected in ([1], [2, 3, 4], [5, 6, 7], [8]):
            self.assertEqual(self.store.asked(), expected)
            self.store.answer()
        for number, one in enumerate(waiting, 1):
            self.assert_read(one, number)

    def test_unknown_among_known(self) -> None:
        """An unknown token is refused, and no other."""
        self.read(1)
        known, unknown = self.read(2), self.read(3)
        self.store.answer()
        self.store.answer(3)
        self.assert_read(known, 2)
        self.failureResultOf(unknown, NotLoggedIn)

    def test_token_known_already(self) -> None:
        """For a known token only the friends and groups are read, once for two devices of a user."""
        self.read(1)
        self.tokens.learn(token_of(2), 2, 102)
        both = [self.read(2), self.read(2)]
        self.store.answer()
        self.assertEqual(self.store.hops[-1][0], ([], [2]))
        self.store.answer()
        for waiting in both:
            self.assert_read(waiting, 2)

    def test_learned(self) -> None:
        """A token that was looked up is known from then on."""
        self.read(1)
        self.store.answer()
        self.assertEqual(self.tokens.known(token_of(1)), LoggedIn(1, 101))

    def test_changed_meanwhile(self) -> None:
        """If a friendship or device changes during a query, everybody in it is looked up again."""
        for change in (lambda: self.hub.befriended(1, 2), lambda: self.tokens.forget(5)):
            waiting = [self.read(number) for number in (1, 2)]
            self.store.answer()
            self.assertEqual(self.store.asked(), [2])
            change()
            late = self.store.hops[-1][1]
            self.store.answer()
            self.assertEqual(self.store.asked(), [2])
            self.assertIsNot(late, self.store.hops[-1][1])
            self.assertNoResult(waiting[1])
            self.store.answer()
            self.assert_read(waiting[1], 2)
            self.tokens.forget(101)
            self.tokens.forget(102)

    def test_ended_meanwhile(self) -> None:
        """A device that ends while it is looked up is refused and not remembered."""
        waiting = self.read(1)
        self.tokens.forget(101)
        self.store.answer()
        self.store.answer(1)
        self.failureResultOf(waiting, NotLoggedIn)
        self.assertIsNone(self.tokens.known(token_of(1)))

    def test_changed_by_who_is_let_in(self) -> None:
        """A change made by an admitted device is seen by those who were looked up with it."""
        self.read(1)
        first, second = self.read(2), self.read(3)
        first.addCallback(lambda found: self.hub.befriended(3, 9) or found)
        self.store.answer()
        self.store.answer()
        self.assert_read(first, 2)
        self.assertNoResult(second)
        self.store.answer()
        self.assert_read(second, 3)

    def test_gone(self) -> None:
        """A connection that is gone before or during the query disturbs nobody, and isn't looked up any more."""
        going, staying, waiting_in_vain, last = self.read(1), self.read(2), self.read(3), self.read(4)
        waiting_in_vain.cancel()
        self.failureResultOf(waiting_in_vain, CancelledError)
        going.cancel()
        self.failureResultOf(going, CancelledError)
        self.store.answer()
        self.assertEqual(self.store.asked(), [2, 4])
        last.cancel()
        self.failureResultOf(last, CancelledError)
        self.hub.changes += 1
        self.store.answer()
        self.assertEqual(self.store.asked(), [2])
        self.store.answer()
        self.assert_read(staying, 2)
        self.assertEqual(len(self.store.hops), 3)

    def test_no_storage(self) -> None:
        """A failure of the storage refuses everybody in the query, and the next query is made all the same."""
        for refusal in (Unavailable(), TooMany("the storage is busy")):
            first, second = self.read(1), self.read(2)
            self.store.hops[-1][1].errback(refusal)
            self.failureResultOf(first, type(refusal))
            self.assertNoResult(second)
            self.store.answer()
            self.assert_read(second, 2)
            self.tokens.forget(102)

    def test_too_many(self) -> None:
        """A connection beyond the bound of the queue is refused; one that is gone makes room."""
        self.patch(authentication, "WAITING", 2)
        self.read(1)
        second, third = self.read(2), self.read(3)
        self.failureResultOf(self.read(4), TooMany)
        second.cancel()
        self.failureResultOf(second, CancelledError)
        fourth = self.read(4)
        self.store.answer()
        self.store.answer()
        self.assert_read(third, 3)
        self.assert_read(fourth, 4)
