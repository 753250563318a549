"""Two servers write into the same conversations of one database at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from unittest import mock

from sqlalchemy import Connection, func, select
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.utils import getProcessOutputAndValue

from test.storage.rig import OnMySql, OnPostgreSql, asynchronous
from twim.errors import NotYours
from twim.logic.policy import may_act_on, may_join
from twim.storage import append
from twim.storage.schema import conversation, message, participant
from twim.wire.commands import GROUP, NOTICE
from twim.wire.message import Message

PROJECT = Path(__file__).resolve().parents[2]
GROUPS = 40


class TwoOnMySql(OnMySql):
    """On MySQL or MariaDB."""

    timeout = 180
    count = 50_000  # messages of each server

    @asynchronous
    async def test_gapless(self) -> None:
        """Every conversation is numbered 1, 2, 3 … without gaps or doubles, and each sender has read their own
        messages."""
        people = [await self.storage.user() for _ in range(2)]
        groups = []
        for n in range(GROUPS):
            if n % 5 == 0:
                owner = await self.storage.user()
            group = await self.storage.group(owner.id)
            for one in people:
                await self.storage.relations.join(one.id, group.id, 0, may_join)
            groups.append(str(group.id))
        outputs = await gatherResults(
            [
                Deferred.fromCoroutine(self._flood(people[0].id, groups)),
                Deferred.fromCoroutine(self._flood(people[1].id, groups[::-1])),
            ]
        )
        self.assertEqual([int(text.split()[0]) for text in outputs], [self.count, self.count])
        found = await self.storage.database.read(self._counts)
        self.assertEqual(len(found), GROUPS)
        for count, different, last, head, read in found:
            self.assertEqual({count, different, last, head}, {2 * self.count // GROUPS})
            self.assertEqual(read, last)

    @asynchronous
    async def test_removed_elsewhere(self) -> None:
        """A member who was removed at the other server is refused here before this one has been told, without effect
        on others in the batch. Repeats of earlier messages are answered."""
        ann, ben = [(await self.storage.user()).id for _ in range(2)]
        group = (await self.storage.group(ann)).id
        await self.storage.relations.join(ben, group, 0, may_join)

        def text(userid: int, cid: str) -> Message:
            return Message(userid=userid, cmd=GROUP, dstid=group, media=1, content=cid, cid=cid)

        with mock.patch.object(append._Batch, "look_for_outsiders") as look:
            await self.storage.together(text(ben, "before"), text(ann, "a"), text(ben, "b"))
        self.assertFalse(look.called)
        await self.open().relations.remove(ann, group, ben, 0, may_act_on)
        notice = Message(userid=ann, cmd=GROUP, dstid=group, media=NOTICE, content="left", memo="")
        late, said, left, again = await self.storage.together(
            text(ben, "late"), text(ann, "c"), notice, text(ben, "before")
        )
        self.assertIsInstance(late.refused, NotYours)
        self.assertEqual([said.message.seq, left.message.seq, again.first[2]], [4, 5, 1])
        await self.storage.relations.leave(ann, group, 0)
        self.assertEqual((await self.storage.post(notice)).message.seq, 6)
        self.assertEqual(len(await self.storage.bodies(ann, group, GROUP)), 6)

    async def _flood(self, sender: int, groups: list[str]) -> str:
        url = self.address.render_as_string(hide_password=False)
        output, errors, code = await getProcessOutputAndValue(
            sys.executable,
            ["-m", "test.storage.flood", url, str(sender), str(self.count), *groups],
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
            path=str(PROJECT),
            reactor=reactor,
        )
        self.assertEqual(code, 0, errors.decode())
        return output.decode()

    def _counts(self, connection: Connection) -> list[tuple[int, int, int, int, int]]:
        marks = (
            select(func.max(participant.c.read))
            .where(participant.c.conversation == conversation.c.id)
            .scalar_subquery()
        )
        counts = (
            select(
                func.count(), func.count(message.c.seq.distinct()), func.max(message.c.seq), conversation.c.head, marks
            )
            .join(conversation, conversation.c.id == message.c.conversation)
            .group_by(conversation.c.id, conversation.c.head)
        )
        return [tuple(line) for line in connection.execute(counts)]  # type: ignore[misc]


class TwoOnPostgreSql(OnPostgreSql, TwoOnMySql):
    """On PostgreSQL."""

    count = 10_000
