"""The way of a message from its session into the log."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Malformed, NotFound, NotYours, Refusal, told
from twim.hub.session import Session
from twim.logic.files import Files
from twim.logic.policy import check_posting
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
        now_ms: Callable[[], int],
        files: Files,
        command: Callable[[Post], None] = lambda post: None,
    ) -> None:
        self._log = log
        self._command = command
        self._files = files
        self._conversations = conversations
        self._refuse = refuse
        self._repeat = repeat
        self._now_ms = now_ms

    def say(self, session: Session, said: Frame) -> None:
        """Post what a device said. `Refusal` when it may not; `TooMany` when the user says too much."""
        user = session.user
        allowance = user.allowance
        allowance.left -= 1
        if allowance.left < 0:
            user.refill()
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
        files = self._files.take(said) if said.url or said.pic else ()
        known = user.single_conversations if said.cmd == SINGLE else user.group_conversations
        conversation = known.get(said.dstid)
        if conversation is not None:
            self._append(session, said, conversation, files)
            return
        try:
            check_posting(user, said.cmd, said.dstid, self._now_ms())
        except NotYours as refused:
            self._refuse_unless_said(session, said, refused)
            return
        conversation = self._conversations.at_hand(key_of(said.cmd, user.id, said.dstid))
        if conversation is None:
            self._seek(session, said, files)
            return
        known[said.dstid] = conversation
        self._append(session, said, conversation, files)

    def _append(
        self, origin: Session | None, said: Message, conversation: Conversation, files: tuple[str, ...]
    ) -> None:
        post = Post(origin, said, conversation)
        if files:
            post.files = files
        self._log.append(post)
        if said.content[:1] == "/":
            self._command(post)

    def notice(self, group: int, actor: int, what: str, memo: str = "", about: int = 0) -> None:
        """Post the server's own note on what `actor` did to the group, or to the member `about`: see docs/protocol.md
        for all of them."""
        mentions = (about,) if about else ()
        said = Message(userid=actor, cmd=GROUP, dstid=group, media=NOTICE, content=what, memo=memo, mentions=mentions)
        self._seek(None, said, ())

    def _seek(self, origin: Session | None, said: Message, files: tuple[str, ...]) -> None:
        finding = self._conversations.find(key_of(said.cmd, said.userid, said.dstid))
        finding.addCallback(self._found, origin, said, files)
        finding.addErrback(self._lost, origin, said)

    def _found(
        self, conversation: Conversation | None, origin: Session | None, said: Message, files: tuple[str, ...]
    ) -> None:
        if conversation is None:
            raise NotFound("dstid: no such group")
        if origin is not None:
            # Asked again: the relation may have ended while the conversation was looked for.
            try:
                check_posting(origin.user, said.cmd, said.dstid, self._now_ms())
            except NotYours as refused:
                self._refuse_unless_said(origin, said, refused)
                return
            known = origin.user.single_conversations if said.cmd == SINGLE else origin.user.group_conversations
            known[said.dstid] = conversation
        self._append(origin, said, conversation, files)

    def _refuse_unless_said(self, origin: Session, said: Message, refused: Refusal) -> None:
        """Refuse what was not said before: a user who has left since, and missed the answer, is told that the message
        was stored."""
        post = Post(origin, said, Conversation(0, said.cmd, 0, 0, 0))
        if not said.cid:
            self._refuse(post, refused)
            return
        looking = self._conversations.first_answer(said.userid, said.cid)
        # What is on disk may not have been delivered yet, nor what came before it.
        looking.addCallback(lambda first: self._log.settled().addCallback(lambda _: first))
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
