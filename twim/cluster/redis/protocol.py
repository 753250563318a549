"""The two connections to Redis: one publishes, and one is subscribed (in RESP2 such a connection allows no other
commands).

txredisapi logs in and reads the replies. Its Deferreds for each command and its connection pools on the global reactor
are not used. hiredis should be installed: without it, txredisapi takes one reactor iteration for each string that it
reads, which is four times the work for an event. txredisapi imports the reactor, so this module must not be imported
before the reactor is chosen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from twisted.application.internet import ClientService
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from txredisapi import RedisProtocol, SubscriberProtocol

CHANNELS_AT_ONCE = 256  # in one command, so that a node with many users doesn't keep Redis busy for long
QUEUE = 16 * 1024 * 1024  # bytes that were published and not yet answered by Redis; further events are dropped
CONNECT_TIMEOUT = 3.0  # seconds
RETRY_FIRST, RETRY_LAST = 0.1, 2.0  # seconds between attempts to connect; the pause doubles from the first to the last


def command(*words: bytes) -> bytes:
    """A command as Redis reads it (RESP2, an array of bulk strings)."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


class PublishingConnection(RedisProtocol):  # type: ignore[misc]
    """Publishes events, and counts the bytes that Redis has not answered."""

    def __init__(self, refused: Callable[[str], None], **login: str | None) -> None:
        super().__init__(charset=None, convertNumbers=False, **login)
        self._refused = refused
        self._sizes: deque[int] = deque()
        self.waiting = 0
        """How many bytes were published that Redis has not answered."""

    def publish_to(self, channel: bytes, payload: bytes) -> bool:
        """Publish `payload`. Gives whether there was room in the queue; if not, nothing is sent."""
        size = len(channel) + len(payload)
        if self.waiting + size > QUEUE:
            return False
        self.waiting += size
        self._sizes.append(size)
        self.transport.write(
            b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(channel), channel, len(payload), payload)
        )
        return True

    def replyReceived(self, reply: Any) -> None:
        if not self._sizes:
            super().replyReceived(reply)  # the answer to the login
            return
        self.waiting -= self._sizes.popleft()
        if isinstance(reply, Exception):
            self._refused(str(reply))


class SubscribedConnection(SubscriberProtocol):  # type: ignore[misc]
    """Reports what is published on its channels, and which subscriptions Redis has confirmed."""

    def __init__(
        self,
        heard: Callable[[bytes, bytes], None],
        confirmed: Callable[[bytes], None],
        refused: Callable[[str], None],
        **login: str | None,
    ) -> None:
        super().__init__(charset=None, convertNumbers=False, **login)
        self._heard = heard
        self._confirmed = confirmed
        self._refused = refused

    def subscribe_to(self, channels: Sequence[bytes]) -> None:
        """Subscribe to these channels. Redis confirms each of them."""
        for at in range(0, len(channels), CHANNELS_AT_ONCE):
            self.transport.write(command(b"SUBSCRIBE", *channels[at : at + CHANNELS_AT_ONCE]))

    def unsubscribe_from(self, channel: bytes) -> None:
        """End the subscription to this channel."""
        self.transport.write(command(b"UNSUBSCRIBE", channel))

    def replyReceived(self, reply: Any) -> None:
        match reply:
            case [b"message", channel, payload]:
                self._heard(channel, payload)
            case [b"subscribe", channel, _]:
                self._confirmed(channel)
            case [b"unsubscribe", _, _]:
                pass
            case Exception() if self.connected:
                # This user may not subscribe to one of the channels. Redis doesn't say to which, so the connection is
                # closed, and all channels are subscribed to again on the next one.
                self._refused(str(reply))
                self.transport.loseConnection()
            case _:
                super().replyReceived(reply)


class ReconnectingConnection(Factory):
    """Keeps one connection open. When it is lost, it is made again, with growing pauses. Calls `up` and `down`."""

    noisy = False
    isLazy = False  # txredisapi reads this attribute of its factory

    def __init__(
        self,
        reactor: Any,
        where: IStreamClientEndpoint,
        make: Callable[[], Any],
        up: Callable[[Any], None],
        down: Callable[[Any], None],
        refused: Callable[[str], None],
    ) -> None:
        self._make, self._up, self._down = make, up, down
        self.connectionError = refused  # txredisapi calls it when the login fails
        self._service = ClientService(where, self, retryPolicy=_retry_after, clock=reactor)
        self.start = self._service.startService
        self.stop = self._service.stopService

    def buildProtocol(self, addr: object) -> Any:
        connection = self._make()
        connection.factory = self
        connection.whenConnected().addCallback(self._up)
        connection.whenDisconnected().addCallback(lambda _: self._down(connection))
        return connection

    def stopTrying(self) -> None:
        """txredisapi calls it when the login fails. We try again all the same: the password may be corrected in
        Redis."""


def _retry_after(tries: int) -> float:
    return float(min(RETRY_FIRST * 2 ** min(tries, 10), RETRY_LAST))


def distinct(words: Iterable[bytes]) -> list[bytes]:
    """Each of `words` once, in the order of their first occurrence."""
    return list(dict.fromkeys(words))
