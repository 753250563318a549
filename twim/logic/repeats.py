"""The answers to repeated messages, which wait until everything before them is delivered.

A device that sends a message again with its `cid`, at any node, is answered with the seq that the message got the first
time. A client concludes from the answer that it has everything up to there. So the answer waits until this node has
delivered the conversation so far; if the message itself is delivered only then, the answer is written instead of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twim.errors import Refusal, TooMany
from twim.storage.interface import Key, Post

WAITING: Final = 10_000  # answers that wait at once, about 1 KB each; more are refused
WAIT_SECONDS: Final = 5.0  # how long one waits before it is refused, to be asked for again; the log is read meanwhile


class Repeats:
    """Repeated posts, by the conversation and the seq of the first one. `refuse` is called with those that have waited
    too long."""

    def __init__(self, refuse: Callable[[Post, Refusal], None], clock: IReactorTime) -> None:
        self._refuse = refuse
        self._clock = clock
        self._waiting: dict[Key, dict[int, list[Post]]] = {}
        self._count = 0
        self._since: dict[int, tuple[float, Key, int, Post]] = {}
        self._timer: IDelayedCall | None = None

    def __len__(self) -> int:
        return self._count

    def add(self, key: Key, seq: int, post: Post) -> None:
        """Let `post` wait until the conversation has come to `seq`."""
        if self._count >= WAITING:
            self._refuse(post, TooMany("the server is busy"))
            return
        self._waiting.setdefault(key, {}).setdefault(seq, []).append(post)
        self._since[id(post)] = (self._clock.seconds(), key, seq, post)
        self._count += 1
        if self._timer is None:
            self._timer = self._clock.callLater(WAIT_SECONDS, self._expire)

    def pop(self, key: Key, seq: int) -> list[Post]:
        """The posts that wait for exactly this message, which is delivered now. They wait no longer."""
        at = self._waiting.get(key)
        return self._taken(key, at.pop(seq, [])) if at else []

    def reached(self, key: Key, position: int) -> list[Post]:
        """The posts whose conversation has come as far as they wait for. They wait no longer."""
        return [post for seq in sorted(self._waiting.get(key, ())) if seq <= position for post in self.pop(key, seq)]

    def forget(self, keys: Iterable[Key]) -> list[Post]:
        """The posts of conversations in which nobody here takes part any more. They wait no longer."""
        found: list[Post] = []
        for key in keys:
            for seq in list(self._waiting.get(key, ())):
                found += self.pop(key, seq)
        return found

    def furthest(self, key: Key) -> int:
        """The seq to which the conversation must come for all of its posts; 0 if none waits."""
        return max(self._waiting.get(key, ()), default=0)

    def stop(self) -> None:
        """Refuse nobody any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _taken(self, key: Key, posts: list[Post]) -> list[Post]:
        self._count -= len(posts)
        for post in posts:
            del self._since[id(post)]
        if not self._waiting[key]:
            del self._waiting[key]
        return posts

    def _expire(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        for since, key, seq, post in list(self._since.values()):
            # They are in the order in which they came: the first that hasn't waited long enough is the next to be
            # refused.
            if now - since < WAIT_SECONDS:
                self._timer = self._clock.callLater(WAIT_SECONDS - (now - since), self._expire)
                return
            posts = self._waiting[key][seq]
            posts.remove(post)
            if not posts:
                del self._waiting[key][seq]
            self._taken(key, [post])
            self._refuse(post, TooMany("not now: try again"))
