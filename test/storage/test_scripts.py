"""Random posts, edits, recalls and reactions in random batches: what is stored equals a simple model."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select
from twisted.internet.defer import Deferred

from test.storage.rig import OnMySql, OnPostgreSql, OnSqlite
from twim.logic.policy import may_join
from twim.storage.backends import dialect_named
from twim.storage.interface import key_of
from twim.storage.schema import named, silent
from twim.storage.written_through import newest_id
from twim.wire.commands import EDIT, GROUP, NOTICE, REACTION, RECALL
from twim.wire.message import Message, encode

PEOPLE = 3
WORDS = st.sampled_from(["", "a", "👍", "👩‍🚀", "é "])


COUNTED = (named, silent)
NOTICES = st.sampled_from(["removed", "renamed", "joined"])
READ = -1  # no message: the mark moves to `ref`
NAMED = st.lists(st.sampled_from([-1, *range(PEOPLE)]), max_size=3)


@st.composite
def _step(draw: st.DrawFn) -> tuple[int, int, str, int, str, list[int]]:
    """Sender, media, content, ref, cid, and who is named: by their number, -1 for everybody."""
    media = draw(st.sampled_from([1, 1, 1, EDIT, RECALL, REACTION, NOTICE, READ]))
    ref = draw(st.integers(0, 8))
    words = draw(NOTICES if media == NOTICE else WORDS)
    cid = "" if media == NOTICE else draw(st.sampled_from(["", "", "x", "y"]))
    return draw(st.integers(0, PEOPLE - 1)), media, words, ref, cid, draw(NAMED)


SCRIPTS = st.lists(st.lists(_step(), min_size=1, max_size=6), min_size=1, max_size=8)


class Model:
    """The conversation as the protocol describes it: the first user owns the group."""

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []
        self.read: dict[int, int] = {}
        self._cids: dict[tuple[int, str], int] = {}

    def post(self, said: Message, at: int, owner: int) -> bool:
        """Add a message; False when it is refused or a repeat."""
        sender, cid, ref = said.userid, said.cid, said.ref
        if cid and (sender, cid) in self._cids:
            return False
        target = self.shown[ref - 1] if 0 < ref <= len(self.shown) else None
        if ref and target is None:
            return False
        if said.media in (EDIT, RECALL, REACTION) and not self._event(said, target, at, owner):
            return False
        seq = len(self.shown) + 1
        fields = msgspec.json.decode(encode(said)) | {"seq": seq, "at": at, "ref": ref}
        self.shown.append(fields)
        self._cids[(sender, cid)] = seq
        self.read[sender] = seq
        return True

    def has_read(self, userid: int, seq: int) -> None:
        """Mark as read up to there, if there is such a message."""
        if seq <= len(self.shown):
            self.read[userid] = max(seq, self.read.get(userid, 0))

    def unread(self, userid: int) -> tuple[int, int, int]:
        """The user's mark, the unread messages after it, and how many of these mention the user or everybody."""
        read = self.read.get(userid, 0)
        counted = [one for one in self.shown[read:] if self._is_for(one, userid)]
        return read, len(counted), sum(self._names(one, userid) for one in counted)

    def _is_for(self, one: dict[str, Any], userid: int) -> bool:
        if one["media"] == NOTICE:
            return self._names(one, userid)
        return one["media"] == 1 and one["userid"] != userid and not one.get("recalled")

    def _names(self, one: dict[str, Any], userid: int) -> bool:
        if one["media"] == NOTICE:
            return one["content"] == "removed" and one["memo"] == str(userid)
        return bool({0, userid} & set(one.get("mentions", [])))

    def _event(self, said: Message, target: Any, at: int, owner: int) -> bool:
        sender, media, content = said.userid, said.media, said.content
        if target is None or target["media"] != 1 or target.get("recalled"):
            return False
        if media == REACTION:
            self._react(sender, content, target)
            return True
        if sender != target["userid"] and (media == EDIT or sender != owner):
            return False
        if media == EDIT:
            if content:
                mentions = list(said.mentions) or target.get("mentions", [])
                target.update(content=content, edited=at, mentions=mentions)
            return bool(content)
        target.update(content="", recalled=1, edited=0, reactions={}, mentions=[])
        for one in self.shown:
            if one["media"] == EDIT and one["ref"] == target["seq"]:
                one.update(content="", mentions=[])
        return True

    def _react(self, sender: int, content: str, target: Any) -> None:
        mine = {emoji: [u for u in users if u != sender] for emoji, users in target.get("reactions", {}).items()}
        if content:
            mine.setdefault(content, []).append(sender)
        target["reactions"] = {emoji: users for emoji, users in mine.items() if users}

    def bodies(self) -> list[dict[str, Any]]:
        """The messages as they are delivered, without empty fields."""
        return [{name: value for name, value in one.items() if value} for one in self.shown]


def _counted(connection: Connection) -> list[list[Any]]:
    return [[tuple(row) for row in connection.execute(select(table).order_by(*table.columns))] for table in COUNTED]


def _counted_anew(connection: Connection) -> list[list[Any]]:
    """The counts made from the log alone, as after a copy."""
    for table in COUNTED:
        connection.execute(table.delete())
    dialect_named(connection.dialect.name).unread.derive(connection, 0, newest_id(connection))
    return _counted(connection)


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
            for one in people[1:]:
                await self.storage.relations.join(one, group, 0, may_join)
            await self._run_script(script, [owner, *people[1:]], group, number)

    async def _run_script(self, script: Any, people: list[int], group: int, number: int) -> None:
        model = Model()
        conversation = await self.storage.conversations.find(key_of(GROUP, people[0], group))
        for batch in script:
            self.storage.now += 1
            said: list[Message] = []
            wanted: list[bool] = []
            marks: list[tuple[int, int]] = []
            for who, media, content, ref, cid, mentioned in batch:
                ref = min(ref, len(model.shown) + 1)
                if media == READ:
                    marks.append((people[who], ref))
                    continue
                mentions = tuple(people[one] if one >= 0 else 0 for one in mentioned)
                fields: dict[str, Any] = {"ref": ref, "mentions": mentions}
                if media == NOTICE:
                    fields = {"memo": str(people[ref % PEOPLE])}
                # A sender's cids are kept for ever, so each script uses its own.
                fields["cid"] = f"{cid}{number}" if cid else ""
                one = Message(userid=people[who], cmd=GROUP, dstid=group, media=media, content=content, **fields)
                said.append(one)
                wanted.append(model.post(one, self.storage.now, people[0]))
            posts = await self.storage.together(*said)
            self.assertEqual([post.refused is None and post.first is None for post in posts], wanted, script)
            for userid, seq in marks:
                await self.storage.conversations.mark_read(userid, conversation, seq)
                model.has_read(userid, seq)
            await self._check(model, group, people, script)

    async def _check(self, model: Model, group: int, people: list[int], script: Any) -> None:
        if not model.shown:
            return
        conversation = await self.storage.conversations.seek(key_of(GROUP, people[0], group))
        assert conversation is not None
        bodies, head, *_ = await self.storage.conversations.page(conversation, None, 0, 1_000)
        self.assertEqual([msgspec.json.decode(body) for body in bodies], model.bodies(), script)
        self.assertEqual(head, len(bodies))
        for userid in people:
            (row,) = [row for row in await self.storage.conversations.rows(userid) if row.dstid == group]
            self.assertEqual((row.read, row.unread, row.mentions), model.unread(userid), script)
        derived = await self.storage.database.read(_counted)
        self.assertEqual(derived, await self.storage.database.write(_counted_anew), script)


class ScriptsOnMySql(OnMySql, ScriptsOnSqlite):
    """On MySQL or MariaDB."""

    timeout = 240
    examples = 25


class ScriptsOnPostgreSql(OnPostgreSql, ScriptsOnSqlite):
    """On PostgreSQL."""

    timeout = 240
    examples = 25
