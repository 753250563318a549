"""One node: the parts put together, started and stopped in order."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater
from twisted.web.server import Site

from twim.access.files.downloads import Downloads
from twim.access.files.uploads import UPLOAD_PATH, Uploads
from twim.access.http.admin_pages import AdminPages
from twim.access.http.assets import AssetResource
from twim.access.http.authentication import Authenticator
from twim.access.http.chat import Chat
from twim.access.http.metrics import Metrics
from twim.access.http.monitors import Monitors
from twim.access.http.pages import LOGIN_PAGE, Pages
from twim.access.http.prefix import Prefixes
from twim.access.http.registration_pages import RegistrationPages
from twim.access.http.request import BoundedRequests
from twim.access.http.rest.admin import Admin
from twim.access.http.rest.api.areas import Api
from twim.access.http.rest.api.areas import Parts as ApiParts
from twim.access.http.rest.api.calling import body_limit
from twim.access.http.rest.cluster import Operate
from twim.access.http.rest.contacts import Contacts
from twim.access.http.rest.entry import Entry, Sources
from twim.access.http.rest.health import Health
from twim.access.http.rest.invites import Invites
from twim.access.http.rest.messages import Messages
from twim.access.http.rest.push import Push
from twim.access.http.rest.users import Users
from twim.access.http.site import Rest, Root, make_site
from twim.access.http.transport_security import TransportSecurity
from twim.access.websocket.admission import Admission
from twim.access.websocket.upgrade import ChatFactory, ChatUpgrade
from twim.cluster.interface import Bus
from twim.cluster.opening import open_bus
from twim.cluster.udp.key import load_or_make_key
from twim.config import Config
from twim.hub.backlog import Backlogs
from twim.hub.hub import Hub
from twim.hub.outbox import Outboxes
from twim.identity.fetching import Fetching
from twim.identity.opening import open_provider, open_tokens
from twim.identity.pending import PendingLogins
from twim.internals.epoll import ReactorIterations
from twim.limits.limits import Limits
from twim.logic.accounts import Accounts, Tokens
from twim.logic.administration.composing import Parts, compose
from twim.logic.administration.orders import Orders
from twim.logic.api_keys import ApiKeys
from twim.logic.catchup import CatchUp
from twim.logic.cluster_node import ClusterNode
from twim.logic.conversation_settings import ConversationSettings
from twim.logic.deletion import Deletion
from twim.logic.dispatch import Dispatch
from twim.logic.external_logins import ExternalLogins
from twim.logic.files import Files
from twim.logic.groups import Groups
from twim.logic.history import History
from twim.logic.idle_devices import IdleDevices
from twim.logic.invitations import Invitations
from twim.logic.known_bots import KnownBots
from twim.logic.link_previews import LinkPreviews
from twim.logic.live_settings import LiveSettings
from twim.logic.local_node import LocalNode
from twim.logic.login_guard import LoginGuard
from twim.logic.message_details import MessageDetails
from twim.logic.message_search import MessageSearch
from twim.logic.password_resets import PasswordResets
from twim.logic.passwords import Passwords
from twim.logic.policy import may_invite
from twim.logic.posting import Posting
from twim.logic.presence import Presence
from twim.logic.push_composing import PushParts, compose_push
from twim.logic.readiness import Readiness
from twim.logic.reading import Reading
from twim.logic.relations import Relations
from twim.logic.roles import Roles
from twim.logic.routing import Routing
from twim.logic.search_indexing import SearchIndexer
from twim.logic.searches import Searches
from twim.logic.self_description import self_description
from twim.logic.settings import Settings
from twim.logic.signup import SignUp
from twim.logic.silences import Silences
from twim.logic.slash_commands import SlashCommands
from twim.logic.webhooks.listening import Listening
from twim.logic.webhooks.webhooks import Webhooks
from twim.outbound.requests import OutboundRequests
from twim.stall import StallMeter
from twim.storage.accounts import AccountStore
from twim.storage.api_keys import ApiKeyStore
from twim.storage.attachments import Attachments
from twim.storage.attempts import AttemptStore
from twim.storage.bots import BotStore
from twim.storage.conversation_settings import ConversationSettingStore
from twim.storage.conversations import Conversations
from twim.storage.database import Database
from twim.storage.external import ExternalStore
from twim.storage.file_key import read_file_key
from twim.storage.files.opening import open_files
from twim.storage.files.pictures import Pictures
from twim.storage.files.threads import FileThreads
from twim.storage.files.upkeep import Upkeep
from twim.storage.files.urls import FileUrls
from twim.storage.host_members import HostMemberStore
from twim.storage.interface import Post
from twim.storage.invites import InviteStore
from twim.storage.log import SqlLog
from twim.storage.log_writing import log_writing
from twim.storage.message_details import MessageDetailStore
from twim.storage.orders import OrderStore
from twim.storage.password_resets import PasswordResetStore
from twim.storage.probe import CommitProbe
from twim.storage.registration import RegistrationStore
from twim.storage.relations import RelationStore
from twim.storage.roles import RoleStore
from twim.storage.search.finding import SearchStore
from twim.storage.settings import SettingStore
from twim.storage.user_settings import UserSettingStore
from twim.trends import Trends, look_at_disk
from twim.wire import envelope

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


def _preview_requests(config: Config, reactor: Any) -> OutboundRequests | None:
    return None if config.previews == "off" else OutboundRequests(reactor, config.previews == "private")


class Node:
    """The parts of a node whose database is open."""

    cluster: ClusterNode | None = None

    def __init__(self, config: Config, database: Database, epoch: str, reactor: Any) -> None:
        self.config = config
        self.database = database
        self.files = FileThreads(reactor, "files", 3)
        self.thumbs = FileThreads(reactor, "pictures", 1)
        self.passwords = Passwords(reactor)
        outboxes = Outboxes(reactor)
        iterations = ReactorIterations.of(reactor) if "epoll" in config.shortcuts else ReactorIterations(reactor)
        self.backlogs = Backlogs(reactor)
        limits = Limits(config.limits, reactor.seconds, config.rates, config.sockets)
        self.hub = Hub(limits.allowances)
        store = open_files(config.files, config.data / "spool", reactor, self.files)
        self.store = store
        self.urls = urls = FileUrls(store, read_file_key(database), lambda: now_ms() / 1000, config.files_public)
        attachments = Attachments(database)
        files = Files(urls, attachments, now_ms)
        self.routing = Routing(self.hub, outboxes, reactor, urls.sign_body)
        self.log_writing = log_writing(database, iterations, reactor, self._appeared)
        self.log = SqlLog(self.log_writing.appender, iterations, reactor, now_ms)
        self.log.listener = self.routing
        conversations = Conversations(database, self.log_writing.indexing)
        self.outbound = OutboundRequests(reactor, config.webhooks_private)
        bots = BotStore(database)
        self.bots = KnownBots(bots, self.routing, reactor)
        self.slash_commands = SlashCommands(
            self.bots, bots, ExternalStore(database), self.outbound, self.log.decided, now_ms
        )
        posting = Posting(
            *(self.log, conversations, self.routing.refuse, self._repeat, now_ms, files, self.slash_commands.take)
        )
        accounts = AccountStore(database)
        relation_store = RelationStore(database)
        tokens = Tokens(accounts)
        self.presence = Presence(self.hub, self.routing, reactor)
        self.settings = LiveSettings(config.live, config.fixed)
        self.bus = self._open_bus(epoch, reactor)
        self.changing_settings = Settings(
            self.settings,
            SettingStore(database),
            self.routing,
            self.bus.node,
            self_description(config, self.bus, twim_version(), database.backend.path is None),
            config.bus == "alone",
            reactor,
            now_ms,
        )
        self.changing_settings.begin()
        self.keys = ApiKeys(ApiKeyStore(database), self.routing, reactor, now_ms)
        relations = Relations(relation_store, self.hub, self.routing, self.presence, self.settings, now_ms)
        silences = Silences(relation_store, self.hub, self._left_unheard, reactor)
        groups = Groups(
            relation_store, self.hub, self.routing, posting, silences, lambda: self.settings.group_join, now_ms
        )
        dispatch = Dispatch(
            posting,
            CatchUp(conversations, self.routing, epoch, reactor, self.backlogs, urls.sign_body),
            Reading(conversations, self.routing, now_ms),
            self.routing,
            reactor.seconds,
            now_ms,
        )
        self.admission = Admission(
            tokens, relation_store, self.hub, self.presence, self.routing, dispatch, outboxes, reactor, limits
        )
        self.tokens = tokens
        if config.bus != "alone":
            local = LocalNode(
                hub=self.hub,
                routing=self.routing,
                presence=self.presence,
                conversations=conversations,
                relations=relation_store,
                silences=silences,
                cut=self._ended_on_other_node,
                recheck=self.admission.recheck,
                look_for_ended=self.admission.look_for_ended,
                settings_changed=self._settings_changed,
                stored=lambda: self.webhooks.wake(),
                settled=self.log.settled,
            )
            self.cluster = ClusterNode(self.bus, local, reactor)
            self.routing.other_nodes = self.log.listener = self.cluster.publishing
        self.webhooks = Webhooks(
            *(database, self.routing, epoch, self.bus.node),
            OutboundRequests(reactor, config.webhooks_private, keep_alive=True),
            *(reactor, now_ms, self.presence.online, urls.sign_body),
        )
        self.log.listener = Listening(self.log.listener, self.webhooks.stored_here)
        self.push: PushParts = compose_push(config, database, self.routing, self._is_connected, reactor, now_ms)
        self.log.listener = self.push.listening(self.log.listener)
        authenticator = Authenticator(tokens, limits, config.proxies, self.backlogs, sites=config.sites)
        attempts = AttemptStore(database)
        guard = LoginGuard(attempts, config.limits, now_ms)
        searches = Searches(attempts, config.limits, config.rates, now_ms)
        self.registrations = RegistrationStore(database, may_invite)
        logged = Accounts(accounts, self.registrations, self.passwords, tokens, self._ended, self.admission.registered)
        self.idle = IdleDevices(tokens, accounts, self.hub, logged.forget, reactor, now_ms)
        self.roles = Roles(RoleStore(database), logged)
        self.search_indexer = SearchIndexer(database, reactor, now_ms)
        self.stalls = StallMeter(reactor)
        self.trends = Trends(
            self.figures,
            self.log.measures.commit,
            lambda: self.files.run(look_at_disk, config.data, database.backend.path),
            reactor,
            now_ms,
        )
        self.deletion = Deletion(
            *(database, self.log_writing.indexing, conversations, store, logged, relations, groups, self.routing),
            *(self.log.decided, reactor, now_ms),
        )
        invitations = Invitations(InviteStore(database, may_invite), groups, now_ms)
        self.resets = PasswordResets(PasswordResetStore(database), self.passwords, logged, now_ms)
        parts = Parts(
            roles=self.roles,
            accounts=logged,
            resets=self.resets,
            groups=groups,
            invitations=invitations,
            deletion=self.deletion,
            settings=self.changing_settings,
            keys=self.keys,
            webhooks=self.webhooks,
            bus=self.bus,
            hub=self.hub,
        )
        self.administration = compose(database, parts, now_ms)
        self.orders = Orders(OrderStore(database), self.administration, self.bus.node, reactor, now_ms)
        api_parts = ApiParts(
            keys=self.keys,
            accounts=logged,
            tokens=tokens,
            relations=relations,
            groups=groups,
            conversations=conversations,
            log=self.log,
            files=files,
            administration=self.administration,
            webhooks=self.webhooks,
            known_bots=self.bots,
            slash_commands=self.slash_commands,
            requests=self.outbound,
            limits=limits,
        )
        self.api = api = Api(database, api_parts, now_ms)
        signup = SignUp(logged, groups, self.settings, now_ms)
        sources = self._login_sources(reactor)
        logins = ExternalLogins(
            *(ExternalStore(database), HostMemberStore(database), accounts, logged, tokens, signup, groups),
            *(relations, files),
        )
        pages = Pages(
            config.views,
            config.asset,
            file_origins=store.origins,
            direct=getattr(store, "direct", False),
            sites=config.sites,
            provider=sources.provider.name if sources.provider is not None else "",
            previews=config.previews != "off",
        )
        uploads = Uploads(
            store,
            Pictures(self.thumbs),
            self.files,
            authenticator.caller_id,
            files,
            limit=lambda: self.settings.upload_bytes,
            limits=limits,
        )
        rest = Rest(
            authenticator,
            accounts,
            pages,
            Users(
                *(authenticator, logged, accounts, relations, self.presence, guard, searches, signup),
                *(self.settings, files, UserSettingStore(database)),
            ),
            Contacts(authenticator, relations, groups, searches, files, api.bots),
            Messages(
                authenticator,
                History(conversations, relation_store, self.hub, epoch),
                MessageDetails(MessageDetailStore(database, self.log_writing.indexing)),
                ConversationSettings(ConversationSettingStore(database, self.log_writing.indexing), self.routing),
                MessageSearch(SearchStore(database), relation_store, self.hub, limits),
                LinkPreviews(_preview_requests(config, reactor), limits, reactor.seconds),
            ),
            Invites(authenticator, invitations),
            uploads,
            Downloads(store, urls),
            self.settings,
            RegistrationPages(authenticator, self.settings, self.roles, invitations),
            Admin(authenticator, self.roles, self.administration, self.trends),
            AdminPages(self.roles, LOGIN_PAGE),
            api,
            self.resets,
            files,
            Entry(authenticator, sources, logins, files),
            Push(authenticator, self.push.subscriptions, self.push.key),
        )
        upgrade = ChatUpgrade(ChatFactory(self.admission, iterations, reactor, self.backlogs, config.shortcuts))
        self.upkeep = Upkeep(store, attachments.referenced, attachments.forget_uploads, self.files, reactor)
        operate = Operate(authenticator, accounts, self.bus, self.figures, config.operators, self.settings.differs)
        requests = BoundedRequests(
            *({UPLOAD_PATH: uploads.receive}, reactor, urls.sign_body, body_limit(self.keys), authenticator.sites.mark),
            Prefixes(config.prefix, authenticator.peers),
        )
        self.readiness = Readiness(CommitProbe(database, reactor, lambda: self.log.committed_at), self.bus)
        self.metrics = Metrics(twim_version(), self.figures, self.log.measures, requests.measures)
        peers = authenticator.peers
        monitors = Monitors(peers, config.monitors)
        health = Health(self.readiness, self.metrics, monitors, operate.is_operator, self.settings, peers)
        root = Root(
            Chat(authenticator, self.admission, upgrade),
            AssetResource(pages.assets),
            rest,
            operate,
            health,
            TransportSecurity(peers, config.hsts),
            authenticator.sites,
            twim_version(),
        )
        self.site: Site = make_site(root, requests, authenticator, self.admission, upgrade, reactor)

    def _login_sources(self, reactor: Any) -> Sources:
        tokens, provider = self.config.login
        fetching = Fetching(reactor)
        return Sources(
            open_tokens(tokens, fetching, reactor.seconds) if tokens is not None else None,
            open_provider(provider, fetching, reactor.seconds) if provider is not None else None,
            PendingLogins(read_file_key(self.database), lambda: now_ms() / 1000),
        )

    def _open_bus(self, epoch: str, reactor: Any) -> Bus:
        config = self.config
        key = load_or_make_key(config.cluster_key) if config.bus.startswith("udp:") else None
        return open_bus(config.bus, key=key, epoch=epoch, reactor=reactor, version=twim_version())

    def figures(self) -> dict[str, float]:
        """What this node measures, for the operator."""
        return {
            "connections": self.hub.connections,
            "users_online": len(self.hub.users),
            "messages_stored_total": self.log.posts,
            "commits_total": self.log.batches,
            "messages_waiting": self.log.waiting,
            "messages_delivered_total": self.routing.delivered,
            "messages_read_again_total": self.cluster.repair.messages if self.cluster is not None else 0,
            "bus_dropped_total": self.bus.dropped + (self.cluster.applying.problems.dropped if self.cluster else 0),
            "pushes_sent_total": self.push.pushing.pushed,
            "pushes_dropped_total": self.push.pushing.dropped,
            "reactor_stall_seconds_max": self.stalls.longest,
            "reactor_stall_seconds_recent": self.stalls.recent,
        }

    def _is_connected(self, userid: int) -> bool:
        return userid in self.hub.users or self.routing.other_nodes.online(userid)

    def _settings_changed(self) -> None:
        self.changing_settings.heard()
        self.keys.heard()
        self.webhooks.heard()
        self.bots.heard()
        self.push.subscriptions.heard()

    def _appeared(self, posts: Sequence[Post]) -> None:
        if self.cluster is not None:
            self.cluster.publishing.committed(posts)
        else:
            self.routing.start_over(posts)

    def _repeat(self, post: Post) -> None:
        (self.routing if self.cluster is None else self.cluster.publishing).repeat(post)

    def _left_unheard(self, userid: int, group: int) -> None:
        self.hub.left(userid, group)
        self.routing.to_user_here(userid, envelope.changed("group", dstid=group))
        self.routing.flush()

    def _ended(self, userid: int, deviceid: int) -> None:
        self.admission.cut(userid, deviceid)
        self.push.subscriptions.device_ended(userid, deviceid)
        self.routing.other_nodes.ended(userid, deviceid)

    def _ended_on_other_node(self, userid: int, deviceid: int) -> None:
        self.tokens.forget(deviceid)
        self.admission.cut(userid, deviceid)

    def start(self) -> Deferred[None]:
        """Start the threads and the bus. Fires when clients may connect. OSError if the bus can't be started."""
        self.files.start()
        self.thumbs.start()
        self.passwords.start()
        self.upkeep.start()
        self.idle.start()
        self.trends.start()
        started = self.cluster.start() if self.cluster is not None else succeed(None)
        return started.addCallback(lambda _: self._started())

    def _started(self) -> None:
        self.changing_settings.start()
        self.keys.start()
        self.webhooks.start()
        self.bots.start()
        self.push.subscriptions.start()
        self.deletion.start()
        self.orders.start()
        self.search_indexer.start()

    async def stop(self, reactor: Any) -> None:
        """Tell all devices to reconnect to another node, commit what waits, and end the threads."""
        self.admission.close()
        self.deletion.stop()
        self.slash_commands.stop()
        await self.search_indexer.stop()
        await self.orders.stop()
        await self.log.drained()
        await self.webhooks.stop()
        await self.log_writing.stop()
        self.presence.stop()
        self.stalls.stop()
        self.upkeep.stop()
        self.idle.stop()
        self.trends.stop()
        self.keys.stop()
        self.bots.stop()
        self.push.stop()
        await self.changing_settings.stop()
        if self.cluster is not None:
            self.cluster.stop()
        await self.bus.stop()
        # Closing handshakes are on their way; who doesn't answer is cut when the process ends.
        await deferLater(reactor, DRAIN_SECONDS if self.admission.closed_any else 0)
        await self.store.close()
        for pool in (self.files, self.thumbs, self.passwords):
            pool.stop()
