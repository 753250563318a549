"""A client that replayed all events equals one that loaded afresh (the idea is Zulip's), over random scripts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import blockingCallFromThread, deferToThread

from test.running.people import (
    Kept,
    Person,
    close_all,
    friends,
    group,
    reactor,
    running,
    until,
    whole_history,
)
from test.running.server import Server
from test.running.tally import Tally
from twim.client import Conversation, ConversationKey, ImClient, State
from twim.errors import Refusal
from twim.wire.message import Message, Shown

SCRIPTS = int(os.environ.get("TWIM_SCRIPTS", "25"))
PEOPLE = 3
LOOK_EVERY = 3  # steps between checks of the unread counts
POLL = 0.02
TRIES = 1_000  # checks until both agree
EMOJI = ("👍", "❤️", "")


@dataclass(frozen=True)
class Step:
    """`who` does `what` in their `where`-th conversation, to message `which` (counted from 0, around the head)."""

    who: int
    what: str
    where: int
    which: int


WHATS = ("text",) * 6 + (
    "picture",
    "edit",
    "edit",
    "recall",
    "react",
    "react",
    "read",
    "read",
    "leave",
    "join",
    "remove",
    "drop",
)
steps = st.builds(Step, st.integers(0, PEOPLE - 1), st.sampled_from(WHATS), st.integers(0, PEOPLE), st.integers(0, 30))


class Device(Kept):
    """A device that also counts, from what it was told, how far its user has read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_up_to: dict[ConversationKey, int] = {}

    def message(self, client: ImClient, message: Shown) -> None:
        super().message(client, message)
        if message.userid == client.userid:
            self._has_read(ConversationKey(message.cmd, message.dstid), message.seq)

    def read(self, client: ImClient, conversation: ConversationKey, userid: int, seq: int) -> None:
        if userid == client.userid:
            self._has_read(conversation, seq)

    def caught_up(self, client: ImClient, conversations: Sequence[Conversation]) -> None:
        for row in conversations:
            self._has_read(row.key, row.read)

    def _has_read(self, conversation: ConversationKey, seq: int) -> None:
        self.read_up_to[conversation] = max(seq, self.read_up_to.get(conversation, 0))


def device(one: Person, seed: int) -> Device:
    """A device of that user that isn't connected yet."""
    listener = Device()
    listener.client = one.client(seed=seed).client
    listener.client._listener = listener
    return listener


class Play:
    """Three friends and a group; each has a device that acts and one that only watches."""

    def __init__(self, people: list[Person], groupid: int) -> None:
        self.people = people
        self.groupid = groupid
        self.actors = [device(one, 1) for one in people]
        self.watchers = [device(one, 2) for one in people]
        self.refused = 0

    async def run(self, script: list[Step]) -> None:
        for each in (*self.actors, *self.watchers):
            await each.connected()
        for number, step in enumerate(script):
            try:
                await self._do(step)
            except Refusal:
                self.refused += 1
            if number % LOOK_EVERY == 0:
                await self._all_count_alike()

    async def _all_count_alike(self) -> None:
        """Connected devices count unread messages as the server does."""
        for who, one in enumerate(self.people):
            for seen in (self.actors[who], self.watchers[who]):
                for _ in range(TRIES):
                    rows = await one.rest.conversations()
                    told = {str(row.key): (row.unread, row.mentions) for row in rows}
                    counted = {str(row.key): tuple(seen.client.unread(row.key)) for row in rows}
                    if told == counted:
                        break
                    await deferLater(reactor, POLL)
                assert counted == told

    async def _do(self, step: Step) -> None:
        actor, watcher = self.actors[step.who], self.watchers[step.who]
        conversation = self._conversations(step.who)[step.where]
        head = max(actor.seqs(conversation), default=0)
        which = step.which % (head + 2)
        if step.what == "drop":
            watcher.client._link.restart()
        elif step.what in ("leave", "join"):
            path = {"leave": "/contact/leavecommunity", "join": "/contact/joincommunity"}[step.what]
            await self.people[step.who].rest.call(path, dstid=self.groupid)
        elif step.what == "remove":
            other = self.people[step.which % PEOPLE]
            await self.people[step.who].rest.call("/contact/removemember", dstid=self.groupid, memberid=other.id)
        elif step.what == "read":
            actor.client.mark_read(conversation, max(1, min(which, head)))
            actor._has_read(conversation, min(which, head))
        else:
            await actor.client.send(_said(step, conversation, which, [one.id for one in self.people]))

    def _conversations(self, who: int) -> list[ConversationKey]:
        return [ConversationKey(11, self.groupid), *(ConversationKey(10, one.id) for one in self.people)]

    async def check(self) -> int:
        """Live messages, loaded pages and a new device agree; gives the number of messages compared."""
        compared = 0
        for who, one in enumerate(self.people):
            fresh = await device(one, 3).connected()
            assert isinstance(fresh, Device)
            all_seen = (fresh, self.watchers[who], self.actors[who])
            rows = await self._all_have_all(one, all_seen)
            for conversation, row in rows.items():
                history = {message.seq: message for message in await whole_history(one, conversation)}
                for seen in all_seen:
                    await until(lambda seen=seen: seen.client.state is State.ONLINE, what="online again")
                    assert seen.pictures[conversation].messages == history
                    assert seen.seqs(conversation) == list(range(1, row.seq + 1))
                    compared += row.seq
                assert row.last == history[row.seq]
                await self._agree_on_reading(who, fresh, conversation, history)
            await close_all([fresh])
        return compared

    async def _all_have_all(self, one: Person, all_seen: Sequence[Device]) -> dict[ConversationKey, Conversation]:
        """The rows, once every device has what they say. Read repeatedly, since a notice comes after the act it
        reports."""
        for _ in range(TRIES):
            rows = {row.key: row for row in await one.rest.conversations()}
            if all(seen.seqs(key)[-1:] == [row.seq] for seen in all_seen for key, row in rows.items()):
                return rows
            await deferLater(reactor, POLL)
        raise AssertionError(f"{rows} and {[seen.seqs(key)[-1:] for seen in all_seen for key in rows]}")

    async def _agree_on_reading(
        self, who: int, fresh: Device, conversation: ConversationKey, history: dict[int, Shown]
    ) -> None:
        one, watcher = self.people[who], self.watchers[who]
        row = next(row for row in await one.rest.conversations() if row.key == conversation)
        what = f"read {row.read} of {conversation}"
        await until(lambda: watcher.read_up_to.get(conversation, 0) == row.read, what=what)
        assert fresh.read_up_to.get(conversation, 0) == row.read
        left = [message for seq, message in sorted(history.items()) if seq > row.read and _is_for(message, one.id)]
        wanted = (len(left), sum(_names(message, one.id) for message in left))
        assert (row.unread, row.mentions) == wanted
        for seen in (watcher, self.actors[who], fresh):
            await until(partial(_counts, seen, conversation, wanted), what=f"{wanted} unread in {conversation}")

    async def close(self) -> None:
        await close_all([*self.actors, *self.watchers])


def _counts(seen: Device, conversation: ConversationKey, wanted: tuple[int, int]) -> bool:
    return seen.client.unread(conversation) == wanted


def _is_for(message: Shown, userid: int) -> bool:
    """Whether the message counts as unread for a user, as docs/protocol.md defines it."""
    if message.media == 23:
        return _names(message, userid)
    return message.userid != userid and message.media not in (20, 21, 22) and not message.recalled


def _names(message: Shown, userid: int) -> bool:
    if message.media == 23:
        return (message.content, message.memo) == ("removed", str(userid))
    return 0 in message.mentions or userid in message.mentions


def _said(step: Step, conversation: ConversationKey, which: int, ids: list[int]) -> Message:
    named = [[], [0], [ids[which % PEOPLE]], ids][step.which % 4]
    fields: dict[str, Any] = {
        "text": {"media": 1, "content": f"text {which}", "mentions": named},
        "picture": {"media": 4, "url": f"/mnt/{which}.png", "memo": "m", "amount": which},
        "edit": {"media": 21, "ref": which, "content": f"edited {which}", "memo": "m", "mentions": named},
        "recall": {"media": 20, "ref": which},
        "react": {"media": 22, "ref": which, "content": EMOJI[step.which % len(EMOJI)]},
    }[step.what]
    return Message(cmd=conversation.scope, dstid=conversation.dstid, **fields)


@running
async def test_replayed_equals_loaded(server: Server, tally: Tally) -> None:
    """A device that was always connected, one that was cut off, and a new one show the same messages."""
    counted = {"scripts": 0, "steps": 0, "compared": 0}

    async def play(script: list[Step]) -> None:
        people = await friends(server.url, PEOPLE)
        played = Play(people, await group(people))
        try:
            await played.run(script)
            counted["compared"] += await played.check()
        finally:
            await played.close()
        counted["scripts"] += 1
        counted["steps"] += len(script)

    # Not shrunk: each run of a failing script waits until its timeout.
    @settings(
        max_examples=SCRIPTS,
        phases=(Phase.generate,),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(st.lists(steps, min_size=10, max_size=40))
    def scripts(script: list[Step]) -> None:
        blockingCallFromThread(reactor, lambda: Deferred.fromCoroutine(play(script)))

    # Hypothesis calls and waits, so it has a thread; the scripts themselves run in the reactor.
    await deferToThread(scripts)
    scripts_run = f"{counted['scripts']} random scripts of {counted['steps']} actions"
    tally.note(f"Replayed against loaded afresh: {scripts_run}, {counted['compared']:,} messages compared, all equal")
