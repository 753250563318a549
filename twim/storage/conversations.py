"""Conversations as their participants see them: finding one, its history, its read marks, the list of all."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from sqlalchemy import Connection, and_, insert, select
from sqlalchemy import exc as sql_errors
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from twim.errors import TooMany, Unavailable
from twim.storage import places
from twim.storage.append import first_answers, heads
from twim.storage.behind import Behind, catch_up
from twim.storage.database import Database
from twim.storage.interface import UNKNOWN, Conversation, Key
from twim.storage.moving import move_marks
from twim.storage.schema import conversation, message, participant
from twim.wire.commands import SINGLE
from twim.wire.message import encode

T = TypeVar("T")

TOGETHER: Final = 250  # conversations looked for in one hop
LINES: Final = 20_000  # who may wait for conversations to be found; more are refused
TRIES: Final = 3  # of making conversations that other servers make too
KEPT: Final = 100_000  # conversations whose head is kept in memory, about 200 bytes each
PAGE: Final = 200  # messages in one page of history, and of one conversation in a catch-up


class Row:
    """One line of a user's list of conversations."""

    __slots__ = ("dstid", "last", "peer_read", "place", "read", "scope", "seq")

    def __init__(
        self, place: int, scope: int, dstid: int, seq: int, read: int, peer_read: int | None, last: bytes
    ) -> None:
        self.place = place
        self.scope = scope
        self.dstid = dstid
        self.seq = seq
        self.read = read
        self.peer_read = peer_read
        self.last = last

    @property
    def name(self) -> str:
        """As a client names it in a catch-up: ``"10:3"``."""
        return f"{self.scope}:{self.dstid}"

    def json(self, more: bool = False) -> bytes:
        """The row as the protocol gives it."""
        fields: dict[str, Any] = {
            "scope": self.scope,
            "dstid": self.dstid,
            "seq": self.seq,
            "read": self.read,
            "unread": self.seq - self.read,
        }
        if self.peer_read is not None:
            fields["peerread"] = self.peer_read
        if more:
            fields["more"] = True
        return encode(fields)[:-1] + b',"last":' + self.last + b"}"


class Conversations:
    """Reads and marks of the log. Every method is one hop to the storage but for what is cached."""

    def __init__(self, database: Database, behind: Behind) -> None:
        self._database = database
        self._behind = behind
        # There is one object of a conversation at a time, since it carries the head: whoever still holds one that
        # isn't kept any more shares it with who asks next.
        self._alive: WeakValueDictionary[Key, Conversation] = WeakValueDictionary()
        self._kept: OrderedDict[Key, Conversation] = OrderedDict()
        # Who waits for which conversation, also of those that are being looked for: whoever asks for one of them
        # later stands in the same line, so that no message overtakes an earlier one.
        self._lines: dict[Key, deque[Deferred[Conversation | None]]] = {}
        self._waiting = 0
        self._wanted: list[Key] = []
        self._finding = False

    def find(self, key: Key) -> Deferred[Conversation | None]:
        """The conversation of `key`. A single chat is made when it is new; None for a group that isn't there. Fails
        with `TooMany` when too many wait, as while the database hangs.

        What is asked for while others are looked for is looked for together: after a restart everybody's first
        message asks at once.
        """
        line = self._lines.get(key)
        if not line and (found := self._alive.get(key)) is not None:
            return succeed(found)
        if self._waiting >= LINES:
            return fail(TooMany("the server is busy"))
        self._waiting += 1
        if line is None:
            line = self._lines[key] = deque()
            self._wanted.append(key)
        waiting: Deferred[Conversation | None] = Deferred()
        line.append(waiting)
        if not self._finding:
            self._find_wanted()
        return waiting

    async def seek(self, key: Key) -> Conversation | None:
        """The conversation of `key` if there is one; makes none."""
        kept = self._alive.get(key)
        return kept if kept is not None else (await self._read(lambda c: _find(c, [key]))).get(key)

    def _find_wanted(self) -> None:
        keys = self._wanted[:TOGETHER]
        del self._wanted[:TOGETHER]
        self._finding = True
        finding = Deferred.fromCoroutine(self._find_or_make(keys))
        finding.addBoth(self._found, keys)

    async def _find_or_make(self, keys: list[Key]) -> dict[Key, Conversation]:
        found = {key: alive for key in keys if (alive := self._alive.get(key)) is not None}
        for _ in range(TRIES):
            missing = [key for key in keys if key not in found]
            if missing:
                found |= await self._read(partial(_find, keys=missing))
            new = [key for key in missing if key not in found and key[0] == SINGLE]
            if not new:
                return found
            # Another server may make one of them first: then they are looked for once more.
            with suppress(sql_errors.IntegrityError):
                found |= await self._database.write(partial(_make, keys=new))
        return found

    def _found(self, result: Any, keys: list[Key]) -> None:
        # Kept before anything else is looked for, so that there is never a second object of one conversation.
        answers = dict.fromkeys(keys, result) if isinstance(result, Failure) else {key: result.get(key) for key in keys}
        for key, found in answers.items():
            if isinstance(found, Conversation):
                self._keep(key, found)
        for key, found in answers.items():
            line = self._lines[key]
            while line:
                self._waiting -= 1
                line.popleft().callback(found)
            del self._lines[key]
        self._finding = False
        if self._wanted:
            self._find_wanted()

    def _keep(self, key: Key, found: Conversation) -> None:
        self._alive[key] = self._kept[key] = found
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def rows(self, userid: int) -> Deferred[list[Row]]:
        """Every conversation of the user that has a message, newest first."""
        return self._read(lambda connection: _rows(connection, userid))

    def after(self, wanted: Sequence[tuple[int, int, int]]) -> Deferred[list[list[bytes]]]:
        """For each `(conversation id, after, up to)` the bodies of its messages, ascending."""
        return self._read(lambda connection: [places.bodies_after(connection, *one, PAGE) for one in wanted])

    def heads_of(self, userids: Sequence[int]) -> Deferred[dict[Key, int]]:
        """The newest seq of each conversation of these users that has a message. Not for SQLite."""
        return self._database.read(lambda connection: _heads_of(connection, userids))

    def between(self, key: Key, after: int, up_to: int) -> Deferred[list[bytes]]:
        """The bodies of messages `after` < seq <= `up_to`, at most a page of them."""

        def work(connection: Connection) -> list[bytes]:
            place = _place(connection, key)
            return [] if place is None else places.bodies_after(connection, place, after, up_to, PAGE)

        return self._read(work)

    def page(self, place: Conversation, before: int | None, after: int | None, limit: int) -> Deferred[Any]:
        """`(bodies ascending, head)`: the page before or after a seq; the newest page without either."""
        return self._read(lambda connection: _page(connection, place.id, before, after, limit))

    def first_answer(self, userid: int, cid: str) -> Deferred[tuple[int, int, int, int] | None]:
        """`(scope, dstid, seq, at)` of the message that the user called `cid`; None if there is none."""
        asked = (userid, cid.encode())
        return self._read(lambda connection: first_answers(connection, [asked]).get(asked))

    def mark_read(self, userid: int, place: Conversation, seq: int) -> Deferred[tuple[int, int, bool]]:
        """Move the user's mark to `seq`, never back. Gives the head, where the mark stands, and whether it moved;
        beyond the head nothing moves."""
        return self._database.write(lambda connection: _mark(connection, userid, place.id, seq))

    def _read(self, work: Callable[[Connection], T]) -> Deferred[T]:
        written = self._behind.written()
        return written.addCallbacks(lambda _: self._database.read(work), self._read_unwritten, errbackArgs=(work,))

    def _read_unwritten(self, failure: Failure, work: Callable[[Connection], T]) -> Deferred[T]:
        """While nothing can be written, as on a full disk, what follows from the log is made for this reader alone."""
        failure.trap(Unavailable)

        def made_and_undone(connection: Connection) -> T:
            catch_up(connection)
            found = work(connection)
            connection.rollback()
            return found

        return self._database.write(made_and_undone)


def make(connection: Connection, key: Key, users: Sequence[int]) -> Conversation:
    """Store a new conversation with its participants."""
    scope, a, b = key
    made = connection.execute(insert(conversation).values(scope=scope, a=a, b=b, head=0))
    assert made.inserted_primary_key is not None
    place = Conversation(made.inserted_primary_key[0], scope, a, b, 0)
    for userid in sorted(set(users)):
        join(connection, place.id, scope, place.called_by(userid), userid, 0)
    return place


def _make(connection: Connection, keys: Sequence[Key]) -> dict[Key, Conversation]:
    return {key: make(connection, key, key[1:]) for key in keys}


def join(connection: Connection, place: int, scope: int, dstid: int, userid: int, read: int) -> None:
    """Make the user a participant who has read up to `read`."""
    values = {"userid": userid, "conversation": place, "scope": scope, "dstid": dstid, "read": read}
    connection.execute(insert(participant).values(values))


def _place(connection: Connection, key: Key) -> int | None:
    scope, a, b = key
    stored = select(conversation.c.id).where(
        conversation.c.scope == scope, conversation.c.a == a, conversation.c.b == b
    )
    return connection.execute(stored).scalar_one_or_none()


def _heads_of(connection: Connection, userids: Sequence[int]) -> dict[Key, int]:
    theirs = select(participant.c.conversation).where(participant.c.userid.in_(userids))
    stored = select(conversation.c.scope, conversation.c.a, conversation.c.b, conversation.c.head).where(
        conversation.c.head > 0, conversation.c.id.in_(theirs)
    )
    return {(scope, a, b): head for scope, a, b, head in connection.execute(stored)}


def _find(connection: Connection, keys: Sequence[Key]) -> dict[Key, Conversation]:
    # One look-up each, by the unique index: not every database finds a list of triples by it.
    places = {key: place for key in keys if (place := _place(connection, key)) is not None}
    # Only SQLite's heads can be taken without a lock: no other process appends there.
    known = heads(connection, places.values()) if connection.dialect.name == "sqlite" else {}
    return {key: Conversation(place, *key, known.get(place, UNKNOWN)) for key, place in places.items()}


def _rows(connection: Connection, userid: int) -> list[Row]:
    peer = participant.alias()
    listed = (
        select(
            participant.c.conversation,
            participant.c.scope,
            participant.c.dstid,
            message.c.seq,
            participant.c.read,
            peer.c.read,
            message.c.body,
        )
        .select_from(participant)
        .join(message, places.is_newest(connection))
        .outerjoin(
            peer,
            and_(
                participant.c.scope == SINGLE,
                peer.c.conversation == participant.c.conversation,
                peer.c.userid == participant.c.dstid,
            ),
        )
        .where(participant.c.userid == userid)
        .order_by(message.c.id.desc())
    )
    return [Row(*line[:6], bytes(line[6])) for line in connection.execute(listed)]


def _page(
    connection: Connection, place: int, before: int | None, after: int | None, limit: int
) -> tuple[list[bytes], int]:
    head = places.head(connection, place)
    if after is not None:
        return places.bodies_after(connection, place, after, head, limit), head
    return places.bodies_before(connection, place, head + 1 if before is None else before, limit), head


def _mark(connection: Connection, userid: int, place: int, seq: int) -> tuple[int, int, bool]:
    catch_up(connection)
    head = places.head(connection, place)
    stored = select(participant.c.read).where(participant.c.userid == userid, participant.c.conversation == place)
    stands = connection.execute(stored).scalar_one_or_none() or 0
    if seq > head or seq <= stands:
        return head, stands, False
    move_marks(connection, [(userid, place, seq)])
    return head, seq, True
