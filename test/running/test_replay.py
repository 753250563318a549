"""A client that replayed all events equals one that loaded afresh (the idea is Zulip's), over random scripts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
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
from twim.client import Conversation, ImClient, Place, State
from twim.errors import Refusal
from twim.wire.message import Message, Shown

SCRIPTS = int(os.environ.get("TWIM_SCRIPTS", "25"))
PEOPLE = 3
EMOJI = ("👍", "❤️", "")


@dataclass(frozen=True)
class Step:
    """`who` does `what` in their `where`-th conversation, to message `which` (counted from 0, around the head)."""

    who: int
    what: str
    where: int
    which: int


WHATS = ("text",) * 6 + ("picture", "edit", "edit", "recall", "react", "react", "read", "leave", "join", "drop")
steps = st.builds(Step, st.integers(0, PEOPLE - 1), st.sampled_from(WHATS), st.integers(0, PEOPLE), st.integers(0, 30))


class Device(Kept):
    """Also keeps how far its user has read, by arithmetic from what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.read_up_to: dict[Place, int] = {}

    def message(self, client: ImClient, message: Shown) -> None:
        super().message(client, message)
        if message.userid == client.userid:
            self._has_read(Place(message.cmd, message.dstid), message.seq)

    def read(self, client: ImClient, place: Place, userid: int, seq: int) -> None:
        if userid == client.userid:
            self._has_read(place, seq)

    def caught_up(self, client: ImClient, conversations: Sequence[Conversation]) -> None:
        for row in conversations:
            self._has_read(row.place, row.read)

    def _has_read(self, place: Place, seq: int) -> None:
        self.read_up_to[place] = max(seq, self.read_up_to.get(place, 0))


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
        for step in script:
            try:
                await self._do(step)
            except Refusal:
                self.refused += 1

    async def _do(self, step: Step) -> None:
        actor, watcher = self.actors[step.who], self.watchers[step.who]
        place = self._places(step.who)[step.where]
        head = max(actor.seqs(place), default=0)
        which = step.which % (head + 2)
        if step.what == "drop":
            watcher.client._link.restart()
        elif step.what in ("leave", "join"):
            path = {"leave": "/contact/leavecommunity", "join": "/contact/joincommunity"}[step.what]
            await self.people[step.who].rest.call(path, dstid=self.groupid)
        elif step.what == "read":
            actor.client.mark_read(place, max(1, min(which, head)))
            actor._has_read(place, min(which, head))
        else:
            await actor.client.send(_said(step, place, which))

    def _places(self, who: int) -> list[Place]:
        return [Place(11, self.groupid), *(Place(10, one.id) for one in self.people)]

    async def check(self) -> int:
        """All three ways to know agree; gives how many messages were compared."""
        compared = 0
        for who, one in enumerate(self.people):
            rows = {row.place: row for row in await one.rest.conversations()}
            fresh = await device(one, 3).connected()
            assert isinstance(fresh, Device)
            for place, row in rows.items():
                history = {message.seq: message for message in await whole_history(one, place)}
                for seen in (fresh, self.watchers[who], self.actors[who]):
                    await self._has_all(seen, place, row.seq)
                    assert seen.pictures[place].messages == history
                    assert seen.seqs(place) == list(range(1, row.seq + 1))
                    compared += row.seq
                assert row.last == history[row.seq]
                await self._agree_on_reading(one, self.watchers[who], fresh, place)
            await close_all([fresh])
        return compared

    async def _has_all(self, seen: Device, place: Place, head: int) -> None:
        await until(lambda: seen.seqs(place)[-1:] == [head], what=f"{head} of {place}")
        await until(lambda: seen.client.state is State.ONLINE, what="online again")

    async def _agree_on_reading(self, one: Person, watcher: Device, fresh: Device, place: Place) -> None:
        row = next(row for row in await one.rest.conversations() if row.place == place)
        await until(lambda: watcher.read_up_to.get(place, 0) == row.read, what=f"read {row.read} of {place}")
        assert fresh.read_up_to.get(place, 0) == row.read
        assert row.unread == row.seq - row.read

    async def close(self) -> None:
        await close_all([*self.actors, *self.watchers])


def _said(step: Step, place: Place, which: int) -> Message:
    fields: dict[str, Any] = {
        "text": {"media": 1, "content": f"text {which}", "mentions": [0] if which % 3 else []},
        "picture": {"media": 4, "url": f"/mnt/{which}.png", "memo": "m", "amount": which},
        "edit": {"media": 21, "ref": which, "content": f"edited {which}", "memo": "m", "mentions": [0]},
        "recall": {"media": 20, "ref": which},
        "react": {"media": 22, "ref": which, "content": EMOJI[step.which % len(EMOJI)]},
    }[step.what]
    return Message(cmd=place.scope, dstid=place.dstid, **fields)


@running
async def test_replayed_equals_loaded(server: Server, tally: Tally) -> None:
    """Whoever was there all the time, whoever was cut off, and whoever comes later: all have the same picture."""
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

    # Not shrunk: a failing script waits for what doesn't come, each time it is tried.
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
