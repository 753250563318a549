"""A socket that is kept: dialled again with backoff when it ends, given up when nothing is heard from it."""

from __future__ import annotations

from enum import StrEnum
from random import Random
from typing import Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twim.client.backoff import Backoff
from twim.client.socket import Dial, Socket

HEARTBEAT: Final = b'{"cmd":0}'
HEARTBEAT_SECONDS: Final = 20.0  # below the minute after which routers and proxies forget a silent connection
REFUSED: Final = (401, 403)  # the token or its user is refused: trying again changes nothing


class State(StrEnum):
    """What a user would be shown."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    ONLINE = "online"


class LinkUser(Protocol):
    """Who speaks over a link."""

    def link_opened(self) -> None:
        """Say what must come first; the link is usable."""

    def link_said(self, payload: bytes) -> None: ...

    def link_lost(self) -> None:
        """The socket ended; another is on its way."""

    def link_refused(self, status: int) -> None:
        """The server refuses this user; the link has stopped."""

    def link_stopped(self) -> None:
        """After `stop`: the last socket has ended."""


class Link:
    """Reports to `user`. One socket at a time."""

    log = Logger()

    def __init__(self, clock: IReactorTime, dial: Dial, random: Random, user: LinkUser) -> None:
        self._clock = clock
        self._dial = dial
        self._user = user
        self._backoff = Backoff(random)
        self._socket: Socket | None = None
        self._open = False
        self._stopping = False
        self._heard = False
        self._timer: IDelayedCall | None = None
        self._token = ""

    def start(self, token: str) -> None:
        """Connect, and stay connected until `stop`."""
        assert self._socket is None and self._timer is None, "started already"
        self._token, self._stopping = token, False
        self._connect()

    def stop(self) -> None:
        """Say goodbye; `link_stopped` follows."""
        self._stopping = True
        self._cancel_timer()
        if self._socket is None:
            self._user.link_stopped()
        else:
            self._socket.close()

    def say(self, payload: bytes) -> None:
        """Send when the socket is open; whoever needs an answer says it again after `link_opened`."""
        if self._open and self._socket is not None:
            self._socket.say(payload)

    def steady(self) -> None:
        """The server took us in: the next loss is a new one."""
        self._backoff.succeeded()

    def restart(self) -> None:
        """This socket is of no use; a new one is dialled when it has ended."""
        if self._socket is not None:
            self._socket.abort()

    def socket_opened(self, socket: Socket) -> None:
        self._open, self._heard = True, True
        self._timer = self._clock.callLater(HEARTBEAT_SECONDS, self._beat)
        self._user.link_opened()

    def socket_said(self, socket: Socket, payload: bytes) -> None:
        self._heard = True
        if not self._stopping:
            self._user.link_said(payload)

    def socket_closed(self, socket: Socket, code: int, reason: str) -> None:
        self._socket, self._open = None, False
        self._cancel_timer()
        self.log.info("socket ended: {code} {reason}", code=code, reason=reason)
        if self._stopping:
            self._user.link_stopped()
        elif code in REFUSED:
            self._user.link_refused(code)
        else:
            self._timer = self._clock.callLater(self._backoff.delay(), self._connect)
            self._user.link_lost()

    def _connect(self) -> None:
        self._timer = None
        self._socket = self._dial(self, self._token)

    def _beat(self) -> None:
        """A server that said nothing since the last beat, not even its answer to it, is gone."""
        self._timer = None
        if not self._heard:
            self.log.info("nothing heard for {seconds} s, dialling again", seconds=HEARTBEAT_SECONDS)
            self.restart()
            return
        self._heard = False
        self._timer = self._clock.callLater(HEARTBEAT_SECONDS, self._beat)
        self.say(HEARTBEAT)

    def _cancel_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
