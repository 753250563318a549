"""The bus as broadcast on a LAN: it needs no server, and no configuration except the cluster's key.

Every node listens on one port of the broadcast address and sends everything there, also the requests for lost datagrams
and their answers. So a firewall must let only one port through, several processes on one machine can share it, and what
one node asked for repairs the same loss at the others, too.

`outgoing` sends what this node publishes, and `incoming` takes what the others send. This module has the socket, the
announcements, and the contract of a bus.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection
from random import Random

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IListeningPort, IReactorTime
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.cluster.audience import Audience
from twim.cluster.interface import MAX_EVENT, Listener, NodeInfo, Topic
from twim.cluster.nodes import ANNOUNCE_EVERY, Record, check_event, new_node
from twim.cluster.problem_log import ProblemLog
from twim.cluster.udp.incoming import Incoming
from twim.cluster.udp.outgoing import Outgoing
from twim.cluster.udp.sealing import ANNOUNCEMENT, Seal, header_of

ANSWER_AFTER = 0.01  # seconds until a new node is answered; other nodes that come up meanwhile get the same answer
QUIET_AFTER = 0.04  # seconds after the last datagram until its number is announced: otherwise nobody notices its loss
BYES = 3  # how many goodbyes are sent, since one may be lost

_FULL = frozenset((errno.EAGAIN, errno.ENOBUFS))


class UdpBus(DatagramProtocol):
    """`listen` opens the socket and connects it with the protocol that it is given. `where` is the broadcast address
    and the port."""

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
        self._clock = clock
        self._listen = listen
        self._self = Record(self.node, clock.seconds())
        self._self.epoch, self._self.version = epoch, version
        self._own_address = ""
        self.problems = ProblemLog(self.log, clock)
        self._audience = Audience(self.log, self.problems)
        self._out = Outgoing(Seal(key, self._id), clock, self._send)
        self._incoming = Incoming(
            self._self, key, clock, random or Random(), self._out, self._audience, self.problems, self._greet
        )
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = clock
        self._greeting: IDelayedCall | None = None
        self._quiet: IDelayedCall | None = None
        self._port: IListeningPort | None = None

    @property
    def dropped(self) -> int:
        return self.problems.dropped

    @property
    def joined(self) -> bool:
        return self._port is not None

    # Bus

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
        return [me.info(), *self._incoming.nodes()]

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

    # The socket

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        try:
            self._received(datagram, addr)
        except Exception:
            # The reactor would survive the exception, too, but it would log each one.
            self.problems.dropped += 1
            self.problems.failure("a datagram could not be handled", addr[0])

    def _received(self, datagram: bytes, addr: tuple[str, int]) -> None:
        header = header_of(datagram)
        if header is None:
            self.problems.drop("a datagram that is none of ours", addr[0])
        elif self._port is None:
            pass
        elif header.node == self._id:
            self._own_address = addr[0]
        else:
            self._incoming.take(header, datagram, addr[0])

    def _send(self, datagram: bytes) -> bool:
        """Whether the socket had room. Any other error counts as a loss on the way: others ask for the datagram
        again."""
        if self.transport is None:
            return True
        try:
            self.transport.write(datagram, self._where)
        except OSError as error:
            if error.errno in _FULL:
                return False
            self.problems.warn("the network takes no datagrams", error)
        return True

    # Announcements

    def _tick(self) -> None:
        self._self.meter.tick(self._clock.seconds())
        self._incoming.tick()
        self._announce()

    def _announce(self, bye: bool = False) -> None:
        now, heard = self._clock.seconds(), self._incoming.heard_lately()
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

    def _broken(self, failure: Failure) -> None:
        self.log.failure("the bus no longer announces this node", failure)

    def _cancel_calls(self) -> None:
        for call in (self._greeting, self._quiet):
            if call is not None:
                call.cancel()
        self._greeting = self._quiet = None
        self._incoming.stop()
