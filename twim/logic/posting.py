"""The way of a message from its session into the log."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.access.session import Session
from twim.errors import Malformed, NotFound, NotYours, Refusal, told
from twim.logic.policy import check_place
from twim.storage.conversations import Conversations
from twim.storage.interface import Conversation, MessageLog, Post, key_of
from twim.wire.commands import GROUP, NOTICE, SENDABLE, SINGLE
from twim.wire.message import Frame, Message


class Posting:
    """Checks messages and hands them to the log; `Routing` hears what became of them."""

    log = Logger()

    def __init__(
        self,
        log: MessageLog,
        conversations: Conversations,
        refuse: Callable[[Post, Refusal], None],
        repeat: Callable[[Post], None],
    ) -> None:
        self._log = log
        self._conversations = conversations
        self._refuse = refuse
        self._repeat = repeat

    def say(self, session: Session, said: Frame) -> None:
        """Post what a device said. `Refusal` when it may not."""
        user = session.user
        if said.media not in SENDABLE:
            raise Malformed("media: 1 to 9, 20 to 22, or 100")
        if said.cid and "\0" in said.cid:
            raise Malformed("cid: no NUL, please")
        # A Struct's field costs less to look at than to set.
        if said.userid != user.id:
            said.userid = user.id
        # Only what belongs to a message is stored.
        if said.scope or said.epoch or said.have is not None:
            said.scope, said.epoch, said.have = 0, "", None
        places = user.single_places if said.cmd == SINGLE else user.group_places
        place = places.get(said.dstid)
        if place is not None:
            self._log.append(Post(session, said, place))
            return
        try:
            check_place(user, said.cmd, said.dstid)
        except NotYours as refused:
            self._refuse_unless_said(session, said, refused)
            return
        self._seek(session, said)

    def notice(self, group: int, actor: int, what: str, memo: str = "") -> None:
        """Post the server's own note on what `actor` did to the group: created, joined, left, renamed, removed."""
        self._seek(None, Message(userid=actor, cmd=GROUP, dstid=group, media=NOTICE, content=what, memo=memo))

    def _seek(self, origin: Session | None, said: Message) -> None:
        finding = self._conversations.find(key_of(said.cmd, said.userid, said.dstid))
        finding.addCallback(self._found, origin, said)
        finding.addErrback(self._lost, origin, said)

    def _found(self, place: Conversation | None, origin: Session | None, said: Message) -> None:
        if place is None:
            raise NotFound("dstid: no such group")
        if origin is not None:
            # Asked again: the relation may have ended while the conversation was looked for.
            try:
                check_place(origin.user, said.cmd, said.dstid)
            except NotYours as refused:
                self._refuse_unless_said(origin, said, refused)
                return
            places = origin.user.single_places if said.cmd == SINGLE else origin.user.group_places
            places[said.dstid] = place
        self._log.append(Post(origin, said, place))

    def _refuse_unless_said(self, origin: Session, said: Message, refused: Refusal) -> None:
        """Refuse what was not said before: who has left since, and missed the answer, is told that it was stored."""
        post = Post(origin, said, Conversation(0, said.cmd, 0, 0, 0))
        if not said.cid:
            self._refuse(post, refused)
            return
        looking = self._conversations.first_answer(said.userid, said.cid)
        looking.addCallback(self._looked, post, refused)
        looking.addErrback(self._lost, origin, said)

    def _looked(self, first: tuple[int, int, int, int] | None, post: Post, refused: Refusal) -> None:
        post.first = first
        if first is None:
            self._refuse(post, refused)
        else:
            self._repeat(post)

    def _lost(self, failure: Failure, origin: Session | None, said: Message) -> None:
        refused = told(failure.value)
        if refused is not failure.value:
            self.log.failure("no conversation for a message", failure)
        elif origin is None:
            self.log.warn("no notice in group {group}: {why}", group=said.dstid, why=refused.msg)
        self._refuse(Post(origin, said, Conversation(0, said.cmd, 0, 0, 0)), refused)
