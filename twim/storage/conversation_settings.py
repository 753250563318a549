"""How users keep their conversations: muted, pinned, hidden."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select, update

from twim.storage import conversation_table
from twim.storage.database import Database
from twim.storage.indexing import Indexing
from twim.storage.interface import Key
from twim.storage.schema import participant

NO_CONVERSATION: Final = "dstid: you take part in no such conversation"


class ConversationSettingStore:
    """What a user has chosen for each conversation."""

    def __init__(self, database: Database, indexing: Indexing) -> None:
        self._database = database
        self._dialect = database.dialect
        self._indexing = indexing

    async def change(self, userid: int, key: Key, changed: dict[str, int]) -> dict[str, int] | None:
        """Change `mute`, `pin` and `hide`, 0 or 1 each; what isn't given stays. Gives all three as they are now, or
        None if the user takes no part in such a conversation.

        What is hidden is so until the next message: only its newest seq is kept, so that a message need not look.
        """
        await self._indexing.written()

        def work(connection: Connection) -> dict[str, int] | None:
            conversation_id = conversation_table.id_of(self._dialect, connection, key)
            if conversation_id is None:
                return None
            this = (participant.c.userid == userid, participant.c.conversation == conversation_id)
            kept = connection.execute(select(participant.c.mute, participant.c.pin, participant.c.hidden).where(*this))
            found = kept.one_or_none()
            if found is None:
                return None
            # A message that another writer stored meanwhile.
            self._dialect.write_index(connection)
            head = self._dialect.messages.head(connection, conversation_id)
            now = {"mute": found.mute, "pin": found.pin, "hide": int(0 < head <= found.hidden)} | changed
            values = {"mute": now["mute"], "pin": now["pin"], "hidden": head if now["hide"] else 0}
            connection.execute(update(participant).where(*this).values(values))
            return now

        return await self._database.write(work)
