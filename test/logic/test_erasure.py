"""Erasing a user, on each database: what goes, what stays, and what others are told."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import func, or_, select, update
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from test.storage.rig import DEVICE, OnMySql, OnPostgreSql, OnSqlite, Storage, asynchronous
from twim.errors import Conflict, NotFound, Unavailable
from twim.hub.hub import Hub
from twim.hub.outbox import Outboxes
from twim.logic import erasure as erasing
from twim.logic.accounts import Accounts, Tokens
from twim.logic.deletion import Deletion
from twim.logic.groups import Groups
from twim.logic.policy import may_join
from twim.logic.relations import Relations
from twim.logic.routing import Routing
from twim.logic.silences import Silences
from twim.storage.attempts import AttemptStore, Count, Quota, key_of
from twim.storage.files.interface import name_of
from twim.storage.files.local import LocalFiles
from twim.storage.files.threads import FileThreads
from twim.storage.schema import (
    attachment,
    attempt,
    block,
    contact,
    device,
    erasure,
    friend_request,
    invite,
    join_request,
    known_login,
    named,
    original,
    participant,
    user,
)
from twim.wire.commands import EDIT, GROUP, IMAGE, REACTION, RECALL, SINGLE

NAMES = [name_of(sha256(bytes([n])).hexdigest(), ".png") for n in range(3)]
SECRET = b"secret"


class Told:
    """What other nodes would be told (see `OtherNodes`)."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.calls.append((name, *given))

    def changes(self, what: str) -> set[int]:
        """The users and groups that were told of a change."""
        found: set[int] = set()
        for name, to, *rest in self.calls:
            if name in ("to_users", "to_group") and msgspec.json.decode(rest[0])["what"] == what:
                found |= set(to) if name == "to_users" else {to}
        return found


class Notices:
    """The notices that were posted (as `Posting`)."""

    def __init__(self) -> None:
        self.posted: list[tuple[Any, ...]] = []

    def notice(self, *given: Any, **more: Any) -> None:
        self.posted.append(given)


class AnyErasure:
    """Erases users."""

    storage: Storage

    def setUp(self: Any) -> None:
        super().setUp()
        self.told, self.ended, self.notices = Told(), [], Notices()
        self.folder = Path(self.mktemp())
        self.made = self.make(self.storage)
        self.erase = self.made.erasure.erase

    def make(self: Any, storage: Storage) -> Deletion:
        """The parts of a node over this storage."""
        threads = FileThreads(reactor, "files", 1)
        threads.start()
        self.addCleanup(threads.stop)
        hub = Hub()
        routing = Routing(hub, Outboxes(reactor), reactor)  # type: ignore[arg-type]
        routing.other_nodes = self.told
        silences = Silences(storage.relations, hub, hub.left, reactor)  # type: ignore[arg-type]
        tokens = Tokens(storage.accounts)
        accounts = Accounts(
            storage.accounts,
            storage.registrations,
            None,  # type: ignore[arg-type]
            tokens,
            lambda userid, deviceid: self.ended.append((userid, deviceid)),
            lambda userid: None,
        )
        relations = Relations(storage.relations, hub, routing, None, None, lambda: storage.now)  # type: ignore[arg-type]
        groups = Groups(storage.relations, hub, routing, self.notices, silences, lambda: "open", lambda: storage.now)
        files = LocalFiles(self.folder, threads)
        return Deletion(
            *(storage.database, storage.indexing, storage.conversations, files, accounts, relations, groups, routing),
            *(storage.log.decided, reactor, lambda: storage.now),
        )

    async def count(self: Any, table: Any, *where: Any) -> int:
        """How many rows of a table are so."""
        wanted = select(func.count()).select_from(table).where(*where)
        found: Deferred[int] = self.storage.database.read(lambda c: c.execute(wanted).scalar_one())
        return await found

    async def said(self: Any, userid: int, dstid: int, scope: int = SINGLE) -> list[Any]:
        """The conversation, decoded."""
        return [msgspec.json.decode(body) for body in await self.storage.bodies(userid, dstid, scope)]

    async def befriend(self: Any, one: int, other: int) -> None:
        """Make the two friends."""
        await self.storage.relations.befriend(one, other, "", False)

    @asynchronous
    async def test_words(self: Any) -> None:
        """The words of all of the user's messages go and these stay as recalled, with their edits; others' messages
        stay as they are, without the user's reactions."""
        a, b = await self.storage.user(), await self.storage.user()
        group = await self.storage.group(b.id, post="members")
        await self.storage.relations.join(a.id, group.id, 0, may_join)
        await self.storage.say(a.id, b.id, "secret one", mentions=(b.id,))
        await self.storage.say(b.id, a.id, "mine")
        await self.storage.say(a.id, b.id, "secret two", ref=2, media=REACTION)
        await self.storage.say(a.id, b.id, "secret three", ref=1, media=EDIT)
        await self.storage.say(b.id, a.id, "😀", ref=1, media=REACTION)
        await self.storage.say(a.id, b.id, "secret four")
        await self.storage.say(a.id, b.id, "", ref=6, media=RECALL)
        await self.storage.say(a.id, group.id, "secret five", GROUP)
        await self.storage.say(b.id, group.id, "mine", GROUP)
        await self.erase(a.id)
        self.assertNotIn(SECRET, b"".join(await self.storage.bodies(a.id, b.id)))
        single, team = await self.said(b.id, a.id), await self.said(b.id, group.id, GROUP)
        self.assertEqual([one.get("recalled", 0) for one in single], [1, 0, 0, 0, 0, 1, 0])
        self.assertEqual([one["seq"] for one in single], list(range(1, 8)))
        self.assertEqual([one["userid"] for one in single], [a.id, b.id, a.id, a.id, b.id, a.id, a.id])
        self.assertEqual([one.get("recalled", 0) for one in team], [1, 0])
        self.assertEqual((single[1]["content"], team[1]["content"]), ("mine", "mine"))
        self.assertNotIn("reactions", single[1])
        self.assertEqual(await self.count(named), 0)
        self.assertEqual(await self.count(original), 0)
        row = next(one for one in await self.storage.conversations.rows(b.id) if one.dstid == group.id)
        self.assertEqual((row.unread, row.mentions), (0, 0))

    @asynchronous
    async def test_former_group(self: Any) -> None:
        """What was said in a group that the user has left since goes as well."""
        a, b = await self.storage.user(), await self.storage.user()
        group = await self.storage.group(b.id)
        await self.storage.relations.join(a.id, group.id, 0, may_join)
        await self.storage.say(a.id, group.id, "secret", GROUP)
        await self.storage.relations.leave(a.id, group.id, 0)
        await self.erase(a.id)
        self.assertNotIn(SECRET, b"".join(await self.storage.bodies(b.id, group.id, GROUP)))
        self.assertIn(group.id, self.told.changes("erased"))

    @asynchronous
    async def test_profile(self: Any) -> None:
        """Name, mobile, avatar and devices go; the mobile is free, nobody logs in as the user, and all hear of it."""
        a = await self.storage.user(mobile="+1", nickname="name", avatar=f"/mnt/{NAMES[0]}", memo="memo")
        b, c = await self.storage.user(), await self.storage.user()
        await self.befriend(b.id, a.id)
        await self.storage.relations.set_remark(b.id, a.id, "remark")
        await self.storage.say(c.id, a.id)
        await self.storage.say(a.id, c.id)
        (first,) = await self.storage.accounts.devices(a.id)
        await self.erase(a.id)
        (left,) = await self.storage.accounts.many([a.id])
        self.assertEqual((left.nickname, left.avatar, left.memo, left.disabled, left.role), ("", "", "", 1, "member"))
        self.assertNotIn("1", left.mobile.replace(str(a.id), ""))
        self.assertEqual(self.ended, [(a.id, first.id)])
        self.assertIn(("parted", a.id, b.id), self.told.calls)
        self.assertEqual(self.told.changes("erased"), {c.id})
        self.assertLessEqual({b.id, c.id}, self.told.changes("friend") | self.told.changes("profile"))
        self.assertIsNone(await self.storage.accounts.by_mobile("+1"))
        again = await self.storage.user(mobile="+1")
        self.assertNotEqual(again.id, a.id)
        self.assertEqual(await self.count(device, device.c.userid == a.id), 0)
        self.assertIsNone(await self.storage.accounts.add_device(a.id, "hash", DEVICE | {"tokenhash": bytes(32)}))

    @asynchronous
    async def test_relations(self: Any) -> None:
        """Friendships with their remarks, requests, blocks, memberships, invitations, read marks and what attempts are
        counted by go, of both sides."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        relations = self.storage.relations
        await self.befriend(a.id, b.id)
        await relations.befriend(a.id, c.id, "please", True)
        await relations.befriend(c.id, a.id, "please", True)
        await relations.block(b.id, a.id, 1)
        await relations.block(a.id, c.id, 1)
        asked = await self.storage.group(b.id, join="approve")
        await relations.join(a.id, asked.id, 0, may_join)
        await self.storage.say(a.id, b.id)
        attempts = AttemptStore(self.storage.database)
        await attempts.know(a.id, [bytes(32)])
        quota = Quota(1, 1)
        mine = [key_of("login", "account", a.mobile), key_of("search", "user", a.id)]
        await attempts.take([Count(one, quota) for one in [*mine, key_of("search", "user", b.id)]], 1)
        own_group = await self.storage.group(a.id)
        await self.storage.invites.create(a.id, own_group.id, bytes(32), 1, 2**50, 1)
        await self.erase(a.id)
        own = [
            (contact, or_(contact.c.ownerid == a.id, contact.c.dstobj == a.id)),
            (friend_request, or_(friend_request.c.userid == a.id, friend_request.c.dstid == a.id)),
            (block, or_(block.c.userid == a.id, block.c.dstid == a.id)),
            (join_request, join_request.c.userid == a.id),
            (known_login, known_login.c.userid == a.id),
            (invite, invite.c.maker == a.id),
            (participant, participant.c.userid == a.id),
        ]
        for table, where in own:
            self.assertEqual(await self.count(table, where), 0, table.name)
        self.assertEqual(await self.count(attempt), 1)
        (row,) = [one for one in await self.storage.conversations.rows(b.id) if one.dstid == a.id]
        self.assertIsNone(row.peer_read)

    @asynchronous
    async def test_groups(self: Any) -> None:
        """A group is handed on as on leaving, with its notice."""
        a, b = await self.storage.user(), await self.storage.user()
        group = await self.storage.group(a.id)
        await self.storage.relations.join(b.id, group.id, 0, may_join)
        await self.erase(a.id)
        ((now, stand),) = await self.storage.relations.communities([group.id], b.id)
        self.assertEqual((now.ownerid, stand.role), (b.id, "owner"))
        self.assertIn((group.id, a.id, "left", ""), self.notices.posted)
        self.assertIn(("left", a.id, group.id), self.told.calls)

    def _store(self: Any, names: Sequence[str]) -> None:
        for name in names:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"file")
            os.utime(path, (1_600_000_000, 1_600_000_000))

    @asynchronous
    async def test_files(self: Any) -> None:
        """Files go that only the user's messages and profile carried."""
        self._store([*NAMES, NAMES[1].replace(".png", ".thumb.webp")])
        a, b = await self.storage.user(avatar=f"/mnt/{NAMES[0]}"), await self.storage.user()
        await self.storage.say(a.id, b.id, "", media=IMAGE, url=f"/mnt/{NAMES[1]}")
        await self.storage.say(a.id, b.id, "", media=IMAGE, url=f"/mnt/{NAMES[2]}")
        await self.storage.say(b.id, a.id, "", media=IMAGE, url=f"/mnt/{NAMES[2]}")
        await self.erase(a.id)
        left = {str(path.relative_to(self.folder)) for path in self.folder.glob("??/*")}
        self.assertEqual(left, {NAMES[2]})
        self.assertEqual(await self.count(attachment), 1)

    @asynchronous
    async def test_last_administrator(self: Any) -> None:
        """The last administrator can't be erased, and nothing has happened then; the last but one can."""
        a, b = await self.storage.user(nickname="name"), await self.storage.user()
        await self.storage.roles.set_role(a.id, "admin")
        await self.storage.say(a.id, b.id, "words")
        await self.refused(self.erase(a.id), "last administrator", Conflict)
        (left,) = await self.storage.accounts.many([a.id])
        self.assertEqual((left.nickname, left.disabled), ("name", 0))
        self.assertEqual((await self.said(a.id, b.id))[0]["content"], "words")
        await self.storage.roles.set_role(b.id, "admin")
        await self.erase(a.id)
        self.assertTrue(await self.storage.roles.is_administrator(b.id))

    @asynchronous
    async def test_no_such_user(self: Any) -> None:
        """Who isn't there is refused."""
        await self.refused(self.erase(2**50), "no such user", NotFound)
        self.assertEqual(await self.count(erasure), 0)

    @asynchronous
    async def test_interrupted(self: Any) -> None:
        """What a stop interrupted is finished at the next start; once more changes nothing."""
        self.patch(erasing, "EMPTIED", 2)
        a, b = await self.storage.user(), await self.storage.user()
        for _ in range(5):
            await self.storage.say(a.id, b.id, "secret")
        self.made.stop()
        await self.refused(self.erase(a.id), "stopping", Unavailable)
        self.assertEqual(await self.count(erasure), 1)
        await self.storage.close()
        self.storage = self.open()
        again = self.make(self.storage).erasure
        await again.resume()
        self.assertNotIn(SECRET, b"".join(await self.storage.bodies(a.id, b.id)))
        self.assertEqual(await self.count(erasure), 0)
        before = await self.storage.bodies(a.id, b.id)
        await again.erase(a.id)
        await again.resume()
        self.assertEqual(await self.storage.bodies(a.id, b.id), before)

    @asynchronous
    async def test_being_committed(self: Any) -> None:
        """A message of the user's that waits for its commit at that moment is emptied, or refused, as well."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.say(a.id, b.id, "secret")
        waiting = [Deferred.fromCoroutine(self.storage.say(a.id, b.id, f"secret {n}")) for n in range(20)]
        await self.erase(a.id)
        for one in waiting:
            await one
        self.assertNotIn(SECRET, b"".join(await self.storage.bodies(a.id, b.id)))

    @asynchronous
    async def test_waiting_and_disabled(self: Any) -> None:
        """Who waits for an approval or is disabled is erased too."""
        a = await self.storage.user(nickname="name")
        await self.storage.roles.disable(a.id)
        work = update(user).where(user.c.id == a.id).values(waiting=1)
        await self.storage.database.write(lambda c: c.execute(work))
        await self.erase(a.id)
        self.assertEqual(await self.count(user, user.c.nickname == "name"), 0)


class SqliteErasure(AnyErasure, OnSqlite):
    """On SQLite."""


class OnServers(AnyErasure):
    """Where several nodes share the database."""

    @asynchronous
    async def test_other_node(self: Any) -> None:
        """A node that hasn't heard of it stores nothing more of the user."""
        a, b = await self.storage.user(), await self.storage.user()
        other = self.open()
        await other.say(a.id, b.id, "secret")
        await self.erase(a.id)
        self.assertIsNotNone((await other.say(a.id, b.id, "secret")).refused)
        self.assertNotIn(SECRET, b"".join(await self.storage.bodies(a.id, b.id)))


class MySqlErasure(OnServers, OnMySql):
    """On MySQL or MariaDB."""


class PostgreSqlErasure(OnServers, OnPostgreSql):
    """On PostgreSQL."""
