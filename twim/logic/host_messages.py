"""Messages that another program, which has a key, posts in the names of users, reads and recalls.

They go into the log as a socket's do. What the server's own policy forbids is allowed: any two may write to each
other, and become friends; mutes and a group's rule who posts don't hold. Blocks do, and so does membership. A bot that
posts by its own key has no such rights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec
from twisted.internet.defer import FirstError, gatherResults

from twim.errors import Malformed, NotFound, NotYours, Refusal, told
from twim.logic.files import Files
from twim.logic.hosts import check_name
from twim.logic.relations import Relations
from twim.storage.conversations import Conversations
from twim.storage.external import GROUP as GROUPS
from twim.storage.external import USER as USERS
from twim.storage.external import ExternalStore, Resolved
from twim.storage.friends import FRIENDS
from twim.storage.interface import Circle, Conversation, Key, Post, key_of
from twim.storage.log import SqlLog
from twim.storage.relations import RelationStore
from twim.wire.commands import GROUP, RECALL, SENDABLE, SINGLE
from twim.wire.message import Message

TOGETHER: Final = 500  # messages that are posted at once
UNCUT: Final = 2**31  # bytes, more than any page has


class Place(NamedTuple):
    """The conversation of a pair, or of a group, by the names that the program uses."""

    users: tuple[str, str] | None = None
    group: str = ""


class Said(NamedTuple):
    """A message: who says it where, whom it mentions, and everything else of it."""

    speaker: str
    place: Place
    mentions: Sequence[str]
    message: Message


class Outcome(NamedTuple):
    """What became of a message: its place in the conversation and when it was accepted, or why it was not."""

    seq: int = 0
    at: int = 0
    refused: Refusal | None = None


class HostMessages:
    """Messages, as other programs use them."""

    def __init__(
        self,
        store: ExternalStore,
        relation_store: RelationStore,
        relations: Relations,
        conversations: Conversations,
        log: SqlLog,
        files: Files,
        command: Callable[[Post], None],
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._command = command
        self._now_ms = now_ms
        self._relation_store = relation_store
        self._relations = relations
        self._conversations = conversations
        self._log = log
        self._files = files

    async def say(self, said: Said) -> Outcome:
        """Post what a bot says, see `post`."""
        (outcome,) = await self.post([said], of_bots=True)
        return outcome

    async def post(self, said: Sequence[Said], of_bots: bool = False) -> list[Outcome]:
        """Post these, at most `TOGETHER`, in one commit. Gives what became of each, in their order. Bots speak for
        themselves: like everybody else they write to friends only, and where they may post."""
        posting = _Posting(said)
        known = await self._resolve(said)
        posting.each(lambda one: _prepare(one, known))
        posting.each(lambda one: self._take_files(one))
        posting.each(lambda one: _check(one.message, known.circles[one.message.userid]))
        if of_bots:
            now = self._now_ms()
            posting.each(lambda one: _check_bot(one.message, known.circles[one.message.userid], now))
        else:
            full = await self._befriend(posting.left, known.circles)
            posting.each(lambda one: _check_friends(one.message, full))
        found = await self._find({_key(one.message) for one in posting.left})
        posting.each(lambda one: self._append(posting, one, found[_key(one.message)], of_bots))
        await self._log.decided()
        return [await self._outcome(posting, at) for at in range(len(said))]

    async def _resolve(self, said: Sequence[Said]) -> Resolved:
        users = {name for one in said for name in (one.speaker, *(one.place.users or ()), *one.mentions)}
        groups = {one.place.group for one in said if one.place.group}
        return await self._store.resolve(users, groups, {one.speaker for one in said})

    def _take_files(self, one: _Item) -> None:
        if one.message.url or one.message.pic:
            one.files = self._files.take(one.message)

    async def _befriend(self, items: Sequence[_Item], circles: dict[int, Circle]) -> set[tuple[int, int]]:
        """Make friends of who isn't. Gives the pairs of which one has too many."""
        pairs = {
            _pair(one.message)
            for one in items
            if one.message.cmd == SINGLE
            and one.message.dstid != one.message.userid
            and one.message.dstid not in circles[one.message.userid].friends
        }
        if not pairs:
            return set()
        made, full = await self._store.befriend(sorted(pairs))
        for one, other in made:
            self._relations.befriended(one, other)
        return set(full)

    async def _find(self, keys: set[Key]) -> dict[Key, Conversation | None]:
        ordered = sorted(keys)
        try:
            found = await gatherResults([self._conversations.find(key) for key in ordered], consumeErrors=True)
        except FirstError as first:
            first.subFailure.raiseException()
        return dict(zip(ordered, found, strict=True))

    def _append(self, posting: _Posting, one: _Item, conversation: Conversation | None, of_bots: bool) -> None:
        if conversation is None:
            raise NotFound("to: no such group")
        post = Post(None, one.message, conversation, files=one.files)
        self._log.append(post)
        posting.posts[one.at] = post
        if one.message.content[:1] == "/" and not of_bots:
            self._command(post)

    async def _outcome(self, posting: _Posting, at: int) -> Outcome:
        post = posting.posts.get(at)
        refused = posting.refused.get(at) if post is None else post.refused
        message = posting.items[at].message
        first = post.first if post is not None else None
        if isinstance(refused, NotYours) and message.cid and message.userid:
            # Said before, by somebody who may say no more: the answer is the first one.
            first = await self._conversations.first_answer(message.userid, message.cid)
        if first is not None:
            return Outcome(first[2], first[3])
        return Outcome(refused=refused) if refused is not None else Outcome(message.seq, message.at)

    async def read(self, place: Place, after: int | None, limit: int, bot: int = 0) -> tuple[list[bytes], int]:
        """`(messages ascending, head)`: those after a seq, or the newest. `NotFound`. With `bot` only what that one may
        read; `NotYours`."""
        key = await self._key_of(place)
        if bot:
            found = await self._conversations.page_for(bot, key, None, after, limit, UNCUT)
            if found is None and (key[0] != SINGLE or bot not in key[1:]):
                raise NotYours("not your conversation")
            return (found.bodies, found.head) if found is not None else ([], 0)
        conversation = await self._conversations.seek(key)
        if conversation is None:
            return [], 0
        page = await self._conversations.page(conversation, None, after, limit)
        return page.bodies, page.head

    async def recall(self, place: Place, seq: int, bot: int = 0) -> None:
        """Recall a message in its author's name; with `bot` only one of its own. `NotFound`, `NotYours`."""
        key = await self._key_of(place)
        bodies = await self._conversations.between(key, seq - 1, seq)
        shown = msgspec.json.decode(bodies[0], type=Message) if bodies else None
        if bot and (shown is None or shown.userid != bot):
            raise NotYours("not your message")
        if shown is None:
            raise NotFound("no such message")
        refused = await self._recall(key, shown, shown.userid)
        if isinstance(refused, NotYours) and shown.cmd == GROUP:
            # The author is no member any more.
            found = await self._relation_store.group_and_standing(0, shown.dstid)
            refused = await self._recall(key, shown, found[0].ownerid) if found is not None else refused
        if refused is not None:
            raise refused

    async def _recall(self, key: Key, shown: Message, userid: int) -> Refusal | None:
        recall = Message(userid=userid, cmd=shown.cmd, dstid=shown.dstid, media=RECALL, ref=shown.seq)
        conversation = await self._conversations.find(key)
        assert conversation is not None
        post = Post(None, recall, conversation)
        self._log.append(post)
        await self._log.decided()
        return post.refused

    async def _key_of(self, place: Place) -> Key:
        if place.group:
            found = await self._store.ids(GROUPS, [check_name(place.group, GROUPS)])
            if place.group not in found:
                raise NotFound(f"no such group: {place.group}")
            return key_of(GROUP, 0, found[place.group])
        assert place.users is not None
        users = await self._store.ids(USERS, [check_name(name) for name in place.users])
        for name in place.users:
            if name not in users:
                raise NotFound(f"no such user: {name}")
        return key_of(SINGLE, users[place.users[0]], users[place.users[1]])


class _Item:
    def __init__(self, at: int, said: Said) -> None:
        self.at = at
        self.said = said
        self.message = said.message
        self.files: tuple[str, ...] = ()


class _Posting:
    """What is posted together, and what is refused of it meanwhile."""

    def __init__(self, said: Sequence[Said]) -> None:
        self.items = [_Item(at, one) for at, one in enumerate(said)]
        self.left = self.items
        self.refused: dict[int, Refusal] = {}
        self.posts: dict[int, Post] = {}

    def each(self, step: Callable[[_Item], None]) -> None:
        """Do the step with all that are left; those that it refuses are left no more."""
        left = []
        for one in self.left:
            try:
                step(one)
            except Refusal as refused:
                self.refused[one.at] = told(refused)
            else:
                left.append(one)
        self.left = left


def _prepare(one: _Item, names: Resolved) -> None:
    said, message = one.said, one.message
    if message.media not in SENDABLE:
        raise Malformed("media: 1 to 9, 20 to 22, or 100")
    if "\0" in message.cid:
        raise Malformed("cid: no NUL, please")
    message.userid = _known(names.users, said.speaker, "from")
    if said.place.group:
        message.cmd, message.dstid = GROUP, _known(names.groups, said.place.group, "to")
        if message.dstid in names.dissolved:
            raise NotYours("to: that group is dissolved")
    else:
        assert said.place.users is not None
        message.cmd, message.dstid = SINGLE, _known(names.users, said.place.users[1], "to")
    if message.userid in names.disabled:
        raise NotYours("from: disabled")
    if said.mentions:
        message.mentions += tuple(_known(names.users, name, "mentions") for name in said.mentions)


def _known(found: dict[str, int], name: str, field: str) -> int:
    if name not in found:
        raise NotFound(f"{field}: there is no {name}")
    return found[name]


def _check(message: Message, circle: Circle) -> None:
    if message.cmd == SINGLE:
        if message.dstid in circle.blocked_by:
            raise NotYours("to: not your friend")
    elif message.dstid not in circle.groups:
        raise NotYours("from: no member of that group")


def _check_bot(message: Message, circle: Circle, now: int) -> None:
    if message.cmd == SINGLE:
        if message.dstid not in circle.friends and message.dstid != message.userid:
            raise NotYours("to: not your friend")
    elif circle.silenced.get(message.dstid, 0) > now:
        raise NotYours("to: you may not post in that group now")


def _pair(message: Message) -> tuple[int, int]:
    return min(message.userid, message.dstid), max(message.userid, message.dstid)


def _check_friends(message: Message, full: set[tuple[int, int]]) -> None:
    if message.cmd == SINGLE and _pair(message) in full:
        raise Refusal(f"at most {FRIENDS} friends")


def _key(message: Message) -> Key:
    return key_of(message.cmd, message.userid, message.dstid)
