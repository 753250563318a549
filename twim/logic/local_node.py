"""The parts of this node that have to do with other nodes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from twisted.internet.defer import Deferred

from twim.hub.hub import Hub
from twim.logic.presence import Presence
from twim.logic.routing import Routing
from twim.logic.silences import Silences
from twim.storage.conversations import Conversations
from twim.storage.relations import RelationStore


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalNode:
    """The parts of this node that the parts for the cluster use."""

    hub: Hub
    routing: Routing
    presence: Presence
    conversations: Conversations
    relations: RelationStore
    silences: Silences
    cut: Callable[[int, int], None]
    """Ends the connections of one device of a user here."""
    recheck: Callable[[], Awaitable[None]]
    """Ends the connections here of all devices whose tokens have ended, after a loss."""
    look_for_ended: Callable[[], Awaitable[None]]
    """The same now and then, without reading every token again."""
    settings_changed: Callable[[], object]
    """Reads the settings again."""
    stored: Callable[[], object]
    """Messages were stored on another node."""
    settled: Callable[[], Deferred[None]]
    """See `MessageLog.settled`."""
