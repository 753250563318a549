"""Erasing a user: every transaction may be done again, so that an erasure that was interrupted is finished later.

The user's row stays, without anything personal, so that what was said keeps an author and nobody else gets the id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, Connection, bindparam, delete, insert, select, update
from twisted.internet.defer import Deferred

from twim.storage import attachments, unread, versions
from twim.storage.bots import forget_bot
from twim.storage.database import Database
from twim.storage.dialect import Dialect
from twim.storage.external import forget_user
from twim.storage.happenings import note_erased
from twim.storage.idempotency import empty_kept
from twim.storage.indexing import Indexing
from twim.storage.interface import MEMBER_ROLE, Key
from twim.storage.retention import emptied, files_of
from twim.storage.roles import check_other, check_there, lock_roles
from twim.storage.schema import (
    IN_USER,
    attempt,
    block,
    conversation,
    device,
    erasure,
    former_member,
    friend_request,
    invite,
    join_request,
    known_login,
    message,
    participant,
    password_reset,
    user,
)
from twim.storage.schema_host_members import host_member
from twim.storage.schema_push import push_subscription
from twim.storage.search import changes
from twim.storage.written_through import newest_id
from twim.wire.commands import EVENTS, NOTICE, REACTION, SINGLE
from twim.wire.message import Shown, decode_shown, encode

LOOKED_AT: Final = 20_000  # messages of the log among which the user's are looked for in one transaction
EMPTIED: Final = 100  # messages emptied in one transaction


class Begun(NamedTuple):
    """An erasure that has begun."""

    devices: list[int]
    """Those that ended."""
    files: set[str]
    """The name of the file of the avatar."""


class Place(NamedTuple):
    """A message of the user's."""

    id: int
    conversation_id: int
    seq: int


class ErasureStore:
    """The store of what is erased."""

    def __init__(self, database: Database, indexing: Indexing) -> None:
        self._database = database
        self._dialect = database.dialect
        self._indexing = indexing

    def begin(self, userid: int, counts_of: Callable[[int, str], list[bytes]]) -> Deferred[Begun]:
        """The user may not log in any more and has no name; the mobile is free. What attempts are counted by, the keys
        that `counts_of` gives for id and mobile, is forgotten. `NotFound`; `Conflict` for the last administrator."""

        def work(connection: Connection) -> Begun:
            lock_roles(connection)
            check_there(connection, userid)
            check_other(connection, userid)
            mobile, avatar = connection.execute(select(user.c.mobile, user.c.avatar).where(user.c.id == userid)).one()
            # First, as `RoleStore.disable` does.
            connection.execute(update(user).where(user.c.id == userid).values(_nobody(userid)))
            ended = list(connection.scalars(select(device.c.id).where(device.c.userid == userid)))
            connection.execute(delete(device).where(device.c.userid == userid))
            connection.execute(delete(password_reset).where(password_reset.c.userid == userid))
            connection.execute(delete(push_subscription).where(push_subscription.c.userid == userid))
            connection.execute(delete(attempt).where(attempt.c.key.in_(counts_of(userid, mobile))))
            note_erased(connection, userid)
            forget_user(connection, userid)
            forget_bot(connection, userid)
            empty_kept(connection)
            attachments.replace(connection, IN_USER, userid, "")
            if connection.execute(select(erasure.c.userid).where(erasure.c.userid == userid)).first() is None:
                connection.execute(insert(erasure).values(userid=userid))
            return Begun(ended, files_of(Shown(url=avatar)))

        return self._database.write(work)

    def unfinished(self) -> Deferred[list[int]]:
        """Who is being erased, or was when the server stopped."""
        return self._database.read(lambda c: list(c.scalars(select(erasure.c.userid).order_by(erasure.c.userid))))

    def finish(self, userid: int) -> Deferred[None]:
        """Nothing of the user is left."""
        this = delete(erasure).where(erasure.c.userid == userid)
        return self._database.write(lambda connection: connection.execute(this)).addCallback(lambda _: None)

    def forget_relations(self, userid: int) -> Deferred[None]:
        """What is left of the user's relations, once friendships and memberships have ended; and the read marks, so
        that nothing of the user is stored any more that another server still takes."""

        def work(connection: Connection) -> None:
            for column in _RELATIONS:
                connection.execute(delete(column.table).where(column == userid))
            chats = (participant.c.userid == userid, participant.c.scope == SINGLE)
            connection.execute(delete(participant).where(*chats))

        return self._database.write(work)

    async def newest(self) -> int:
        """The newest row id of the log."""
        return await self._database.read(newest_id)

    async def said(self, userid: int, after: int, up_to: int) -> list[Place]:
        """The user's messages in rows `after` < id <= `up_to` of the log."""
        mine = select(message.c.id, message.c.conversation, message.c.seq).where(
            message.c.id > after, message.c.id <= up_to, message.c.sender == userid
        )
        return await self._database.read(lambda c: [Place(*line) for line in c.execute(mine.order_by(message.c.id))])

    async def empty(self, userid: int, places: Sequence[Place]) -> set[str]:
        """These messages are without words from now on. Gives the names of the files that they carried."""
        await self._indexing.written()

        def work(connection: Connection) -> set[str]:
            self._dialect.write_index(connection)
            # In one order, as batches lock them.
            self._dialect.heads(connection, sorted({place.conversation_id for place in places}))
            bodies = select(message.c.id, message.c.body).where(message.c.id.in_([place.id for place in places]))
            found = {its_id: decode_shown(bytes(body)) for its_id, body in connection.execute(bodies)}
            emptying = _Emptying(self._dialect, connection, userid)
            for place in places:
                if place.id in found:
                    emptying.take(place, found[place.id])
            return emptying.store()

        return await self._database.write(work)

    def keys(self, conversation_ids: Sequence[int]) -> Deferred[list[Key]]:
        """The keys of these conversations, some hundreds at most."""
        wanted = select(conversation.c.scope, conversation.c.a, conversation.c.b).where(
            conversation.c.id.in_(conversation_ids)
        )
        return self._database.read(lambda c: [(scope, a, b) for scope, a, b in c.execute(wanted)])


_replace: Final = update(message).where(message.c.id == bindparam("b_id")).values(body=bindparam("b_body"))
_RELATIONS: Final[tuple[Column[Any], ...]] = (
    friend_request.c.userid,
    friend_request.c.dstid,
    block.c.userid,
    block.c.dstid,
    join_request.c.userid,
    former_member.c.userid,
    host_member.c.userid,
    known_login.c.userid,
    invite.c.maker,
)


def _nobody(userid: int) -> dict[str, object]:
    """The columns of a user of whom nothing is known. No mobile begins with this sign, and no password fits."""
    texts = dict.fromkeys(("passwd", "avatar", "nickname", "memo", "token", "salt", "quiet", "zone"), "")
    return texts | {"mobile": f"~{userid}", "sex": "U", "role": MEMBER_ROLE, "disabled": 1, "waiting": 0, "words": 1}


class _Emptying:
    """What is done with some of the user's messages, in as few statements as there can be."""

    def __init__(self, dialect: Dialect, connection: Connection, userid: int) -> None:
        self._dialect = dialect
        self._connection = connection
        self._userid = userid
        self._bodies: list[dict[str, Any]] = []
        self._silent: list[tuple[int, int]] = []
        self._edited: dict[int, list[int]] = {}
        self._carrying: dict[int, list[int]] = {}
        self._files: set[str] = set()

    def take(self, place: Place, said: Shown) -> None:
        """One message. Notices are the server's, and stay."""
        if said.media == NOTICE:
            return
        if said.url or said.pic:
            self._files |= files_of(said)
            self._carrying.setdefault(place.conversation_id, []).append(place.seq)
        if said.media == REACTION and said.ref:
            self._take_back(place.conversation_id, said.ref)
        if said.media in EVENTS:
            self._bodies.append({"b_id": place.id, "b_body": encode(_without_words(said))})
        elif not said.recalled:
            if said.edited:
                self._edited.setdefault(place.conversation_id, []).append(place.seq)
            unread.replace_names(self._connection, place.conversation_id, place.seq, said.mentions, ())
            self._silent.append((place.conversation_id, place.seq))
            self._bodies.append({"b_id": place.id, "b_body": encode(emptied(said))})

    def store(self) -> set[str]:
        """Do it. Gives the names of the files that the messages carried."""
        if self._bodies:
            self._connection.execute(_replace, self._bodies)
            changes.note(self._connection, [one["b_id"] for one in self._bodies])
        unread.add_silent(self._connection, self._silent)
        for conversation_id, seqs in self._edited.items():
            versions.forget(self._connection, conversation_id, seqs)
        for conversation_id, seqs in self._carrying.items():
            attachments.forget_messages(self._connection, conversation_id, seqs)
        return self._files

    def _take_back(self, conversation_id: int, ref: int) -> None:
        body = self._dialect.messages.body_at(self._connection, conversation_id, ref)
        shown = decode_shown(body) if body is not None else Shown()
        others = {emoji: [one for one in users if one != self._userid] for emoji, users in shown.reactions.items()}
        if others != shown.reactions:
            shown.reactions = {emoji: users for emoji, users in others.items() if users}
            self._dialect.messages.replace_body(self._connection, conversation_id, ref, encode(shown))


def _without_words(said: Shown) -> Shown:
    event = emptied(said)
    event.recalled = 0
    return event
