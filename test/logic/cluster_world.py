"""Several nodes in one process: real rosters, routing, catch-up and relays over a database, a bus and a clock that are
made up, so that everything can be late, lost or dead at any moment.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from twim.access.roster import Roster
from twim.access.session import Session
from twim.cluster.interface import EVERYONE, Listener, NodeInfo, Topic
from twim.logic.catchup import CatchUp
from twim.logic.presence import Presence
from twim.logic.relay import Relay
from twim.logic.routing import Routing
from twim.storage.conversations import Row
from twim.storage.interface import Conversation, Key, Post, key_of
from twim.storage.relations import Circle
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import Frame, Message, encode

SLOW = 0.05  # seconds that a commit, a read or an event takes at most


class World:
    """The database, the weather and the nodes. `loss` is the share of events that are lost for good."""

    def __init__(self, random: Random, loss: float = 0.0) -> None:
        self.random = random
        self.loss = loss
        self.clock = Clock()
        self.messages: defaultdict[Key, list[bytes]] = defaultdict(list)
        self.friends: defaultdict[int, set[int]] = defaultdict(set)
        self.groups: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self.ended: set[int] = set()
        self.nodes: list[Node] = []

    def later(self, what: Callable[[], None]) -> None:
        self.clock.callLater(self.random.random() * SLOW, what)

    def read(self, work: Callable[[], Any]) -> Deferred[Any]:
        """What `work` gives at some moment; told at a later one."""
        done: Deferred[Any] = Deferred()
        self.later(lambda: self._tell_later(done, work()))
        return done

    def _tell_later(self, done: Deferred[Any], result: Any) -> None:
        self.later(lambda: done.callback(result))

    def pass_time(self, seconds: float) -> None:
        self.clock.pump([0.01] * round(seconds / 0.01))

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

    def after(self, wanted: Sequence[tuple[Any, int, int]]) -> Deferred[list[list[bytes]]]:
        return self.read(lambda: [self.messages[key][had:head] for key, had, head in wanted])

    def _keys_of(self, userid: int) -> list[Key]:
        singles = [key for key in self.messages if key[0] == SINGLE and userid in key[1:]]
        return [*singles, *((GROUP, group, 0) for group in self.groups[userid])]

    def _row(self, userid: int, key: Key) -> Row:
        group = key[0] == GROUP
        dstid = key[1] if group else key[2] if key[1] == userid else key[1]
        read = self.groups[userid][key[1]] if group else 0
        stored = self.messages[key]
        return Row(key, key[0], dstid, len(stored), read, None, stored[-1])  # type: ignore[arg-type]


class Socket:
    """What one device got."""

    def __init__(self) -> None:
        self.data = b""
        self.code: int | None = None

    def send(self, data: bytes) -> None:
        self.data += data

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
    """A session that began with a catch-up, and its socket."""

    def __init__(self, node: Node, session: Session, socket: Socket) -> None:
        self.node = node
        self.session = session
        self.socket = socket

    def heard(self, cmd: int) -> list[dict[str, Any]]:
        return [frame for frame in self.socket.heard() if frame["cmd"] == cmd]

    def given(self) -> dict[Key, list[int]]:
        """The seqs that were delivered, by conversation, in the order of coming."""
        found: dict[Key, list[int]] = {}
        for frame in self.socket.heard():
            if frame["cmd"] in (SINGLE, GROUP):
                found.setdefault(key_of(frame["cmd"], frame["userid"], frame["dstid"]), []).append(frame["seq"])
        return found

    def learned(self) -> dict[Key, list[int]]:
        """The seqs that it heard of, its own messages' by their answers, in the order of coming."""
        found: dict[Key, list[int]] = {}
        for frame in self.socket.heard():
            if frame["cmd"] in (SINGLE, GROUP):
                found.setdefault(key_of(frame["cmd"], frame["userid"], frame["dstid"]), []).append(frame["seq"])
            elif frame["cmd"] == 1:
                key = key_of(frame["scope"], self.session.user.id, frame["dstid"])
                found.setdefault(key, []).append(frame["seq"])
        return found

    def answered(self) -> dict[Key, set[int]]:
        """The seqs of its own messages."""
        found: dict[Key, set[int]] = {}
        for frame in self.heard(1):
            found.setdefault(key_of(frame["scope"], self.session.user.id, frame["dstid"]), set()).add(frame["seq"])
        return found


class Node:
    """One node; it is its own bus."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.node = name
        self.alive = True
        self.dirty: list[Session] = []
        self.roster = Roster()
        self.routing = Routing(self.roster, self.dirty, world.clock)
        self.presence = Presence(self.roster, self.routing, world.clock)
        self.cut: list[tuple[int, int]] = []
        self.relay = Relay(
            self,  # type: ignore[arg-type]
            self.roster,
            self.routing,
            self.presence,
            world,  # type: ignore[arg-type]
            world,  # type: ignore[arg-type]
            lambda userid, deviceid: self.cut.append((userid, deviceid)),
            self._recheck,
            self._settled,
            world.clock,
        )
        self.routing.elsewhere = self.relay
        self.catchup = CatchUp(world, self.routing, "e", world.clock)  # type: ignore[arg-type]
        self.topics: set[Topic] = set()
        self.connections = 0
        self._uncommitted: list[Post] = []
        self._settling: list[Deferred[None]] = []
        self._due: dict[str, float] = {}
        self.relay.start()
        for other in world.nodes:
            other.relay.node_up(NodeInfo(node=name))
            self.relay.node_up(NodeInfo(node=other.node))
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
        if not self.alive or not ({EVERYONE, *self.topics} & set(topics)):
            return
        if lost:
            self.relay.missed(node)
        else:
            self.relay.heard(node, event)

    # As a log: first on disk, then known here

    def post(self, device: Device, scope: int, dstid: int) -> None:
        said = Message(userid=device.session.user.id, cmd=scope, dstid=dstid, id=1, content="x")
        post = Post(device.session, said, Conversation(0, scope, 0, 0, 0))
        self._uncommitted.append(post)
        stored = self.world.messages[key_of(scope, said.userid, dstid)]
        said.seq = len(stored) + 1
        said.at = 1
        post.body = encode(said)
        stored.append(post.body)
        self.world.later(self._committed)

    def _committed(self) -> None:
        if self.alive and self._uncommitted:
            posts, self._uncommitted = self._uncommitted, []
            self.relay.committed(posts)
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
        first = userid not in self.roster.users
        present = self.roster.enter(userid, set(self.world.friends[userid]), set(self.world.groups[userid]))
        socket = Socket()
        session = Session(present, deviceid, socket, self.dirty)
        self.roster.add(present, session)
        if first:
            self.presence.came(present)
        if catch_up:
            self.catchup.answer(session, Frame(cmd=4))
        else:
            session.release({})
        return Device(self, session, socket)

    def leave(self, device: Device) -> None:
        device.session.closed()
        if self.roster.remove(device.session.user, device.session):
            self.presence.went(device.session.user)

    def die(self) -> None:
        """As of kill -9: what is on disk was told to nobody."""
        self.alive = False
        self.relay.stop()
        self.presence.stop()
        self.world.nodes.remove(self)
        for other in self.world.nodes:
            gone = NodeInfo(node=self.node, last_seen=self.world.clock.seconds() - 4)
            self._at(other, lambda other=other, gone=gone: other.relay.node_down(gone))  # type: ignore[misc]

    async def _recheck(self) -> None:
        await self.world.read(lambda: None)
        for present in self.roster.users.values():
            for session in list(present.sessions):
                if session.deviceid in self.world.ended:
                    session.shut(4401, "logged out")
