"""The bus as broadcast on a LAN: no server, and no configuration but the cluster's key.

Every node listens on one port of the broadcast address and sends everything there, repeated requests and
their answers too: so one port is all that a firewall must let through, several processes on one machine can
share it, and what one node asked for again mends the same loss of another.

A node begins to listen to another when it has proof that this one speaks now: an announcement that names the
listener's own id, which is random and new. So nobody can replay what dead nodes said, to old nodes or to new
ones.

What is lost is noticed by the next datagram's number, or by the next announcement's, and asked for until it
comes or the sender says that it is gone; then the log must be read.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Sequence
from random import Random

import msgspec
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IListeningPort, IReactorTime
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.cluster.audience import Audience
from twim.cluster.complaints import Complaints
from twim.cluster.interface import MAX_EVENT, Listener, NodeInfo, Topic
from twim.cluster.nodes import (
    ANNOUNCE_EVERY,
    MAX_NODES,
    SILENT_AFTER,
    Record,
    check_event,
    decode_announcement,
    new_node,
)
from twim.cluster.numbering import packed, unpacked
from twim.cluster.outgoing import Outgoing
from twim.cluster.packing import Garbled
from twim.cluster.peer import ASK_AFTER, Peer
from twim.cluster.sealing import ANNOUNCEMENT, ASK, DATA, GONE, NODE_SIZE, Header, Seal, header_of

ANSWER_AFTER = 0.01  # seconds until a node that is new to us is answered, so that its other news are answered with it
QUIET_AFTER = 0.04  # seconds after the last datagram until its number is told, lest its loss go unnoticed till the next
REMEMBER = 4 * MAX_NODES  # nodes that are up, coming up, or were up
BYES = 3  # goodbyes, since one may be lost

_FULL = frozenset((errno.EAGAIN, errno.ENOBUFS))


class UdpBus(DatagramProtocol):
    """`listen` opens the socket and connects it with the protocol that it is given; `where` is the broadcast
    address and port.
    """

    log = Logger()

    def __init__(
        self,
        *,
        where: tuple[str, int],
        key: bytes,
        epoch: str,
        clock: IReactorTime,
        listen: Callable[[DatagramProtocol], IListeningPort],
        version: str = "",
        random: Random | None = None,
    ) -> None:
        self.node = new_node()
        self._id = bytes.fromhex(self.node)
        self._where = where
        self._key = key
        self._clock = clock
        self._listen = listen
        self._random = random or Random()
        self._self = Record(self.node, clock.seconds())
        self._self.epoch, self._self.version = epoch, version
        self._own_address = ""
        self._peers: dict[bytes, Peer] = {}
        self.complaints = Complaints(self.log, clock)
        self._out = Outgoing(Seal(key, self._id), clock, self._send)
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = clock
        self._greeting: IDelayedCall | None = None
        self._quiet: IDelayedCall | None = None
        self._port: IListeningPort | None = None
        self._audience = Audience(self.log)
        self._controls = {ANNOUNCEMENT: self._announced, ASK: self._asked, GONE: self._gone}

    # What the node does

    def start(self, listener: Listener) -> Deferred[None]:
        try:
            self._port = self._listen(self)
        except Exception:
            return fail()
        self._audience.open(listener)
        self._ticking.start(ANNOUNCE_EVERY).addErrback(self._broken)
        return succeed(None)

    def publish(self, topics: Collection[Topic], event: bytes) -> None:
        size = len(event)
        if not 0 < size <= MAX_EVENT:
            check_event(event)
        meter = self._self.meter
        meter.events += 1
        meter.bytes += size
        self._out.add(event)
        if self._quiet is None:
            self._quiet = self._clock.callLater(QUIET_AFTER, self._announce_when_quiet)

    def subscribe(self, topic: Topic) -> Deferred[None]:
        return succeed(None)

    def unsubscribe(self, topic: Topic) -> None:
        pass

    def nodes(self) -> list[NodeInfo]:
        me = self._self
        me.last_seen, me.lost = self._clock.seconds(), self._out.dropped
        me.address = me.address or self._own_address
        others = sorted((peer for peer in self._peers.values() if peer.up), key=lambda peer: peer.node)
        return [me.info(), *(peer.info() for peer in others)]

    def describe(self, *, connections: int | None = None, address: str | None = None) -> None:
        self._self.describe(connections, address)

    def stop(self) -> Deferred[None]:
        port, self._port = self._port, None
        if port is None:
            return succeed(None)
        self._ticking.stop()
        self._cancel_calls()
        self._out.drain()
        for _ in range(BYES):
            self._announce(bye=True)
        self._audience.close()
        return port.stopListening() or succeed(None)

    # What comes

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        header = header_of(datagram)
        if header is None:
            self.complaints.make("a datagram that is none of ours", addr[0])
        elif self._port is None:
            pass
        elif header.node == self._id:
            self._own_address = addr[0]
        elif header.kind == DATA:
            self._data(header, datagram)
        else:
            self._control(header, datagram, addr[0])

    def _data(self, header: Header, datagram: bytes) -> None:
        peer = self._peers.get(header.node)
        if peer is None or not peer.up:
            return
        inbound = peer.inbound
        if inbound is None or not inbound.wants(header.number):
            return
        payload = peer.seal.open(datagram, header)
        if payload is None:
            self.complaints.make("a forged or damaged datagram", peer.address)
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
            self.complaints.make("a datagram sealed with another cluster's key", address)
            return
        peer.window.mark(header.number)
        try:
            self._controls[header.kind](peer, payload, address)
        except (msgspec.MsgspecError, ValueError):
            self.complaints.make("a datagram of another version of twim", address)

    def _announced(self, peer: Peer, payload: bytes, address: str) -> None:
        announced = decode_announcement(payload)
        if announced.epoch != self._self.epoch:
            self.complaints.make("a node with another database", address)
            return
        if peer.said_bye or (peer.id not in self._peers and not self._make_room(address)):
            return
        now = self._clock.seconds()
        self._peers[peer.id] = peer
        peer.learn(announced, now, address)
        if announced.bye:
            # For good: an announcement that the goodbye overtook must not bring it back.
            peer.said_bye = True
            self._down(peer)
        elif not peer.up:
            self._greet()
            if announced.hears(self._id):
                missed = peer.begin(announced, now - self._self.started)
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
        self._self.asked += 1
        gone = self._out.repeat(unpacked(payload[NODE_SIZE:]))
        if gone:
            self._out.control(GONE, packed(gone))

    def _gone(self, peer: Peer, payload: bytes, address: str) -> None:
        if peer.up and peer.inbound is not None:
            self._deliver(peer, peer.inbound.give_up(unpacked(payload)))

    # What the listener is told

    def _deliver(self, peer: Peer, ready: Sequence[bytes | None]) -> None:
        for payload in ready:
            if payload is None:
                self._lost(peer)
                continue
            try:
                events = peer.unpacker.feed(payload)
            except Garbled:
                self.complaints.make("a datagram of another version of twim", peer.address)
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

    # What happens by time

    def _tick(self) -> None:
        now = self._clock.seconds()
        self._self.meter.tick(now)
        for peer in list(self._peers.values()):
            peer.meter.tick(now)
            if now - peer.last_seen > SILENT_AFTER:
                self._down(peer)
        self._announce()

    def _announce(self, bye: bool = False) -> None:
        now = self._clock.seconds()
        near = [p for p in self._peers.values() if not p.said_bye and now - p.last_seen <= SILENT_AFTER]
        heard = b"".join(peer.id for peer in near[:MAX_NODES])
        self._out.control(ANNOUNCEMENT, self._self.announcement(now, last=self._out.sent, heard=heard, bye=bye))

    def _greet(self) -> None:
        if self._greeting is None:
            self._greeting = self._clock.callLater(ANSWER_AFTER, self._greet_now)

    def _greet_now(self) -> None:
        self._greeting = None
        self._announce()

    def _announce_when_quiet(self) -> None:
        since = self._clock.seconds() - self._out.last_sent
        if since < QUIET_AFTER * 0.9:
            self._quiet = self._clock.callLater(QUIET_AFTER - since, self._announce_when_quiet)
        else:
            self._quiet = None
            self._announce()

    def _ask_soon(self, peer: Peer) -> None:
        if peer.asking is None:
            peer.gaps += 1
            wait = ASK_AFTER * (1 + self._random.random())
            peer.asking = self._clock.callLater(wait, self._ask, peer)

    def _ask(self, peer: Peer) -> None:
        peer.asking = None
        if peer.inbound is not None and (spans := peer.inbound.missing()):
            self._out.control(ASK, peer.id + packed(spans))
            peer.asked += 1
            peer.asking = self._clock.callLater(peer.next_pause(), self._ask, peer)

    def _broken(self, failure: Failure) -> None:
        self.log.failure("the bus no longer announces this node", failure)

    def _cancel_calls(self) -> None:
        for call in (self._greeting, self._quiet):
            if call is not None:
                call.cancel()
        self._greeting = self._quiet = None
        for peer in self._peers.values():
            peer.stop_asking()

    # The ground

    def _send(self, datagram: bytes) -> bool:
        """Whether the socket had room. Other errors are like a loss on the way: asked for again, or gone."""
        if self.transport is None:
            return True
        try:
            self.transport.write(datagram, self._where)
        except OSError as error:
            if error.errno in _FULL:
                return False
            self.complaints.make("the network takes no datagrams", error)
        return True

    def _make_room(self, address: str) -> bool:
        """Whether one more node can be known; the one longest away is forgotten for it."""
        if sum(peer.up for peer in self._peers.values()) >= MAX_NODES:
            self.complaints.make("more nodes than the bus is made for", address)
            return False
        if len(self._peers) >= REMEMBER:
            away = (peer for peer in self._peers.values() if not peer.up)
            del self._peers[min(away, key=lambda peer: peer.last_seen).id]
        return True
