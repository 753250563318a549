"""The parts of a node that delete: by age, and whole users."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twim.logic.accounts import Accounts
from twim.logic.erasure import Erasure
from twim.logic.groups import Groups
from twim.logic.pauses import Pauses
from twim.logic.relations import Relations
from twim.logic.retention import Retention
from twim.logic.routing import Routing
from twim.logic.unused_files import UnusedFiles
from twim.storage.attachments import Attachments
from twim.storage.conversations import Conversations
from twim.storage.database import Database
from twim.storage.erasure import ErasureStore
from twim.storage.files.interface import FileStore
from twim.storage.indexing import Indexing
from twim.storage.retention import RetentionStore


class Deletion:
    """Puts `retention` and `erasure` together. `decided` gives what fires when every message that this node has taken
    is stored or refused."""

    def __init__(
        self,
        database: Database,
        indexing: Indexing,
        conversations: Conversations,
        files: FileStore,
        accounts: Accounts,
        relations: Relations,
        groups: Groups,
        routing: Routing,
        decided: Callable[[], Awaitable[None]],
        reactor: Any,
        now_ms: Callable[[], int],
    ) -> None:
        self._pauses = Pauses(reactor)
        unused = UnusedFiles(files, Attachments(database).referenced)
        self.retention = Retention(RetentionStore(database, indexing), conversations, unused, self._pauses, now_ms)
        erasures = ErasureStore(database, indexing)
        self.erasure = Erasure(erasures, accounts, relations, groups, unused, routing, decided, self._pauses, now_ms)

    def start(self) -> None:
        """Finish what a stop interrupted."""
        self.erasure.begin_resuming()

    def stop(self) -> None:
        """End what runs at its next pause."""
        self._pauses.stop()
