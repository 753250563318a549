"""The same order for every device when messages of a conversation come from several nodes.

The log numbers the messages of a conversation (`seq`), but a node hears of its own commits at once and of other nodes'
over the bus: a little later, perhaps late or never. `Order` lets a conversation's messages through one after the other
and keeps those that came too early. It doesn't read the log: its owner fetches from it what is missing (`gaps`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from twim.storage.interface import Key, Post

Gap = tuple[Key, int, int]
"""`(conversation, after, up to)`: messages that are missing, by their seqs."""

EARLY: Final = 1_000  # messages kept of one conversation; what comes early beyond that is read from the log


class Order:
    """What comes next in each conversation that somebody here takes part in."""

    def __init__(self) -> None:
        self._next: dict[Key, int] = {}
        self._early: dict[Key, dict[int, Post]] = {}
        self._wanted: dict[Key, int] = {}
        self.dropped = False
        """Something came early and could not be kept: the log must be read for every conversation."""

    def known(self, key: Key) -> bool:
        """Whether it is known how far the conversation has come here."""
        return key in self._next

    def offer(self, key: Key, post: Post, wait: bool = False) -> list[Post]:
        """What can be delivered now that `post` is here. With `wait` an unknown conversation keeps everything until
        `begin` says how far it has come."""
        seq = post.message.seq
        following = self._next.get(key)
        if following is None:
            if wait:
                self._keep(key, seq, post)
                return []
            # How far conversations have come is read when a user connects: one that is unknown later was empty then.
            following = 1
        if seq < following:
            return []
        if seq == following:
            self._next[key] = seq + 1
            if key not in self._early:
                return [post]
            own = self._early[key].pop(seq, post)
            return [own if own.origin is not None else post, *self._ready(key)]
        self._next[key] = following
        self._keep(key, seq, post)
        return []

    def _keep(self, key: Key, seq: int, post: Post) -> None:
        early = self._early.setdefault(key, {})
        # This node's own are kept in any case: only they know which device is answered and must not get them.
        # They are no more than this node can store until the log is read.
        if post.origin is not None:
            early[seq] = post
        elif len(early) < EARLY:
            early.setdefault(seq, post)
        else:
            self.dropped = True

    def begin(self, key: Key, head: int) -> list[Post]:
        """The newest message in the log was `head` when it was read: gives what was kept since, as far as it can be
        delivered."""
        if key in self._next:
            return []
        early = self._early.get(key)
        self._next[key] = min([head + 1, *(early or ())])
        return self._ready(key)

    def unbegun(self) -> list[Key]:
        """Conversations of which something waits for `begin`."""
        return [key for key in self._early if key not in self._next]

    def _ready(self, key: Key) -> list[Post]:
        early = self._early.get(key)
        following = self._next[key]
        ready = []
        while early and following in early:
            ready.append(early.pop(following))
            following += 1
        self._next[key] = following
        if early is not None:
            # What was read from the log meanwhile may be here twice.
            for seq in [seq for seq in early if seq < following]:
                del early[seq]
            if not early:
                del self._early[key]
        return ready

    def want(self, key: Key, seq: int) -> None:
        """The conversation must come to `seq`, which is on disk: somebody waits for it."""
        self._next.setdefault(key, 1)
        self._wanted[key] = max(seq, self._wanted.get(key, 0))

    def has_gaps(self) -> bool:
        """Whether `gaps` gives anything."""
        return any(key in self._next for key in self._early) or bool(self._open_wants())

    def gaps(self) -> list[Gap]:
        """What is missing before messages that wait, and those of other nodes among them once more: a message
        that another node announced isn't proof that it is in the log (see `distrust`)."""
        up_to = self._open_wants()
        for key, early in self._early.items():
            if key in self._next:
                others = max((seq for seq, post in early.items() if post.origin is None), default=0)
                up_to[key] = max(up_to.get(key, 0), others, min(early) - 1)
        return [(key, self._next[key] - 1, top) for key, top in up_to.items()]

    def _open_wants(self) -> dict[Key, int]:
        if self._wanted:
            self._wanted = {key: seq for key, seq in self._wanted.items() if seq > self.position(key)}
        return dict(self._wanted)

    def distrust(self, key: Key, up_to: int, is_end: bool = False) -> None:
        """The log was read up to `up_to`: drop what came early from other nodes up to there, since what was read
        replaces it. With `is_end` the log ends before `up_to`: later messages that were announced don't exist."""
        early = self._early.get(key, {})
        for seq in [seq for seq, post in early.items() if seq <= up_to and post.origin is None]:
            del early[seq]
        if not early:
            self._early.pop(key, None)
            if is_end:
                self._wanted.pop(key, None)
                if self._next.get(key) == 1:
                    # The conversation is empty: it is unknown again, as before the false announcement.
                    del self._next[key]

    def position(self, key: Key) -> int:
        """The seq that the conversation has come to; 0 for an unknown one."""
        return self._next.get(key, 1) - 1

    def forget(self, keys: Iterable[Key]) -> list[Post]:
        """Nobody here takes part any more. Gives this node's own that waited."""
        own = []
        for key in keys:
            self._next.pop(key, None)
            self._wanted.pop(key, None)
            own += [post for post in self._early.pop(key, {}).values() if post.origin is not None]
        return own
