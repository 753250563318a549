"""The stores' contract, on each database for real."""

from __future__ import annotations

from test.storage.accounts_contract import AnyAccounts
from test.storage.conversations_contract import AnyConversations
from test.storage.log_contract import AnyLog
from test.storage.relations_contract import AnyRelations
from test.storage.rig import OnMySql, OnPostgreSql, OnSqlite


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
