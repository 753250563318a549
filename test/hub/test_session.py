"""A device that sends wrong frames is answered, and closed when they are too many."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from test.hub.test_outbox import new_session
from twim.errors import Refusal, TooMany, Unavailable
from twim.hub.session import POLICY, WRONG_SECONDS, WRONGS


class WrongFrames(SynchronousTestCase):
    """`Session.refuse`."""

    def test_wrong_frames(self) -> None:
        """The 21st wrong frame within a minute closes; spread over more it doesn't."""
        session, socket, outboxes = new_session()
        for number in range(WRONGS):
            session.refuse(Refusal("no"), number, "", number * WRONG_SECONDS / WRONGS)
        outboxes.flush()
        self.assertEqual(b"".join(socket.written).count(b'"code":-1'), WRONGS)
        session.refuse(Refusal("no"), 0, "", WRONG_SECONDS)
        self.assertIsNone(socket.code)
        session.refuse(Refusal("no"), 0, "", WRONG_SECONDS + 1)
        self.assertEqual(socket.code, POLICY)
        self.assertEqual(b"".join(socket.written).count(b'"code":-1'), WRONGS + 2)

    def test_not_the_clients_fault(self) -> None:
        """A refusal because the server is busy isn't counted as a wrong frame."""
        session, socket, _ = new_session()
        for refused in (TooMany(), Unavailable()) * (WRONGS + 5):
            session.refuse(refused, 0, "", 1.0)
        self.assertIsNone(socket.code)
