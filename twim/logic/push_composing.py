"""Puts together what pushes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from twim.config import Config
from twim.logic.push_subscriptions import PushSubscriptions
from twim.logic.pushing import Pushing
from twim.logic.routing import Routing
from twim.outbound.push_service import PushService
from twim.outbound.requests import OutboundRequests
from twim.outbound.vapid import Vapid
from twim.storage.database import Database
from twim.storage.interface import LogListener, Post
from twim.storage.push_key import read_push_key
from twim.storage.push_receivers import PushReceivers
from twim.storage.push_subscriptions import PushSubscriptionStore

_KEY_BYTES: Final = 32


class PushParts(NamedTuple):
    """What pushes, and the public key that pages subscribe with, "" where nothing is pushed."""

    subscriptions: PushSubscriptions
    pushing: Pushing
    key: str

    def listening(self, first: LogListener) -> LogListener:
        """Who hears what became of posts: `first`, and what pushes after it."""
        return _Listener(first, self.pushing) if self.key else first

    def stop(self) -> None:
        """Begin no more pushes."""
        self.subscriptions.stop()
        self.pushing.stop()


class _Listener:
    """See `LogListener`."""

    def __init__(self, first: LogListener, pushing: Pushing) -> None:
        self._first = first
        self._pushing = pushing
        self.failed = first.failed

    def committed(self, posts: Sequence[Post]) -> None:
        self._first.committed(posts)
        self._pushing.take(posts)


def compose_push(
    config: Config,
    database: Database,
    routing: Routing,
    is_connected: Callable[[int], bool],
    reactor: Any,
    now_ms: Callable[[], int],
) -> PushParts:
    """What pushes by the option `push`, on a database that is open."""
    private = read_push_key(database)
    requests = OutboundRequests(reactor, config.push == "private")
    vapid = Vapid(private, lambda: now_ms() / 1000)
    is_on = config.push != "off"
    subscriptions = PushSubscriptions(PushSubscriptionStore(database), requests, routing, is_on, reactor, now_ms)
    service = PushService(requests, vapid, lambda: now_ms() / 1000)
    topic_key = private.to_bytes(_KEY_BYTES)
    pushing = Pushing(
        *(subscriptions, PushReceivers(database), service, topic_key),
        *(is_connected, reactor, now_ms),
    )
    return PushParts(subscriptions, pushing, vapid.public if is_on else "")
