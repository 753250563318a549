"""The client on asyncio, against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
import pytest_twisted
import txaio
from twisted.internet.defer import Deferred

from test.running.people import PASSWD, person
from test.running.server import Server
from twim.client import Closed, Listener, State, Unreachable, aio
from twim.client.aio import ImClient, TooSlow
from twim.errors import NotLoggedIn, Refusal

WAIT_SECONDS = 60


@pytest.fixture(autouse=True)
def timers() -> Iterator[None]:
    """Autobahn's timers of the other tests of this process are on Twisted's own reactor."""
    before = txaio.config.loop
    yield
    txaio.config.loop = before


def on_asyncio(work: Coroutine[Any, Any, None]) -> None:
    """Run `work`, for a bounded time."""
    asyncio.run(asyncio.wait_for(work, WAIT_SECONDS))


@pytest.fixture
def mobiles(server: Server) -> list[str]:
    """Two friends' mobiles."""

    async def make() -> list[str]:
        a, b = await person(server.url), await person(server.url)
        await a.rest.add_friend(b.id)
        return [a.mobile, b.mobile]

    return list(pytest_twisted.blockon(Deferred.fromCoroutine(make())))


def test_conversation(server: Server, mobiles: list[str]) -> None:
    """Messages go both ways, by a name and by an address; REST calls and uploads are awaited; the end ends it all."""

    async def talk() -> None:
        named = server.url.replace("127.0.0.1", "localhost")
        async with ImClient(server.url, mobiles[0], PASSWD) as a, ImClient(named, mobiles[1], PASSWD) as b:
            answer = await a.send_text(10, b.userid, "hello")
            first = await anext(b.messages())
            assert (first.content, first.seq, answer.seq) == ("hello", 1, 1)
            assert b.unread(aio.ConversationKey(10, a.userid)).unread == 1
            b.mark_read(aio.ConversationKey(10, a.userid), 1)
            replied = await b.reply(first, "yes")
            assert (await b.rest.history(replied.conversation)).total == 2
            assert "/mnt/" in await b.rest.upload("a.txt", b"text")
            assert (a.state, a.unanswered) == (State.ONLINE, 0)
            position = a.position
            await a.close()
            assert [message.content async for message in a.messages()] == ["hello", "yes"]
            await b.send_text(10, a.userid, "later")
        again = ImClient(server.url, userid=a.userid, token=a.rest.token, position=position)
        async with again:
            assert (await anext(again.messages())).content == "later"

    on_asyncio(talk())


def test_listener(server: Server, mobiles: list[str]) -> None:
    """A listener's methods may be of either kind; one that fails doesn't end the client."""
    told: list[str] = []

    class Heard:
        """Some of the methods."""

        def state(self, client: ImClient, state: State) -> None:
            told.append(state)

        async def message(self, client: ImClient, message: Any) -> None:
            told.append(message.content)
            raise ZeroDivisionError

    async def talk() -> None:
        async with ImClient(server.url, mobiles[0], PASSWD, listener=Heard()) as a:
            other = (await a.rest.friends())[0].id
            for text in ("1", "2"):
                await a.send_text(10, other, text)
            messages = a.messages()
            for _ in range(2):
                await anext(messages)

    on_asyncio(talk())
    assert told == ["connecting", "online", "1", "2", "offline"]
    assert {name for name in vars(Listener) if not name.startswith("_")} <= set(vars(aio._Heard))


def test_refusals(server: Server, mobiles: list[str]) -> None:
    """A wrong password, a token that ended, nobody there, a message to a stranger, and use outside `async with`."""

    async def talk() -> None:
        with pytest.raises(Refusal):
            await ImClient(server.url, mobiles[0], "wrong1").__aenter__()
        with pytest.raises(NotLoggedIn):
            await ImClient(server.url, userid=1, token="wrong").__aenter__()
        with pytest.raises(Unreachable):
            await ImClient("http://127.0.0.1:1", mobiles[0], PASSWD).__aenter__()
        client = ImClient(server.url, mobiles[0], PASSWD)
        for use in (lambda: client.rest, lambda: client.state):
            with pytest.raises(RuntimeError):
                use()
        with pytest.raises(RuntimeError):
            await anext(client.messages())
        async with client:
            with pytest.raises(Refusal):
                await client.send_text(10, 1, "x")

    on_asyncio(talk())


def test_logged_out(server: Server, mobiles: list[str]) -> None:
    """When the device is logged out the messages end."""

    async def talk() -> None:
        async with ImClient(server.url, mobiles[0], PASSWD) as client:
            await client.rest.logout()
            assert [message async for message in client.messages()] == []

    on_asyncio(talk())


def test_too_slow(server: Server, mobiles: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who doesn't read gets what was kept, and then learns that something is missing."""
    monkeypatch.setattr(aio, "WAITING", 2)

    async def talk() -> None:
        async with ImClient(server.url, mobiles[0], PASSWD) as client:
            other = (await client.rest.friends())[0].id
            for text in "123":
                await client.send_text(10, other, text)
            messages = client.messages()
            assert [(await anext(messages)).content for _ in range(2)] == ["1", "2"]
            with pytest.raises(TooSlow):
                await anext(messages)

    on_asyncio(talk())


def test_cancelled(server: Server, mobiles: list[str]) -> None:
    """Who gives up while it connects leaves nothing behind; who is closed gets no answer."""

    async def talk() -> None:
        client = ImClient(server.url, mobiles[0], PASSWD)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.__aenter__(), 0.0001)
        async with ImClient(server.url, mobiles[0], PASSWD) as other:
            sending = asyncio.ensure_future(other.send_text(10, other.userid + 1, "x"))
            await asyncio.sleep(0)
            await other.close()
            with pytest.raises((Closed, Refusal)):
                await sending

    on_asyncio(talk())
