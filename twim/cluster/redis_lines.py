"""The two connections to Redis: one that publishes, one that is subscribed (RESP2 allows no other commands on
it).

txredisapi logs in and reads the replies. Its own waiting (a Deferred for each command) and its own pools (on
the global reactor) are left aside. It should have hiredis to read with: without, it takes a turn of the
reactor for each string, which is 4 times the work for an event. It imports the reactor, so this module must
not be imported before the reactor is chosen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from twisted.application.internet import ClientService
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory
from txredisapi import RedisProtocol, SubscriberProtocol

CHANNELS_AT_ONCE = 256  # in one command, so that a node with many users doesn't stop Redis for everybody
QUEUE = 16 * 1024 * 1024  # bytes published that Redis hasn't answered yet; what comes on top is dropped and counted
CONNECT_TIMEOUT = 3.0  # seconds
RETRY_FIRST, RETRY_LAST = 0.1, 2.0  # seconds between tries to connect, doubling


def command(*words: bytes) -> bytes:
    """A command as Redis reads it (RESP2, an array of bulk strings)."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


class PublishingLine(RedisProtocol):  # type: ignore[misc]
    """Publishes, and counts the answers."""

    def __init__(self, refused: Callable[[str], None], **login: str | None) -> None:
        super().__init__(charset=None, convertNumbers=False, **login)
        self._refused = refused
        self._sizes: deque[int] = deque()
        self.waiting = 0
        """bytes that Redis hasn't answered"""

    def publish_to(self, channel: bytes, payload: bytes) -> bool:
        """Whether there was room in the queue."""
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
            super().replyReceived(reply)  # to the login
            return
        self.waiting -= self._sizes.popleft()
        if isinstance(reply, Exception):
            self._refused(str(reply))


class SubscribedLine(SubscriberProtocol):  # type: ignore[misc]
    """Tells what is published on its channels, and when a subscription holds."""

    def __init__(
        self, heard: Callable[[bytes, bytes], None], confirmed: Callable[[bytes], None], **login: str | None
    ) -> None:
        super().__init__(charset=None, convertNumbers=False, **login)
        self._heard = heard
        self._confirmed = confirmed

    def subscribe_to(self, channels: Sequence[bytes]) -> None:
        """Ask for these; each will be confirmed."""
        for at in range(0, len(channels), CHANNELS_AT_ONCE):
            self.transport.write(command(b"SUBSCRIBE", *channels[at : at + CHANNELS_AT_ONCE]))

    def unsubscribe_from(self, channel: bytes) -> None:
        """Ask for this no longer."""
        self.transport.write(command(b"UNSUBSCRIBE", channel))

    def replyReceived(self, reply: Any) -> None:
        match reply:
            case [b"message", channel, payload]:
                self._heard(channel, payload)
            case [b"subscribe", channel, _]:
                self._confirmed(channel)
            case [b"unsubscribe", _, _]:
                pass
            case _:
                super().replyReceived(reply)


class Line(Factory):
    """Keeps one connection: makes it, makes it again with growing pauses when it is lost, and tells of both."""

    noisy = False
    isLazy = False  # txredisapi asks for it

    def __init__(
        self,
        reactor: Any,
        where: tuple[str, int],
        make: Callable[[], Any],
        up: Callable[[Any], None],
        down: Callable[[Any], None],
        refused: Callable[[str], None],
    ) -> None:
        self._make, self._up, self._down = make, up, down
        self.connectionError = refused  # txredisapi calls it when the login fails
        endpoint = HostnameEndpoint(reactor, *where, timeout=CONNECT_TIMEOUT)
        self._service = ClientService(endpoint, self, retryPolicy=_retry_after, clock=reactor)
        self.start = self._service.startService
        self.stop = self._service.stopService

    def buildProtocol(self, addr: object) -> Any:
        line = self._make()
        line.factory = self
        line.whenConnected().addCallback(self._up)
        line.whenDisconnected().addCallback(lambda _: self._down(line))
        return line

    def stopTrying(self) -> None:
        """txredisapi calls it when the login fails. We go on: the password may be set right on the other
        side.
        """


def _retry_after(tries: int) -> float:
    return float(min(RETRY_FIRST * 2 ** min(tries, 10), RETRY_LAST))


def distinct(words: Iterable[bytes]) -> list[bytes]:
    """Each once, in their order."""
    return list(dict.fromkeys(words))
