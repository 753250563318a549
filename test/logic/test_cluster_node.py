"""Events between nodes, whatever is late, lost or dead meanwhile."""

from __future__ import annotations

from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from test.logic.cluster_world import Device, Node, World
from test.logic.two_nodes import ANN, BEN, CAT, TEAM, TwoNodes, friends
from twim.cluster.interface import NodeInfo
from twim.errors import OUR_BUG
from twim.logic import cluster_events
from twim.storage.conversation_list import Row
from twim.storage.interface import Key
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import Frame


class AnyWeather(SynchronousTestCase):
    """Commits, connections, disconnections, losses and deaths on several nodes, in any order."""

    def check(self, world: World, device: Device) -> None:
        """Check that every message came once and in order, and that own messages were answered."""
        given, own = device.given(), device.answered()
        userid = device.session.user.id
        for key, stored in world.messages.items():
            if key[0] == SINGLE and userid not in key[1:]:
                continue
            seqs = given.get(key, [])
            self.assertEqual(seqs, sorted(set(seqs)), f"{key} not once or not in order")
            self.assertEqual(sorted({*seqs, *own.get(key, set())}), list(range(1, len(stored) + 1)), f"{key} lost")
            self.assertFalse(set(seqs) & own.get(key, set()), f"{key} its own delivered to it")
        for key, seqs in device.learned().items():
            self.assertEqual(seqs, sorted(seqs), f"{key} an answer before what was said earlier")
        self.assertEqual(device.mistakes(), [])

    def play(self, seed: int, loss: float, deaths: bool, steps: int = 50) -> None:
        random = Random(seed)
        world = friends(random, loss)
        for name in ("a", "b", "c"):
            Node(world, name)
        here: list[Device] = []
        for _ in range(steps):
            what = random.random()
            if what < 0.2 or not here:
                here.append(random.choice(world.nodes).enter(random.choice((ANN, BEN, CAT))))
            elif what < 0.25:
                device = here.pop(random.randrange(len(here)))
                device.node.leave(device)
            elif what < 0.27 and deaths and len(world.nodes) > 1:
                node = random.choice(world.nodes)
                node.die()
                here = [device for device in here if device.node is not node]
            else:
                # A message that a device sends before its catch-up is answered may be in the catch-up, too.
                caught_up = [device for device in here if device.heard(4)]
                if caught_up:
                    self.say(random, random.choice(caught_up))
            world.pass_time(random.choice((0, 0, 0.01, 0.03)))
        world.pass_time(3)
        # After reading everything a node pauses, and reads what it missed meanwhile later.
        while any(node.cluster.repair._wants() for node in world.nodes):
            world.pass_time(1)
        for device in here:
            self.check(world, device)
        for node in list(world.nodes):
            node.cluster.stop()
            node.presence.stop()

    def say(self, random: Random, device: Device) -> None:
        userid = device.session.user.id
        peer = random.choice([one for one in (ANN, BEN, CAT) if one != userid])
        device.node.post(device, *random.choice([(GROUP, TEAM), (SINGLE, peer)]))

    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 2**32))
    def test_late(self, seed: int) -> None:
        """All events are delayed."""
        self.play(seed, loss=0, deaths=False)

    @settings(max_examples=30, deadline=None)
    @example(3565)
    @given(st.integers(0, 2**32))
    def test_lost(self, seed: int) -> None:
        """A fifth of the events is lost for good."""
        self.play(seed, loss=0.2, deaths=False)

    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 2**32))
    def test_dead(self, seed: int) -> None:
        """Nodes die with messages that are on the disk and were told to nobody."""
        self.play(seed, loss=0.1, deaths=True)


class OneAtATime(TwoNodes):
    """Single events at two nodes."""

    def heads(self, device: Device, key: Key) -> list[int]:
        return device.given().get(key, [])

    def test_changes_that_were_not_told(self) -> None:
        """While the bus is down a mute, a removal, a block and an ended device are known on other nodes within 30 s."""
        node = Node(self.world, "c")
        for userid in (ANN, BEN, CAT):
            node.enter(userid)
        other = node.enter(CAT, deviceid=7)
        self.world.pass_time(1)
        self.world.bus_is_away = True
        self.world.silenced[TEAM, ANN] = 10**15
        del self.world.groups[BEN][TEAM]
        self.world.blocks.append((CAT, ANN))
        self.world.changed.append(TEAM)
        self.world.ended.add(7)
        self.world.pass_time(30)
        self.assertEqual(other.socket.code, 4401)
        ann, ben = node.hub.users[ANN], node.hub.users[BEN]
        self.assertEqual((ann.circle.silenced, ann.circle.blocked_by), ({TEAM: 10**15}, {CAT}))
        self.assertEqual((ben.groups, set(node.hub.members[TEAM])), (set(), {ANN, CAT}))

    def test_catch_up_ahead_of_the_bus(self) -> None:
        """A message that a second device's catch-up gives before the bus brings it isn't given twice."""
        ann, ben = self.a.enter(ANN), self.b.enter(BEN)
        self.settle()
        self.a.publish = lambda topics, event: None  # type: ignore[method-assign]
        self.a.post(ann, SINGLE, BEN)
        self.settle(0.2)
        second = self.b.enter(BEN)
        self.settle(0.2)
        self.b.applying.heard(
            "a", cluster_events.encode(cluster_events.Said(self.world.messages[SINGLE, ANN, BEN][:1]))
        )
        del self.a.publish  # type: ignore[attr-defined]
        self.a.post(ann, SINGLE, BEN)
        self.settle()
        self.assertEqual([self.heads(one, (SINGLE, ANN, BEN)) for one in (ben, second)], [[1, 2], [1, 2]])
        self.assertIsNone(second.session._already_given)

    def told_in_the_group(self, messages: int) -> tuple[Device, list[bytes]]:
        """Ann says so much in the group at A, which tells B nothing. Gives Ben at B, and what would have been told."""
        ann, ben = self.a.enter(ANN), self.b.enter(BEN)
        self.settle()
        events: list[bytes] = []
        self.a.publish = lambda topics, event: events.append(event)  # type: ignore[method-assign]
        for _ in range(messages):
            self.a.post(ann, GROUP, TEAM)
            self.settle(0.03)
        return ben, events

    def test_heard_together(self) -> None:
        """Messages that come in one iteration of the reactor, by several events, are one write for a device."""
        ben, events = self.told_in_the_group(3)
        writes: list[bytes] = []
        ben.socket.send = writes.append  # type: ignore[method-assign]
        for event in events:
            self.b.applying.heard("a", event)
        self.settle(0.02)
        self.assertEqual((len(events), len(writes)), (3, 1))

    def test_what_follows_messages(self) -> None:
        """Whatever is heard after a message comes after it: who is removed has got what was said before."""
        ben, events = self.told_in_the_group(1)
        del self.world.groups[BEN][TEAM]
        self.b.applying.heard("a", events[0])
        self.b.applying.heard("a", cluster_events.encode(cluster_events.Membership(BEN, TEAM, False)))
        self.settle()
        self.assertEqual(ben.given(), {(GROUP, TEAM, 0): [1]})

    def test_a_batch_is_one_event(self) -> None:
        """What one transaction stored of a conversation is told by one event; long messages are told by several."""
        for size, expected in ((100, [3]), (30_000, [1, 1, 1]), (90_000, [1, 1, 1]), (20_000, [2, 1])):
            events = cluster_events.said([b"x" * size] * 3)
            self.assertEqual([len(one.bodies) for one in events], expected)

    def test_presence(self) -> None:
        """A friend at another node is told who comes; devices at two nodes count as one; going takes the grace
        period."""
        ann = self.a.enter(ANN)
        self.settle()
        first = self.b.enter(BEN)
        self.settle()
        second = self.a.enter(BEN)
        self.settle()
        self.b.leave(first)
        self.settle(6)
        self.assertEqual([(f["userid"], f["online"]) for f in ann.heard(7)], [(BEN, 1)])
        self.a.leave(second)
        self.settle(6)
        self.assertEqual([f["online"] for f in ann.heard(7)], [1, 0])

    def test_users_of_a_dead_node(self) -> None:
        """Users of a dead node are offline as soon as the node is known to be dead."""
        ann = self.a.enter(ANN)
        self.b.enter(BEN)
        self.settle()
        self.assertTrue(self.a.presence.online(BEN))
        self.b.die()
        self.settle(0.5)
        self.assertFalse(self.a.presence.online(BEN))
        self.assertEqual([f["online"] for f in ann.heard(7)], [1, 0])

    def test_users_of_a_node_that_restarts(self) -> None:
        """A user who is at another node within the grace period was never offline."""
        ann = self.a.enter(ANN)
        self.b.enter(BEN)
        self.settle()
        self.a.applying.node_down(NodeInfo(node="b", last_seen=self.world.clock.seconds()))
        self.settle(1)
        self.a.enter(BEN)
        self.settle(6)
        self.assertEqual([f["online"] for f in ann.heard(7)], [1])

    def test_presence_after_a_loss(self) -> None:
        """Users who came and went without being heard of are found out by asking."""
        ann = self.a.enter(ANN)
        self.settle()
        self.b.publish, publish = (lambda topics, event: None), self.b.publish  # type: ignore[method-assign]
        self.b.enter(BEN)
        self.settle()
        self.assertFalse(self.a.presence.online(BEN))
        self.b.publish = publish  # type: ignore[method-assign]
        self.a.applying.missed("b")
        self.settle(2)
        self.assertTrue(self.a.presence.online(BEN))
        self.assertEqual([f["userid"] for f in ann.heard(7)], [BEN])

    def test_relations(self) -> None:
        """Friendships that are made and ended there are known here at once."""
        ann = self.a.enter(ANN)
        self.settle()
        self.b.publishing.befriended(ANN, 7)
        self.b.publishing.parted(ANN, BEN)
        self.settle(0.2)
        self.assertEqual(ann.session.user.friends, {CAT, 7})

    def test_relations_after_a_loss(self) -> None:
        """Changes that were lost are read, and the user is told."""
        ann = self.a.enter(ANN)
        self.settle()
        self.world.befriend(ANN, 7)
        self.world.groups[ANN][8] = 0
        del self.world.groups[ANN][TEAM]
        self.a.applying.missed("b")
        self.settle()
        self.assertEqual((ann.session.user.friends, ann.session.user.groups), ({BEN, CAT, 7}, {8}))
        told = {(f["what"], f.get("userid") or f.get("dstid")) for f in ann.heard(8)}
        self.assertEqual(told, {("friend", 7), ("group", 8), ("group", TEAM)})

    def test_joining_there(self) -> None:
        """A member who joins at another node gets the messages from then on, although the node must subscribe first."""
        self.world.groups[BEN][8] = 0
        ann, ben = self.a.enter(ANN), self.b.enter(BEN)
        self.settle()
        for _ in range(3):
            self.b.post(ben, GROUP, 8)
        self.settle()
        self.world.groups[ANN][8] = 3
        self.b.hub.joined(ANN, 8)
        self.b.publishing.joined(ANN, 8)
        for _ in range(3):
            self.b.post(ben, GROUP, 8)
        self.settle()
        self.assertEqual(self.heads(ann, (GROUP, 8, 0)), [4, 5, 6])

    def test_a_device_that_ended_there(self) -> None:
        """A device that ended there is disconnected here, also if the event was lost."""
        ann = self.a.enter(ANN, deviceid=5)
        self.settle()
        self.b.publishing.ended(ANN, 5)
        self.settle(0.2)
        self.assertEqual(self.a.cut, [(ANN, 5)])
        self.world.ended.add(5)
        self.a.applying.missed("b")
        self.settle()
        self.assertEqual(ann.socket.code, 4401)

    def test_to_users_and_groups(self) -> None:
        """Read marks, typing and changes reach devices there."""
        ann = self.a.enter(ANN)
        self.settle()
        self.b.publishing.to_users([ANN], b'{"cmd":6}')
        self.b.publishing.to_group(TEAM, b'{"cmd":5}')
        self.settle(0.2)
        self.assertEqual((len(ann.heard(6)), len(ann.heard(5))), (1, 1))

    def test_first_message_lost_while_its_sender_comes(self) -> None:
        """The first message of a conversation is lost on the bus. While the log is read for it, its sender connects
        to this node, so that the conversation's head is read too: the message is delivered all the same."""
        ben, cat = self.a.enter(BEN), self.b.enter(CAT)
        self.settle()
        self.b.publish = lambda topics, event: None  # type: ignore[method-assign]
        self.b.post(cat, SINGLE, BEN)
        self.settle(0.2)
        rows = self.world.rows

        def slowly(userid: int) -> Deferred[list[Row]]:
            done: Deferred[list[Row]] = Deferred()
            rows(userid).addCallback(lambda found: self.world.clock.callLater(1, done.callback, found))
            return done

        self.world.rows = slowly  # type: ignore[method-assign]
        second = self.a.enter(CAT)
        self.a.applying.missed("b")
        self.settle(4)
        self.assertEqual([self.heads(one, (SINGLE, BEN, CAT)) for one in (ben, second)], [[1], [1]])

    def test_connections_are_told(self) -> None:
        """The other nodes are told the number of connections here."""
        self.a.enter(ANN)
        self.settle(1.1)
        self.assertEqual(self.a.connections, 1)

    def test_storage_away_at_an_arrival(self) -> None:
        """A catch-up that can't be answered is refused, and the connection is tried again."""
        failing = [True]
        rows = self.world.rows

        def sometimes(userid: int):  # type: ignore[no-untyped-def]
            if failing[0]:
                raise ConnectionError("away")
            return rows(userid)

        self.world.rows = sometimes  # type: ignore[method-assign]
        ann = self.a.enter(ANN)
        self.settle(0.3)
        self.assertEqual([f["code"] for f in ann.heard(1)], [OUR_BUG])
        self.assertEqual(len(self.flushLoggedErrors(ConnectionError)), 1)
        failing[0] = False
        self.settle(1.5)
        self.a.catchup.answer(ann.session, Frame(cmd=4))
        self.settle()
        self.assertEqual(len(ann.heard(4)), 1)
