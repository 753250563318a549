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

from test.storage.databases import MYSQL, POSTGRESQL, shared_database, sqlite_database
from twim.errors import Refusal
from twim.internals.epoll import ReactorIterations
from twim.logic.policy import may_invite
from twim.storage.accounts import AccountStore
from twim.storage.api_keys import ApiKeyStore
from twim.storage.attachments import Attachments
from twim.storage.audit import AuditStore
from twim.storage.conversation_settings import ConversationSettingStore
from twim.storage.conversations import Conversations
from twim.storage.database import Database
from twim.storage.external import ExternalStore
from twim.storage.host_members import HostMemberStore
from twim.storage.idempotency import IdempotencyStore
from twim.storage.interface import Community, Post, User, key_of
from twim.storage.invites import InviteStore
from twim.storage.listings import Listings
from twim.storage.log import SqlLog
from twim.storage.log_writing import log_writing
from twim.storage.message_details import MessageDetailStore
from twim.storage.opening import open_database
from twim.storage.orders import OrderStore
from twim.storage.password_resets import PasswordResetStore
from twim.storage.registration import RegistrationStore
from twim.storage.relations import RelationStore
from twim.storage.roles import RoleStore
from twim.storage.schema import message
from twim.storage.sqlite.append import SqliteAppender
from twim.storage.sqlite.deferred_index import DeferredIndex
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
    """Gives the result of each post to its origin, a Deferred."""

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
        self.appeared: list[Post] = []
        iterations = ReactorIterations.of(reactor)
        self.writing = log_writing(self.database, iterations, reactor, self.appeared.extend)
        if isinstance(self.writing.indexing, DeferredIndex):
            # Its time stands still: what is deferred is written when the test says so.
            self.writing.indexing._clock = Clock()
        self.indexing = self.writing.indexing
        self.now = 1_700_000_000_000
        self.log = SqlLog(self.writing.appender, iterations, reactor, lambda: self.now)
        self.log.listener = Ear()
        self.conversations = Conversations(self.database, self.indexing)
        self.conversation_settings = ConversationSettingStore(self.database, self.indexing)
        self.details = MessageDetailStore(self.database, self.indexing)
        self.accounts = AccountStore(self.database)
        self.relations = RelationStore(self.database)
        self.roles = RoleStore(self.database)
        self.registrations = RegistrationStore(self.database, may_invite)
        self.invites = InviteStore(self.database, may_invite)
        self.attachments = Attachments(self.database)
        self.audit = AuditStore(self.database)
        self.orders = OrderStore(self.database)
        self.resets = PasswordResetStore(self.database)
        self.keys = ApiKeyStore(self.database)
        self.external = ExternalStore(self.database)
        self.host_members = HostMemberStore(self.database)
        self.idempotency = IdempotencyStore(self.database)
        self.listings = Listings(self.database)

    async def close(self, flush: bool = True) -> None:
        """End the threads; without `flush` what is only in memory is lost, as in a crash."""
        await self.log.drained()
        if flush:
            await self.indexing.written()
        self.writing.end_threads()
        if isinstance(self.writing.appender, SqliteAppender):
            self.writing.appender.close()
        self.database.stop()

    async def user(self, **fields: Any) -> User:
        """Register a user."""
        number = next(_numbers)
        given = {"mobile": f"+{number:09}", "nickname": "", "avatar": "", "sex": "U", "memo": ""} | fields
        made, _ = await self.accounts.add(given, "hash", DEVICE | {"tokenhash": number.to_bytes(32, "big")})
        return made

    async def group(self, owner: int, **fields: Any) -> Community:
        """Make a group."""
        return await self.relations.create(owner, {"name": "g", "icon": "", "cate": 0, "memo": ""} | fields)

    async def post(self, said: Message, files: tuple[str, ...] = ()) -> Post:
        """Store a message and give the result. The transaction checks that the sender may name `files`."""
        conversation = await self.conversations.find(key_of(said.cmd, said.userid, said.dstid))
        assert conversation is not None
        done: Deferred[Post] = Deferred()
        self.log.append(Post(done, said, conversation, files=files))
        return await done

    async def say(self, userid: int, dstid: int, content: str = "hi", scope: int = SINGLE, **more: Any) -> Post:
        """Store a text message, or another kind by `more`."""
        said = {"userid": userid, "cmd": scope, "dstid": dstid, "media": TEXT, "content": content} | more
        return await self.post(Message(**said))

    async def together(self, *said: Message) -> list[Post]:
        """Store messages in one batch."""
        for one in said:
            await self.conversations.find(key_of(one.cmd, one.userid, one.dstid))
        return await gatherResults([Deferred.fromCoroutine(self.post(one)) for one in said])

    async def bodies(self, userid: int, dstid: int, scope: int = SINGLE) -> list[bytes]:
        """All messages of the conversation."""
        conversation = await self.conversations.seek(key_of(scope, userid, dstid))
        assert conversation is not None
        return (await self.conversations.page(conversation, None, 0, 10_000)).bodies


async def stored_bodies(storage: Storage) -> list[Any]:
    """Every message of the database, in the order of the log."""
    listed = select(message.c.body).order_by(message.c.id)
    work: Deferred[Any] = storage.database.read(lambda c: [bytes(b) for (b,) in c.execute(listed)])
    return [msgspec.json.decode(body) for body in await work]


class OnSqlite(TestCase):
    """A storage on SQLite in `self.storage`."""

    timeout = 120
    servers = 1  # that may use the database at once

    def url(self) -> URL:
        """The URL of an empty database."""
        return sqlite_database(Path(f"{self.mktemp()}.db"))

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
        """Check that `waiting` fails with a refusal that has this text."""
        try:
            await waiting
        except kind as refused:
            self.assertIn(text, refused.msg)
        else:
            self.fail(f"not refused: {text}")


class OnMySql(OnSqlite):
    """A storage on MySQL or MariaDB."""

    servers = 2

    def url(self) -> URL:
        return shared_database(MYSQL)


class OnPostgreSql(OnSqlite):
    """A storage on PostgreSQL."""

    servers = 2

    def url(self) -> URL:
        return shared_database(POSTGRESQL)
