"""One running node: the parts put together, started and stopped in order.

`NodeService` is what ``twistd im`` runs. What can't work (a taken port, a folder that can't be written, a broken
database) ends the program with one line.
"""

from __future__ import annotations

import gc
import resource
import sys
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, NoReturn

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
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
from twim.config import Config, ConfigError
from twim.errors import Unavailable
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
from twim.storage.committer import Committer
from twim.storage.conversations import Conversations
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.files.pictures import Pictures
from twim.storage.files.place import open_files
from twim.storage.files.threads import FileThreads
from twim.storage.log import SqlLog, ThreadAppender
from twim.storage.marks import SentMarks
from twim.storage.opening import CannotOpen, lock_file, open_database, open_when_there
from twim.storage.relations import Relations as RelationStore
from twim.storage.sqlite import SqliteAppender

DRAIN_SECONDS: Final = 2.0  # how long a stop waits for closing handshakes


def check_ports(config: Config) -> None:
    """`ConfigError` for an endpoint string that is none."""
    from twisted.internet import reactor

    for description in config.port:
        try:
            serverFromString(reactor, description)
        except (ValueError, TypeError, KeyError, IndexError, OSError) as error:
            raise ConfigError(f"--port {description}: {error or 'not an endpoint'}") from None


def raise_open_files() -> int:
    """Allow as many open files as the system lets us, and give the number."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def calm_collector() -> None:
    """Let the cyclic garbage collector run less often: by default every 700 new objects, which under load is several
    times in each batch and a sixth of the time of a message. What was loaded until now is never garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


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

    _log = Logger()
    relay: Relay | None = None

    def __init__(self, config: Config, database: Database, epoch: str, reactor: Any) -> None:
        self.config = config
        self.database = database
        self.files = FileThreads(reactor, "files", 3)
        self.thumbs = FileThreads(reactor, "pictures", 1)
        self.passwords = Passwords(reactor)
        dirty: list[Session] = []
        self.roster = Roster()
        self.routing = Routing(self.roster, dirty, reactor)
        self.marks = SentMarks(database, reactor)
        portable = ThreadAppender(database, self.marks)
        self.committer = Committer(reactor)
        fast = SqliteAppender(database, self.marks, portable, self.committer)
        appender = fast if database.is_sqlite else portable
        self.log = SqlLog(appender, self.marks, reactor, now_ms)
        self.log.listener = self.routing
        conversations = Conversations(database, self.marks)
        posting = Posting(self.log, conversations, self.routing.refuse)
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
                self.bus, self.roster, self.routing, conversations, relation_store, self._ended_elsewhere, reactor
            )
            self.routing.elsewhere = self.log.listener = self.relay
        door = Door(tokens, Limits(config.limits, reactor.seconds), config.proxies)
        store = open_files(config.files, config.data / "spool", reactor, self.files)
        self.store = store
        logged = Accounts(accounts, self.passwords, tokens, self._ended, self.lobby.registered)
        rest = Rest(
            door,
            accounts,
            pages := Pages(config.views, config.asset),
            Users(door, logged, accounts, relations, self.presence),
            Contacts(door, relations),
            Messages(door, History(conversations, relation_store, self.roster, epoch)),
            Uploads(store, Pictures(self.thumbs), self.files, door.caller_id),
            Downloads(store),
        )
        upgrade = ChatUpgrade(ChatFactory(self.lobby, reactor))
        self.stalls = StallMeter(reactor)
        operate = Operate(door, accounts, self.bus, self.figures, config.operators)
        root = Root(Chat(door, self.lobby, upgrade), pages.asset_resource(), rest, operate)
        intake = Intake(store.spool, self.files, door.caller_id, reactor, limit=config.upload_bytes)
        self.site: Site = make_site(root, intake, reactor)

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
            "messages_read_again_total": self.relay.gaps_read if self.relay is not None else 0,
            "reactor_stall_seconds_max": self.stalls.longest,
            "reactor_stall_seconds_recent": self.stalls.recent,
        }

    def _ended(self, userid: int, deviceid: int) -> None:
        self.lobby.cut(userid, deviceid)
        self.routing.elsewhere.ended(userid, deviceid)

    def _ended_elsewhere(self, userid: int, deviceid: int) -> None:
        self.tokens.forget(deviceid)
        self.lobby.cut(userid, deviceid)

    def start(self) -> None:
        """Start the threads and the bus."""
        self.files.start()
        self.thumbs.start()
        self.passwords.start()
        self.stalls.start()
        if self.relay is not None:
            self.bus.start(self.relay).addErrback(lambda failure: self._log.failure("the bus can't start", failure))

    async def stop(self, reactor: Any) -> None:
        """Send everybody elsewhere, commit what waits, and end the threads."""
        self.lobby.close()
        await self.log.drained()
        await self.marks.stop()
        self.committer.stop()
        self.presence.stop()
        self.stalls.stop()
        await self.bus.stop()
        # Closing handshakes are on their way; who doesn't answer is cut when the process ends.
        await deferLater(reactor, DRAIN_SECONDS if self.lobby.closed_any else 0)
        await self.store.close()
        for pool in (self.files, self.thumbs, self.passwords):
            pool.stop()


class NodeService(Service):
    """Opens the database, composes the node, listens; and undoes it in reverse."""

    log = Logger()

    def __init__(self, config: Config, reactor: Any) -> None:
        self._config = config
        self._reactor = reactor
        self._database = Database(parse_url(config.db), reactor)
        self._ports: list[IListeningPort] = []
        self.node: Node | None = None
        self._lock: int | None = None
        self._opening: Deferred[Any] | None = None

    def startService(self) -> None:
        """Start, or end the program with one line that says why not."""
        super().startService()
        self.log.info("open files: at most {count}", count=raise_open_files())
        try:
            self._config.data.mkdir(parents=True, exist_ok=True)
            self._lock = lock_file(self._database)
            self._database.start()
            self._opened(open_database(self._database))
        except Unavailable:
            # Tried above, so that a wrong password ends the program at once; a server that is down is waited for.
            self._opening = Deferred.fromCoroutine(open_when_there(self._database, self._reactor))
            self._opening.addCallback(self._opened).addErrback(self._not_opened)
        except (OSError, CannotOpen, ConfigError, ValueError) as error:
            self._give_up(self._explained(error))

    def _opened(self, epoch: str) -> None:
        self.node = Node(self._config, self._database, epoch, self._reactor)
        self.node.start()
        calm_collector()
        for description in self._config.port:
            self._listen(description, self.node.site)

    def _not_opened(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            return
        error = failure.value
        if isinstance(error, (OSError, CannotOpen, ConfigError, ValueError)):
            with suppress(SystemExit):
                self._give_up(self._explained(error))
        elif not failure.check(SystemExit):
            self.log.failure("the node can't start", failure)
        self._reactor.stop()

    def _explained(self, error: Exception) -> str:
        return f"--data {self._config.data}: {error.strerror or error}" if isinstance(error, OSError) else str(error)

    def _listen(self, description: str, site: Site) -> None:
        listening = serverFromString(self._reactor, description).listen(site)
        failed: list[Failure] = []
        listening.addCallbacks(self._listens, failed.append, callbackArgs=(description,))
        if failed:
            error = failed[0].value
            why = error.socketError.strerror if isinstance(error, CannotListenError) else error
            self._give_up(f"--port {description}: {why}")

    def _listens(self, port: IListeningPort, description: str) -> None:
        self._ports.append(port)
        where = port.getHost()
        if not isinstance(where, (IPv4Address, IPv6Address)):
            self.log.info("listening on {where}", where=description)
            return
        scheme = "https" if description.startswith("ssl:") else "http"
        host = "127.0.0.1" if where.host in ("0.0.0.0", "::") else where.host
        shown = f"[{host}]" if ":" in host else host
        # A line of its own, to be found among the others.
        self.log.info("ready\n\n    open {url} in a browser\n", url=f"{scheme}://{shown}:{where.port}/")

    def _give_up(self, why: str) -> NoReturn:
        self._database.stop()
        if self.node is not None:
            for pool in (self.node.files, self.node.thumbs, self.node.passwords):
                pool.stop()
            self.node = None
        line = " ".join(why.split())
        self.log.critical("{why}", why=line)
        # sys.stderr is the log by now.
        print(f"twim: {line}", file=sys.__stderr__)
        raise SystemExit(1)

    def stopService(self) -> Deferred[None]:
        """Stop accepting, send everybody elsewhere, end after the last commit."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
        await gatherResults([Deferred.fromCoroutine(_stopped(port)) for port in self._ports])
        if self.node is not None:
            await self.node.stop(self._reactor)
        self._database.stop()


async def _stopped(port: IListeningPort) -> None:
    stopping: Any = port.stopListening()
    if stopping is not None:
        await stopping
