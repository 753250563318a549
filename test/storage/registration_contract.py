"""What the stores of roles, registrations and invitations promise on every database."""

from __future__ import annotations

from itertools import count
from typing import Any

from sqlalchemy import Connection, delete, update
from twisted.internet.defer import Deferred, DeferredList, gatherResults

from test.storage.rig import DEVICE, Storage, asynchronous
from twim.errors import Conflict, NotFound, NotYours
from twim.logic.policy import may_invite, may_join_by_invitation
from twim.storage.random_ids import LEAST, MOST
from twim.storage.registration import Decision, Facts, Registered, Terms
from twim.storage.schema import invite, meta, user

NOW = 1_700_000_000_000
_mobiles = count(8_000_000)


def take_all(facts: Facts) -> Decision:
    """A policy under which everybody may register and use a valid invitation."""
    return Decision(uses_invite=facts.invited is not None)


class AnyRegistration:
    """Roles, registrations and invitations."""

    storage: Storage

    def setUp(self: Any) -> None:
        super().setUp()
        # The database may be shared with other tests, whose administrators would be in the way.
        self.storage.database.transact(_clear, True)

    async def register(self: Any, **terms: Any) -> Registered:
        number = next(_mobiles)
        fields = {"mobile": f"+{number}", "nickname": "", "avatar": "", "sex": "U", "memo": ""}
        first = DEVICE | {"tokenhash": number.to_bytes(32, "big")}
        given = {"is_here": False, "setup": "", "invite": None, "now": NOW, "decide": take_all} | terms
        made: Registered = await self.storage.registrations.register(fields, "hash", first, Terms(**given))
        return made

    @asynchronous
    async def test_first(self: Any) -> None:
        """While there is no administrator, somebody who registers from this machine becomes one; later ones are
        members."""
        self.assertEqual((await self.register()).user.role, "member")
        self.assertEqual((await self.register(is_here=True)).user.role, "admin")
        self.assertEqual((await self.register(is_here=True)).user.role, "member")

    @asynchronous
    async def test_setup(self: Any) -> None:
        """So does somebody with the setup code, which stays the same until then and is worthless afterwards."""
        start = await self.storage.registrations.start()
        self.assertEqual(await self.storage.registrations.start(), start)
        for wrong in ("", "x", start.setup[:-1], start.setup + "x", "é"):
            self.assertEqual((await self.register(setup=wrong)).user.role, "member", wrong)
        self.assertTrue((await self.storage.registrations.start()).has_users)
        self.assertEqual((await self.register(setup=start.setup)).user.role, "admin")
        self.assertEqual((await self.register(setup=start.setup)).user.role, "member")
        self.assertEqual((await self.storage.registrations.start()).setup, "")

    @asynchronous
    async def test_first_at_once(self: Any) -> None:
        """Of several at once, at two servers where there may be, exactly one becomes the administrator."""
        made = await gatherResults([_later(self.register(is_here=True)) for _ in range(6)])
        self.assertEqual(sorted(one.user.role for one in made), ["admin"] + ["member"] * 5)

    @asynchronous
    async def test_last_administrator(self: Any) -> None:
        """The last administrator can't be demoted or disabled, also when two are at once."""
        one = (await self.register(is_here=True)).user
        roles = self.storage.roles
        await self.refused(roles.set_role(one.id, "member"), "last administrator", Conflict)
        await self.refused(roles.disable(one.id), "last administrator", Conflict)
        two = (await self.register()).user
        await roles.set_role(two.id, "admin")
        both = await DeferredList([roles.disable(one.id), roles.set_role(two.id, "member")], consumeErrors=True)
        self.assertEqual(sorted(is_done for is_done, _ in both), [False, True])
        still = [await roles.is_administrator(each.id) for each in (one, two)]
        self.assertEqual(sorted(still), [False, True])

    @asynchronous
    async def test_who_does_not_count(self: Any) -> None:
        """An administrator who waits for approval or is disabled doesn't count."""
        one = (await self.register(is_here=True)).user
        waits = (await self.register(decide=lambda facts: Decision(waits=True))).user
        await self.storage.roles.set_role(waits.id, "admin")
        await self.refused(self.storage.roles.set_role(one.id, "member"), "last administrator", Conflict)
        await self.storage.roles.approve(waits.id)
        await self.storage.roles.set_role(one.id, "member")
        self.assertTrue(await self.storage.roles.is_administrator(waits.id))

    @asynchronous
    async def test_disabled(self: Any) -> None:
        """All devices of a disabled user end, and no new one is made until the user is enabled."""
        made = await self.register()
        again = DEVICE | {"tokenhash": next(_mobiles).to_bytes(32, "big")}
        self.assertEqual(await self.storage.roles.disable(made.user.id), [made.device.id])
        self.assertEqual(await self.storage.accounts.devices(made.user.id), [])
        await self.refused(self.storage.accounts.add_device(made.user.id, "hash", again), "disabled", NotYours)
        self.assertIsNone(await self.storage.accounts.add_device(made.user.id, "wrong", again))
        await self.storage.roles.enable(made.user.id)
        self.assertIsNotNone(await self.storage.accounts.add_device(made.user.id, "hash", again))

    @asynchronous
    async def test_waiting(self: Any) -> None:
        """A user who waits for approval has no device, and can get one afterwards."""
        made = await self.register(decide=lambda facts: Decision(waits=True))
        self.assertIsNone(made.device)
        again = DEVICE | {"tokenhash": next(_mobiles).to_bytes(32, "big")}
        await self.refused(self.storage.accounts.add_device(made.user.id, "hash", again), "not approved yet", NotYours)
        await self.storage.roles.approve(made.user.id)
        self.assertIsNotNone(await self.storage.accounts.add_device(made.user.id, "hash", again))

    @asynchronous
    async def test_unknown(self: Any) -> None:
        """Acts on a missing user do nothing."""
        roles = self.storage.roles
        for refused in (roles.set_role(7, "admin"), roles.disable(7), roles.enable(7), roles.approve(7)):
            await self.refused(refused, "no such user", NotFound)

    @asynchronous
    async def test_random_ids(self: Any) -> None:
        """Users and groups have numbers of 8 to 10 digits, in no order."""
        users = [(await self.storage.user()).id for _ in range(12)]
        groups = [(await self.storage.group(users[0])).id for _ in range(5)]
        for ids in (users, groups):
            self.assertTrue(all(LEAST <= one <= MOST for one in ids))
            self.assertEqual(len(set(ids)), len(ids))
        self.assertNotEqual(users, sorted(users))  # by chance once in 479,001,600 times

    # Invitations

    async def invite(self: Any, maker: int, group: int = 0, code: bytes = b"c", uses: int = 5, expires: int = 1) -> int:
        number: int = await self.storage.invites.create(maker, group, code.ljust(32), uses, NOW + expires, NOW)
        return number

    @asynchronous
    async def test_uses_at_once(self: Any) -> None:
        """Of twenty who accept an invitation with five uses at once, five succeed."""
        maker = (await self.register(is_here=True)).user
        group = (await self.storage.group(maker.id, join="invite")).id
        await self.invite(maker.id, group, uses=5)
        guests = [await self.storage.user() for _ in range(20)]
        tried = await DeferredList([self.accept(one.id) for one in guests], consumeErrors=True)
        self.assertEqual(sum(is_in for is_in, _ in tried), 5)
        self.assertEqual({str(why.value) for is_in, why in tried if not is_in}, {"no such invitation"})
        self.assertEqual(len(await self.storage.relations.member_ids(group)), 6)
        self.assertEqual([one.left for one in await self.storage.invites.made_by(maker.id, NOW)], [0])

    def accept(self: Any, userid: int, code: bytes = b"c", at: int = NOW) -> Any:
        return self.storage.relations.join_by_invitation(userid, code.ljust(32), at, may_invite, may_join_by_invitation)

    @asynchronous
    async def test_registrations_at_once(self: Any) -> None:
        """Registrations are counted alike; one that is too late fails."""
        maker = (await self.register(is_here=True)).user
        await self.invite(maker.id, uses=2)
        tried = await DeferredList(
            [_later(self.register(invite=b"c".ljust(32), decide=_only_invited)) for _ in range(5)], consumeErrors=True
        )
        self.assertEqual(sum(is_in for is_in, _ in tried), 2)

    @asynchronous
    async def test_not_good(self: Any) -> None:
        """An invitation is invalid if expired, revoked, wrong, or if its maker may not make it any more."""
        maker = (await self.register(is_here=True)).user
        member = (await self.register()).user
        group = (await self.storage.group(member.id, join="invite")).id
        guest = await self.storage.user()
        await self.refused(self.invite(member.id), "only administrators", NotYours)
        await self.refused(self.invite(maker.id, group), "not in that group", NotYours)
        await self.refused(self.invite(maker.id, 7), "not in that group", NotYours)
        number = await self.invite(member.id, group)
        for wrong in (self.accept(guest.id, b"other"), self.accept(guest.id, at=NOW + 1)):
            await self.refused(wrong, "no such invitation", NotFound)
        await self.storage.roles.disable(member.id)
        await self.refused(self.accept(guest.id), "no such invitation", NotFound)
        await self.storage.roles.enable(member.id)
        await self.refused(self.storage.invites.revoke(maker.id, number), "no such invitation", NotFound)
        await self.storage.invites.revoke(member.id, number)
        await self.refused(self.accept(guest.id), "no such invitation", NotFound)
        await self.refused(self.storage.invites.revoke(member.id, number), "no such invitation", NotFound)

    @asynchronous
    async def test_a_former_administrators(self: Any) -> None:
        """A server invitation becomes invalid when its maker is no longer an administrator."""
        one = (await self.register(is_here=True)).user
        two = (await self.register()).user
        await self.storage.roles.set_role(two.id, "admin")
        await self.invite(two.id)
        self.assertIsNone((await self.storage.invites.look(b"c".ljust(32), NOW)).group)
        await self.storage.roles.set_role(two.id, "member")
        await self.refused(self.storage.invites.look(b"c".ljust(32), NOW), "no such invitation", NotFound)
        self.assertTrue(await self.storage.roles.is_administrator(one.id))

    @asynchronous
    async def test_once_for_a_member(self: Any) -> None:
        """A member, or somebody who was removed, uses none up."""
        maker = (await self.register(is_here=True)).user
        group = (await self.storage.group(maker.id)).id
        await self.invite(maker.id, group)
        await self.refused(self.accept(maker.id), "already a member")
        guest = await self.storage.user()
        await self.accept(guest.id)
        await self.storage.relations.remove(maker.id, group, guest.id, NOW, lambda *_: None)
        await self.refused(self.accept(guest.id), "you were removed", NotYours)
        self.assertEqual([one.left for one in await self.storage.invites.made_by(maker.id, NOW)], [4])


def _only_invited(facts: Facts) -> Decision:
    if facts.invited is None:
        raise NotYours("not invited")
    return Decision(uses_invite=True)


def _later(coroutine: Any) -> Any:
    return Deferred.fromCoroutine(coroutine)


def _clear(connection: Connection) -> None:
    connection.execute(update(user).values(role="member"))
    connection.execute(delete(invite))
    connection.execute(delete(meta).where(meta.c.name == "setup"))
