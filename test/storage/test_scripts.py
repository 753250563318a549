"""Whatever is posted, edited, recalled and reacted to, in whatever batches: what is stored equals a simple model."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from test.storage.rig import OnMySql, OnPostgreSql, OnSqlite
from twim.storage.interface import key_of
from twim.wire.commands import EDIT, GROUP, REACTION, RECALL
from twim.wire.message import Message

PEOPLE = 3
WORDS = st.sampled_from(["", "a", "👍", "👩‍🚀", "é "])


@st.composite
def _step(draw: st.DrawFn) -> tuple[int, int, str, int, str]:
    """Sender, media, content, ref and cid."""
    media = draw(st.sampled_from([1, 1, EDIT, RECALL, REACTION]))
    ref = draw(st.integers(0, 8))
    return draw(st.integers(0, PEOPLE - 1)), media, draw(WORDS), ref, draw(st.sampled_from(["", "", "x", "y"]))


SCRIPTS = st.lists(st.lists(_step(), min_size=1, max_size=6), min_size=1, max_size=8)


class Model:
    """The conversation as the protocol describes it: the first user owns the group."""

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []
        self._cids: dict[tuple[int, str], int] = {}

    def post(self, sender: int, group: int, media: int, content: str, ref: int, cid: str, at: int, owner: int) -> bool:
        """False when it is refused or was said before."""
        if cid and (sender, cid) in self._cids:
            return False
        target = self.shown[ref - 1] if 0 < ref <= len(self.shown) else None
        if ref and target is None:
            return False
        if media != 1 and not self._event(sender, media, content, target, at, owner):
            return False
        seq = len(self.shown) + 1
        said = {"userid": sender, "cmd": GROUP, "dstid": group, "media": media, "content": content, "cid": cid}
        self.shown.append(said | {"ref": ref, "seq": seq, "at": at})
        self._cids[(sender, cid)] = seq
        return True

    def _event(self, sender: int, media: int, content: str, target: Any, at: int, owner: int) -> bool:
        if target is None or target["media"] != 1 or target.get("recalled"):
            return False
        if media == REACTION:
            self._react(sender, content, target)
            return True
        if sender != target["userid"] and (media == EDIT or sender != owner):
            return False
        if media == EDIT:
            if content:
                target.update(content=content, edited=at)
            return bool(content)
        target.update(content="", recalled=1, edited=0, reactions={})
        for one in self.shown:
            if one["media"] == EDIT and one["ref"] == target["seq"]:
                one["content"] = ""
        return True

    def _react(self, sender: int, content: str, target: Any) -> None:
        mine = {emoji: [u for u in users if u != sender] for emoji, users in target.get("reactions", {}).items()}
        if content:
            mine.setdefault(content, []).append(sender)
        target["reactions"] = {emoji: users for emoji, users in mine.items() if users}

    def bodies(self) -> list[dict[str, Any]]:
        """As they are told, empty fields left out."""
        return [{name: value for name, value in one.items() if value} for one in self.shown]


class ScriptsOnSqlite(OnSqlite):
    """On SQLite."""

    timeout = 240
    examples = 60

    def test_scripts(self) -> Deferred[None]:
        """Random scripts, batch by batch, checked at the end of each and through a new server's eyes."""
        scripts: list[Any] = []

        @settings(max_examples=self.examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(SCRIPTS)
        def collect(script: Any) -> None:
            scripts.append(script)

        collect()
        return Deferred.fromCoroutine(self._all(scripts))

    async def _all(self, scripts: list[Any]) -> None:
        people = [(await self.storage.user()).id for _ in range(PEOPLE)]
        for number, script in enumerate(scripts):
            if number % 5 == 0:
                owner = (await self.storage.user()).id
            group = (await self.storage.group(owner)).id
            await self._run_script(script, [owner, *people[1:]], group, number)

    async def _run_script(self, script: Any, people: list[int], group: int, number: int) -> None:
        model = Model()
        for batch in script:
            self.storage.now += 1
            said = []
            wanted = []
            for who, media, content, ref, cid in batch:
                # A cid is its sender's for good: each script has its own.
                cid = f"{cid}{number}" if cid else ""
                ref = min(ref, len(model.shown) + 1)
                at, sender = self.storage.now, people[who]
                wanted.append(model.post(sender, group, media, content, ref, cid, at, people[0]))
                said.append(
                    Message(userid=sender, cmd=GROUP, dstid=group, media=media, content=content, ref=ref, cid=cid)
                )
            posts = await self.storage.together(*said)
            self.assertEqual([post.refused is None and post.first is None for post in posts], wanted, script)
            await self._check(model, group, people[0], script)

    async def _check(self, model: Model, group: int, owner: int, script: Any) -> None:
        if not model.shown:
            return
        place = await self.storage.conversations.seek(key_of(GROUP, owner, group))
        assert place is not None
        bodies, head = await self.storage.conversations.page(place, None, 0, 1_000)
        self.assertEqual([msgspec.json.decode(body) for body in bodies], model.bodies(), script)
        self.assertEqual(head, len(bodies))


class ScriptsOnMySql(OnMySql, ScriptsOnSqlite):
    """On MySQL or MariaDB."""

    timeout = 240
    examples = 25


class ScriptsOnPostgreSql(OnPostgreSql, ScriptsOnSqlite):
    """On PostgreSQL."""

    timeout = 240
    examples = 25
