"""One node: the parts put together, started and stopped in order."""

from __future__ import annotations

import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater
from twisted.web.server import Site

from twim.access.contacts import Contacts
from twim.access.door import Door
from twim.access.downloads import Downloads
from twim.access.intake import Intake
from twim.access.lobby import Lobby
from twim.access.messages import Messages
from twim.access.operate import Operate
from twim.access.pages import Pages
from twim.access.ratelimit import Limits
from twim.access.roster import Roster
from twim.access.session import Session
from twim.access.site import Chat, Rest, Root, make_site
from twim.access.stall import StallMeter
from twim.access.uploads import Uploads
from twim.access.users import Users
from twim.access.websocket import ChatFactory, ChatUpgrade
from twim.cluster.interface import Bus
from twim.cluster.key import load_or_make_key
from twim.cluster.opening import open_bus
from twim.config import Config
from twim.logic.accounts import Accounts, Tokens
from twim.logic.catchup import CatchUp
from twim.logic.dispatch import Dispatch
from twim.logic.history import History
from twim.logic.passwords import Passwords
from twim.logic.posting import Posting
from twim.logic.presence import Presence
from twim.logic.reading import Reading
from twim.logic.relations import Relations
from twim.logic.relay import Relay
from twim.logic.routing import Routing
from twim.storage.accounts import Accounts as AccountStore
from twim.storage.attachments import Attachments
from twim.storage.behind import Behind
from twim.storage.committer import Committer
from twim.storage.conversations import Conversations
from twim.storage.database import Database
from twim.storage.files.pictures import Pictures
from twim.storage.files.place import open_files
from twim.storage.files.threads import FileThreads
from twim.storage.files.upkeep import Upkeep
from twim.storage.log import SqlLog, ThreadAppender
from twim.storage.relations import Relations as RelationStore
from twim.storage.sqlite import SqliteAppender
from twim.turns import Turns

DRAIN_SECONDS: Final = 2.0  # how long a stop waits for closing handshakes


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def twim_version() -> str:
    """The version that is installed, or "dev" in a bare checkout."""
    try:
        return version("twim")
    except PackageNotFoundError:
        return "dev"


class Node:
    """The parts of a node whose database is open."""

    relay: Relay | None = None

    def __init__(self, config: Config, database: Database, epoch: str, reactor: Any) -> None:
        self.config = config
        self.database = database
        self.files = FileThreads(reactor, "files", 3)
        self.thumbs = FileThreads(reactor, "pictures", 1)
        self.passwords = Passwords(reactor)
        dirty: list[Session] = []
        turns = Turns.of(reactor)
        self.roster = Roster()
        self.routing = Routing(self.roster, dirty, reactor)
        self.behind = Behind(database, reactor)
        portable = ThreadAppender(database, self.behind)
        self.committer = Committer(reactor, turns)
        fast = SqliteAppender(database, self.behind, portable, self.committer)
        appender = fast if database.is_sqlite else portable
        self.log = SqlLog(appender, turns, reactor, now_ms)
        self.log.listener = self.routing
        conversations = Conversations(database, self.behind)
        posting = Posting(self.log, conversations, self.routing.refuse, self.routing.repeat)
        accounts = AccountStore(database)
        relation_store = RelationStore(database)
        tokens = Tokens(accounts)
        self.presence = Presence(self.roster, self.routing, reactor)
        relations = Relations(relation_store, self.roster, self.routing, self.presence, posting, config.approve_friends)
        dispatch = Dispatch(
            posting,
            CatchUp(conversations, self.routing, epoch, reactor),
            Reading(conversations, self.routing),
            self.routing,
            reactor.seconds,
            now_ms,
        )
        self.lobby = Lobby(tokens, relation_store, self.roster, self.presence, self.routing, dispatch, dirty, reactor)
        self.tokens = tokens
        self.bus = self._open_bus(epoch, reactor)
        if config.bus != "alone":
            self.relay = Relay(
                self.bus,
                self.roster,
                self.routing,
                self.presence,
                conversations,
                relation_store,
                self._ended_elsewhere,
                self.lobby.recheck,
                self.log.settled,
                reactor,
            )
            self.routing.elsewhere = self.log.listener = self.relay
        door = Door(tokens, Limits(config.limits, reactor.seconds), config.proxies)
        store = open_files(config.files, config.data / "spool", reactor, self.files)
        self.store = store
        logged = Accounts(accounts, self.passwords, tokens, self._ended, self.lobby.registered)
        pages = Pages(config.views, config.asset, file_origins=store.origins, direct=getattr(store, "direct", False))
        rest = Rest(
            door,
            accounts,
            pages,
            Users(door, logged, accounts, relations, self.presence),
            Contacts(door, relations),
            Messages(door, History(conversations, relation_store, self.roster, epoch)),
            Uploads(store, Pictures(self.thumbs), self.files, door.caller_id, limit=config.upload_bytes),
            Downloads(store),
        )
        upgrade = ChatUpgrade(ChatFactory(self.lobby, turns, reactor))
        self.stalls = StallMeter(reactor)
        self.upkeep = Upkeep(store, Attachments(database).referenced, self.files, reactor)
        operate = Operate(door, accounts, self.bus, self.figures, config.operators)
        root = Root(Chat(door, self.lobby, upgrade), pages.asset_resource(), rest, operate)
        intake = Intake(store.spool, self.files, door.caller_id, reactor, limit=config.upload_bytes)
        self.site: Site = make_site(root, intake, door, self.lobby, upgrade, reactor)

    def _open_bus(self, epoch: str, reactor: Any) -> Bus:
        config = self.config
        key = load_or_make_key(config.cluster_key) if config.bus.startswith("udp:") else None
        return open_bus(config.bus, key=key, epoch=epoch, reactor=reactor, version=twim_version())

    def figures(self) -> dict[str, float]:
        """What this node measures, for the operator."""
        return {
            "connections": self.roster.connections,
            "users_online": len(self.roster.users),
            "messages_stored_total": self.log.posts,
            "commits_total": self.log.batches,
            "messages_waiting": self.log.waiting,
            "messages_delivered_total": self.routing.delivered,
            "messages_read_again_total": self.relay.mending.messages if self.relay is not None else 0,
            "reactor_stall_seconds_max": self.stalls.longest,
            "reactor_stall_seconds_recent": self.stalls.recent,
        }

    def _ended(self, userid: int, deviceid: int) -> None:
        self.lobby.cut(userid, deviceid)
        self.routing.elsewhere.ended(userid, deviceid)

    def _ended_elsewhere(self, userid: int, deviceid: int) -> None:
        self.tokens.forget(deviceid)
        self.lobby.cut(userid, deviceid)

    def start(self) -> Deferred[None]:
        """Start the threads and the bus. Fires when clients may come. OSError when the bus can't be."""
        self.files.start()
        self.thumbs.start()
        self.passwords.start()
        self.upkeep.start()
        return self.relay.start() if self.relay is not None else succeed(None)

    async def stop(self, reactor: Any) -> None:
        """Send everybody elsewhere, commit what waits, and end the threads."""
        self.lobby.close()
        await self.log.drained()
        await self.behind.stop()
        self.committer.stop()
        self.presence.stop()
        self.stalls.stop()
        self.upkeep.stop()
        if self.relay is not None:
            self.relay.stop()
        await self.bus.stop()
        # Closing handshakes are on their way; who doesn't answer is cut when the process ends.
        await deferLater(reactor, DRAIN_SECONDS if self.lobby.closed_any else 0)
        await self.store.close()
        for pool in (self.files, self.thumbs, self.passwords):
            pool.stop()
