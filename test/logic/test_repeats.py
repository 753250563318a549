"""Messages that are sent again with their cid, at any node, whatever the bus does: an answer never comes before the
messages it covers, and no device gets a message after the answer to it."""

from __future__ import annotations

from collections.abc import Collection
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from test.logic.cluster_world import Device, Node
from test.logic.two_nodes import ANN, BEN, CAT, TEAM, TwoNodes, friends
from twim.cluster.interface import Topic
from twim.errors import TOO_MANY
from twim.logic.repeats import WAIT_SECONDS, WAITING
from twim.storage.interface import Key
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import Frame

PAIR: Key = (SINGLE, ANN, BEN)
ROOM: Key = (GROUP, TEAM, 0)


class Resent(TwoNodes):
    """Single events at two nodes."""

    def learned(self, device: Device, key: Key) -> list[int]:
        return device.learned().get(key, [])

    def check(self, *devices: Device) -> None:
        for device in devices:
            self.assertEqual(device.mistakes(), [])

    def away(self, scope: int, peer_says: int = 3) -> tuple[Device, Device, Device]:
        """Ben sends some messages at A that B doesn't hear of, then Ann sends one there. Gives Ann at A, Ann at B,
        and Ben."""
        ann, second, ben = self.a.enter(ANN), self.b.enter(ANN), self.a.enter(BEN)
        self.settle()
        self.world.lose_bus()
        for _ in range(peer_says):
            self.a.post(ben, scope, TEAM if scope == GROUP else ANN)
        self.a.post(ann, scope, TEAM if scope == GROUP else BEN, cid="c")
        self.settle(0.2)
        return ann, second, ben

    def at_another_node(self, scope: int, key: Key) -> None:
        ann, second, ben = self.away(scope)
        self.b.post(second, scope, TEAM if scope == GROUP else BEN, cid="c")
        self.settle()
        self.assertEqual(self.learned(second, key), [1, 2, 3, 4])
        self.assertEqual(second.given()[key], [1, 2, 3])
        self.world.mend_bus()
        self.settle(3)
        self.assertEqual(second.given()[key], [1, 2, 3])
        self.check(ann, second, ben)

    def test_at_another_node(self) -> None:
        """The bus is away: the answer at the other node comes after the messages that it covers, and at the
        point of the order where its message stands; when the bus is back nothing comes again."""
        self.at_another_node(SINGLE, PAIR)

    def test_at_another_node_in_a_group(self) -> None:
        """The same in a group."""
        self.at_another_node(GROUP, ROOM)

    def test_own_other_device(self) -> None:
        """The user's other device, which doesn't repeat, gets the message itself."""
        _, second, _ = self.away(SINGLE)
        third = self.b.enter(ANN)
        self.settle()
        self.b.post(second, SINGLE, BEN, cid="c")
        self.settle()
        self.assertEqual(third.given()[PAIR], [1, 2, 3, 4])
        self.check(second, third)

    def test_two_devices_ask_again(self) -> None:
        """Each repeating device gets the answer instead of the message, once for each repeat."""
        _, second, _ = self.away(SINGLE)
        third = self.b.enter(ANN, catch_up=False)
        for device in (second, third, third):
            self.b.post(device, SINGLE, BEN, cid="c")
        self.settle()
        self.assertEqual([self.learned(one, PAIR) for one in (second, third)], [[1, 2, 3, 4], [1, 2, 3, 4, 4]])
        self.check(second)

    def test_while_the_first_is_on_its_way(self) -> None:
        """The message is on the disk at A, of which B hasn't been told yet, when it is sent again at both nodes."""
        ann, second, ben = self.a.enter(ANN), self.b.enter(ANN), self.a.enter(BEN)
        self.settle()
        publish, late = self.a.publish, list[tuple[Collection[Topic], bytes]]()
        self.a.publish = lambda topics, event: late.append((topics, event))  # type: ignore[method-assign]
        self.a.post(ben, SINGLE, ANN)
        self.a.post(ann, SINGLE, BEN, cid="c")
        self.a.post(ann, SINGLE, BEN, cid="c")
        self.b.post(second, SINGLE, BEN, cid="c")
        self.settle(0.05)
        for topics, event in late:
            publish(topics, event)
        self.settle()
        self.assertEqual(self.learned(ann, PAIR), [1, 2, 2])
        self.assertEqual(self.learned(second, PAIR), [1, 2])
        self.check(ann, second, ben)

    def test_while_catching_up(self) -> None:
        """A device that says it again before its catch-up is answered: the answer comes after what is caught up."""
        self.away(SINGLE)
        self.settle()
        late = self.b.enter(ANN)
        self.b.post(late, SINGLE, BEN, cid="c")
        self.settle(3)
        self.assertEqual(late.given()[PAIR], [1, 2, 3, 4])
        self.assertEqual(self.learned(late, PAIR)[-1], 4)
        self.check(late)

    def test_who_comes_with_it(self) -> None:
        """The user's first device at B asks again while B reads where its conversations stand."""
        _, second, ben = self.away(SINGLE)
        self.b.leave(second)
        self.settle()
        late = self.b.enter(ANN, catch_up=False)
        self.b.post(late, SINGLE, BEN, cid="c")
        self.settle()
        self.assertEqual(len(late.heard(1)), 1)
        self.a.post(ben, SINGLE, ANN)
        self.world.mend_bus()
        self.settle(3)
        self.assertEqual(late.mistakes({PAIR: 4}), [])

    def test_in_another_conversation(self) -> None:
        """The cid was used in the group: its answer covers the group's messages, also where it is asked for in the
        same batch as they are stored."""
        ann, ben = self.a.enter(ANN), self.a.enter(BEN)
        self.settle()
        self.a.post(ben, GROUP, TEAM)
        self.a.post(ann, GROUP, TEAM, cid="c")
        self.a.post(ann, SINGLE, BEN, cid="c")
        self.settle()
        self.assertEqual(self.learned(ann, ROOM), [1, 2, 2])
        self.check(ann, ben)

    def test_in_another_conversation_there(self) -> None:
        """The same at another node, which hasn't heard of the group's messages."""
        _, second, _ = self.away(GROUP)
        self.b.post(second, SINGLE, BEN, cid="c")
        self.settle()
        self.assertEqual(self.learned(second, ROOM), [1, 2, 3, 4])
        self.check(second)

    def test_as_a_friend_no_more(self) -> None:
        """Former friends get the answer by another way, and not earlier."""
        _, second, _ = self.away(SINGLE)
        post = self.b.post(second, SINGLE, BEN, cid="c")
        self.b._uncommitted.remove(post)
        self.b.publishing.repeat(post)
        self.settle()
        self.assertEqual(self.learned(second, PAIR), [1, 2, 3, 4])
        self.check(second)

    def test_a_member_no_more(self) -> None:
        """Somebody who has left the group gets nothing of it, and is answered at once."""
        ann = self.b.enter(ANN)
        self.settle()
        self.world.said[ANN, "c"] = (GROUP, 77, 9, 1)
        self.b.post(ann, GROUP, 77, cid="c")
        self.settle(0.06)
        self.assertEqual([frame["seq"] for frame in ann.heard(1)], [9])

    def test_the_log_cannot_be_read(self) -> None:
        """A repeat that can't be answered in time is refused as to be tried again, and answered later."""
        _, second, _ = self.away(SINGLE)
        between = self.world.between
        away = ConnectionError("away")
        self.world.between = lambda *asked: fail(away)  # type: ignore[method-assign]
        self.b.post(second, SINGLE, BEN, cid="c")
        self.settle(WAIT_SECONDS + 0.5)
        self.assertEqual([frame["code"] for frame in second.heard(1)], [TOO_MANY])
        self.world.between = between  # type: ignore[method-assign]
        self.b.post(second, SINGLE, BEN, cid="c")
        self.settle(2)
        self.assertEqual(self.learned(second, PAIR), [1, 2, 3, 4])
        self.check(second)

    def test_bound(self) -> None:
        """The number of waiting repeats is bounded; others are refused as to be tried again."""
        _, second, _ = self.away(SINGLE)
        self.world.between = lambda *asked: Deferred()  # type: ignore[method-assign,misc]
        for _ in range(WAITING + 3):
            self.b.post(second, SINGLE, BEN, cid="c")
        self.settle(0.2)
        self.assertEqual([frame["code"] for frame in second.heard(1)], [TOO_MANY] * 3)

    def test_left_meanwhile(self) -> None:
        """A device that disconnects while its answer waits leaves nothing."""
        _, second, _ = self.away(SINGLE)
        self.b.post(second, SINGLE, BEN, cid="c")
        self.settle(0.06)
        self.b.leave(second)
        self.settle(WAIT_SECONDS + 1)
        self.assertEqual(len(self.b.cluster.delivery._repeats), 0)

    def test_as_have(self) -> None:
        """A device that reports the answered seq as its position gets only what follows, after a reconnect."""
        ann, second, ben = self.away(SINGLE)
        self.b.post(second, SINGLE, BEN, cid="c")
        self.settle()
        had = max(self.learned(second, PAIR))
        self.b.leave(second)
        self.a.post(ben, SINGLE, ANN)
        self.settle(0.2)
        again = self.b.enter(ANN, catch_up=False)
        again.session.hold()
        self.b.catchup.answer(again.session, Frame(cmd=4, have={f"{SINGLE}:{BEN}": had}))
        self.settle()
        self.assertEqual(again.given()[PAIR], [5])
        self.check(ann, ben, second)


class AnyOutage(SynchronousTestCase):
    """Users send again at any node while the bus is interrupted and comes back."""

    def play(self, seed: int, loss: float, steps: int = 60) -> None:
        random = Random(seed)
        world = friends(random, loss)
        for name in ("a", "b", "c"):
            Node(world, name)
        self.addCleanup(lambda: [(node.cluster.stop(), node.presence.stop()) for node in world.nodes])
        here = [node.enter(userid) for node in world.nodes for userid in (ANN, BEN, CAT)]
        said: list[tuple[int, int, int, str]] = []
        for step in range(steps):
            what = random.random()
            ready = [device for device in here if device.heard(4)]
            if what < 0.08:
                (world.mend_bus if world.bus_is_away else world.lose_bus)()
            elif what < 0.14:
                gone = here.pop(random.randrange(len(here)))
                gone.node.leave(gone)
                here.append(random.choice(world.nodes).enter(gone.session.user.id))
            elif what < 0.5 and said:
                userid, scope, dstid, cid = random.choice(said[-4:])
                for device in [one for one in ready if one.session.user.id == userid][: random.randint(1, 3)]:
                    device.node.post(device, scope, dstid, cid)
            elif ready:
                device = random.choice(ready)
                userid = device.session.user.id
                peer = random.choice([one for one in (ANN, BEN, CAT) if one != userid])
                scope, dstid = random.choice([(GROUP, TEAM), (SINGLE, peer)])
                said.append((userid, scope, dstid, str(step)))
                device.node.post(device, scope, dstid, str(step))
            world.pass_time(random.choice((0, 0, 0.01, 0.03, 0.2)))
        if world.bus_is_away:
            world.mend_bus()
        world.pass_time(4)
        for device in here:
            self.assertEqual(device.mistakes(), [])
            learned = device.learned()
            for key, stored in world.messages.items():
                if key[0] == GROUP or device.session.user.id in key[1:]:
                    self.assertEqual(sorted(set(learned.get(key, []))), list(range(1, len(stored) + 1)), f"{key} lost")

    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 2**32))
    def test_outages(self, seed: int) -> None:
        """The bus is interrupted for a while, and loses nothing else."""
        self.play(seed, loss=0)

    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 2**32))
    def test_outages_and_losses(self, seed: int) -> None:
        """The bus is interrupted, and loses a fifth of its events."""
        self.play(seed, loss=0.2)
