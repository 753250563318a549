"""The way of a message from its session into the log."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.access.session import Session
from twim.errors import NotFound, Refusal
from twim.logic.policy import check_message
from twim.storage.conversations import Conversations
from twim.storage.interface import Conversation, MessageLog, Post, key_of
from twim.wire.commands import GROUP, NOTICE
from twim.wire.message import Frame, Message


class Posting:
    """Checks messages and hands them to the log; `Routing` hears what became of them."""

    log = Logger()

    def __init__(
        self, log: MessageLog, conversations: Conversations, refuse: Callable[[Post, Refusal], None]
    ) -> None:
        self._log = log
        self._conversations = conversations
        self._refuse = refuse

    def say(self, session: Session, said: Frame) -> None:
        """Post what a device said. `Refusal` when it may not."""
        user = session.user
        check_message(user, said)
        said.userid = user.id
        # Only what belongs to a message is stored.
        said.scope = 0
        if said.epoch:
            said.epoch = ""
        if said.have:
            said.have = {}
        self._post(session, user.id, said)

    def notice(self, group: int, actor: int, what: str, memo: str = "") -> None:
        """Post the server's own note on what `actor` did to the group: created, joined, left, renamed, removed."""
        said = Message(userid=actor, cmd=GROUP, dstid=group, media=NOTICE, content=what, memo=memo)
        try:
            self._post(None, actor, said)
        except Refusal as refused:
            self.log.warn("no notice in group {group}: {why}", group=group, why=refused.msg)

    def _post(self, origin: Session | None, sender: int, said: Message) -> None:
        key = key_of(said.cmd, sender, said.dstid)
        place = self._conversations.kept(key)
        if place is not None:
            self._log.append(Post(origin, sender, said, place))
            return
        finding = self._conversations.find(key)
        finding.addCallback(self._found, origin, sender, said)
        finding.addErrback(self._lost, origin, sender, said)

    def _found(self, place: Conversation | None, origin: Session | None, sender: int, said: Message) -> None:
        if place is None:
            raise NotFound("dstid: no such group")
        self._log.append(Post(origin, sender, said, place))

    def _lost(self, failure: Failure, origin: Session | None, sender: int, said: Message) -> None:
        refused = failure.value if isinstance(failure.value, Refusal) else Refusal("the server failed", status=500)
        if refused is not failure.value:
            self.log.failure("no conversation for a message", failure)
        nowhere = Conversation(0, said.cmd, 0, 0, 0)
        self._refuse(Post(origin, sender, said, nowhere), refused)
