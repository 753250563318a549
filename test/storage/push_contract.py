"""What the stores of push subscriptions promise on every database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from test.storage.rig import DEVICE, Storage, asynchronous
from twim.errors import NotLoggedIn
from twim.storage.accounts import Device
from twim.storage.interface import User
from twim.storage.push_key import ORDER, read_push_key
from twim.storage.push_receivers import PushReceivers, Receiver, Wanted
from twim.storage.push_subscriptions import MOST, Browser, PushSubscriptionStore
from twim.storage.schema import device
from twim.storage.schema_push import push_subscription
from twim.storage.user_settings import UserSettingStore
from twim.wire.commands import GROUP, SINGLE

NOW = 1_700_000_000_000


def browser(name: str) -> Browser:
    return Browser(f"https://push.example/{name}", "key", "secret", "https://chat.example")


class AnyPush:
    """Subscriptions, and whom messages are pushed to."""

    storage: Storage

    def setUp(self: Any) -> None:
        super().setUp()
        self.storage.database.transact(lambda c: c.execute(delete(push_subscription)), True)
        self.store = PushSubscriptionStore(self.storage.database)
        self.receivers = PushReceivers(self.storage.database)

    async def user(self: Any, name: str) -> tuple[User, Device]:
        """A user with one device."""
        made = await self.storage.user(nickname=name)
        (first,) = await self.storage.accounts.devices(made.id)
        return made, first

    async def subscribe(self: Any, whose: Device, name: str) -> bool:
        added: bool = await self.store.add(whose.userid, whose.id, browser(name), NOW)
        return added

    async def rows(self: Any) -> list[tuple[int, int, str]]:
        wanted = select(push_subscription).order_by(push_subscription.c.id)
        found = await self.storage.database.read(lambda c: list(c.execute(wanted)))
        return [(one.userid, one.deviceid, one.endpoint.rpartition("/")[2]) for one in found]

    async def to(self: Any, *wanted: Wanted) -> dict[int, Receiver]:
        return {one.wanted.userid: one for one in await self.receivers.read(wanted)}

    @asynchronous
    async def test_key(self: Any) -> None:
        """The key is a number that the curve has, and the same for every node."""
        key = read_push_key(self.storage.database)
        self.assertTrue(0 < key < ORDER)
        self.assertEqual(read_push_key(self.open().database), key)

    @asynchronous
    async def test_add(self: Any) -> None:
        """A browser is pushed to for one user: who subscribed it last."""
        (ann, anns), (ben, bens) = await self.user("Ann"), await self.user("Ben")
        self.assertTrue(await self.subscribe(anns, "a"))
        self.assertFalse(await self.subscribe(anns, "a"))
        self.assertTrue(await self.subscribe(bens, "b"))
        self.assertEqual((await self.store.subscribed()).users, {ann.id, ben.id})
        self.assertTrue(await self.subscribe(bens, "a"))
        self.assertEqual(await self.rows(), [(ben.id, bens.id, "b"), (ben.id, bens.id, "a")])

    @asynchronous
    async def test_newer(self: Any) -> None:
        """Who subscribed since the last look is found by it, and nobody else has to be read."""
        (_, anns), (ben, bens) = await self.user("Ann"), await self.user("Ben")
        await self.subscribe(anns, "a")
        before = await self.store.subscribed()
        await self.subscribe(bens, "b")
        found = await self.store.subscribed(before.newest)
        self.assertIn(ben.id, found.users)
        self.assertGreater(found.newest, before.newest)
        self.assertEqual((await self.store.subscribed(found.newest + 1_000)).users, set())

    @asynchronous
    async def test_most(self: Any) -> None:
        """A user has so many at most: the oldest ends."""
        _, anns = await self.user("Ann")
        for number in range(MOST + 1):
            await self.subscribe(anns, str(number))
        self.assertEqual([name for _, _, name in await self.rows()], [str(one) for one in range(1, MOST + 1)])

    @asynchronous
    async def test_remove(self: Any) -> None:
        """One endpoint, whatever a device has, and what a push service knows no more; never another user's."""
        (ann, anns), (_, bens) = await self.user("Ann"), await self.user("Ben")
        for name in "abcd":
            await self.subscribe(anns, name)
        await self.store.remove(bens.userid, bens.id, browser("a").endpoint)
        await self.store.remove(bens.userid, anns.id)
        self.assertEqual(len(await self.rows()), 4)
        await self.store.remove(ann.id, 0, browser("a").endpoint)
        self.assertEqual([name for _, _, name in await self.rows()], ["b", "c", "d"])
        first = (await self.storage.database.read(lambda c: c.execute(select(push_subscription.c.id)).first()))[0]
        await self.store.drop(first)
        self.assertEqual([name for _, _, name in await self.rows()], ["c", "d"])
        await self.store.remove(ann.id, anns.id)
        self.assertEqual(await self.rows(), [])

    @asynchronous
    async def test_device(self: Any) -> None:
        """A device that ended subscribes nothing, and what it had is removed, also where nobody told that it ended."""
        (ann, anns), (ben, bens) = await self.user("Ann"), await self.user("Ben")
        await self.subscribe(anns, "a")
        await self.subscribe(bens, "b")
        await self.storage.accounts.end_device(ann.id, anns.id)
        await self.refused(self.subscribe(anns, "c"), "log in", NotLoggedIn)
        await self.store.device_ended(anns.id)
        self.assertEqual(await self.rows(), [(ben.id, bens.id, "b")])
        await self.storage.database.write(lambda c: c.execute(delete(device).where(device.c.id == bens.id)))
        await self.store.clean()
        self.assertEqual(await self.rows(), [])

    @asynchronous
    async def test_receivers(self: Any) -> None:
        """A message goes to who subscribed, with the sender's name and what the user wants to be told, as long as the
        device lasts, the conversation isn't muted and the message isn't read."""
        (ann, _), (ben, bens) = await self.user("Ann"), await self.user("Ben")
        await self.storage.relations.befriend(ann.id, ben.id, "", False)
        seq = (await self.storage.say(ann.id, ben.id)).message.seq
        wanted = Wanted(ben.id, SINGLE, ann.id, ann.id, seq)
        self.assertEqual(await self.to(wanted), {})
        await self.subscribe(bens, "a")
        second = await self.storage.accounts.add_device(ben.id, "hash", DEVICE | {"tokenhash": b"2" * 32})
        await self.subscribe(second, "b")
        found = (await self.to(wanted))[ben.id]
        self.assertEqual((found.sender, found.group, found.words, found.quiet), ("Ann", "", True, ""))
        self.assertEqual([one.endpoint[-1] for one in found.subscriptions], ["a", "b"])
        only = wanted._replace(only=found.subscriptions[1].id)
        self.assertEqual([one.endpoint[-1] for one in (await self.to(only))[ben.id].subscriptions], ["b"])
        await self.storage.accounts.end_device(ben.id, second.id)
        self.assertEqual(await self.to(only), {})
        await UserSettingStore(self.storage.database).change(
            ben.id, {"words": 0, "quiet": "22:00-07:00", "zone": "UTC"}
        )
        await self.storage.relations.set_remark(ben.id, ann.id, "Annie")
        found = (await self.to(wanted))[ben.id]
        self.assertEqual((found.sender, found.words, found.quiet, found.zone), ("Annie", False, "22:00-07:00", "UTC"))
        key = wanted.key
        await self.storage.conversation_settings.change(ben.id, key, {"mute": 1})
        self.assertEqual(await self.to(wanted), {})
        await self.storage.conversation_settings.change(ben.id, key, {"mute": 0})
        self.assertEqual(set(await self.to(wanted)), {ben.id})
        conversation = await self.storage.conversations.find(key)
        await self.storage.conversations.mark_read(ben.id, conversation, seq, NOW)
        self.assertEqual(await self.to(wanted), {})

    @asynchronous
    async def test_group(self: Any) -> None:
        """A group's message goes to each member who subscribed but its sender, and to nobody who left."""
        people = [await self.user(name) for name in ("Ann", "Ben", "Cat", "Dan")]
        (ann, anns), (ben, bens), (cat, cats), (dan, _) = people
        group = await self.storage.group(ann.id, name="us", join="open")
        for one in (ben, cat, dan):
            await self.storage.relations.join(one.id, group.id, NOW, lambda *_: True)
        for one, its in (("a", anns), ("b", bens), ("c", cats)):
            await self.subscribe(its, one)
        post = await self.storage.say(ann.id, group.id, scope=GROUP)
        wanted = Wanted(0, GROUP, group.id, ann.id, post.message.seq)
        found = await self.to(wanted)
        self.assertEqual(set(found), {ben.id, cat.id})
        self.assertEqual((found[ben.id].sender, found[ben.id].group), ("Ann", "us"))
        self.assertEqual(found[ben.id].wanted.dstid, group.id)
        await self.storage.relations.leave(cat.id, group.id, NOW)
        self.assertEqual(set(await self.to(wanted)), {ben.id})
        self.assertEqual(await self.to(wanted._replace(userid=cat.id)), {})
