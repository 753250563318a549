"""How many messages of a conversation are unread, as a row of the server's list would say it now. Without input or
output.

The count is made from the server's last row and from what has happened since. `asset/js/im/unread.js` does the same for
browsers.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from twim.client.server_frames import Conversation
from twim.wire.commands import EDIT, EVENTS, NOTICE, RECALL
from twim.wire.message import Shown

EXACT: Final = 1_000  # the highest exact count; one more means that there are more
RECENT_EVENTS: Final = 200  # events that are kept to apply them to a row that the server made before they happened
EVERYBODY: Final = 0
REMOVED: Final = "removed"  # the notice of a removal; its memo is the id of the removed member


class Counted(NamedTuple):
    """How many messages are unread, and how many of these mention the user or everybody. 1,001 means more than
    1,000."""

    unread: int = 0
    mentions: int = 0


class Unread:
    """The counts of one conversation. Give its messages in order to `take`, the read marks to `read_to`, and the rows
    of the server to `adopt`."""

    def __init__(self, me: int) -> None:
        self.read = 0
        self.unsure = False
        """Whether the counts may differ from the server's. Then a new row has to be loaded."""
        self._me = me
        self._row = (0, Counted())  # a seq, and the counts of the messages up to it, changed by what happened since
        self._since: dict[int, bool] = {}  # the messages after that seq: whether each mentions the user
        self._events: deque[Shown] = deque(maxlen=RECENT_EVENTS)
        self._high = 0
        self._skipped = 0

    @property
    def counted(self) -> Counted:
        """The counts, as a row of the server would have them now."""
        unread, mentions = self._row[1]
        return Counted(_bounded(unread + len(self._since)), _bounded(mentions + sum(self._since.values())))

    @property
    def head(self) -> int:
        """The seq of the newest message that is known."""
        return max(self._row[0], self._high)

    def take(self, message: Shown) -> None:
        """Take the next message, the user's own ones included."""
        seq = message.seq
        if seq <= self._high:
            return
        self._high = seq
        if message.userid == self._me:
            self.read_to(seq)
        if message.media in EVENTS:
            self._events.append(message)
        if seq <= max(self._row[0], self.read):
            return
        if message.media in EVENTS:
            self._apply(message)
        elif self._counts(message):
            self._add(seq, self._names(message))

    def read_to(self, seq: int) -> None:
        """The user has read up to `seq`, on this device or another. A lower mark than the last changes nothing."""
        if seq <= self.read:
            return
        self.read = seq
        self._since = {one: names for one, names in self._since.items() if one > seq}
        newest, (unread, _) = self._row
        if seq >= newest:
            self._row = (newest, Counted())
        elif unread:
            self.unsure = True  # only the server knows how many of them are before `seq`

    def skip(self, head: int) -> None:
        """Messages up to `head` will not be given to `take`."""
        if head <= self._high:
            return
        self._high = self._skipped = head
        if head > max(self._row[0], self.read):
            self.unsure = True

    def adopt(self, row: Conversation) -> None:
        """Take over a row of the server, and apply what happened after the server made it."""
        if row.seq < self._row[0]:
            return
        mine, self.read = self.read, row.read
        self._row = (row.seq, Counted(row.unread, row.mentions))
        self._since = {one: names for one, names in self._since.items() if one > max(row.seq, row.read)}
        forgotten = len(self._events) == RECENT_EVENTS and self._events[0].seq > row.seq + 1
        self.unsure = forgotten or row.seq < self._skipped
        for event in self._events:
            if event.seq > row.seq >= event.ref:
                self._apply(event)
        self.read_to(mine)

    def _add(self, seq: int, names: bool) -> None:
        self._since[seq] = names
        if len(self._since) > EXACT + 1:
            first = next(iter(self._since))
            unread, mentions = self._row[1]
            named = self._since.pop(first)
            self._row = (first, Counted(_bounded(unread + 1), _bounded(mentions + named)))

    def _apply(self, event: Shown) -> None:
        if event.ref <= self.read:
            return
        if event.media == RECALL:
            self._recalled(event.ref)
        elif event.media == EDIT and event.mentions:
            self._renamed(event.ref, self._is_named(event.mentions))

    def _recalled(self, ref: int) -> None:
        newest, (unread, mentions) = self._row
        if ref > newest:
            self._since.pop(ref, None)  # it isn't there if it was recalled before it came
            return
        # Only if none or all of the unread messages mention the user is it known whether this one did.
        if unread > EXACT or 0 < mentions != unread:
            self.unsure = True
        if unread <= EXACT:
            left = max(0, unread - 1)
            self._row = (newest, Counted(left, min(mentions, left)))

    def _renamed(self, ref: int, names: bool) -> None:
        newest, (unread, mentions) = self._row
        if ref > newest:
            if ref in self._since:
                self._since[ref] = names
        elif mentions:
            self.unsure = True
        else:
            self._row = (newest, Counted(unread, int(names)))

    def _counts(self, message: Shown) -> bool:
        if message.media == NOTICE:
            return self._names(message)
        return message.userid != self._me and not message.recalled

    def _names(self, message: Shown) -> bool:
        if message.media == NOTICE and message.content == REMOVED:
            return message.memo == str(self._me)
        return self._is_named(message.mentions)

    def _is_named(self, mentions: tuple[int, ...]) -> bool:
        return EVERYBODY in mentions or self._me in mentions


def _bounded(count: int) -> int:
    return max(0, min(count, EXACT + 1))
