"""What the stores of bots and hooks promise on every database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete
from twisted.internet.defer import gatherResults

from test.storage.rig import Storage, asynchronous
from twim.errors import Conflict, NotFound, NotYours
from twim.logic import policy
from twim.storage.bots import Bot, BotStore, Command
from twim.storage.external import BY_KEY, make_user
from twim.storage.hooks import HookStore
from twim.storage.schema import device, external
from twim.storage.schema_bots import bot, hook
from twim.wire.commands import GROUP, SINGLE

NOW = 1_700_000_000_000
HASHES = [bytes([n]) * 32 for n in range(200, 210)]
SAID = {"url": "http://x.example/", "commands": [Command("weather", "of a place"), Command("天气")]}


class AnyBots:
    """The stores of bots and hooks."""

    storage: Storage

    def setUp(self: Any) -> None:
        super().setUp()
        self.storage.database.transact(_clear, True)
        self.bots, self.hooks = BotStore(self.storage.database), HookStore(self.storage.database)

    async def made(self: Any, name: str, at: int = 0) -> int:
        made = await self.bots.put(name, {"nickname": name}, SAID, HASHES[at], f"secret {name}", 3, NOW + at)
        return int(made.userid)

    @asynchronous
    async def test_put(self: Any) -> None:
        """A bot is made once, also by many at once at two servers, where there may be, with one key."""
        other = BotStore(self.open().database) if self.servers > 1 else self.bots
        putting = [
            store.put("meteo", {}, SAID, hashed, "s", 3, NOW)
            for store, hashed in zip((self.bots, other) * 4, HASHES, strict=False)
        ]
        made = await gatherResults(putting)
        self.assertEqual(len({one.userid for one in made}), 1)
        self.assertEqual(sum(one.is_new for one in made), 1)
        self.assertEqual(sum(one.has_new_key for one in made), 1)
        (found,) = await self.bots.bots()
        self.assertEqual(found, Bot(made[0].userid, "http://x.example/", "s", SAID["commands"]))
        await self.bots.put("meteo", {"nickname": "Sky"}, {"url": ""}, HASHES[9], "t", 3, NOW)
        self.assertEqual(await self.bots.bots(), [Bot(found.userid, "", "s", SAID["commands"])])
        (user,) = await self.storage.accounts.many([found.userid])
        self.assertEqual((user.nickname, user.bot), ("Sky", 1))
        self.storage.database.transact(lambda c: make_user(c, "ann", {"nickname": "Ann"}), True)
        await self.refused(self.bots.put("ann", {}, {}, HASHES[9], "t", 3, NOW), "ann is no bot", Conflict)

    @asynchronous
    async def test_present(self: Any) -> None:
        """Of some bots those are told that are in the chat and may speak."""
        meteo, news = await self.made("meteo"), await self.made("news", 1)
        owner = (await self.storage.user()).id
        group = (await self.storage.group(owner)).id
        both = [meteo, news]
        self.assertEqual(await self.bots.present(both, GROUP, group), [])
        for one in both:
            await self.storage.relations.join(one, group, NOW, policy.may_be_entered)
        self.assertEqual(await self.bots.present(both, GROUP, group), sorted(both))
        self.assertEqual(await self.bots.present([news], GROUP, group), [news])
        self.assertEqual(await self.bots.present(both, SINGLE, meteo), [meteo])
        self.assertEqual(await self.bots.present(both, SINGLE, owner), [])
        await self.storage.relations.leave(owner, group, NOW)
        found, _ = await self.storage.relations.group_and_standing(0, group)
        self.assertEqual(found.ownerid, meteo)
        ended = await self.bots.end(meteo)
        self.assertEqual(len(ended), 1)
        self.assertEqual(await self.bots.present(both, GROUP, group), [news])
        self.assertEqual([one.userid for one in await self.bots.bots()], [news])

    @asynchronous
    async def test_heir(self: Any) -> None:
        """A group goes on to its oldest member who is no bot."""
        meteo = await self.made("meteo")
        owner, other = [(await self.storage.user()).id for _ in range(2)]
        group = (await self.storage.group(owner)).id
        for one in (meteo, other):
            await self.storage.relations.join(one, group, NOW, policy.may_be_entered)
        left, is_handed_on = await self.storage.relations.leave(owner, group, NOW)
        self.assertEqual((left.ownerid, is_handed_on), (other, True))

    @asynchronous
    async def test_hooks(self: Any) -> None:
        """A hook is found by its hash, until it is deleted or its group is dissolved."""
        owner = (await self.storage.user()).id
        group = (await self.storage.group(owner)).id
        first, second = [await self.hooks.create(group, f"hook {n}", HASHES[n], NOW) for n in range(2)]
        self.assertEqual(await self.hooks.by_hash(HASHES[0]), first)
        self.assertEqual(await self.hooks.hooks(), [second, first])
        (user,) = await self.storage.accounts.many([first.userid])
        self.assertEqual((user.nickname, user.bot), ("hook 0", 1))
        self.assertEqual(await self.hooks.delete(first.id), first)
        await self.refused(self.hooks.delete(first.id), "no such hook", NotFound)
        await self.refused(self.hooks.by_hash(HASHES[0]), "no such hook", NotFound)
        await self.storage.relations.dissolve(owner, group, NOW, policy.may_own)
        await self.refused(self.hooks.by_hash(HASHES[1]), "no such hook", NotFound)
        await self.refused(self.hooks.create(group, "x", HASHES[2], NOW), "dissolved", Conflict)
        await self.refused(self.hooks.create(2**52, "x", HASHES[2], NOW), "not in that group", NotYours)


def _clear(connection: Connection) -> None:
    connection.execute(delete(device).where(device.c.address.startswith(BY_KEY)))
    for table in (bot, hook, external):
        connection.execute(delete(table))
