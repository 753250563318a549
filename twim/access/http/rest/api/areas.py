"""The areas of ``/api/v1``, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.web.resource import IResource
from twisted.web.server import Request

from twim.access.http.rest.api.bots import ApiBots
from twim.access.http.rest.api.groups import ApiGroups
from twim.access.http.rest.api.messages import ApiMessages
from twim.access.http.rest.api.repeating import Repeating
from twim.access.http.rest.api.users import ApiUsers
from twim.access.http.rest.api.webhooks import ApiWebhooks
from twim.access.http.rest.hooks import IncomingHooks
from twim.limits.limits import Limits
from twim.logic.accounts import Accounts, Tokens
from twim.logic.administration.administration import Administration
from twim.logic.api_keys import ApiKeys
from twim.logic.bots import Bots
from twim.logic.files import Files
from twim.logic.groups import Groups
from twim.logic.hooks import Hooks
from twim.logic.host_groups import HostGroups
from twim.logic.host_messages import HostMessages
from twim.logic.hosts import HostUsers
from twim.logic.known_bots import KnownBots
from twim.logic.relations import Relations
from twim.logic.slash_commands import SlashCommands
from twim.logic.webhooks.webhooks import Webhooks
from twim.outbound.requests import OutboundRequests
from twim.storage.accounts import AccountStore
from twim.storage.bots import BotStore
from twim.storage.conversations import Conversations
from twim.storage.database import Database
from twim.storage.external import ExternalStore
from twim.storage.hooks import HookStore
from twim.storage.idempotency import IdempotencyStore
from twim.storage.log import SqlLog
from twim.storage.relations import RelationStore


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of a node that the areas use."""

    keys: ApiKeys
    accounts: Accounts
    tokens: Tokens
    relations: Relations
    groups: Groups
    conversations: Conversations
    log: SqlLog
    files: Files
    administration: Administration
    webhooks: Webhooks
    known_bots: KnownBots
    slash_commands: SlashCommands
    requests: OutboundRequests
    limits: Limits


class Api:
    """Finds the area of a request below ``/api/v1/``."""

    def __init__(self, database: Database, parts: Parts, now_ms: Callable[[], int]) -> None:
        store, relation_store = ExternalStore(database), RelationStore(database)
        repeating = Repeating(IdempotencyStore(database), now_ms)
        users = HostUsers(
            store,
            AccountStore(database),
            parts.accounts,
            parts.tokens,
            parts.relations,
            parts.conversations,
            parts.administration,
            parts.files,
        )
        groups = HostGroups(store, relation_store, parts.groups, parts.administration)
        messages = HostMessages(
            *(store, relation_store, parts.relations, parts.conversations, parts.log, parts.files),
            *(parts.slash_commands.take, now_ms),
        )
        parts.slash_commands.say = messages.say
        self.bots = Bots(
            *(BotStore(database), parts.known_bots, users, parts.accounts, parts.tokens, parts.relations),
            *(relation_store, parts.groups, parts.requests, now_ms),
        )
        hooks = Hooks(HookStore(database), groups, parts.groups, parts.relations, messages.say, now_ms)
        self.incoming_hooks = IncomingHooks(hooks, repeating, parts.limits)
        of_bots = ApiBots(parts.keys, repeating, self.bots, hooks, parts.files).app.resource()
        of_messages = ApiMessages(parts.keys, repeating, messages, store, self.bots.of_key, parts.limits)
        self._users = ApiUsers(parts.keys, repeating, users, parts.files).app.resource()
        self._areas: dict[bytes, IResource] = {
            b"groups": ApiGroups(parts.keys, repeating, groups).app.resource(),
            b"messages": of_messages.app.resource(),
            b"bots": of_bots,
            b"hooks": of_bots,
            b"webhooks": ApiWebhooks(parts.keys, repeating, groups, parts.webhooks).app.resource(),
        }

    def area(self, request: Request) -> IResource:
        """What answers this request."""
        return self._areas.get(request.path.split(b"/")[3], self._users)
