"""Writes as many messages as a server would, as a program of its own. python -m test.storage.flood URL SENDER COUNT
GROUP… posts COUNT messages of SENDER to the groups one after the other, and prints how many were stored and in how
many seconds."""

from __future__ import annotations

import sys
from typing import Any

from sqlalchemy.engine import make_url
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from test.storage.rig import Storage
from twim.storage.interface import Conversation, Post, key_of
from twim.wire.commands import GROUP
from twim.wire.message import Message

WAITING = 4_000  # posts on their way at a time


async def flood(storage: Storage, sender: int, groups: list[int], count: int) -> int:
    """Post, and give how many were stored."""
    conversations = [await storage.conversations.find(key_of(GROUP, sender, group)) for group in groups]
    stored = 0
    waiting: list[Deferred[Post]] = []
    for n in range(count):
        group, conversation = groups[n % len(groups)], conversations[n % len(groups)]
        assert isinstance(conversation, Conversation)
        said = Message(userid=sender, cmd=GROUP, dstid=group, media=1, content=f"message {n}", cid=f"{n}")
        done: Deferred[Post] = Deferred()
        storage.log.append(Post(done, said, conversation))
        waiting.append(done)
        if len(waiting) == WAITING or n == count - 1:
            for one in waiting:
                post = await one
                stored += post.first is None and post.refused is None
            waiting = []
    return stored


async def main(reactor: Any, url: str, sender: str, count: str, *groups: str) -> None:
    """Run the program."""
    storage = Storage(make_url(url))
    begun = reactor.seconds()
    stored = await flood(storage, int(sender), [int(one) for one in groups], int(count))
    print(stored, round(reactor.seconds() - begun, 2))
    await storage.close()


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(main(reactor, *sys.argv[1:])))
