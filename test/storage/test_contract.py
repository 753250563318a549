"""The stores' contract, on each database for real."""

from __future__ import annotations

from test.storage.accounts_contract import AnyAccounts
from test.storage.administration_contract import AnyAdministration
from test.storage.attempts_contract import AnyAttempts
from test.storage.bots_contract import AnyBots
from test.storage.conversations_contract import AnyConversations
from test.storage.hosts_contract import AnyHosts
from test.storage.listings_contract import AnyListings
from test.storage.log_contract import AnyLog
from test.storage.message_details_contract import AnyMessageDetails
from test.storage.push_contract import AnyPush
from test.storage.registration_contract import AnyRegistration
from test.storage.relations_contract import AnyRelations
from test.storage.rig import OnMySql, OnPostgreSql, OnSqlite
from test.storage.search_contract import AnySearch
from test.storage.webhooks_contract import AnyWebhooks


class SqliteAccounts(AnyAccounts, OnSqlite):
    """On SQLite."""


class MySqlAccounts(AnyAccounts, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlAccounts(AnyAccounts, OnPostgreSql):
    """On PostgreSQL."""


class SqliteRelations(AnyRelations, OnSqlite):
    """On SQLite."""


class MySqlRelations(AnyRelations, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlRelations(AnyRelations, OnPostgreSql):
    """On PostgreSQL."""


class SqliteConversations(AnyConversations, OnSqlite):
    """On SQLite."""


class MySqlConversations(AnyConversations, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlConversations(AnyConversations, OnPostgreSql):
    """On PostgreSQL."""


class SqliteLog(AnyLog, OnSqlite):
    """On SQLite."""


class MySqlLog(AnyLog, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlLog(AnyLog, OnPostgreSql):
    """On PostgreSQL."""


class SqliteAttempts(AnyAttempts, OnSqlite):
    """On SQLite."""


class MySqlAttempts(AnyAttempts, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlAttempts(AnyAttempts, OnPostgreSql):
    """On PostgreSQL."""


class SqliteRegistration(AnyRegistration, OnSqlite):
    """On SQLite."""


class MySqlRegistration(AnyRegistration, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlRegistration(AnyRegistration, OnPostgreSql):
    """On PostgreSQL."""


class SqliteAdministration(AnyAdministration, OnSqlite):
    """On SQLite."""


class MySqlAdministration(AnyAdministration, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlAdministration(AnyAdministration, OnPostgreSql):
    """On PostgreSQL."""


class SqliteListings(AnyListings, OnSqlite):
    """On SQLite."""


class MySqlListings(AnyListings, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlListings(AnyListings, OnPostgreSql):
    """On PostgreSQL."""


class SqliteMessageDetails(AnyMessageDetails, OnSqlite):
    """On SQLite."""


class MySqlMessageDetails(AnyMessageDetails, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlMessageDetails(AnyMessageDetails, OnPostgreSql):
    """On PostgreSQL."""


class SqliteHosts(AnyHosts, OnSqlite):
    """On SQLite."""


class MySqlHosts(AnyHosts, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlHosts(AnyHosts, OnPostgreSql):
    """On PostgreSQL."""


class SqliteWebhooks(AnyWebhooks, OnSqlite):
    """On SQLite."""


class MySqlWebhooks(AnyWebhooks, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlWebhooks(AnyWebhooks, OnPostgreSql):
    """On PostgreSQL."""


class SqliteBots(AnyBots, OnSqlite):
    """On SQLite."""


class MySqlBots(AnyBots, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlBots(AnyBots, OnPostgreSql):
    """On PostgreSQL."""


class SqlitePush(AnyPush, OnSqlite):
    """On SQLite."""


class MySqlPush(AnyPush, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlPush(AnyPush, OnPostgreSql):
    """On PostgreSQL."""


class SqliteSearch(AnySearch, OnSqlite):
    """On SQLite."""


class MySqlSearch(AnySearch, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlSearch(AnySearch, OnPostgreSql):
    """On PostgreSQL."""
