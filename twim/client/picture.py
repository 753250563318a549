"""A conversation as it is shown, after recalls, edits and reactions.

It makes no difference whether the messages came live or from the history. In the history a message already shows what
later events changed, and the events are there, too: to apply them once more changes nothing.
"""

from __future__ import annotations

import msgspec

from twim.wire.commands import EDIT, REACTION, RECALL
from twim.wire.message import Shown


class Picture:
    """The messages of one conversation by `seq`, given to `add` in ascending order."""

    def __init__(self) -> None:
        self.messages: dict[int, Shown] = {}

    def add(self, message: Shown) -> None:
        """Show a message, and apply what it does to the message to which it refers. A copy of it is kept."""
        self.messages[message.seq] = msgspec.structs.replace(message)
        target = self.messages.get(message.ref)
        if target is None or target.recalled:
            return
        if message.media == RECALL:
            self._recall(target)
        elif message.media == EDIT:
            target.content, target.edited = message.content, message.at
            target.mentions = message.mentions or target.mentions
        elif message.media == REACTION:
            _react(target, message.userid, message.content)

    def _recall(self, target: Shown) -> None:
        _blank(target)
        target.recalled = 1
        for edit in self.messages.values():
            if edit.media == EDIT and edit.ref == target.seq:
                _blank(edit)


def _blank(message: Shown) -> None:
    message.content = message.pic = message.url = message.memo = ""
    message.amount = message.edited = 0
    message.mentions, message.reactions = (), {}


def _react(target: Shown, userid: int, emoji: str) -> None:
    """A user has one reaction to a message at most; an empty one takes it back."""
    others = {sign: [user for user in users if user != userid] for sign, users in target.reactions.items()}
    reactions = {sign: users for sign, users in others.items() if users}
    if emoji:
        reactions.setdefault(emoji, []).append(userid)
    target.reactions = reactions
