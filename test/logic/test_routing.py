"""Delivery: to whom, in which order, in how many writes; and no device's trouble is another's."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.access.roster import Roster
from twim.access.session import OUTBOX, TRY_AGAIN_LATER, Session
from twim.errors import Refusal, Unavailable
from twim.logic.routing import Routing
from twim.storage.interface import Conversation, Post
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import Message, encode


class LeavingSocket:
    """A socket whose close makes its device leave the roster at once, as the real one does."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self.session: Session | None = None
        self.writes: list[bytes] = []
        self.code: int | None = None

    def send(self, data: bytes) -> None:
        self.writes.append(data)

    def shut(self, code: int, reason: str) -> None:
        assert self.session is not None
        self.code = code
        self.roster.remove(self.session.user, self.session)

    def heard(self) -> list[dict[str, Any]]:
        """The frames, of short payloads."""
        data, frames = b"".join(self.writes), []
        while data:
            length, start = (data[1], 2) if data[1] < 126 else (int.from_bytes(data[2:4], "big"), 4)
            frames.append(json.loads(data[start : start + length]))
            data = data[start + length :]
        return frames


class RoutingTests(SynchronousTestCase):
    """`Routing` over a real roster."""

    def setUp(self) -> None:
        self.roster = Roster()
        self.dirty: list[Session] = []
        self.routing = Routing(self.roster, self.dirty, Clock())

    def device(self, userid: int, *groups: int, held: bool = False) -> LeavingSocket:
        """One more device of the user."""
        socket = LeavingSocket(self.roster)
        present = self.roster.enter(userid, set(), set(groups))
        socket.session = Session(present, 1, socket, self.dirty)
        if not held:
            socket.session.release({})
        self.roster.add(present, socket.session)
        return socket

    def post(
        self, cmd: int, userid: int, dstid: int, seq: int, origin: LeavingSocket | None = None, **more: Any
    ) -> Post:
        """A message that is stored."""
        said = Message(userid=userid, cmd=cmd, dstid=dstid, media=1, seq=seq, at=5, **more)
        post = Post(origin and origin.session, said, Conversation(1, cmd, userid, dstid, seq))
        post.body = encode(said)
        return post

    def test_answer_and_delivery(self) -> None:
        """The sending device is answered, the others of both users get the message, in one write each."""
        sending, beside, peer = self.device(1), self.device(1), self.device(2)
        posts = [self.post(SINGLE, 1, 2, seq, sending, cid=f"c{seq}") for seq in (1, 2, 3)]
        self.routing.committed(posts)
        self.assertEqual([f["cid"] for f in sending.heard()], ["c1", "c2", "c3"])
        self.assertEqual({f["cmd"] for f in sending.heard()}, {1})
        for socket in (beside, peer):
            self.assertEqual([(f["cmd"], f["seq"]) for f in socket.heard()], [(10, 1), (10, 2), (10, 3)])
            self.assertEqual(len(socket.writes), 1)
        self.assertEqual(self.routing.delivered, 6)

    def test_answers_in_their_places(self) -> None:
        """Who wrote at the same time hears of its own message after those before it, not first."""
        one, two = self.device(1, 7), self.device(2, 7)
        self.routing.committed(
            [
                self.post(cmd, user, dstid, seq, socket, id=seq)
                for cmd, ends in ((SINGLE, {1: 2, 2: 1}), (GROUP, {1: 7, 2: 7}))
                for seq, (user, socket) in enumerate([(2, two), (1, one), (1, one), (2, two)], 1)
                for dstid in [ends[user]]
            ]
        )
        for socket, own in ((one, (2, 3)), (two, (1, 4))):
            for start in (0, 4):
                heard = [(f["cmd"] == 1, f["seq"]) for f in socket.heard()[start : start + 4]]
                self.assertEqual(heard, [(seq in own, seq) for seq in (1, 2, 3, 4)])

    def test_answer_while_catching_up(self) -> None:
        """An answer waits like the messages before it, and isn't taken for one that the catch-up gave."""
        one, two = self.device(1, 7), self.device(2, 7)
        assert one.session is not None
        one.session.hold()
        self.routing.committed([self.post(GROUP, 2, 7, 5, two), self.post(GROUP, 1, 7, 6, one, id=6)])
        self.assertEqual(one.heard(), [])
        one.session.release({"11:7": 5})
        self.routing.flush()
        self.assertEqual([(f["cmd"], f["seq"]) for f in one.heard()], [(1, 6)])

    def test_answer_of_who_left_the_group(self) -> None:
        """Who left between sending and commit is answered."""
        one, two = self.device(1, 7), self.device(2, 7)
        self.roster.left(1, 7)
        self.routing.committed([self.post(GROUP, 1, 7, 1, one, id=4)])
        self.assertEqual([(f["cmd"], f["id"]) for f in one.heard()], [(1, 4)])
        self.assertEqual([f["seq"] for f in two.heard()], [1])

    def test_sender_that_left(self) -> None:
        """The sender's other device gets the message although the sending one is gone before the commit."""
        sending, beside = self.device(1), self.device(1)
        assert sending.session is not None
        self.roster.remove(sending.session.user, sending.session)
        sending.session.closed()
        self.routing.committed([self.post(SINGLE, 1, 2, 1, sending, id=4)])
        self.assertEqual([f["seq"] for f in beside.heard()], [1])

    def test_repeats_and_refusals(self) -> None:
        """A repeat is answered and not delivered again; a refusal is answered alone."""
        sending, peer = self.device(1), self.device(2)
        repeat = self.post(SINGLE, 1, 2, 0, sending, cid="again")
        repeat.first = (SINGLE, 2, 7, 3)
        refused = self.post(SINGLE, 1, 2, 0, sending, id=9)
        refused.refused = Refusal("no")
        self.routing.committed([repeat, refused])
        self.assertEqual(peer.writes, [])
        by_cmd = {f.get("cid") or f["id"]: f for f in sending.heard()}
        self.assertEqual((by_cmd["again"]["seq"], by_cmd["again"]["at"]), (7, 3))
        self.assertEqual((by_cmd[9]["code"], by_cmd[9]["msg"]), (-1, "no"))

    def test_failed(self) -> None:
        """When nothing was stored the senders are told, and nobody else."""
        sending, peer = self.device(1), self.device(2)
        self.routing.failed([self.post(SINGLE, 1, 2, 0, sending, id=1), self.post(SINGLE, 2, 1, 0)], Unavailable())
        self.assertEqual([f["code"] for f in sending.heard()], [Unavailable.code])
        self.assertEqual(peer.writes, [])

    def test_group(self) -> None:
        """Every member's device once; each sending device everything but its own; nobody outside."""
        first, second, third = self.device(1, 7), self.device(2, 7), self.device(3, 7)
        outside = self.device(4, 8)
        self.routing.committed(
            [self.post(GROUP, 1, 7, 1, first), self.post(GROUP, 2, 7, 2, second), self.post(GROUP, 1, 7, 3)]
        )
        for socket, seqs in ((first, [2, 3]), (second, [1, 3]), (third, [1, 2, 3]), (outside, [])):
            self.assertEqual([f["seq"] for f in socket.heard()], seqs)

    def test_held_and_slow(self) -> None:
        """Devices that overflow while they are held leave, and cost nobody in the room or beside them a message."""
        beside = [self.device(1), self.device(1, held=True), self.device(1)]
        room = [self.device(user, 7, held=user % 2 == 0) for user in range(2, 8)]
        for socket in (beside[1], *room[::2]):
            assert socket.session is not None
            socket.session.deliver(GROUP, 9, 1, b"x" * OUTBOX)
        self.routing.committed([self.post(GROUP, 9, 7, 1), self.post(SINGLE, 9, 1, 1)])
        for socket in (beside[1], *room[::2]):
            self.assertEqual(socket.code, TRY_AGAIN_LATER)
        for socket in (beside[0], beside[2], *room[1::2]):
            self.assertEqual([f["seq"] for f in socket.heard()], [1])
        self.assertEqual(self.roster.connections, 5)

    def test_too_slow_in_a_flush(self) -> None:
        """Nor do those that overflow at the flush."""
        room = [self.device(user, 7) for user in range(1, 5)]
        for socket in room[:2]:
            assert socket.session is not None
            socket.session.pause()
            socket.session.put(b"x" * OUTBOX)
        self.routing.committed([self.post(GROUP, 9, 7, 1)])
        self.assertEqual([socket.code for socket in room], [TRY_AGAIN_LATER, TRY_AGAIN_LATER, None, None])
        self.assertEqual([len(socket.heard()) for socket in room[2:]], [1, 1])

    def test_said_to_users(self) -> None:
        """What is said to users reaches all their devices but the one that is left out."""
        first, second, other = self.device(1), self.device(1), self.device(2)
        self.routing.to_users([1, 2, 3], b"{}", but=first.session)
        self.routing.flush()
        self.assertEqual([len(socket.writes) for socket in (first, second, other)], [0, 1, 1])
