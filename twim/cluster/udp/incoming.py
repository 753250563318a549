"""What arrives from the other nodes: who is up, their events in order, and requests for what was lost.

A node begins to listen to another when it has proof that the other one is sending now: an announcement that names the
listener's own id, which is random and new at every start. So nobody can replay the datagrams of dead nodes, neither to
nodes that knew them nor to new ones.

A loss is noticed when a later number arrives, or when an announcement names one. The node then asks for the lost
datagrams until they come, or until their sender says that it no longer has them; then the log must be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

import msgspec
from twisted.internet.interfaces import IReactorTime

from twim.cluster.audience import Audience
from twim.cluster.interface import NodeInfo
from twim.cluster.nodes import MAX_NODES, SILENT_AFTER, Record, decode_announcement
from twim.cluster.problem_log import ProblemLog
from twim.cluster.udp.numbering import packed, unpacked
from twim.cluster.udp.outgoing import Outgoing
from twim.cluster.udp.packing import Garbled
from twim.cluster.udp.peer import ASK_AFTER, Peer
from twim.cluster.udp.sealing import ANNOUNCEMENT, ASK, DATA, GONE, NODE_SIZE, Header

REMEMBER: Final = 4 * MAX_NODES
"""How many other nodes are remembered: those that are up, those that are coming up, and those that were up."""


class Incoming:
    """Takes the datagrams of other nodes and calls the listener through `audience`.

    `this_node` is what is known of this node itself. `out` carries the requests for lost datagrams, and the answers to
    such requests of others. `greet` is called when a node has come up that doesn't know this one yet.
    """

    def __init__(
        self,
        this_node: Record,
        key: bytes,
        clock: IReactorTime,
        random: Random,
        out: Outgoing,
        audience: Audience,
        problems: ProblemLog,
        greet: Callable[[], None],
    ) -> None:
        self._this_node = this_node
        self._id = bytes.fromhex(this_node.node)
        self._key = key
        self._clock = clock
        self._random = random
        self._out = out
        self._audience = audience
        self._problems = problems
        self._greet = greet
        self._peers: dict[bytes, Peer] = {}
        self._controls = {ANNOUNCEMENT: self._announced, ASK: self._asked, GONE: self._gone}

    def nodes(self) -> list[NodeInfo]:
        """The other nodes that are up, by id."""
        return [peer.info() for peer in sorted(self._peers.values(), key=lambda peer: peer.node) if peer.up]

    def heard_lately(self) -> bytes:
        """The ids of the nodes of which something came lately, as an announcement tells them."""
        now = self._clock.seconds()
        near = [p for p in self._peers.values() if not p.said_bye and now - p.last_seen <= SILENT_AFTER]
        return b"".join(peer.id for peer in near[:MAX_NODES])

    def tick(self) -> None:
        """Bring the rates up to date, and notice which nodes have fallen silent. Called with each announcement."""
        now = self._clock.seconds()
        for peer in list(self._peers.values()):
            peer.meter.tick(now)
            if now - peer.last_seen > SILENT_AFTER:
                self._down(peer)

    def stop(self) -> None:
        """Ask for nothing more."""
        for peer in self._peers.values():
            peer.stop_asking()

    # Datagrams

    def take(self, header: Header, datagram: bytes, address: str) -> None:
        """A datagram has come from `address`. Nothing of it is trusted until its seal was opened."""
        if header.kind == DATA:
            self._data(header, datagram)
        else:
            self._control(header, datagram, address)

    def _data(self, header: Header, datagram: bytes) -> None:
        peer = self._peers.get(header.node)
        if peer is None or not peer.up:
            return
        inbound = peer.inbound
        if inbound is None or not inbound.wants(header.number):
            return
        payload = peer.seal.open(datagram, header)
        if payload is None:
            self._problems.drop("a forged or damaged datagram", peer.address)
            return
        peer.last_seen = self._clock.seconds()
        self._deliver(peer, inbound.take(header.number, payload))
        if inbound.gap:
            self._ask_soon(peer)

    def _control(self, header: Header, datagram: bytes, address: str) -> None:
        peer = self._peers.get(header.node)
        if peer is None:
            if header.kind != ANNOUNCEMENT:
                return
            peer = Peer(header.node, self._key, self._clock.seconds())
        if not peer.window.is_new(header.number):
            return
        payload = peer.seal.open(datagram, header)
        if payload is None:
            self._problems.drop("a datagram sealed with another cluster's key", address)
            return
        peer.window.mark(header.number)
        try:
            self._controls[header.kind](peer, payload, address)
        except (msgspec.MsgspecError, ValueError):
            self._problems.drop("a datagram of another version of twim", address)

    def _announced(self, peer: Peer, payload: bytes, address: str) -> None:
        announced = decode_announcement(payload)
        if announced.epoch != self._this_node.epoch:
            self._problems.drop("a node with another database", address)
            return
        if peer.said_bye or (peer.id not in self._peers and not self._make_room(address)):
            return
        now = self._clock.seconds()
        self._peers[peer.id] = peer
        peer.learn(announced, now, address)
        if announced.bye:
            # This is final: an older announcement that arrives after the goodbye must not bring the node back.
            peer.said_bye = True
            self._down(peer)
        elif not peer.up:
            self._greet()
            if announced.hears(self._id):
                missed = peer.begin(announced, now - self._this_node.started)
                self._audience.up(peer)
                if missed:
                    self._lost(peer)
        if peer.up and peer.inbound is not None:
            peer.inbound.know(announced.last)
            if peer.inbound.gap:
                self._ask_soon(peer)

    def _asked(self, peer: Peer, payload: bytes, address: str) -> None:
        if payload[:NODE_SIZE] != self._id:
            return
        self._this_node.asked += 1
        gone = self._out.repeat(unpacked(payload[NODE_SIZE:]))
        if gone:
            self._out.control(GONE, packed(gone))

    def _gone(self, peer: Peer, payload: bytes, address: str) -> None:
        if peer.up and peer.inbound is not None:
            self._deliver(peer, peer.inbound.give_up(unpacked(payload)))

    def _make_room(self, address: str) -> bool:
        """Whether one more node can be remembered. If need be, the node that has been down longest is forgotten."""
        if sum(peer.up for peer in self._peers.values()) >= MAX_NODES:
            self._problems.warn("more nodes than the bus is made for", address)
            return False
        if len(self._peers) >= REMEMBER:
            away = (peer for peer in self._peers.values() if not peer.up)
            del self._peers[min(away, key=lambda peer: peer.last_seen).id]
        return True

    # Calling the listener

    def _deliver(self, peer: Peer, ready: Sequence[bytes | None]) -> None:
        for payload in ready:
            if payload is None:
                self._lost(peer)
                continue
            try:
                events = peer.unpacker.feed(payload)
            except Garbled:
                self._problems.drop("a datagram of another version of twim", peer.address)
                self._lost(peer)
                continue
            for event in events:
                self._audience.hear(peer, event)

    def _lost(self, peer: Peer) -> None:
        peer.unpacker.cut()
        self._audience.miss(peer)

    def _down(self, peer: Peer) -> None:
        if peer.up:
            self._deliver(peer, peer.end())
            self._audience.down(peer)

    # Asking for what was lost

    def _ask_soon(self, peer: Peer) -> None:
        if peer.asking is None:
            peer.gaps += 1
            wait = ASK_AFTER * (1 + self._random.random())
            peer.asking = self._clock.callLater(wait, self._ask, peer)

    def _ask(self, peer: Peer) -> None:
        peer.asking = None
        if peer.inbound is not None and (ranges := peer.inbound.missing()):
            self._out.control(ASK, peer.id + packed(ranges))
            peer.asked += 1
            peer.asking = self._clock.callLater(peer.next_pause(), self._ask, peer)
