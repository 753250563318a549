"""The same client for programs on asyncio. It loses, doubles and reorders no message.

A bot that answers every text with its own words::

    import asyncio
    from twim.client.aio import ImClient

    async def main():
        async with ImClient("http://127.0.0.1:8080", "13800000001", "secret1") as bot:
            async for message in bot.messages():
                if message.userid != bot.userid and message.media == 1:
                    await bot.reply(message, f"You said: {message.content}")

    asyncio.run(main())

Beneath it is `twim.client.ImClient`, on a reactor that the running loop runs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from inspect import isawaitable
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twim.client import client as on_twisted
from twim.client import listener as listening
from twim.client.asyncio_reactor import reactor_of
from twim.client.inbox import Position
from twim.client.link import State
from twim.client.pending import Answer
from twim.client.rest import Rest, http_client
from twim.client.server_frames import Conversation, ConversationKey
from twim.client.unread import Counted
from twim.wire import commands
from twim.wire.message import Message, Shown

T = TypeVar("T")

WAITING: Final = 10_000  # messages that wait for `ImClient.messages`
_OUTSIDE: Final = "only within `async with`"


class TooSlow(Exception):
    """More than `WAITING` messages waited for who reads `ImClient.messages`. Connect again, from the `position` of the
    last one that was handled."""


class AsyncioRest(Rest):
    """`twim.client.Rest`, whose coroutines are asyncio's."""

    async def _within(self, path: str, exchange: Coroutine[Any, Any, tuple[int, bytes]]) -> tuple[int, bytes]:
        loop = asyncio.get_running_loop()
        return await Deferred.fromCoroutine(super()._within(path, exchange)).asFuture(loop)


class ImClient:
    """A device of a user, connected while `async with` lasts.

    `url` is the server's root. With `mobile` and `passwd` it logs in, with `userid` and `token` it is a device that
    exists. `listener` is any object with methods of `twim.client.Listener`; each gets this client first. With
    `position` it continues where an earlier one stopped; else it begins with what comes from now on.

    `rest` has the REST calls. Raises `Refusal` or `Unreachable`.
    """

    def __init__(
        self,
        url: str,
        mobile: str = "",
        passwd: str = "",
        *,
        userid: int = 0,
        token: str = "",
        listener: object | None = None,
        position: Position | None = None,
    ) -> None:
        self._url = url
        self._mobile, self._passwd = mobile, passwd
        self._listener = listener
        self._first_position = position
        self._messages: _Messages | None = None
        self._begun: on_twisted.ImClient | None = None
        self._rest: AsyncioRest | None = None
        self._token = token
        self.userid = userid

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        reactor = reactor_of(self._loop)
        rest = AsyncioRest(reactor, http_client(reactor), self._url, self._token)
        if not self._token:
            self.userid = (await rest.login(self._mobile, self._passwd)).id
        inner = Rest(reactor, http_client(reactor), self._url, rest.token)
        self._rest = rest
        self._messages = _Messages()
        heard = _Heard(self, self._messages, self._listener)
        self._begun = on_twisted.ImClient(reactor, inner, self.userid, heard, position=self._first_position)
        try:
            await self._future(self._begun.connect(missed=self._first_position is not None))
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def rest(self) -> AsyncioRest:
        """The REST calls of this device."""
        if self._rest is None:
            raise RuntimeError(_OUTSIDE)
        return self._rest

    @property
    def state(self) -> State:
        """Whether it is connected."""
        return self._client.state

    @property
    def position(self) -> Position:
        """How far this client has got. Messages that still wait in `messages` are before it."""
        return self._client.position

    @property
    def unanswered(self) -> int:
        """How many messages wait for their answer."""
        return self._client.unanswered

    async def messages(self) -> AsyncIterator[Shown]:
        """The messages since the beginning of `async with`, one's own included, until the client is closed or refused.
        `TooSlow` when more wait than there may be. Two iterations share them."""
        messages = self._messages
        if messages is None:
            raise RuntimeError(_OUTSIDE)
        while (message := await messages.next()) is not None:
            yield message

    async def send(self, message: Message) -> Answer:
        """Send a message, over as many connections as that takes, and return its answer. `Refusal` when the server
        refuses it, `Closed` when the client is closed before."""
        return await self._future(self._client.send(message))

    async def send_text(self, scope: int, dstid: int, text: str, **more: Any) -> Answer:
        """`send` a text. `more` may have `ref` and `mentions`."""
        return await self.send(Message(cmd=scope, dstid=dstid, media=commands.TEXT, content=text, **more))

    async def reply(self, message: Shown, text: str) -> Answer:
        """`send_text` to the conversation of `message`, referring to it."""
        return await self._future(self._client.reply(message, text))

    def mark_read(self, conversation: ConversationKey, seq: int) -> None:
        """The user has read up to `seq`."""
        self._client.mark_read(conversation, seq)

    def typing(self, conversation: ConversationKey) -> None:
        """Show the others that the user is typing."""
        self._client.typing(conversation)

    def unread(self, conversation: ConversationKey) -> Counted:
        """How many messages of a conversation are unread."""
        return self._client.unread(conversation)

    async def close(self) -> None:
        """Disconnect, and end `messages`."""
        client, self._begun = self._begun, None
        if client is not None:
            await self._future(client.close())

    @property
    def _client(self) -> on_twisted.ImClient:
        if self._begun is None:
            raise RuntimeError(_OUTSIDE)
        return self._begun

    def _future(self, waiting: Deferred[T]) -> Awaitable[T]:
        return waiting.asFuture(self._loop)


class _Messages:
    """Messages that wait for who reads them."""

    def __init__(self) -> None:
        self._waiting: deque[Shown] = deque()
        self._ended = False
        self._too_many = False
        self._there = asyncio.Event()

    def put(self, message: Shown) -> None:
        if self._ended:
            return
        if len(self._waiting) >= WAITING:
            # What waits is given out first, so that the reader knows the last one it got.
            self._too_many = True
            self.end()
            return
        self._waiting.append(message)
        self._there.set()

    def end(self) -> None:
        """Nothing comes any more."""
        self._ended = True
        self._there.set()

    async def next(self) -> Shown | None:
        """The next one; None after the last."""
        while not self._waiting:
            if self._too_many:
                raise TooSlow
            if self._ended:
                return None
            self._there.clear()
            await self._there.wait()
        return self._waiting.popleft()


class _Heard(listening.Listener):
    """Puts messages where they wait, and tells the program's own listener."""

    log = Logger()

    def __init__(self, client: ImClient, messages: _Messages, listener: object | None) -> None:
        self._client = client
        self._messages = messages
        self._listener = listener
        # The loop keeps only weak references to its tasks.
        self._tasks: set[asyncio.Future[Any]] = set()

    def message(self, client: listening.Client, message: Shown) -> None:
        self._messages.put(message)
        self._tell("message", message)

    def caught_up(self, client: listening.Client, conversations: Sequence[Conversation]) -> None:
        self._tell("caught_up", conversations)

    def read(self, client: listening.Client, conversation: ConversationKey, userid: int, seq: int) -> None:
        self._tell("read", conversation, userid, seq)

    def typing(self, client: listening.Client, conversation: ConversationKey, userid: int) -> None:
        self._tell("typing", conversation, userid)

    def presence(self, client: listening.Client, userid: int, online: bool) -> None:
        self._tell("presence", userid, online)

    def changed(self, client: listening.Client, what: str, fields: dict[str, Any]) -> None:
        self._tell("changed", what, fields)

    def reset(self, client: listening.Client) -> None:
        self._tell("reset")

    def state(self, client: listening.Client, state: State) -> None:
        if state is State.OFFLINE:
            self._messages.end()
        self._tell("state", state)

    def _tell(self, name: str, *what: object) -> None:
        listen: Callable[..., object] | None = getattr(self._listener, name, None)
        if listen is None:
            return
        result = listen(self._client, *what)
        if isawaitable(result):
            task = asyncio.ensure_future(result)
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.log.error("the listener failed: {error!r}", error=error)
