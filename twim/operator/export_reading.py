"""What an export reads: in short transactions, so that nobody waits for it, and without changing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import Connection, Select, Table, or_, select
from sqlalchemy import exc as sql_errors

from twim.errors import Refusal
from twim.operator.refused import Refused
from twim.storage import conversation_table
from twim.storage.database import Database
from twim.storage.interface import Key
from twim.storage.schema import (
    block,
    community,
    contact,
    conversation,
    device,
    friend_request,
    invite,
    join_request,
    message,
    participant,
    user,
)
from twim.storage.written_through import newest_id, written_through

T = TypeVar("T")

PAGE: Final = 200  # messages read in one transaction
LOOKED_AT: Final = 20_000  # messages of the log among which a user's are looked for in one transaction
_SECRET: Final = ("passwd", "salt", "token", "tokenhash", "hash")  # columns that are nobody's data


class Chat(NamedTuple):
    """A conversation and the first seq of it that is exported."""

    conversation_id: int
    key: Key
    floor: int


class Reading:
    """Reads one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` finds in a transaction. `Refused` when the database can't be read."""
        try:
            return self._database.transact(work, False)
        except (Refusal, sql_errors.DBAPIError) as error:
            cause = error.__cause__ or error
            raise Refused(f"the database can't be read: {getattr(cause, 'orig', None) or cause}") from None

    def rows(self, table: Table, *where: Any) -> list[dict[str, object]]:
        """Rows of a table, less what is secret."""
        columns = [column for column in table.columns if column.name not in _SECRET]
        wanted = select(*columns).where(*where)
        return self.read(lambda c: [dict(line) for line in c.execute(wanted).mappings()])

    def of_user(self, userid: int) -> dict[str, list[dict[str, object]]]:
        """What is stored of a user besides messages, by the kind of it."""
        return {
            "user": self.rows(user, user.c.id == userid),
            "device": self.rows(device, device.c.userid == userid),
            "contact": self.rows(contact, contact.c.ownerid == userid),
            "request": self.rows(friend_request, or_(friend_request.c.userid == userid, _shown_to(userid))),
            "join-request": self.rows(join_request, join_request.c.userid == userid),
            "block": self.rows(block, block.c.userid == userid),
            "invitation": self.rows(invite, invite.c.maker == userid),
            "group-owned": self.rows(community, community.c.ownerid == userid),
            "read-mark": self.rows(participant, participant.c.userid == userid),
        }

    def names(self, userids: Sequence[int]) -> dict[int, str]:
        """The nicknames of users, some hundreds at most."""
        wanted = select(user.c.id, user.c.nickname).where(user.c.id.in_(userids))
        return {line.id: line.nickname for line in self.read(lambda c: c.execute(wanted).all())}

    def chats_of(self, userid: int) -> list[Chat]:
        """The conversations that the user takes part in, from where the user may read."""
        joined = conversation.join(participant, participant.c.conversation == conversation.c.id)
        wanted = (
            select(conversation.c.id, conversation.c.scope, conversation.c.a, conversation.c.b, participant.c.floor)
            .select_from(joined)
            .where(participant.c.userid == userid)
            .order_by(conversation.c.id)
        )
        return [Chat(line[0], tuple(line[1:4]), line[4]) for line in self.read(lambda c: c.execute(wanted).all())]

    def chat_of(self, key: Key) -> Chat | None:
        """The conversation of `key`, if there is one."""

        def work(connection: Connection) -> Chat | None:
            found = conversation_table.id_of(self._database.dialect, connection, key)
            if found is None:
                return None
            return Chat(found, key, conversation_table.kept_from(connection, [found])[found])

        return self.read(work)

    def bodies(self, chat: Chat) -> Iterator[bytes]:
        """The messages of a conversation, ascending."""
        after = chat.floor - 1
        while True:
            found, after = self.read(partial(self._page, chat=chat, after=after))
            if not found:
                return
            yield from found

    def _page(self, connection: Connection, chat: Chat, after: int) -> tuple[list[bytes], int]:
        index = self._database.dialect.messages
        head = index.head(connection, chat.conversation_id)
        found, last = index.slice_after(connection, chat.conversation_id, after, head, PAGE, None)
        if found or not self._database.dialect.defers_index:
            return found, last
        # The end of the log, which isn't indexed yet.
        end = select(message.c.body, message.c.seq).where(
            message.c.id > written_through(connection),
            message.c.conversation == chat.conversation_id,
            message.c.seq > after,
        )
        rows = connection.execute(end.order_by(message.c.seq).limit(PAGE)).all()
        return [bytes(body) for body, _ in rows], rows[-1].seq if rows else after

    def elsewhere(self, userid: int, chats: Sequence[Chat]) -> Iterator[bytes]:
        """What the user said in conversations that aren't among these: in groups that the user has left."""
        known = {chat.conversation_id for chat in chats}
        newest = self.read(newest_id)
        for start in range(0, newest, LOOKED_AT):
            mine = select(message.c.conversation, message.c.body).where(
                message.c.id > start, message.c.id <= start + LOOKED_AT, message.c.sender == userid
            )
            for conversation_id, body in self.read(partial(_all, wanted=mine)):
                if conversation_id not in known:
                    yield bytes(body)


def _all(connection: Connection, wanted: Select[Any]) -> Sequence[Any]:
    return connection.execute(wanted).all()


def _shown_to(userid: int) -> Any:
    return (friend_request.c.dstid == userid) & (friend_request.c.hidden == 0)
