"""Every statement finds its rows by an index: no table is read whole while the server runs."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import event

from test.storage.rig import DEVICE, OnSqlite, asynchronous
from twim.logic.policy import may_act_on, may_join, may_run
from twim.storage.interface import key_of
from twim.wire.commands import EDIT, GROUP, RECALL, SINGLE


class Indexes(OnSqlite):
    """On SQLite, which tells which index it uses even when its tables are empty."""

    def setUp(self) -> None:
        super().setUp()
        self.plans: dict[str, list[str]] = {}
        event.listen(self.storage.database.engine, "before_cursor_execute", self._explain)

    def _explain(self, _: Any, cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        if statement.split()[0] in ("SELECT", "UPDATE", "DELETE", "WITH"):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values[0] if many else values)
            self.plans[statement] = [line[3] for line in cursor.fetchall()]

    @asynchronous
    async def test_no_scans(self) -> None:
        """No statement of any action of a user reads a whole table."""
        storage = self.storage
        a, b, c = [(await storage.user(avatar=f"/mnt/ab/{'c' * 62}.png")).id for _ in range(3)]
        await storage.accounts.by_mobile("1")
        await storage.accounts.by_token(bytes(32))
        await storage.accounts.change(a, {"avatar": ""})
        kept = await storage.accounts.add_device(a, "hash", DEVICE | {"tokenhash": b"\xfe" * 32})
        await storage.accounts.change_passwd(a, "x", kept.id)
        await storage.accounts.end_device(a, kept.id)
        await storage.accounts.devices(a)
        await storage.relations.befriend(a, b, "", False)
        await storage.relations.befriend(a, c, "", True)
        (request,) = await storage.relations.requests(c)
        await storage.relations.answer_request(c, request.id, True)
        await storage.relations.part(a, c)
        await storage.relations.users(await storage.relations.friend_ids(a))
        await storage.relations.circle(a)
        await storage.relations.arriving([bytes(32), b"\1" * 32], [a, b])
        group = await storage.group(a)
        await storage.relations.join(b, group.id, 0, may_join)
        await storage.relations.change(a, group.id, {"name": "x", "icon": ""}, 0, may_run)
        await storage.relations.member_ids(group.id)
        await storage.relations.communities(await storage.relations.group_ids(a), a)
        await storage.say(a, group.id, scope=GROUP, url=f"/mnt/ab/{'c' * 62}.png", cid="x")
        await storage.say(a, group.id, scope=GROUP, cid="x")
        await storage.say(a, group.id, "x", scope=GROUP, media=EDIT, ref=1)
        await storage.say(b, group.id, "", scope=GROUP, media=RECALL, ref=1)
        await storage.say(a, group.id, "", scope=GROUP, media=RECALL, ref=1)
        await storage.relations.remove(a, group.id, b, 0, may_act_on)
        await storage.relations.leave(a, group.id, 0)
        post = await storage.say(a, b)
        await storage.indexing.written()
        await storage.conversations.rows(a)
        await storage.conversations.between(key_of(SINGLE, a, b), 0, 1)
        await storage.conversations.after(post.message.userid, [(post.conversation.id, 0, 1)], 1)
        await storage.conversations.lasts(await storage.conversations.rows(a), 1)
        await storage.conversations.page(post.conversation, None, None, 10)
        await storage.conversations.mark_read(b, post.conversation, 1)
        await storage.attachments.referenced([f"ab/{'c' * 62}"])
        self.assertGreater(len(self.plans), 40)
        # Lists made for the statement are read whole, and the newest row from the end.
        mine = re.compile(r"SCAN (CONSTANT ROW|\d+ CONSTANT ROWS|asked|moved|sent)")
        for statement, plan in self.plans.items():
            scans = [line for line in plan if line.startswith("SCAN") and not mine.fullmatch(line)]
            self.assertTrue(not scans or "max(message.id)" in statement, (statement, plan))
