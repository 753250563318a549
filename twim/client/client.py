"""One device of one user: sends until answered, receives everything once and in order."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutine
from random import Random, SystemRandom
from typing import Any, Final, Self

import msgspec
from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.client.inbox import Inbox
from twim.client.link import Link, State
from twim.client.listener import Listener
from twim.client.rest import Account, Rest, http_client
from twim.client.said import Place, Said, decode, decode_loosely, decode_message, place_of
from twim.client.socket import Dial, dialler
from twim.client.unanswered import Answer, Unanswered
from twim.errors import NotLoggedIn, Refusal
from twim.wire import commands
from twim.wire.message import Message, Shown, encode

CID_BITS: Final = 128
CATCH_UP_CID: Final = "catch-up"  # names a refused catch-up; shorter than any message's
CATCH_UP_SECONDS: Final = 60.0


class Closed(Exception):
    """The client was closed before an answer came; the message may or may not be stored."""


class Position(msgspec.Struct):
    """How far a device has come: plain data that, kept over a restart, lets the device go on from there."""

    epoch: str = ""
    have: dict[str, int] = {}


class ImClient:
    """A logged-in device.

    `rest` carries the token. `listener` is told of everything that comes. With `position` it goes on where an
    earlier one stopped. `dial` and `random` are for tests and for connecting in another way.
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
        self._epoch = position.epoch if position else ""
        self._inbox = Inbox(clock, rest, lambda message: self._tell(self._listener.message, message))
        self._inbox.resume(position.have if position else {})
        self._unanswered = Unanswered()
        self._reads: dict[Place, int] = {}
        self._want_missed = True
        self._deadline: IDelayedCall | None = None
        self._connected: Deferred[None] | None = None
        self._closing: Deferred[None] | None = None
        self._link = Link(clock, dial or dialler(clock, rest.url, userid), self._random, self)

    @classmethod
    async def login(
        cls, reactor: Any, url: str, mobile: str, passwd: str, listener: Listener | None = None, **more: Any
    ) -> Self:
        """A new device of that user at the server whose root is `url`. Raises `Refusal` or `Unreachable`."""
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
        """A new user, and its first device; `profile` as in `Rest.register`."""
        rest = Rest(reactor, http_client(reactor), url)
        account: Account = await rest.register(mobile, passwd, **profile)
        return cls(reactor, rest, account.id, listener)

    @property
    def position(self) -> Position:
        """Everything up to here was given to the listener."""
        return Position(self._epoch, self._inbox.have)

    @property
    def unanswered(self) -> int:
        """How many sent messages wait for their answer."""
        return len(self._unanswered)

    def connect(self, missed: bool = True) -> Deferred[None]:
        """Connect and stay connected; fires when caught up for the first time.

        An unreachable server is tried again for ever; a refused token errbacks `NotLoggedIn` and ends it.
        Without `missed`, what was sent before now isn't given to the listener.
        """
        self._want_missed = missed
        self._connected = Deferred(lambda _: self._link.stop())
        connected = self._connected
        self._become(State.CONNECTING)
        self._link.start(self.rest.token)
        return connected

    def close(self) -> Deferred[None]:
        """Disconnect. Messages without an answer errback `Closed`; fires when the socket has ended."""
        self._closing = Deferred()
        closing = self._closing
        self._link.stop()
        return closing

    def send_text(self, scope: int, dstid: int, text: str, **more: Any) -> Deferred[Answer]:
        """`send` a text; `more` may be `ref` or `mentions`."""
        return self.send(Message(cmd=scope, dstid=dstid, media=commands.TEXT, content=text, **more))

    def reply(self, message: Shown, text: str) -> Deferred[Answer]:
        """`send_text` to where `message` came from, referring to it."""
        place = place_of(message, self.userid)
        return self.send_text(place.scope, place.dstid, text, ref=message.seq)

    def send(self, message: Message) -> Deferred[Answer]:
        """Fires with the answer, however many connections that takes; errbacks with the server's `Refusal`.

        A message without `cid` is given one. Sending a message with the `cid` of a stored one stores
        nothing and gets the first answer again, so after `Closed` or a refusal that may pass (-6: storage
        unavailable) the same message may be sent again. Cancelling only stops waiting: it may be stored.
        """
        message.cid = message.cid or f"{self._random.getrandbits(CID_BITS):032x}"
        message.userid = self.userid
        # A list is as good, until it is compared with what others got.
        message.mentions = tuple(message.mentions)
        try:
            waiting = self._unanswered.add(message)
        except Refusal as refused:
            return fail(refused)
        self._link.say(encode(message))
        return waiting

    def mark_read(self, place: Place, seq: int) -> None:
        """Read up to `seq`; told again after a reconnect until the server knows."""
        self._reads[place] = max(seq, self._reads.get(place, 0))
        self._command(commands.READ, place, seq=self._reads[place])

    def typing(self, place: Place) -> None:
        """Show the others that one is typing; lost when not connected."""
        self._command(commands.TYPING, place)

    # What the link tells.

    def link_opened(self) -> None:
        self._inbox.catch_up()
        catch_up = {
            "cmd": commands.CATCH_UP,
            "cid": CATCH_UP_CID,
            "epoch": self._epoch,
            "have": self._inbox.have,
        }
        self._link.say(encode({name: value for name, value in catch_up.items() if value}))
        self._deadline = self._clock.callLater(CATCH_UP_SECONDS, self._catch_up_failed, "it took too long")
        for message in self._unanswered:
            self._link.say(encode(message))

    def link_said(self, payload: bytes) -> None:
        try:
            said = decode(payload)
        except msgspec.MsgspecError as error:
            self.log.error("a frame is not understood: {why}", why=error)
            return
        _HEARD.get(said.cmd, ImClient._nothing)(self, said, payload)

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

    # What the server says, by `cmd`.

    def _message(self, said: Said, payload: bytes) -> None:
        self._inbox.take(place_of(said, self.userid), decode_message(payload))

    def _answer(self, said: Said, payload: bytes) -> None:
        settled = self._unanswered.settle(said.cid)
        if settled is None:
            if said.cid == CATCH_UP_CID:
                self._catch_up_failed(said.msg)
            elif said.code:
                self.log.info("refused: {why}", why=said.msg)
            return
        message, waiting = settled
        if said.code:
            waiting.errback(Failure(Refusal(said.msg, code=said.code)))
            return
        place = Place(said.scope, said.dstid)
        self._inbox.take(place, _as_stored(message, said))
        waiting.callback(Answer(place, said.seq, said.at))

    def _catch_up_failed(self, why: str) -> None:
        """Without one nothing may be given out; the link waits longer before each new socket."""
        self.log.info("no catch-up: {why}", why=why)
        self._cancel_deadline()
        self._link.restart()

    def _cancel_deadline(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None and deadline.active():
            deadline.cancel()

    def _caught_up(self, said: Said, payload: bytes) -> None:
        self._cancel_deadline()
        if said.reset and self._epoch:
            self._tell(self._listener.reset)
        self._epoch = said.epoch
        heads = {row.place: row.seq for row in said.rows}
        self._inbox.caught_up(heads, said.reset, self._want_missed)
        self._want_missed = True
        self._tell_reads_again({row.place: row.read for row in said.rows})
        self._link.steady()
        self._become(State.ONLINE)
        self._tell(self._listener.caught_up, said.rows)
        connected, self._connected = self._connected, None
        if connected is not None:
            connected.callback(None)

    def _typing(self, said: Said, payload: bytes) -> None:
        self._tell(self._listener.typing, Place(said.scope, said.dstid), said.userid)

    def _read(self, said: Said, payload: bytes) -> None:
        self._tell(self._listener.read, Place(said.scope, said.dstid), said.userid, said.seq)

    def _presence(self, said: Said, payload: bytes) -> None:
        self._tell(self._listener.presence, said.userid, bool(said.online))

    def _changed(self, said: Said, payload: bytes) -> None:
        fields = decode_loosely(payload)
        self._tell(self._listener.changed, fields.get("what", ""), fields)

    def _nothing(self, said: Said, payload: bytes) -> None:
        """The answer to a heartbeat (that it came is enough), or a command of a later server."""

    def _command(self, cmd: int, place: Place, **more: int) -> None:
        self._link.say(encode({"cmd": cmd, "scope": place.scope, "dstid": place.dstid} | more))

    def _tell_reads_again(self, known: dict[Place, int]) -> None:
        self._reads = {place: seq for place, seq in self._reads.items() if seq > known.get(place, 0)}
        for place, seq in self._reads.items():
            self._command(commands.READ, place, seq=seq)

    def _become(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self._tell(self._listener.state, state)

    def _pause(self, state: State) -> None:
        self._cancel_deadline()
        self._inbox.stop()
        self._become(state)

    def _end(self, reason: Exception) -> None:
        """No connection will come any more."""
        self._unanswered.fail(reason)
        connected, self._connected = self._connected, None
        if connected is not None:
            connected.errback(Failure(reason))

    def _tell(self, listen: Callable[..., object], *what: object) -> None:
        telling = maybeDeferred(_awaited, listen, self, *what)
        telling.addErrback(lambda failure: self.log.failure("the listener failed", failure))


def _awaited(listen: Callable[..., object], *what: object) -> object:
    result = listen(*what)
    return Deferred.fromCoroutine(result) if iscoroutine(result) else result


def _as_stored(message: Message, answer: Said) -> Shown:
    """One's own message as every other device gets it."""
    fields = msgspec.structs.asdict(message) | {"seq": answer.seq, "at": answer.at}
    return Shown(**fields)


_HEARD: Final[dict[int, Callable[[ImClient, Said, bytes], None]]] = {
    commands.ANSWER: ImClient._answer,
    commands.CATCH_UP: ImClient._caught_up,
    commands.TYPING: ImClient._typing,
    commands.READ: ImClient._read,
    commands.PRESENCE: ImClient._presence,
    commands.CHANGED: ImClient._changed,
    commands.SINGLE: ImClient._message,
    commands.GROUP: ImClient._message,
}
