"""One device of one user. It sends each message until that is answered, and receives each message once and in order."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutine
from random import Random, SystemRandom
from typing import Any, Final, Self

import msgspec
from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.client.catch_up import CATCH_UP_CID, CatchUp, ReadMarks
from twim.client.inbox import Inbox, Position
from twim.client.link import Link, State
from twim.client.listener import Listener
from twim.client.pacing import Pacing
from twim.client.pending import Answer, PendingMessages
from twim.client.rest import Account, Rest, http_client
from twim.client.server_frames import (
    ConversationKey,
    ServerFrame,
    conversation_of,
    decode,
    decode_loosely,
    decode_message,
)
from twim.client.socket import Dial, dialler
from twim.client.unread import Counted
from twim.client.unread_counts import UnreadCounts
from twim.errors import TOO_MANY, NotLoggedIn, Refusal
from twim.wire import commands
from twim.wire.message import Message, Shown, encode

CID_BITS: Final = 128
"""Random bits of the `cid` of a message that has none of its own."""


class Closed(Exception):
    """The client was closed before an answer came. The message may be stored or not."""


class ImClient:
    """A logged-in device.

    `rest` has the token. `listener` is told of everything that comes. With `position` the device continues where an
    earlier one stopped. `dial` and `random` are for tests, and for programs that connect in another way.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        rest: Rest,
        userid: int,
        listener: Listener | None = None,
        position: Position | None = None,
        dial: Dial | None = None,
        random: Random | None = None,
    ) -> None:
        self.rest = rest
        self.userid = userid
        self.state = State.OFFLINE
        self._clock = clock
        self._listener = listener or Listener()
        self._random = random or SystemRandom()
        self._inbox = Inbox(clock, rest, self._next)
        self._inbox.resume(position.have if position else {})
        self._unread = UnreadCounts(clock, rest, userid)
        self._pending = PendingMessages()
        self._catch_up = CatchUp(clock, position.epoch if position else "", self._catch_up_failed)
        self._reads = ReadMarks()
        self._pacing = Pacing(clock, self._send_held)
        self._want_missed = True
        self._connected: Deferred[None] | None = None
        self._closing: Deferred[None] | None = None
        self._link = Link(clock, dial or dialler(clock, rest.url, userid), self._random, self)

    @classmethod
    async def login(
        cls, reactor: Any, url: str, mobile: str, passwd: str, listener: Listener | None = None, **more: Any
    ) -> Self:
        """Log in as that user, at the server whose root is `url`, with a new device. Raises `Refusal` or
        `Unreachable`."""
        rest = Rest(reactor, http_client(reactor), url)
        account = await rest.login(mobile, passwd)
        return cls(reactor, rest, account.id, listener, **more)

    @classmethod
    async def register(
        cls,
        reactor: Any,
        url: str,
        mobile: str,
        passwd: str,
        listener: Listener | None = None,
        **profile: str,
    ) -> Self:
        """Register a new user, and log in. For `profile` see `Rest.register`."""
        rest = Rest(reactor, http_client(reactor), url)
        account: Account = await rest.register(mobile, passwd, **profile)
        return cls(reactor, rest, account.id, listener)

    @property
    def position(self) -> Position:
        """How far the listener has got: every message up to here was given to it."""
        return Position(self._catch_up.epoch, self._inbox.have)

    @property
    def unanswered(self) -> int:
        """How many messages wait for their answer."""
        return len(self._pending)

    def unread(self, conversation: ConversationKey) -> Counted:
        """How many messages of a conversation are unread, as a row of the server's list would say it now. Sometimes
        only the server can know it, for example after the user has read a part of it on another device: then the number
        is right a moment later."""
        return self._unread.of(conversation)

    def connect(self, missed: bool = True) -> Deferred[None]:
        """Connect, and stay connected. Fires when the first catch-up has ended.

        If the server can't be reached, the client tries again for ever. If the server refuses the token, the Deferred
        fails with `NotLoggedIn`, and the client tries no more. Without `missed`, messages that were sent before now are
        not given to the listener.
        """
        self._want_missed = missed
        self._connected = Deferred(lambda _: self._link.stop())
        connected = self._connected
        self._become(State.CONNECTING)
        self._link.start(self.rest.token)
        return connected

    def close(self) -> Deferred[None]:
        """Disconnect. Fires when the socket has ended. The Deferreds of messages without an answer fail with
        `Closed`."""
        self._closing = Deferred()
        closing = self._closing
        self._link.stop()
        return closing

    def send_text(self, scope: int, dstid: int, text: str, **more: Any) -> Deferred[Answer]:
        """`send` a text. `more` may have `ref` and `mentions`."""
        return self.send(Message(cmd=scope, dstid=dstid, media=commands.TEXT, content=text, **more))

    def reply(self, message: Shown, text: str) -> Deferred[Answer]:
        """`send_text` to the conversation of `message`, referring to it."""
        conversation = conversation_of(message, self.userid)
        return self.send_text(conversation.scope, conversation.dstid, text, ref=message.seq)

    def send(self, message: Message) -> Deferred[Answer]:
        """Send a message, over as many connections as that takes. Fires with the answer, or fails with the `Refusal` of
        the server. What is refused for being too much at once is sent again by itself, when the server says so.

        A message without `cid` is given one. A message that has the `cid` of a stored one is not stored again, and gets
        the first answer again. So after `Closed`, or after a refusal that may pass (-6: storage unavailable), the same
        message may be sent again. Cancelling the Deferred only ends the waiting: the message may be stored all the
        same.
        """
        message.cid = message.cid or f"{self._random.getrandbits(CID_BITS):032x}"
        message.userid = self.userid
        # The caller may give a list, but what others get has a tuple, and the two are to be equal.
        message.mentions = tuple(message.mentions)
        try:
            waiting = self._pending.add(message)
        except Refusal as refused:
            return fail(refused)
        if not self._pacing.hold(message.cid):
            self._link.send(encode(message))
        return waiting

    def mark_read(self, conversation: ConversationKey, seq: int) -> None:
        """The user has read up to `seq`. The server is told again after each reconnection until it knows."""
        highest = self._reads.mark(conversation, seq)
        self._unread.read_to(conversation, highest)
        self._command(commands.READ, conversation, seq=highest)

    def typing(self, conversation: ConversationKey) -> None:
        """Show the others that the user is typing. Without a connection nothing happens."""
        self._command(commands.TYPING, conversation)

    # What the link calls

    def link_opened(self) -> None:
        self._inbox.catch_up()
        self._link.send(encode(self._catch_up.begin(self._inbox.have)))
        for message in self._pending:
            self._link.send(encode(message))

    def link_received(self, payload: bytes) -> None:
        try:
            frame = decode(payload)
        except msgspec.MsgspecError as error:
            self.log.error("a frame is not understood: {why}", why=error)
            return
        _HANDLERS.get(frame.cmd, ImClient._nothing)(self, frame, payload)

    def link_lost(self) -> None:
        self._pause(State.CONNECTING)

    def link_refused(self, status: int) -> None:
        self._pause(State.OFFLINE)
        self._end(NotLoggedIn(f"the server refuses this user ({status})"))

    def link_stopped(self) -> None:
        self._pause(State.OFFLINE)
        self._end(Closed("the client was closed"))
        closing, self._closing = self._closing, None
        if closing is not None:
            closing.callback(None)

    # What is done with the frames of the server, by their `cmd`

    def _message(self, frame: ServerFrame, payload: bytes) -> None:
        self._inbox.take(conversation_of(frame, self.userid), decode_message(payload))

    def _answer(self, frame: ServerFrame, payload: bytes) -> None:
        if frame.code == TOO_MANY and frame.wait and frame.cid in self._pending:
            self._pacing.refused(frame.cid, frame.wait)
            return
        settled = self._pending.settle(frame.cid)
        if settled is None:
            if frame.cid == CATCH_UP_CID:
                self._catch_up_failed(frame.msg)
            elif frame.code:
                self.log.info("refused: {why}", why=frame.msg)
            return
        message, waiting = settled
        if frame.code:
            waiting.errback(Failure(Refusal(frame.msg, code=frame.code)))
            return
        conversation = ConversationKey(frame.scope, frame.dstid)
        self._inbox.take(conversation, _as_stored(message, frame))
        waiting.callback(Answer(conversation, frame.seq, frame.at))

    def _send_held(self, cids: set[str]) -> None:
        for message in self._pending:
            if message.cid in cids:
                self._link.send(encode(message))

    def _catch_up_failed(self, why: str) -> None:
        """Without a catch-up no message may be given to the listener, so the client connects anew. The link waits
        longer before each new socket."""
        self.log.info("no catch-up: {why}", why=why)
        self._catch_up.stop()
        self._link.restart()

    def _caught_up(self, frame: ServerFrame, payload: bytes) -> None:
        self._catch_up.stop()
        if frame.reset and self._catch_up.epoch:
            self._tell(self._listener.reset)
        self._catch_up.epoch = frame.epoch
        # The counts come first: a row counts the messages up to its head, and some of those are given out only now.
        self._unread.caught_up(frame.rows, frame.reset)
        heads = {row.key: row.seq for row in frame.rows}
        self._inbox.caught_up(heads, frame.reset, self._want_missed)
        self._want_missed = True
        for conversation, seq in self._reads.unknown(frame.rows):
            self._command(commands.READ, conversation, seq=seq)
        self._link.steady()
        self._become(State.ONLINE)
        self._tell(self._listener.caught_up, frame.rows)
        connected, self._connected = self._connected, None
        if connected is not None:
            connected.callback(None)

    def _typing(self, frame: ServerFrame, payload: bytes) -> None:
        self._tell(self._listener.typing, ConversationKey(frame.scope, frame.dstid), frame.userid)

    def _next(self, message: Shown) -> None:
        self._unread.take(conversation_of(message, self.userid), message)
        self._tell(self._listener.message, message)

    def _read(self, frame: ServerFrame, payload: bytes) -> None:
        if frame.userid == self.userid:
            self._unread.read_to(ConversationKey(frame.scope, frame.dstid), frame.seq)
        self._tell(self._listener.read, ConversationKey(frame.scope, frame.dstid), frame.userid, frame.seq)

    def _presence(self, frame: ServerFrame, payload: bytes) -> None:
        self._tell(self._listener.presence, frame.userid, bool(frame.online))

    def _changed(self, frame: ServerFrame, payload: bytes) -> None:
        fields = decode_loosely(payload)
        self._tell(self._listener.changed, fields.get("what", ""), fields)

    def _nothing(self, frame: ServerFrame, payload: bytes) -> None:
        """Nothing is done with the answer to a heartbeat, since its arrival is enough, or with a command of a newer
        server."""

    def _command(self, cmd: int, conversation: ConversationKey, **more: int) -> None:
        self._link.send(encode({"cmd": cmd, "scope": conversation.scope, "dstid": conversation.dstid} | more))

    def _become(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self._tell(self._listener.state, state)

    def _pause(self, state: State) -> None:
        self._catch_up.stop()
        self._pacing.stop()
        self._inbox.stop()
        self._unread.stop()
        self._become(state)

    def _end(self, reason: Exception) -> None:
        """There will be no further connection."""
        self._pending.fail(reason)
        connected, self._connected = self._connected, None
        if connected is not None:
            connected.errback(Failure(reason))

    def _tell(self, listen: Callable[..., object], *what: object) -> None:
        telling = maybeDeferred(_awaited, listen, self, *what)
        telling.addErrback(lambda failure: self.log.failure("the listener failed", failure))


def _awaited(listen: Callable[..., object], *what: object) -> object:
    result = listen(*what)
    return Deferred.fromCoroutine(result) if iscoroutine(result) else result


def _as_stored(message: Message, answer: ServerFrame) -> Shown:
    """A message of this device as the other devices get it."""
    fields = msgspec.structs.asdict(message) | {"seq": answer.seq, "at": answer.at}
    return Shown(**fields)


_HANDLERS: Final[dict[int, Callable[[ImClient, ServerFrame, bytes], None]]] = {
    commands.ANSWER: ImClient._answer,
    commands.CATCH_UP: ImClient._caught_up,
    commands.TYPING: ImClient._typing,
    commands.READ: ImClient._read,
    commands.PRESENCE: ImClient._presence,
    commands.CHANGED: ImClient._changed,
    commands.SINGLE: ImClient._message,
    commands.GROUP: ImClient._message,
}
