"""The storage as a node puts it together, for tests."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.engine import URL
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from test.storage.databases import MYSQL, POSTGRESQL, shared_database
from twim.errors import Refusal
from twim.storage.accounts import Accounts
from twim.storage.attachments import Attachments
from twim.storage.behind import Behind
from twim.storage.committer import Committer
from twim.storage.conversations import Conversations
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.interface import Community, Post, User, key_of
from twim.storage.log import SqlLog, ThreadAppender
from twim.storage.opening import open_database
from twim.storage.relations import Relations
from twim.storage.schema import message
from twim.storage.sqlite import SqliteAppender
from twim.turns import Turns
from twim.wire.commands import SINGLE, TEXT
from twim.wire.message import Message

WIDE = "👩‍🚀𠮷é "  # four-byte characters, a joined sequence, a combining mark and a trailing blank
DEVICE = {"agent": "a test", "address": "127.0.0.1"}
_numbers = count(1)


def asynchronous(test: Callable[..., Coroutine[Deferred[Any], Any, None]]) -> Callable[..., Deferred[None]]:
    """Let a test that waits be written as a coroutine."""

    @wraps(test)
    def run(self: TestCase) -> Deferred[None]:
        return Deferred.fromCoroutine(test(self))

    return run


class Ear:
    """Tells each post's origin, a Deferred, what became of the post."""

    def committed(self, posts: Sequence[Post]) -> None:
        for post in posts:
            post.origin.callback(post)

    def failed(self, posts: Sequence[Post], refused: Refusal) -> None:
        for post in posts:
            post.origin.errback(refused)


class Storage:
    """Every store over one database."""

    def __init__(self, url: URL, epoch: str = "") -> None:
        self.database = Database(url, reactor)
        # With an epoch it is open already, and need not be reached now.
        self.epoch = epoch or open_database(self.database)
        self.database.start()
        # Its time stands still: read marks are written when the test says so.
        self.behind = Behind(self.database, Clock())
        turns = Turns.of(reactor)
        self.committer = Committer(reactor, turns)
        portable = ThreadAppender(self.database, self.behind)
        self.fast = SqliteAppender(self.database, self.behind, portable, self.committer)
        self.now = 1_700_000_000_000
        self.log = SqlLog(self.fast if self.database.is_sqlite else portable, turns, reactor, lambda: self.now)
        self.log.listener = Ear()
        self.conversations = Conversations(self.database, self.behind)
        self.accounts = Accounts(self.database)
        self.relations = Relations(self.database)
        self.attachments = Attachments(self.database)

    async def close(self, flush: bool = True) -> None:
        """End the threads; without `flush` what is only in memory is lost, as in a crash."""
        await self.log.drained()
        if flush:
            await self.behind.written()
        self.committer.stop()
        self.fast.close()
        self.database.stop()

    async def user(self, **fields: Any) -> User:
        """A new user."""
        number = next(_numbers)
        given = {"mobile": f"+{number:09}", "nickname": "", "avatar": "", "sex": "U", "memo": ""} | fields
        made, _ = await self.accounts.add(given, "hash", DEVICE | {"tokenhash": number.to_bytes(32, "big")})
        return made

    async def group(self, owner: int, **fields: Any) -> Community:
        """A new group."""
        return await self.relations.create(owner, {"name": "g", "icon": "", "cate": 0, "memo": ""} | fields)

    async def post(self, said: Message) -> Post:
        """Store a message and give what became of it."""
        place = await self.conversations.find(key_of(said.cmd, said.userid, said.dstid))
        assert place is not None
        done: Deferred[Post] = Deferred()
        self.log.append(Post(done, said, place))
        return await done

    async def say(self, userid: int, dstid: int, content: str = "hi", scope: int = SINGLE, **more: Any) -> Post:
        """Store a text message, or what else `more` makes it."""
        said = {"userid": userid, "cmd": scope, "dstid": dstid, "media": TEXT, "content": content} | more
        return await self.post(Message(**said))

    async def together(self, *said: Message) -> list[Post]:
        """Store messages in one batch."""
        for one in said:
            await self.conversations.find(key_of(one.cmd, one.userid, one.dstid))
        return await gatherResults([Deferred.fromCoroutine(self.post(one)) for one in said])

    async def bodies(self, userid: int, dstid: int, scope: int = SINGLE) -> list[bytes]:
        """The whole conversation."""
        place = await self.conversations.seek(key_of(scope, userid, dstid))
        assert place is not None
        found, _ = await self.conversations.page(place, None, 0, 10_000)
        return list(found)


async def stored_bodies(storage: Storage) -> list[Any]:
    """Every message of the database, in the order of the log."""
    listed = select(message.c.body).order_by(message.c.id)
    work: Deferred[Any] = storage.database.read(lambda c: [bytes(b) for (b,) in c.execute(listed)])
    return [msgspec.json.decode(body) for body in await work]


class OnSqlite(TestCase):
    """A storage on SQLite in `self.storage`."""

    timeout = 60

    def url(self) -> URL:
        """Of an empty database."""
        return parse_url(f"sqlite:///{Path(self.mktemp()).absolute()}.db")

    def setUp(self) -> None:
        self.address = self.url()
        self.storage = self.open()

    def open(self) -> Storage:
        """One more storage over the same database, closed when the test ends."""
        made = Storage(self.address)
        self.addCleanup(lambda: Deferred.fromCoroutine(self._close(made)))
        return made

    async def _close(self, storage: Storage) -> None:
        if not storage.database.stopped:
            await storage.close()

    async def refused(self, waiting: Any, text: str, kind: type[Refusal] = Refusal) -> None:
        """What `waiting` gives is a refusal that says `text`."""
        try:
            await waiting
        except kind as refused:
            self.assertIn(text, refused.msg)
        else:
            self.fail(f"not refused: {text}")


class OnMySql(OnSqlite):
    """A storage on MySQL or MariaDB."""

    def url(self) -> URL:
        return shared_database(MYSQL)


class OnPostgreSql(OnSqlite):
    """A storage on PostgreSQL."""

    def url(self) -> URL:
        return shared_database(POSTGRESQL)
