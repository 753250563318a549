"""What administrators see of users, groups and invitations on every database, and how they hand groups over."""

from __future__ import annotations

from typing import Any

from test.storage.rig import Storage, asynchronous
from twim.errors import Conflict, NotFound
from twim.logic.policy import check_not_dissolved, may_act_on, may_invite, may_join

NOW = 1_700_000_000_000


class AnyListings:
    """The listings, and takeovers."""

    storage: Storage

    @asynchronous
    async def test_users(self: Any) -> None:
        """Users are found by parts of their nickname or mobile, in any case, and by their id, a page at a time."""
        ann = await self.storage.user(nickname="Änn 100%_x", mobile="+49771234")
        ben = await self.storage.user(nickname="Ben 雪 100%_x")
        listings = self.storage.listings

        async def ids(q: str, **more: Any) -> set[int]:
            given = {"waiting": False, "before": 0, "limit": 100} | more
            return {row["id"] for row in await listings.users(q, **given)}

        for q, found in (("nn 100%_X", {ann.id}), ("雪", {ben.id}), ("7712", {ann.id}), (str(ben.id), {ben.id})):
            self.assertEqual(await ids(q) & {ann.id, ben.id}, found, q)
        self.assertEqual(await ids("100%_x"), {ann.id, ben.id})
        self.assertEqual(await ids("%_%_%_%_%"), set())
        self.assertEqual(await ids("100%_x", waiting=True), set())
        first = await listings.users("100%_x", False, 0, 1)
        self.assertEqual(await ids("100%_x", before=first[0]["id"]), {min(ann.id, ben.id)})
        (row,) = [one for one in await listings.users("7712", False, 0, 100) if one["id"] == ann.id]
        (device,) = await self.storage.accounts.devices(ann.id)
        self.assertEqual((row["mobile"], row["role"], row["disabled"], row["waiting"]), ("+49771234", "member", 0, 0))
        self.assertEqual((row["devices"], row["last"]), (1, row["createat"]))
        await self.storage.accounts.end_device(ann.id, device.id)
        row = await listings.user(ann.id)
        self.assertEqual((row["devices"], row["last"], row["groups"]), (0, 0, []))
        await self.refused(listings.user(7), "no such user", NotFound)

    @asynchronous
    async def test_named(self: Any) -> None:
        """A name names exactly: no part of one, and nothing names nobody."""
        one = await self.storage.user(nickname="Zoë")
        other = await self.storage.user(nickname="Zoë")
        await self.storage.user(nickname="Zoë B")
        named = self.storage.listings.named
        self.assertEqual({row["id"] for row in await named(9, nickname="Zoë")}, {one.id, other.id})
        self.assertEqual([row["id"] for row in await named(9, id=one.id, mobile=one.mobile)], [one.id])
        self.assertEqual(await named(9), [])

    @asynchronous
    async def test_groups(self: Any) -> None:
        """Groups are found by parts of their names and by their id, with owner, members and messages."""
        ann, ben = await self.storage.user(nickname="Ann"), await self.storage.user(nickname="Ben")
        group = (await self.storage.group(ann.id, name="Rowers 7x7")).id
        await self.storage.relations.join(ben.id, group, NOW, may_join)
        await self.storage.say(ann.id, group, scope=11)
        await self.storage.indexing.written()
        for q in ("rowERS 7x7", str(group)):
            (row,) = await self.storage.listings.groups(q, 0, 100)
            self.assertEqual((row["id"], row["owner"], row["ownername"]), (group, ann.id, "Ann"))
            self.assertEqual((row["members"], row["messages"], row["join"], row["dissolved"]), (2, 1, "open", 0))
        self.assertEqual(await self.storage.listings.groups("Rowers 7x7", group, 100), [])
        shown = await self.storage.listings.group(group)
        self.assertEqual([(row["id"], row["role"]) for row in shown["rows"]], [(ann.id, "owner"), (ben.id, "member")])
        self.assertEqual((await self.storage.listings.user(ben.id))["groups"][0]["role"], "member")
        await self.storage.relations.leave(ann.id, group, NOW)
        await self.storage.relations.leave(ben.id, group, NOW)
        shown = await self.storage.listings.group(group)
        self.assertEqual((shown["owner"], shown["ownername"], shown["members"], shown["rows"]), (0, "", 0, []))
        await self.refused(self.storage.listings.group(7), "no such group", NotFound)

    @asynchronous
    async def test_invites(self: Any) -> None:
        """Everybody's invitations are listed until they expire, and anybody's is revoked."""
        ann = await self.storage.user()
        group = (await self.storage.group(ann.id)).id
        number = await self.storage.invites.create(ann.id, group, bytes(ann.id.to_bytes(32, "big")), 5, NOW + 1, NOW)
        row = {"id": number, "for": str(group), "maker": ann.id, "uses": 5, "left": 5, "expires": NOW + 1}
        self.assertIn(row, await self.storage.listings.invites(NOW, 0, 100))
        self.assertNotIn(row, await self.storage.listings.invites(NOW + 1, 0, 100))
        self.assertNotIn(row, await self.storage.listings.invites(NOW, number, 100))
        await self.storage.invites.revoke_any(number)
        await self.refused(self.storage.invites.revoke_any(number), "no such invitation", NotFound)

    # Takeovers

    @asynchronous
    async def test_take_over(self: Any) -> None:
        """A member or a stranger becomes the owner, unmuted; the former owner is an admin; the group is none of those
        that the owner made."""
        ann, ben, cat = [await self.storage.user() for _ in range(3)]
        relations = self.storage.relations
        group = (await self.storage.group(ann.id)).id
        await relations.join(ben.id, group, NOW, may_join)
        await relations.mute(ann.id, group, ben.id, NOW + 10**6, NOW, may_act_on)
        self.assertFalse(await relations.take_over(ben.id, group, NOW))
        self.assertTrue(await relations.take_over(cat.id, group, NOW))
        stands = await relations.standings(group, [ann.id, ben.id, cat.id])
        roles = {one: (stands[one].role, stands[one].muted) for one in stands}
        self.assertEqual(roles, {ann.id: ("admin", 0), ben.id: ("admin", 0), cat.id: ("owner", 0)})
        for _ in range(5):
            await self.storage.group(cat.id)
        await self.refused(self.storage.group(cat.id), "at most 5 groups")

    @asynchronous
    async def test_take_over_refused(self: Any) -> None:
        """Not of a group that isn't there, is dissolved or the user's already, nor by who isn't there or may not log
        in."""
        ann, ben = [await self.storage.user() for _ in range(2)]
        relations = self.storage.relations
        group = (await self.storage.group(ann.id)).id
        await self.refused(relations.take_over(ann.id, group, NOW), "owns the group already", Conflict)
        await self.refused(relations.take_over(ben.id, 7, NOW), "no such group", NotFound)
        await self.refused(relations.take_over(7, group, NOW), "no such user", NotFound)
        await self.storage.roles.disable(ben.id)
        await self.refused(relations.take_over(ben.id, group, NOW), "may not log in", Conflict)
        await self.storage.roles.enable(ben.id)
        await relations.dissolve(0, group, NOW, check_not_dissolved)
        await self.refused(relations.take_over(ben.id, group, NOW), "dissolved", Conflict)
        await self.refused(relations.dissolve(0, group, NOW, check_not_dissolved), "dissolved", Conflict)

    @asynchronous
    async def test_take_over_of_nobodys(self: Any) -> None:
        """A group without members belongs to who takes it over."""
        ann, ben = [await self.storage.user() for _ in range(2)]
        group = (await self.storage.group(ann.id, join="invite")).id
        await self.storage.relations.leave(ann.id, group, NOW)
        self.assertTrue(await self.storage.relations.take_over(ben.id, group, NOW))
        found, stand = await self.storage.relations.group_and_standing(ben.id, group)
        may_invite(found, stand)
        self.assertEqual(stand.role, "owner")
