"""The areas of ``/api/v1``, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.web.resource import IResource
from twisted.web.server import Request

from twim.access.http.rest.api.groups import ApiGroups
from twim.access.http.rest.api.messages import ApiMessages
from twim.access.http.rest.api.repeating import Repeating
from twim.access.http.rest.api.users import ApiUsers
from twim.access.http.rest.api.webhooks import ApiWebhooks
from twim.logic.accounts import Accounts, Tokens
from twim.logic.administration.administration import Administration
from twim.logic.api_keys import ApiKeys
from twim.logic.files import Files
from twim.logic.groups import Groups
from twim.logic.host_groups import HostGroups
from twim.logic.host_messages import HostMessages
from twim.logic.hosts import HostUsers
from twim.logic.relations import Relations
from twim.logic.webhooks.webhooks import Webhooks
from twim.storage.accounts import AccountStore
from twim.storage.conversations import Conversations
from twim.storage.database import Database
from twim.storage.external import ExternalStore
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
        messages = HostMessages(store, relation_store, parts.relations, parts.conversations, parts.log, parts.files)
        self._users = ApiUsers(parts.keys, repeating, users, parts.files).app.resource()
        self._areas: dict[bytes, IResource] = {
            b"groups": ApiGroups(parts.keys, repeating, groups).app.resource(),
            b"messages": ApiMessages(parts.keys, repeating, messages, store).app.resource(),
            b"webhooks": ApiWebhooks(parts.keys, repeating, groups, parts.webhooks).app.resource(),
        }

    def area(self, request: Request) -> IResource:
        """What answers this request."""
        return self._areas.get(request.path.split(b"/")[3], self._users)
