"""Several nodes in one process: real hubs, routing, catch-up and cluster nodes over a simulated database, bus and
clock, so that everything can be late, lost or dead at any moment."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from twim.cluster.interface import EVERYONE, Listener, NodeInfo, Topic
from twim.hub.backlog import Backlogs
from twim.hub.hub import Hub
from twim.hub.outbox import Outboxes
from twim.hub.session import Session
from twim.logic.catchup import CatchUp
from twim.logic.cluster_node import ClusterNode
from twim.logic.local_node import LocalNode
from twim.logic.presence import Presence
from twim.logic.routing import Routing
from twim.logic.silences import Silences
from twim.storage.conversation_list import Row
from twim.storage.interface import Circle, Conversation, Key, Post, key_of
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import Frame, Message, encode

SLOW = 0.05  # seconds that a commit, a read or an event takes at most


class World:
    """The database, the network and the nodes. `loss` is the share of events that are lost for good."""

    def __init__(self, random: Random, loss: float = 0.0) -> None:
        self.random = random
        self.loss = loss
        self.clock = Clock()
        self.messages: defaultdict[Key, list[bytes]] = defaultdict(list)
        self.friends: defaultdict[int, set[int]] = defaultdict(set)
        self.groups: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self.ended: set[int] = set()
        self.said: dict[tuple[int, str], tuple[int, int, int, int]] = {}
        """The first answers of messages that had a `cid`."""
        self.nodes: list[Node] = []
        self.bus_is_away = False
        self.silenced: dict[tuple[int, int], int] = {}
        """Of `(group, userid)` until when (ms) that member may not post there."""
        self.changed: list[int] = []
        self.blocks: list[tuple[int, int]] = []

    def later(self, what: Callable[[], None]) -> None:
        self.clock.callLater(self.random.random() * SLOW, what)

    def read(self, work: Callable[[], Any]) -> Deferred[Any]:
        """Read the result of `work` at one moment, and give it at a later one."""
        done: Deferred[Any] = Deferred()
        self.later(lambda: self._tell_later(done, work()))
        return done

    def _tell_later(self, done: Deferred[Any], result: Any) -> None:
        self.later(lambda: done.callback(result))

    def pass_time(self, seconds: float) -> None:
        self.clock.pump([0.01] * round(seconds / 0.01))

    def lose_bus(self) -> None:
        """From now on nothing is received, as when Redis is killed."""
        self.bus_is_away = True

    def mend_bus(self) -> None:
        """The bus is back, and every node knows that it missed something."""
        self.bus_is_away = False
        for node in self.nodes:
            node.applying.missed(None)

    def befriend(self, one: int, other: int) -> None:
        self.friends[one].add(other)
        self.friends[other].add(one)

    # As `Conversations` and `Relations`

    def rows(self, userid: int) -> Deferred[list[Row]]:
        return self.read(lambda: [self._row(userid, key) for key in self._keys_of(userid) if self.messages[key]])

    def between(self, key: Key, after: int, up_to: int) -> Deferred[list[bytes]]:
        return self.read(lambda: self.messages[key][after:up_to])

    def heads_of(self, userids: Sequence[int]) -> Deferred[dict[Key, int]]:
        keys = {key for one in userids for key in self._keys_of(one)}
        return self.read(lambda: {key: len(self.messages[key]) for key in keys if self.messages[key]})

    def circles(self, userids: Sequence[int]) -> Deferred[dict[int, Circle]]:
        return self.read(lambda: {one: Circle(set(self.friends[one]), set(self.groups[one])) for one in userids})

    def silenced_in(self, group: int, userids: Sequence[int]) -> Deferred[tuple[set[int], dict[int, int]]]:
        def read() -> tuple[set[int], dict[int, int]]:
            members = {one for one in userids if group in self.groups[one]}
            return members, {one: self.silenced[group, one] for one in members if (group, one) in self.silenced}

        return self.read(read)

    def changed_since(self, at: int) -> Deferred[list[int]]:
        return self.read(lambda: list(self.changed))

    def blocks_since(self, at: int) -> Deferred[list[tuple[int, int]]]:
        return self.read(lambda: list(self.blocks))

    def after(
        self, userid: int, wanted: Sequence[tuple[Any, int, int]], most: int
    ) -> Deferred[tuple[list[bytes], list[Any]]]:
        return self.read(lambda: ([one for key, had, head in wanted for one in self.messages[key][had:head]], []))

    def lasts(self, rows: Sequence[Row], most: int) -> Deferred[list[bytes]]:
        return self.read(lambda: [self.messages[row.conversation_id][row.seq - 1] for row in rows])  # type: ignore[call-overload]

    def _keys_of(self, userid: int) -> list[Key]:
        singles = [key for key in self.messages if key[0] == SINGLE and userid in key[1:]]
        return [*singles, *((GROUP, group, 0) for group in self.groups[userid])]

    def _row(self, userid: int, key: Key) -> Row:
        group = key[0] == GROUP
        dstid = key[1] if group else key[2] if key[1] == userid else key[1]
        read = self.groups[userid][key[1]] if group else 0
        stored = self.messages[key]
        return Row(key, key[0], dstid, len(stored), read, None, 0, 0, 0)  # type: ignore[arg-type]


class Socket:
    """What one device received."""

    def __init__(self) -> None:
        self.data = b""
        self.code: int | None = None

    def send(self, data: bytes) -> None:
        self.data += data

    def waits(self, above: int) -> int:
        return above

    def shut(self, code: int, reason: str) -> None:
        self.code = code

    def heard(self) -> list[dict[str, Any]]:
        data, frames = self.data, []
        while data:
            size, start = (data[1], 2) if data[1] < 126 else (int.from_bytes(data[2:4], "big"), 4)
            frames.append(json.loads(data[start : start + size]))
            data = data[start + size :]
        return frames


class Device:
    """A session that began with a catch-up, with its socket."""

    def __init__(self, node: Node, session: Session, socket: Socket) -> None:
        self.node = node
        self.session = session
        self.socket = socket

    def heard(self, cmd: int) -> list[dict[str, Any]]:
        return [frame for frame in self.socket.heard() if frame["cmd"] == cmd]

    def given(self) -> dict[Key, list[int]]:
        """The seqs that were delivered, by conversation, in the order of arrival."""
        found: dict[Key, list[int]] = {}
        for frame in self.socket.heard():
            if frame["cmd"] in (SINGLE, GROUP):
                found.setdefault(key_of(frame["cmd"], frame["userid"], frame["dstid"]), []).append(frame["seq"])
        return found

    def learned(self) -> dict[Key, list[int]]:
        """The seqs that it learned of, its own messages' by their answers, in the order of arrival."""
        found: dict[Key, list[int]] = {}
        for frame in self.socket.heard():
            if frame["cmd"] in (SINGLE, GROUP):
                found.setdefault(key_of(frame["cmd"], frame["userid"], frame["dstid"]), []).append(frame["seq"])
            elif frame["cmd"] == 1 and frame["code"] == 0:
                key = key_of(frame["scope"], self.session.user.id, frame["dstid"])
                found.setdefault(key, []).append(frame["seq"])
        return found

    def mistakes(self, begun: dict[Key, int] | None = None) -> list[str]:
        """What a client that counts would find wrong. It has every conversation up to its last frame's seq, so a
        message must be the next one, and an answer is for the next one or one it already has. `begun` is what it
        had before."""
        had = dict(begun or {})
        wrong = []
        for frame in self.socket.heard():
            if frame["cmd"] in (SINGLE, GROUP):
                key = key_of(frame["cmd"], frame["userid"], frame["dstid"])
                if frame["seq"] != had.get(key, 0) + 1:
                    wrong.append(f"{key}: message {frame['seq']} after {had.get(key, 0)}")
            elif frame["cmd"] == 1 and frame["code"] == 0:
                key = key_of(frame["scope"], self.session.user.id, frame["dstid"])
                if frame["seq"] > had.get(key, 0) + 1:
                    wrong.append(f"{key}: answer {frame['seq']} after {had.get(key, 0)}")
            else:
                continue
            had[key] = max(had.get(key, 0), frame["seq"])
        return wrong

    def answered(self) -> dict[Key, set[int]]:
        """The seqs of its own messages."""
        found: dict[Key, set[int]] = {}
        for frame in self.heard(1):
            if frame["code"]:
                continue
            found.setdefault(key_of(frame["scope"], self.session.user.id, frame["dstid"]), set()).add(frame["seq"])
        return found


class Node:
    """One node; it is its own bus."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.node = name
        self.alive = True
        self.outboxes = Outboxes(world.clock)
        self.hub = Hub()
        self.routing = Routing(self.hub, self.outboxes, world.clock)
        self.presence = Presence(self.hub, self.routing, world.clock)
        self.cut: list[tuple[int, int]] = []
        local = LocalNode(
            hub=self.hub,
            routing=self.routing,
            presence=self.presence,
            conversations=world,  # type: ignore[arg-type]
            relations=world,  # type: ignore[arg-type]
            silences=Silences(world, self.hub, self.hub.left, world.clock),  # type: ignore[arg-type]
            settings_changed=lambda: None,
            stored=lambda: None,
            cut=lambda userid, deviceid: self.cut.append((userid, deviceid)),
            recheck=self._recheck,
            look_for_ended=self._recheck,
            settled=self._settled,
        )
        self.cluster = ClusterNode(self, local, world.clock)  # type: ignore[arg-type]
        self.publishing = self.cluster.publishing
        self.applying = self.cluster.applying
        self.routing.other_nodes = self.publishing
        self.catchup = CatchUp(world, self.routing, "e", world.clock, Backlogs(world.clock))  # type: ignore[arg-type]
        self.topics: set[Topic] = set()
        self.connections = 0
        self._uncommitted: list[Post] = []
        self._settling: list[Deferred[None]] = []
        self._due: dict[str, float] = {}
        self.cluster.start()
        for other in world.nodes:
            other.applying.node_up(NodeInfo(node=name))
            self.applying.node_up(NodeInfo(node=other.node))
        world.nodes.append(self)

    # As a bus: to each other node in order, but late, or lost

    def start(self, listener: Listener) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def describe(self, *, connections: int | None = None, address: str | None = None) -> None:
        self.connections = connections or 0

    def subscribe(self, topic: Topic) -> Deferred[None]:
        def subscribed() -> None:
            self.topics.add(topic)

        return self.world.read(subscribed)

    def unsubscribe(self, topic: Topic) -> None:
        self.topics.discard(topic)

    def publish(self, topics: Collection[Topic], event: bytes) -> None:
        for other in self.world.nodes:
            if other is not self:
                lost = self.world.random.random() < self.world.loss
                self._at(other, lambda other=other, lost=lost: other._hear(self.node, topics, event, lost))  # type: ignore[misc]

    def _at(self, other: Node, what: Callable[[], None]) -> None:
        now = self.world.clock.seconds()
        self._due[other.node] = due = max(self._due.get(other.node, 0), now + self.world.random.random() * SLOW)
        self.world.clock.callLater(due - now, what)

    def _hear(self, node: str, topics: Collection[Topic], event: bytes, lost: bool) -> None:
        if not self.alive or self.world.bus_is_away or not ({EVERYONE, *self.topics} & set(topics)):
            return
        if lost:
            self.applying.missed(node)
        else:
            self.applying.heard(node, event)

    # As a log: first on disk, then known here

    def post(self, device: Device, scope: int, dstid: int, cid: str = "") -> Post:
        """A message of a device is stored now, or was stored before, and is published a little later."""
        said = Message(userid=device.session.user.id, cmd=scope, dstid=dstid, id=1, cid=cid, content="x")
        post = Post(device.session, said, Conversation(0, scope, 0, 0, 0))
        self._uncommitted.append(post)
        self.world.later(self._committed)
        post.first = self.world.said.get((said.userid, cid)) if cid else None
        if post.first is not None:
            return post
        stored = self.world.messages[key_of(scope, said.userid, dstid)]
        said.seq = len(stored) + 1
        said.at = 1
        post.body = encode(said)
        stored.append(post.body)
        if cid:
            self.world.said[said.userid, cid] = (scope, dstid, said.seq, said.at)
        return post

    def _committed(self) -> None:
        if self.alive and self._uncommitted:
            posts, self._uncommitted = self._uncommitted, []
            self.publishing.committed(posts)
            settling, self._settling = self._settling, []
            for one in settling:
                one.callback(None)

    def _settled(self) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self._settling.append(done)
        if not self._uncommitted:
            self._settling.pop().callback(None)
        return done

    # Who is here

    def enter(self, userid: int, deviceid: int = 0, catch_up: bool = True) -> Device:
        first = userid not in self.hub.users
        present = self.hub.enter(userid, Circle(set(self.world.friends[userid]), set(self.world.groups[userid])))
        socket = Socket()
        session = Session(present, deviceid, socket, self.outboxes)
        self.hub.add(present, session)
        if first:
            self.presence.came(present)
        if catch_up:
            self.catchup.answer(session, Frame(cmd=4))
        else:
            session.release({})
        return Device(self, session, socket)

    def leave(self, device: Device) -> None:
        device.session.closed()
        if self.hub.remove(device.session):
            self.presence.went(device.session.user)

    def die(self) -> None:
        """End it like kill -9: messages on the disk have been told to nobody."""
        self.alive = False
        self.cluster.stop()
        self.presence.stop()
        self.world.nodes.remove(self)
        for other in self.world.nodes:
            gone = NodeInfo(node=self.node, last_seen=self.world.clock.seconds() - 4)
            self._at(other, lambda other=other, gone=gone: other.applying.node_down(gone))  # type: ignore[misc]

    async def _recheck(self) -> None:
        await self.world.read(lambda: None)
        for present in self.hub.users.values():
            for session in list(present.sessions):
                if session.deviceid in self.world.ended:
                    session.shut(4401, "logged out")
