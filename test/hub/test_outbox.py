"""One device's outbox: everything once and in order, whatever is held, paused or slow, and bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.hub.hub import OnlineUser
from twim.hub.outbox import OUTBOX, TRY_AGAIN_LATER, Outboxes
from twim.hub.session import Session
from twim.storage.interface import Circle


class FakeSocket:
    """A socket that keeps what is written and its close code."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.code: int | None = None

    def send(self, data: bytes) -> None:
        assert self.code is None, "written after the close"
        self.written.append(data)

    def waits(self, above: int) -> int:
        return above

    def shut(self, code: int, reason: str) -> None:
        assert self.code is None, "closed twice"
        self.code = code


def new_session() -> tuple[Session, FakeSocket, Outboxes]:
    socket, outboxes = FakeSocket(), Outboxes(Clock())
    return Session(OnlineUser(1, Circle(set(), set())), 1, socket, outboxes), socket, outboxes


steps = st.lists(
    st.sampled_from(["deliver", "deliver", "deliver", "answer", "flush", "pause", "resume", "hold", "release"]),
    max_size=60,
)


class OrderTests(SynchronousTestCase):
    """What is delivered comes out once and in order."""

    @given(steps)
    def test_any_script(self, script: list[str]) -> None:
        """In random scripts each message comes once, ascending, and a catch-up's before the held ones."""
        session, socket, outboxes = new_session()
        session.release({})
        given_seq, caught_up = 0, 0
        for step in script:
            if step == "deliver":
                given_seq += 1
                session.deliver(10, 3, given_seq, b"%d;" % given_seq)
            elif step == "answer":
                session.put(b"")
            elif step == "flush":
                outboxes.flush()
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
        outboxes.flush()
        session.resume()
        outboxes.flush()
        got = [int(x) for x in b"".join(socket.written).split(b";") if x]
        self.assertEqual(got, sorted(set(got)))
        self.assertTrue(set(range(caught_up + 1, given_seq + 1)) <= set(got), got)

    def end_catch_up(self, session: Session, up_to: int) -> None:
        """End the catch-up: what it gave up to there isn't given again."""
        if session.is_held:
            session.release({"10:3": up_to})

    def test_begins_held(self) -> None:
        """A new session's messages wait for its catch-up; what the catch-up gave isn't given again."""
        session, socket, outboxes = new_session()
        for seq in (5, 6, 7):
            session.deliver(10, 3, seq, b"m%d" % seq)
        session.deliver(11, 3, 1, b"g1")
        session.say(b"hi")
        outboxes.flush()
        self.assertEqual(socket.written, [b"\x81\x02hi"])
        session.release({"10:3": 6})
        outboxes.flush()
        self.assertEqual(socket.written[1:], [b"m7g1"])

    def test_one_write(self) -> None:
        """Everything that was put between two flushes is one write."""
        session, socket, outboxes = new_session()
        session.release({})
        for seq in range(3):
            session.deliver(10, 3, seq, b"x")
        self.assertEqual(outboxes.to_write, [session])
        outboxes.flush()
        self.assertEqual(socket.written, [b"xxx"])

    def test_paused(self) -> None:
        """While the socket is full nothing is written; then everything at once, in order."""
        session, socket, outboxes = new_session()
        session.release({})
        session.pause()
        for piece in (b"a", b"b", b"c"):
            session.put(piece)
            outboxes.flush()
        self.assertEqual(socket.written, [])
        session.resume()
        self.assertEqual(socket.written, [b"abc"])
        session.resume()
        self.assertEqual(socket.written, [b"abc"])


class BoundTests(SynchronousTestCase):
    """What waits is bounded."""

    def test_slow_reader(self) -> None:
        """Exactly the outbox may wait; one byte more closes with 1013, and nothing is kept."""
        session, socket, outboxes = new_session()
        session.release({})
        session.pause()
        session.put(b"x" * OUTBOX)
        outboxes.flush()
        self.assertIsNone(socket.code)
        session.put(b"x")
        outboxes.flush()
        self.assertEqual(socket.code, TRY_AGAIN_LATER)
        self.assertEqual(session.unwritten, 0)
        session.put(b"late")
        session.deliver(10, 3, 1, b"late")
        outboxes.flush()
        session.resume()
        self.assertEqual(socket.written, [])

    def test_held_too_long(self) -> None:
        """What waits for a catch-up is bounded alike; the session is closed by the flush, not while messages are
        handed out."""
        session, socket, outboxes = new_session()
        for seq in range(3):
            session.deliver(10, 3, seq + 1, b"x" * (OUTBOX // 2))
        self.assertIsNone(socket.code)
        outboxes.flush()
        self.assertEqual(socket.code, TRY_AGAIN_LATER)
        self.assertFalse(session.is_held)

    def test_closed_once(self) -> None:
        """Closing again, or after the connection is gone, does nothing."""
        session, socket, _ = new_session()
        session.opening = Clock().callLater(1, lambda: None)
        session.shut(1012, "restarting")
        session.shut(1013, "again")
        session.closed()
        self.assertEqual((socket.code, session.opening), (1012, None))


class ManyTests(SynchronousTestCase):
    """Delivering to many at once does what delivering to each does."""

    def devices(self, script: str) -> tuple[Outboxes, list[tuple[Session, FakeSocket]]]:
        """Three devices of user 1: held, after a catch-up that gave more than was delivered, and plain."""
        outboxes, made = Outboxes(Clock()), []
        for kind in script:
            socket = FakeSocket()
            session = Session(OnlineUser(1, Circle(set(), set())), 1, socket, outboxes)
            if kind != "h":
                session.release({}, {"10:3": 2} if kind == "g" else None)
            made.append((session, socket))
        return outboxes, made

    @given(st.text("hgp", max_size=5), st.integers(1, 4), st.sampled_from([None, "h", "p"]))
    def test_single(self, script: str, seq: int, origin: str | None) -> None:
        """A single chat's message reaches all devices: one that is held, one that isn't, and one without an answer."""
        written = []
        for at_once in (True, False):
            outboxes, made = self.devices((origin or "p") + script)
            sender, receivers = made[0][0], [session for session, _ in made[1:]]
            if at_once:
                outboxes.deliver_single(sender if origin else None, b"answer", receivers, 3, seq, b"message")
            else:
                if origin:
                    sender.answer(b"answer")
                for session in receivers:
                    session.deliver(10, 3, seq, b"message")
            for session, _ in made:
                session.release({"10:3": 2})
            outboxes.flush()
            written.append([socket.written for _, socket in made])
        self.assertEqual(*written)

    @given(st.text("hgp", max_size=5), st.sets(st.integers(0, 4)))
    def test_together(self, script: str, apart: set[int]) -> None:
        """Frames for a group: the plain devices get them in one write, the others are given back."""
        outboxes, made = self.devices(script)
        user = OnlineUser(1, Circle(set(), set()))
        user.sessions = [session for session, _ in made]
        those = {made[number][0] for number in apart if number < len(made)}
        plain = [script[number] == "p" and one not in those for number, (one, _) in enumerate(made)]
        left_out = []
        for one in outboxes.deliver_together([user], b"frames", those):
            left_out.append(one)
            one.put(b"answer")
        order = [one for one in outboxes.to_write if one in user.sessions]
        self.assertEqual(order, sorted(order, key=user.sessions.index))
        outboxes.flush()
        self.assertEqual([socket.written == [b"frames"] for _, socket in made], plain)
        self.assertEqual(left_out, [one for (one, _), is_plain in zip(made, plain, strict=True) if not is_plain])
