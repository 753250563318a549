"""Events from the bus that are false or unreadable are dropped and counted, and disturb nobody."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from test.logic.cluster_world import Device
from test.logic.two_nodes import ANN, BEN, CAT, TEAM, TwoNodes
from twim.cluster.interface import NodeInfo
from twim.logic import cluster_events, remote_presence
from twim.storage.interface import Key
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import Message, encode

PAIR: Key = (SINGLE, ANN, BEN)
pack = msgspec.msgpack.encode
HUGE = 2**64 - 1
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), HUGE) | st.floats() | st.text(max_size=5) | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def message(**fields: Any) -> bytes:
    said = {"userid": BEN, "cmd": SINGLE, "dstid": ANN, "media": 1, "content": "forged", "seq": 1, "at": 1} | fields
    return encode(Message(**said))


class Told(TwoNodes):
    """Two nodes, of which one is sent false events in the other's name."""

    def setUp(self) -> None:
        super().setUp()
        self.ann, self.ben = self.a.enter(ANN), self.b.enter(BEN)
        self.settle()

    def hear(self, event: bytes) -> None:
        self.a.applying.heard("b", event)

    def goes_on(self, within: float = 0.3) -> None:
        """Check that the next messages come at once, and each once."""
        before = len(self.world.messages[PAIR])
        for _ in range(3):
            self.b.post(self.ben, SINGLE, ANN)
        self.settle(within)
        self.assertEqual(self.ann.given().get(PAIR, [])[-3:], [before + 1, before + 2, before + 3])
        self.assertEqual(self.ann.mistakes(), [])


class FromTheBus(Told):
    """Events."""

    def test_unreadable(self) -> None:
        """An event that can't be read is dropped and counted, and the next is handled."""
        for event in (
            b"\xc1",
            b"",
            pack([]),
            pack([99, 1]),
            pack([1, "text"]),
            pack([1, b"bytes"]),
            pack([1, [b"no JSON"]]),
            pack([1, [b"[" * 100_000]]),
            pack([1, [b'{"cmd":10,"userid":2,"dstid":1,"seq":1,"x":"\xff"}']]),
            pack([1, [message(cmd=12)]]),
            pack([1, [message(), message(cmd=12)]]),
            pack([1, [message(seq=0)]]),
            pack([1, [message(userid=0)]]),
            pack([1, [b'{"cmd":10,"userid":2,"dstid":1,"seq":-1}']]),
            pack([1, [b'{"cmd":10,"userid":2,"dstid":1,"seq":1.5}']]),
            pack([1, [b'{"cmd":10,"userid":2,"dstid":1,"seq":%d}' % 2**70]]),
            pack([2, [ANN], b"\xff"]),
            pack([2, [ANN], b"[]"]),
            pack([2, [ANN], message()]),
            pack([2, [ANN] * (cluster_events.PIECE + 1), b'{"cmd":5}']),
            pack([3, -1, b'{"cmd":5}']),
            pack([4, HUGE, 1, True]),
            pack([8, [1.5], False]),
            b"\x93\x09\xa2\xff\xfe",
        ):
            before = self.a.applying.problems.dropped
            self.hear(event)
            self.assertEqual(self.a.applying.problems.dropped, before + 1, event[:60])
        self.settle(0.5)
        self.assertEqual(self.ann.given(), {})
        self.goes_on()

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=40) | anything.map(pack) | st.lists(anything, max_size=4).map(lambda x: pack([1, x])))
    def test_anything(self, event: bytes) -> None:
        """No bytes raise an exception."""
        self.hear(event)

    def test_told_once_a_minute(self) -> None:
        """Ten thousand of them make one line in the log."""
        lines: list[object] = []
        self.a.applying.problems._log.warn = lambda *_, **fields: lines.append(fields)
        self.addCleanup(lambda: self.a.applying.problems._log.__dict__.pop("warn"))
        for _ in range(10_000):
            self.hear(b"\xc1")
        self.assertEqual(len(lines), 1)

    def leaps(self, **fields: Any) -> None:
        self.hear(pack([1, [message(**fields)]]))

    def test_a_seq_that_leaps(self) -> None:
        """A message with a seq beyond the end of the log isn't delivered, blocks none, and is looked up once."""
        self.b.post(self.ben, SINGLE, ANN)
        self.settle()
        reads: list[Key] = []
        between = self.world.between
        self.world.between = lambda key, *rest: (reads.append(key), between(key, *rest))[1]  # type: ignore[method-assign]
        for seq in (2**53 - 1, 10**6, 900, 6):
            self.leaps(seq=seq)
        self.goes_on()
        self.settle(5)
        self.assertNotIn("forged", [frame["content"] for frame in self.ann.heard(SINGLE)])
        self.assertLess(len(reads), 8)
        self.assertFalse(self.a.cluster.delivery.order.has_gaps())

    def test_a_leap_in_a_chat_that_never_was(self) -> None:
        """The same in a conversation that doesn't exist: nothing of it is kept."""
        self.leaps(userid=7, seq=50)
        self.leaps(cmd=GROUP, dstid=TEAM, seq=50)
        self.settle()
        self.assertEqual(self.ann.given(), {})
        self.assertFalse(self.a.cluster.delivery.order.known((SINGLE, ANN, 7)))
        self.goes_on()

    def test_early_and_false(self) -> None:
        """A message that comes early is delivered as the log has it, not as the event had it."""
        self.b.publish, publish = (lambda topics, event: None), self.b.publish  # type: ignore[method-assign]
        for _ in range(3):
            self.b.post(self.ben, SINGLE, ANN)
        self.leaps(seq=3)
        self.settle()
        self.b.publish = publish  # type: ignore[method-assign]
        self.assertEqual([frame["content"] for frame in self.ann.heard(SINGLE)], ["x"] * 3)
        self.goes_on()

    def test_numbers_going_back(self) -> None:
        """An old message that comes again is delivered to nobody."""
        for _ in range(5):
            self.b.post(self.ben, SINGLE, ANN)
        self.settle()
        for seq in (1, 5, 2):
            self.leaps(seq=seq)
        self.settle()
        self.assertEqual(self.ann.given()[PAIR], [1, 2, 3, 4, 5])
        self.goes_on()


class Phantoms(Told):
    """Nodes that don't exist."""

    def test_reads_are_bounded(self) -> None:
        """A thousand nodes that come, miss events and go cause few reads and few lines in the log, and delay no
        messages."""
        reads: list[float] = []
        heads = self.world.heads_of
        self.world.heads_of = lambda users: (reads.append(1), heads(users))[1]  # type: ignore[method-assign]
        said: list[bytes] = []
        publish = self.a.publish
        self.a.publish = lambda topics, event: (said.append(event), publish(topics, event))[1]  # type: ignore[method-assign]
        for number in range(1000):
            name = f"{number:016x}"
            self.a.applying.node_up(NodeInfo(node=name))
            self.a.applying.missed(name)
            self.a.applying.node_down(NodeInfo(node=name, last_seen=self.world.clock.seconds() - 4))
            if not number % 100:
                self.goes_on(0.2)
        self.settle(3)
        self.assertLess(len(reads), 15)
        self.assertLess(len(said), 40)
        self.a.publish = publish  # type: ignore[method-assign]
        self.goes_on()

    def test_users_are_bounded(self) -> None:
        """A node that claims to have everybody doesn't fill the memory, and its claims are forgotten with it."""
        self.patch(remote_presence, "KNOWN", 10)
        there = self.a.cluster.remote_presence
        for start in range(0, 1000, 100):
            self.a.applying.heard(
                "phantom", cluster_events.encode(cluster_events.Online(list(range(start, start + 100)), start < 900))
            )
            self.a.applying.heard("phantom", cluster_events.encode(cluster_events.Came(2000 + start, [], True)))
        self.assertLessEqual(there._count, 10)
        self.a.applying.node_down(NodeInfo(node="phantom", last_seen=self.world.clock.seconds() - 4))
        self.assertEqual((dict(there._users), there._count, set(there._nodes)), ({"b": {BEN}}, 1, {BEN}))

    def test_a_false_goodbye(self) -> None:
        """A node that is falsely said to have left keeps its users."""
        cat = self.b.enter(CAT)
        self.settle()
        self.a.applying.node_down(NodeInfo(node="b", last_seen=self.world.clock.seconds()))
        self.a.applying.node_up(NodeInfo(node="b"))
        self.settle(6)
        self.assertTrue(self.a.presence.online(CAT))
        self.assertEqual([frame["online"] for frame in self.ann.heard(7) if frame["userid"] == CAT], [1])
        self.assertIsInstance(cat, Device)
