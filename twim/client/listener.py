"""What a client reports to the program that uses it, and what that program may ask of the client in return.

Override the methods of `Listener` that matter; the others do nothing. Each may be `async` or return a Deferred: the
client does not wait for it, and logs the exceptions that it raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from twim.client.inbox import Position
from twim.client.link import State
from twim.client.pending import Answer
from twim.client.rest import Rest
from twim.client.server_frames import Conversation, ConversationKey
from twim.client.unread import Counted
from twim.wire.message import Message, Shown


class Client(Protocol):
    """The client as a listener sees it. `ImClient` documents each member."""

    rest: Rest
    userid: int
    state: State

    @property
    def position(self) -> Position: ...
    @property
    def unanswered(self) -> int: ...
    def unread(self, conversation: ConversationKey) -> Counted: ...
    def send(self, message: Message) -> Deferred[Answer]: ...
    def send_text(self, scope: int, dstid: int, text: str, **more: Any) -> Deferred[Answer]: ...
    def reply(self, message: Shown, text: str) -> Deferred[Answer]: ...
    def mark_read(self, conversation: ConversationKey, seq: int) -> None: ...
    def typing(self, conversation: ConversationKey) -> None: ...
    def close(self) -> Deferred[None]: ...


class Listener:
    """Base class of listeners; its methods do nothing."""

    def message(self, client: Client, message: Shown) -> object:
        """The next message of its conversation, the user's own ones included: with ascending `seq`, each once."""

    def caught_up(self, client: Client, conversations: Sequence[Conversation]) -> object:
        """The client is connected, and these are all conversations of the user. Messages that are still being fetched
        follow by `message`."""

    def read(self, client: Client, conversation: ConversationKey, userid: int, seq: int) -> object:
        """`userid` (the peer, or the user on another device) has read up to `seq`."""

    def typing(self, client: Client, conversation: ConversationKey, userid: int) -> object:
        """`userid` is typing in that conversation."""

    def presence(self, client: Client, userid: int, online: bool) -> object:
        """A friend came online or went offline."""

    def changed(self, client: Client, what: str, fields: dict[str, Any]) -> object:
        """Something other than a message changed; `what` is "friend", "group", "profile" … "erased": what the
        user `userid` of `fields` said counts as recalled from now on."""

    def reset(self, client: Client) -> object:
        """The server has another database: forget all messages; they will be delivered again."""

    def state(self, client: Client, state: State) -> object:
        """The connection is now online, connecting or offline."""
