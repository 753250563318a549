"""What the stores for other programs promise on every database: external ids, and answers that are kept."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, select
from twisted.internet.defer import DeferredList, gatherResults

from test.storage.rig import Storage, asynchronous
from twim.errors import Conflict, NotFound, NotYours
from twim.storage import friends
from twim.storage.external import BY_HOST, DEVICES, GROUP, USER, without_mobile
from twim.storage.idempotency import KEPT_MS, RUNNING, Kept, empty_kept
from twim.storage.registration import Decision, Terms
from twim.storage.schema import device, external, kept_answer
from twim.storage.schema_host_members import host_member

NOW = 1_700_000_000_000
NAME, OTHER = (text.ljust(32) for text in (b"one", b"two"))


class AnyHosts:
    """The stores for other programs."""

    storage: Storage

    def setUp(self: Any) -> None:
        super().setUp()
        self.storage.database.transact(_clear, True)

    async def made(self: Any, name: str, **fields: Any) -> int:
        userid, _ = await self.storage.external.make_user(name, {"nickname": name} | fields)
        return int(userid)

    @asynchronous
    async def test_user(self: Any) -> None:
        """A user is made once, also by many at once at two servers, where there may be; upper and lower case differ."""
        other = self.open().external if self.servers > 1 else self.storage.external
        stores = (self.storage.external, other) * 4
        made = await gatherResults([one.make_user("ann", {"nickname": "Ann"}) for one in stores])
        self.assertEqual(len({userid for userid, _ in made}), 1)
        self.assertEqual(sum(is_new for _, is_new in made), 1)
        self.assertNotEqual(await self.made("Ann"), made[0][0])

    @asynchronous
    async def test_names(self: Any) -> None:
        """Users are found by both of their names, and are named by the external id where there is one."""
        ann = await self.made("ann")
        registered = (await self.storage.user()).id
        store = self.storage.external
        asked = ["ann", f"id:{registered}", "nobody", "id:1", "id:x", "id:007"]
        self.assertEqual(await store.ids(USER, asked), {"ann": ann, f"id:{registered}": registered})
        self.assertEqual(await store.ids(GROUP, ["ann"]), {})
        self.assertEqual(await store.names(USER, [ann, registered]), {ann: "ann", registered: f"id:{registered}"})

    @asynchronous
    async def test_mobile(self: Any) -> None:
        """Many have no mobile; one that is taken is neither given to a new user nor to one that there is."""
        mobile = (await self.storage.user()).mobile
        ann, _ = await self.made("ann"), await self.made("ben")
        await self.refused(self.made("cat", mobile=mobile), "this mobile have account", Conflict)
        await self.refused(self.storage.external.change_user(ann, {"mobile": mobile}), "this mobile", Conflict)
        self.assertEqual(await self.storage.external.ids(USER, ["cat"]), {})
        for _ in range(2):
            await self.storage.external.change_user(ann, {"mobile": "13912345678", "nickname": "Anna"})
        self.assertEqual((await self.storage.accounts.by_id(ann))[0].nickname, "Anna")

    @asynchronous
    async def test_devices(self: Any) -> None:
        """Of too many devices that keys made the oldest ends, and none that the user made."""
        user = await self.storage.user()
        (own,) = await self.storage.accounts.devices(user.id)
        made = []
        for number in range(DEVICES + 1):
            new, ended = await self.storage.external.add_device(user.id, 3, number.to_bytes(32, "little"))
            made.append(new.id)
        self.assertEqual(ended, made[:1])
        left = {one.id for one in await self.storage.accounts.devices(user.id)}
        self.assertEqual(left, {own.id, *made[1:]})
        await self.storage.roles.disable(user.id)
        await self.refused(self.storage.external.add_device(user.id, 3, NAME), "disabled", NotYours)
        known = await self.storage.external.resolve([f"id:{user.id}"], [], [f"id:{user.id}"])
        self.assertEqual((known.users, known.disabled), ({f"id:{user.id}": user.id}, {user.id}))

    @asynchronous
    async def test_group(self: Any) -> None:
        """A group is made once, doesn't count towards its owner's, and its external id becomes free."""
        ann = await self.made("ann")
        store = self.storage.external
        for number in range(6):
            group, made = await store.make_group(f"g{number}", ann, {"name": "Shop"})
            self.assertEqual((made.id, made.ownerid), (group, ann))
        self.assertEqual(await store.make_group("g5", ann, {"name": "other"}), (group, None))
        self.assertTrue(await self.storage.group(ann))
        await store.forget_group(group)
        self.assertEqual(await store.ids(GROUP, ["g5", f"id:{group}"]), {f"id:{group}": group})
        known = await store.resolve(["ann"], ["g0", "no", f"id:{group}"], ["ann", "nobody"])
        self.assertEqual((set(known.groups), known.dissolved), ({"g0", f"id:{group}"}, set()))
        self.assertIn(group, known.circles[ann].groups)

    @asynchronous
    async def test_log_in(self: Any) -> None:
        """A log-in by a host's token ends the oldest of too many of its kind, one at a provider ends none; nobody logs
        in who isn't there or is disabled."""
        ann = await self.made("ann")
        store = self.storage.external
        values = [{"tokenhash": bytes([one]) * 32, "agent": "a", "address": "jwt:::1"} for one in range(DEVICES + 2)]
        first, _ = await store.log_in(ann, {**values[0], "address": "::1"})
        for one in values[1:-1]:
            second, ended = await store.log_in(ann, one, BY_HOST)
            self.assertEqual((second.address, ended), ("jwt:::1", []))
        _, ended = await store.log_in(ann, values[-1], BY_HOST)
        self.assertEqual(len(ended), 1)
        left = {one.id for one in await self.storage.accounts.devices(ann)}
        self.assertIn(first.id, left)
        self.assertNotIn(ended[0], left)
        await self.storage.roles.disable(ann)
        await self.refused(store.log_in(ann, values[0]), "disabled", NotYours)
        await self.refused(store.log_in(7, values[0]), "no such user", NotFound)

    @asynchronous
    async def test_host_members(self: Any) -> None:
        """Of a user's memberships those are known that a host asked for, each for as long as it lasts: who leaves and
        comes back otherwise isn't there because of the host."""
        ann, ben = await self.made("ann"), await self.made("ben")
        asked, own = [(await self.storage.group(ben)).id for _ in range(2)]
        relations, store = self.storage.relations, self.storage.host_members
        await relations.join(ann, asked, NOW, lambda *_: True, by_host=True)
        await relations.join(ann, own, NOW, lambda *_: True)
        self.assertEqual(await store.of(ann), ({asked, own}, {asked}))
        self.assertEqual(await store.of(ben), ({asked, own}, set()))
        await relations.leave(ann, asked, NOW)
        await relations.join(ann, asked, NOW, lambda *_: True)
        self.assertEqual(await store.of(ann), ({asked, own}, set()))
        await store.tidy(ann)
        rows = select(host_member)
        self.assertEqual(self.storage.database.transact(lambda c: c.execute(rows).all(), False), [])
        await relations.leave(ann, own, NOW)
        await relations.join(ann, own, NOW, lambda *_: True, by_host=True)
        await store.tidy(ann)
        self.assertEqual(await store.of(ann), ({asked, own}, {own}))

    @asynchronous
    async def test_registered_once(self: Any) -> None:
        """Of several registrations by one external id at once, at two servers where there may be, one makes a user."""
        other = self.open().registrations if self.servers > 1 else self.storage.registrations
        terms = Terms(False, "", None, NOW, lambda facts: Decision())
        nowhere = {"agent": "", "address": ""}
        made = [
            store.register(without_mobile(), "", nowhere | {"tokenhash": bytes([at]) * 32}, terms, "x")
            for at, store in enumerate((self.storage.registrations, other) * 3)
        ]
        done = await DeferredList(made, consumeErrors=True)
        self.assertEqual(sorted(is_done for is_done, _ in done), [False] * 5 + [True])
        self.assertTrue(all(found.check(Conflict) for is_done, found in done if not is_done))
        (userid,) = [found.user.id for is_done, found in done if is_done]
        self.assertEqual(await self.storage.external.ids(USER, ["x"]), {"x": userid})

    @asynchronous
    async def test_befriend(self: Any) -> None:
        """Pairs become friends, once; one who has too many becomes nobody's."""
        ann, ben, cat = [await self.made(name) for name in ("ann", "ben", "cat")]
        pairs = sorted([(min(ann, ben), max(ann, ben)), (min(ann, cat), max(ann, cat))])
        first = await self.storage.external.befriend([*pairs, (ben, ann)])
        self.assertEqual(first, (pairs, []))
        self.assertEqual(await self.storage.external.befriend(pairs), ([], []))
        self.assertEqual(await self.storage.relations.friend_ids(ann), sorted([ben, cat]))
        self.patch(friends, "FRIENDS", 2)
        dan = await self.made("dan")
        full = (min(ann, dan), max(ann, dan))
        self.assertEqual(await self.storage.external.befriend([full]), ([], [full]))

    # Kept answers

    @asynchronous
    async def test_kept(self: Any) -> None:
        """Of many requests of one name one begins; the others learn what became of it. Each key has its own names."""
        other = self.open().idempotency if self.servers > 1 else self.storage.idempotency
        store = self.storage.idempotency
        begun = await gatherResults([one.begin(3, NAME, OTHER, NOW) for one in (store, other) * 3])
        self.assertEqual(begun.count(None), 1)
        self.assertEqual(begun.count(Kept(OTHER, RUNNING, b"")), 5)
        await store.keep(3, NAME, 200, b"{}")
        self.assertEqual(await other.begin(3, NAME, NAME, NOW), Kept(OTHER, 200, b"{}"))
        self.assertIsNone(await store.begin(4, NAME, OTHER, NOW))
        await store.forget(4, NAME)
        self.assertIsNone(await store.begin(4, NAME, OTHER, NOW))

    @asynchronous
    async def test_a_day(self: Any) -> None:
        """An answer is kept for a day; one that is emptied is known to have been given."""
        store = self.storage.idempotency
        await store.begin(3, NAME, OTHER, NOW)
        await store.keep(3, NAME, 200, b"{}")
        self.assertEqual(await store.begin(3, NAME, OTHER, NOW + KEPT_MS), Kept(OTHER, 200, b"{}"))
        self.storage.database.transact(empty_kept, True)
        self.assertEqual(await store.begin(3, NAME, OTHER, NOW + KEPT_MS), Kept(OTHER, 200, b""))
        self.assertIsNone(await store.begin(3, NAME, OTHER, NOW + KEPT_MS + 1))


def _clear(connection: Connection) -> None:
    keyed = select(device.c.id).where(device.c.address.startswith("key:"))
    connection.execute(delete(device).where(device.c.id.in_(list(connection.scalars(keyed)))))
    for table in (external, kept_answer):
        connection.execute(delete(table))
