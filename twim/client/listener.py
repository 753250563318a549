"""What a client tells its owner. Override what matters; the rest does nothing.

Each may be `async` or return a Deferred; it isn't waited for, and what it raises is logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twim.client.link import State
from twim.client.said import Conversation, Place
from twim.wire.message import Shown

if TYPE_CHECKING:
    from twim.client.client import ImClient


class Listener:
    """A base that hears everything and does nothing."""

    def message(self, client: ImClient, message: Shown) -> object:
        """The next message of its conversation, one's own included: ascending `seq`, each once."""

    def caught_up(self, client: ImClient, conversations: Sequence[Conversation]) -> object:
        """Connected; these are all conversations. Pages that are still missing follow as messages."""

    def read(self, client: ImClient, place: Place, userid: int, seq: int) -> object:
        """`userid` (the peer, or oneself on another device) has read up to `seq`."""

    def typing(self, client: ImClient, place: Place, userid: int) -> object:
        """`userid` is typing there."""

    def presence(self, client: ImClient, userid: int, online: bool) -> object:
        """A friend came or went."""

    def changed(self, client: ImClient, what: str, fields: dict[str, Any]) -> object:
        """Something that isn't a message changed: "friend", "group", "profile" …"""

    def reset(self, client: ImClient) -> object:
        """The server's database is another one: forget every message; they come anew."""

    def state(self, client: ImClient, state: State) -> object:
        """Online, connecting or offline."""
