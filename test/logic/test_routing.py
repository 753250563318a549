"""Delivery: which devices get a message, in which order and in how many writes; no device disturbs another."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.errors import Refusal, Unavailable
from twim.hub.hub import Hub
from twim.hub.outbox import OUTBOX, TRY_AGAIN_LATER, Outboxes
from twim.hub.session import Session
from twim.logic.routing import Routing
from twim.storage.interface import Circle, Conversation, Post
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import Message, encode


class LeavingSocket:
    """A socket whose close makes its device leave the hub at once, as the real one does."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.session: Session | None = None
        self.writes: list[bytes] = []
        self.code: int | None = None

    def send(self, data: bytes) -> None:
        self.writes.append(data)

    def waits(self, above: int) -> int:
        return above

    def shut(self, code: int, reason: str) -> None:
        assert self.session is not None
        self.code = code
        self.hub.remove(self.session)

    def heard(self) -> list[dict[str, Any]]:
        """The frames that arrived, with short payloads."""
        data, frames = b"".join(self.writes), []
        while data:
            length, start = (data[1], 2) if data[1] < 126 else (int.from_bytes(data[2:4], "big"), 4)
            frames.append(json.loads(data[start : start + length]))
            data = data[start + length :]
        return frames


class RoutingTests(SynchronousTestCase):
    """`Routing` over a real hub."""

    def setUp(self) -> None:
        self.hub = Hub()
        self.outboxes = Outboxes(Clock())
        self.routing = Routing(self.hub, self.outboxes, Clock())

    def device(self, userid: int, *groups: int, held: bool = False) -> LeavingSocket:
        """Open one more device of the user."""
        socket = LeavingSocket(self.hub)
        present = self.hub.enter(userid, Circle(set(), set(groups)))
        socket.session = Session(present, 1, socket, self.outboxes)
        if not held:
            socket.session.release({})
        self.hub.add(present, socket.session)
        return socket

    def post(
        self, cmd: int, userid: int, dstid: int, seq: int, origin: LeavingSocket | None = None, **more: Any
    ) -> Post:
        """A message that is stored."""
        said = Message(userid=userid, cmd=cmd, dstid=dstid, media=1, seq=seq, at=5, **more)
        post = Post(origin and origin.session, said, Conversation(1, cmd, userid, dstid, seq))
        post.body = encode(said)
        return post

    def test_a_repeat_elsewhere_in_the_batch(self) -> None:
        """A cid that was used in a group and is said again to a friend, or to another group, in the same batch: the
        answer covers what the group was told before, and comes after it."""
        for again in (SINGLE, GROUP):
            sender = self.device(1, 8, 9)
            repeat = self.post(again, 1, 8, 0, sender, cid="c")
            repeat.first = (GROUP, 9, 2, 5)
            posts = [
                self.post(GROUP, 8, 8, 1),
                repeat,
                self.post(GROUP, 3, 9, 1),
                self.post(GROUP, 1, 9, 2, sender, cid="c"),
            ]
            self.routing.committed(posts)
            told = [(frame["dstid"], frame["seq"]) for frame in sender.heard()]
            self.assertEqual(told, [(8, 1), (9, 1), (9, 2), (9, 2)])

    def test_start_over(self) -> None:
        """Messages that were thought lost and appear on the disk: the devices they are for reconnect, and no others."""
        both = [self.device(1, 9), self.device(2), self.device(3, 9)]
        other = self.device(4, 8)
        self.routing.start_over([self.post(SINGLE, 1, 2, 5), self.post(SINGLE, 2, 1, 6), self.post(GROUP, 1, 9, 1)])
        self.assertEqual([one.code for one in [*both, other]], [TRY_AGAIN_LATER] * 3 + [None])

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
        """A user who wrote at the same time gets the answer after the messages before it, not first."""
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
        """An answer waits like the messages before it, and isn't dropped as one that the catch-up gave."""
        one, two = self.device(1, 7), self.device(2, 7)
        assert one.session is not None
        one.session.hold()
        self.routing.committed([self.post(GROUP, 2, 7, 5, two), self.post(GROUP, 1, 7, 6, one, id=6)])
        self.assertEqual(one.heard(), [])
        one.session.release({"11:7": 5})
        self.routing.flush()
        self.assertEqual([(f["cmd"], f["seq"]) for f in one.heard()], [(1, 6)])

    def test_answer_of_who_left_the_group(self) -> None:
        """A sender who left between sending and commit is answered."""
        one, two = self.device(1, 7), self.device(2, 7)
        self.hub.left(1, 7)
        self.routing.committed([self.post(GROUP, 1, 7, 1, one, id=4)])
        self.assertEqual([(f["cmd"], f["id"]) for f in one.heard()], [(1, 4)])
        self.assertEqual([f["seq"] for f in two.heard()], [1])

    def test_sender_that_left(self) -> None:
        """The sender's other device gets the message although the sending one disconnected before the commit."""
        sending, beside = self.device(1), self.device(1)
        assert sending.session is not None
        self.hub.remove(sending.session)
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
        """When nothing was stored only the senders are told."""
        sending, peer = self.device(1), self.device(2)
        self.routing.failed([self.post(SINGLE, 1, 2, 0, sending, id=1), self.post(SINGLE, 2, 1, 0)], Unavailable())
        self.assertEqual([f["code"] for f in sending.heard()], [Unavailable.code])
        self.assertEqual(peer.writes, [])

    def test_group(self) -> None:
        """Every device of a member gets the message once; each sending device gets all but its own; nobody else gets
        any."""
        first, second, third = self.device(1, 7), self.device(2, 7), self.device(3, 7)
        outside = self.device(4, 8)
        self.routing.committed(
            [self.post(GROUP, 1, 7, 1, first), self.post(GROUP, 2, 7, 2, second), self.post(GROUP, 1, 7, 3)]
        )
        for socket, seqs in ((first, [2, 3]), (second, [1, 3]), (third, [1, 2, 3]), (outside, [])):
            self.assertEqual([f["seq"] for f in socket.heard()], seqs)

    def test_held_and_slow(self) -> None:
        """Devices that overflow while they are held are closed, and no other device misses a message."""
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
        self.assertEqual(self.hub.connections, 5)

    def test_too_slow_in_a_flush(self) -> None:
        """The same for devices that overflow at the flush."""
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
