"""Puts the acts together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twim.cluster.interface import Bus
from twim.hub.hub import Hub
from twim.logic.accounts import Accounts
from twim.logic.administration.administration import Administration
from twim.logic.administration.entry_acts import InviteActs, KeyActs
from twim.logic.administration.group_acts import GroupActs
from twim.logic.administration.server_acts import ServerActs
from twim.logic.administration.storage_acts import StorageActs
from twim.logic.administration.user_acts import UserActs
from twim.logic.administration.webhook_acts import WebhookActs
from twim.logic.api_keys import ApiKeys
from twim.logic.deletion import Deletion
from twim.logic.groups import Groups
from twim.logic.invitations import Invitations
from twim.logic.password_resets import PasswordResets
from twim.logic.roles import Roles
from twim.logic.settings import Settings
from twim.logic.webhooks.webhooks import Webhooks
from twim.storage.api_keys import ApiKeyStore
from twim.storage.audit import AuditStore
from twim.storage.database import Database
from twim.storage.external import ExternalStore
from twim.storage.listings import Listings
from twim.storage.storage_use import StorageUse


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of a node that carry acts out."""

    roles: Roles
    accounts: Accounts
    resets: PasswordResets
    groups: Groups
    invitations: Invitations
    deletion: Deletion
    settings: Settings
    keys: ApiKeys
    webhooks: Webhooks
    bus: Bus
    hub: Hub


def compose(database: Database, parts: Parts, now_ms: Callable[[], int]) -> Administration:
    """Everything that administrators may do, on one node."""
    listings, audit = Listings(database), AuditStore(database)
    areas = (
        UserActs(listings, ExternalStore(database), parts.roles, parts.accounts, parts.resets, parts.deletion.erasure),
        GroupActs(listings, parts.groups),
        InviteActs(listings, parts.invitations, now_ms),
        KeyActs(ApiKeyStore(database), parts.keys, now_ms),
        WebhookActs(parts.webhooks),
        ServerActs(parts.settings, parts.deletion.retention, audit, parts.bus, parts.hub),
        StorageActs(StorageUse(database)),
    )
    return Administration(areas, audit, now_ms)
