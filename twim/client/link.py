"""Keeps a socket open. When it ends, a new one is opened after a pause; when nothing comes from the server, it is
dropped."""

from __future__ import annotations

from enum import StrEnum
from random import Random
from typing import Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twim.client.backoff import Backoff
from twim.client.socket import Dial, Socket

HEARTBEAT: Final = b'{"cmd":0}'
HEARTBEAT_SECONDS: Final = 20.0  # less than the minute after which routers and proxies forget a silent connection
REFUSED: Final = (401, 403)  # the server refuses the token or its user: trying again would change nothing


class State(StrEnum):
    """The state of the connection, as it may be shown to a user."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    ONLINE = "online"


class LinkOwner(Protocol):
    """What a link calls."""

    def link_opened(self) -> None:
        """A socket is open. The owner sends what has to come first."""

    def link_received(self, payload: bytes) -> None: ...

    def link_lost(self) -> None:
        """The socket has ended. The link will open another one."""

    def link_refused(self, status: int) -> None:
        """The server refuses this user, with an HTTP status. The link has stopped."""

    def link_stopped(self) -> None:
        """`stop` was called, and the last socket has ended."""


class Link:
    """Opens one socket at a time, and reports to `owner`."""

    log = Logger()

    def __init__(self, clock: IReactorTime, dial: Dial, random: Random, owner: LinkOwner) -> None:
        self._clock = clock
        self._dial = dial
        self._owner = owner
        self._backoff = Backoff(random)
        self._socket: Socket | None = None
        self._open = False
        self._stopping = False
        self._received = False
        self._timer: IDelayedCall | None = None
        self._token = ""

    def start(self, token: str) -> None:
        """Connect, and stay connected until `stop`."""
        assert self._socket is None and self._timer is None, "started already"
        self._token, self._stopping = token, False
        self._connect()

    def stop(self) -> None:
        """Close the socket. `link_stopped` follows."""
        self._stopping = True
        self._cancel_timer()
        if self._socket is None:
            self._owner.link_stopped()
        else:
            self._socket.close()

    def send(self, payload: bytes) -> None:
        """Send a frame if the socket is open; otherwise drop it. What needs an answer is sent again after
        `link_opened`."""
        if self._open and self._socket is not None:
            self._socket.send(payload)

    def steady(self) -> None:
        """The connection works: if it is lost, the next pause is the shortest one again."""
        self._backoff.succeeded()

    def restart(self) -> None:
        """Drop this socket, which is of no use. A new one is opened when it has ended."""
        if self._socket is not None:
            self._socket.abort()

    def socket_opened(self, socket: Socket) -> None:
        self._open, self._received = True, True
        self._timer = self._clock.callLater(HEARTBEAT_SECONDS, self._heartbeat)
        self._owner.link_opened()

    def socket_received(self, socket: Socket, payload: bytes) -> None:
        self._received = True
        if not self._stopping:
            self._owner.link_received(payload)

    def socket_closed(self, socket: Socket, code: int, reason: str) -> None:
        self._socket, self._open = None, False
        self._cancel_timer()
        self.log.info("socket ended: {code} {reason}", code=code, reason=reason)
        if self._stopping:
            self._owner.link_stopped()
        elif code in REFUSED:
            self._owner.link_refused(code)
        else:
            self._timer = self._clock.callLater(self._backoff.delay(), self._connect)
            self._owner.link_lost()

    def _connect(self) -> None:
        self._timer = None
        self._socket = self._dial(self, self._token)

    def _heartbeat(self) -> None:
        """Send a heartbeat, unless nothing has come since the last one, not even its answer: then the server is
        gone."""
        self._timer = None
        if not self._received:
            self.log.info("nothing heard for {seconds} s, dialling again", seconds=HEARTBEAT_SECONDS)
            self.restart()
            return
        self._received = False
        self._timer = self._clock.callLater(HEARTBEAT_SECONDS, self._heartbeat)
        self.send(HEARTBEAT)

    def _cancel_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
