"""One device's outbox: everything once and in order, whatever is held, paused or slow, and never without bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.access.roster import Present
from twim.access.session import OUTBOX, POLICY, TRY_AGAIN_LATER, WRONG_SECONDS, WRONGS, Session
from twim.errors import Refusal, TooMany, Unavailable


class FakeSocket:
    """Keeps what is written, and the code it was closed with."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.code: int | None = None

    def send(self, data: bytes) -> None:
        assert self.code is None, "written after the close"
        self.written.append(data)

    def shut(self, code: int, reason: str) -> None:
        assert self.code is None, "closed twice"
        self.code = code


def new_session() -> tuple[Session, FakeSocket, list[Session]]:
    socket, dirty = FakeSocket(), list[Session]()
    return Session(Present(1, set(), set()), 1, socket, dirty), socket, dirty


def flush(dirty: list[Session]) -> None:
    """As the routing does it."""
    ready = dirty[:]
    dirty.clear()
    for session in ready:
        if session.pending:
            session.flush()


steps = st.lists(
    st.sampled_from(["deliver", "deliver", "deliver", "answer", "flush", "pause", "resume", "hold", "release"]),
    max_size=60,
)


class OrderTests(SynchronousTestCase):
    """What is delivered comes out once and in order."""

    @given(steps)
    def test_any_script(self, script: list[str]) -> None:
        """Whatever happens meanwhile: each message once, ascending; a catch-up's own before those held."""
        session, socket, dirty = new_session()
        session.release({})
        given_seq, caught_up = 0, 0
        for step in script:
            if step == "deliver":
                given_seq += 1
                session.deliver(10, 3, given_seq, b"%d;" % given_seq)
            elif step == "answer":
                session.put(b"")
            elif step == "flush":
                flush(dirty)
            elif step == "pause":
                session.pause()
            elif step == "resume":
                session.resume()
            elif step == "hold":
                session.hold()
                # The catch-up reads all that is stored by now, and what was put before is on its way.
                caught_up = given_seq
            else:
                self.end_catch_up(session, caught_up)
        self.end_catch_up(session, caught_up)
        flush(dirty)
        session.resume()
        flush(dirty)
        got = [int(x) for x in b"".join(socket.written).split(b";") if x]
        self.assertEqual(got, sorted(set(got)))
        self.assertTrue(set(range(caught_up + 1, given_seq + 1)) <= set(got), got)

    def end_catch_up(self, session: Session, up_to: int) -> None:
        """What it gave, up to there, isn't given again."""
        if session.held is not None:
            session.release({"10:3": up_to})

    def test_begins_held(self) -> None:
        """A new session's messages wait for its catch-up; what the catch-up gave isn't given again."""
        session, socket, dirty = new_session()
        for seq in (5, 6, 7):
            session.deliver(10, 3, seq, b"m%d" % seq)
        session.deliver(11, 3, 1, b"g1")
        session.say(b"hi")
        flush(dirty)
        self.assertEqual(socket.written, [b"\x81\x02hi"])
        session.release({"10:3": 6})
        flush(dirty)
        self.assertEqual(socket.written[1:], [b"m7g1"])

    def test_one_write(self) -> None:
        """What was put between two flushes is one write."""
        session, socket, dirty = new_session()
        session.release({})
        for seq in range(3):
            session.deliver(10, 3, seq, b"x")
        self.assertEqual(len(dirty), 1)
        flush(dirty)
        self.assertEqual(socket.written, [b"xxx"])

    def test_paused(self) -> None:
        """While the socket is full nothing is written; then all of it, in order, at once."""
        session, socket, dirty = new_session()
        session.release({})
        session.pause()
        for piece in (b"a", b"b", b"c"):
            session.put(piece)
            flush(dirty)
        self.assertEqual(socket.written, [])
        session.resume()
        self.assertEqual(socket.written, [b"abc"])
        session.resume()
        self.assertEqual(socket.written, [b"abc"])


class BoundTests(SynchronousTestCase):
    """Nothing waits without bound."""

    def test_slow_reader(self) -> None:
        """Exactly the outbox may wait; one byte more closes with 1013, and nothing is kept."""
        session, socket, dirty = new_session()
        session.release({})
        session.pause()
        session.put(b"x" * OUTBOX)
        flush(dirty)
        self.assertIsNone(socket.code)
        session.put(b"x")
        flush(dirty)
        self.assertEqual(socket.code, TRY_AGAIN_LATER)
        self.assertIsNone(session.waiting)
        session.put(b"late")
        session.deliver(10, 3, 1, b"late")
        flush(dirty)
        session.resume()
        self.assertEqual(socket.written, [])

    def test_held_too_long(self) -> None:
        """So may what waits for a catch-up; it is closed by the flush and not while messages are handed out."""
        session, socket, dirty = new_session()
        for seq in range(3):
            session.deliver(10, 3, seq + 1, b"x" * (OUTBOX // 2))
        self.assertIsNone(socket.code)
        flush(dirty)
        self.assertEqual(socket.code, TRY_AGAIN_LATER)
        self.assertIsNone(session.held)

    def test_wrong_frames(self) -> None:
        """The 21st wrong frame within a minute closes; spread over more it doesn't."""
        session, socket, dirty = new_session()
        for number in range(WRONGS):
            session.refuse(Refusal("no"), number, "", number * WRONG_SECONDS / WRONGS)
        flush(dirty)
        self.assertEqual(b"".join(socket.written).count(b'"code":-1'), WRONGS)
        session.refuse(Refusal("no"), 0, "", WRONG_SECONDS)
        self.assertIsNone(socket.code)
        session.refuse(Refusal("no"), 0, "", WRONG_SECONDS + 1)
        self.assertEqual(socket.code, POLICY)
        self.assertEqual(b"".join(socket.written).count(b'"code":-1'), WRONGS + 2)

    def test_not_the_clients_fault(self) -> None:
        """What is refused because we are busy isn't counted."""
        session, socket, _ = new_session()
        for refused in (TooMany(), Unavailable()) * (WRONGS + 5):
            session.refuse(refused, 0, "", 1.0)
        self.assertIsNone(socket.code)

    def test_closed_once(self) -> None:
        """Closing again, or after the connection is gone, does nothing."""
        session, socket, _ = new_session()
        session.opening = Clock().callLater(1, lambda: None)
        session.shut(1012, "restarting")
        session.shut(1013, "again")
        session.closed()
        self.assertEqual((socket.code, session.opening), (1012, None))
