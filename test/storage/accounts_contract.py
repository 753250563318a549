"""What the store of users and devices promises on every database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from test.storage.rig import DEVICE, WIDE, Storage, asynchronous
from twim.storage.accounts import utc_now
from twim.storage.schema import device


class AnyAccounts:
    """Users and devices."""

    storage: Storage

    @asynchronous
    async def test_register(self: Any) -> None:
        """A new user and its first device come back as they were stored, at today's time."""
        before = utc_now()
        fields = {"mobile": "+8613800000001", "nickname": "A", "avatar": "/a.png", "sex": "W", "memo": "m"}
        made, device = await self.storage.accounts.add(fields, "hash", DEVICE | {"tokenhash": bytes(32)})
        self.assertEqual(await self.storage.accounts.by_id(made.id), (made, "hash"))
        self.assertEqual(await self.storage.accounts.by_mobile("+8613800000001"), (made, "hash"))
        self.assertEqual(await self.storage.accounts.by_token(bytes(32)), device)
        self.assertEqual({k: getattr(made, k) for k in fields}, fields)
        self.assertTrue(before <= made.createat <= utc_now())
        self.assertEqual((device.agent, device.address, device.userid), ("a test", "127.0.0.1", made.id))

    @asynchronous
    async def test_taken(self: Any) -> None:
        """A mobile belongs to one user, and nothing of a second registration is stored."""
        await self.storage.user(mobile="13800000001")
        again = self.storage.accounts.add({"mobile": "13800000001"}, "x", DEVICE | {"tokenhash": b"\1" * 32})
        await self.refused(again, "this mobile have account")
        self.assertIsNone(await self.storage.accounts.by_token(b"\1" * 32))

    @asynchronous
    async def test_taken_at_once(self: Any) -> None:
        """Of two registrations at the same moment one wins."""
        made = [
            self.storage.accounts.add({"mobile": "1380"}, "x", DEVICE | {"tokenhash": bytes([n]) * 32})
            for n in range(4)
        ]
        won = 0
        for one in made:
            try:
                await one
                won += 1
            except Exception as error:
                self.assertIn("this mobile have account", str(error))
        self.assertEqual(won, 1)

    @asynchronous
    async def test_exact_mobile(self: Any) -> None:
        """Mobiles are compared exactly."""
        await self.storage.user(mobile="+13800000001")
        for other in ("13800000001", " +13800000001", "+1380000000１", ""):
            self.assertIsNone(await self.storage.accounts.by_mobile(other))

    @asynchronous
    async def test_unknown(self: Any) -> None:
        """A missing user or device is None."""
        self.assertIsNone(await self.storage.accounts.by_id(2**53 - 1))
        self.assertIsNone(await self.storage.accounts.by_mobile("000"))
        self.assertIsNone(await self.storage.accounts.by_token(b"\xff" * 32))
        self.assertEqual(await self.storage.accounts.many([2**53 - 1]), [])

    @asynchronous
    async def test_wide_characters(self: Any) -> None:
        """Every text field of a user holds as many four-byte characters as it may have characters."""
        fields = {"nickname": "👩" * 20, "memo": "𠮷" * 140, "avatar": "🖼" * 150}
        made = await self.storage.user(**fields)
        self.assertEqual({k: getattr(made, k) for k in fields}, fields)
        changed = await self.storage.accounts.change(made.id, {"nickname": WIDE})
        self.assertEqual(changed.nickname, WIDE)
        device = await self.storage.accounts.add_device(
            made.id, "hash", {"agent": "🦊" * 150, "address": "[::1]", "tokenhash": b"\2" * 32}
        )
        self.assertEqual((await self.storage.accounts.by_token(b"\2" * 32)).agent, device.agent)

    @asynchronous
    async def test_change(self: Any) -> None:
        """A change sets the given fields, and no others."""
        made = await self.storage.user(nickname="A", memo="m")
        changed = await self.storage.accounts.change(made.id, {"memo": "n", "sex": "M"})
        self.assertEqual((changed.nickname, changed.memo, changed.sex), ("A", "n", "M"))
        self.assertEqual(await self.storage.accounts.change(made.id, {}), changed)

    @asynchronous
    async def test_devices(self: Any) -> None:
        """Each log-in makes a device; only its user ends it."""
        one, other = await self.storage.user(), await self.storage.user()
        added = await self.storage.accounts.add_device(one.id, "hash", DEVICE | {"tokenhash": b"\3" * 32})
        listed = await self.storage.accounts.devices(one.id)
        self.assertEqual([d.id for d in listed], sorted((d.id for d in listed), reverse=True))
        self.assertEqual(listed[0], added)
        self.assertEqual(len(listed), 2)
        self.assertFalse(await self.storage.accounts.end_device(other.id, added.id))
        self.assertTrue(await self.storage.accounts.end_device(one.id, added.id))
        self.assertFalse(await self.storage.accounts.end_device(one.id, added.id))
        self.assertIsNone(await self.storage.accounts.by_token(b"\3" * 32))

    @asynchronous
    async def test_idle_devices(self: Any) -> None:
        """Devices that were last used before a time end; others, and those whose last use is unknown, stay."""
        one = await self.storage.user()
        store, day = self.storage.accounts, 24 * 3600 * 1000
        first = (await store.devices(one.id))[0].id
        later, unknown = [
            (await store.add_device(one.id, "hash", DEVICE | {"tokenhash": bytes([number]) * 32})).id
            for number in (4, 5)
        ]
        await self.storage.database.write(
            lambda connection: connection.execute(update(device).where(device.c.id == unknown).values(used=0))
        )
        now = (await self.used(first)) + 31 * day
        await store.touch([later], now, now - day)
        await store.touch([later, 2**52], now + 5, now - day)
        self.assertEqual(await self.used(later), now)
        self.assertEqual(await store.end_idle(now - 30 * day, now), [(one.id, first)])
        self.assertEqual(await store.end_idle(now - 30 * day, now), [])
        self.assertEqual(await self.used(unknown), now)
        self.assertEqual(sorted(one.id for one in await store.devices(one.id)), sorted([later, unknown]))

    async def used(self: Any, deviceid: int) -> int:
        """When the device was used last."""
        stored = select(device.c.used).where(device.c.id == deviceid)
        return await self.storage.database.read(lambda connection: connection.execute(stored).scalar_one())

    @asynchronous
    async def test_device_of_an_old_passwd(self: Any) -> None:
        """A log-in whose password was changed meanwhile makes no device."""
        one = await self.storage.user()
        again = {"tokenhash": b"\7" * 32}
        self.assertIsNone(await self.storage.accounts.add_device(one.id, "old", DEVICE | again))
        self.assertIsNone(await self.storage.accounts.add_device(2**52, "hash", DEVICE | again))
        self.assertIsNone(await self.storage.accounts.by_token(b"\7" * 32))

    @asynchronous
    async def test_lasting_ids(self: Any) -> None:
        """The id of an ended device is not given to the next one."""
        one = await self.storage.user()
        ended = await self.storage.accounts.add_device(one.id, "hash", DEVICE | {"tokenhash": b"\4" * 32})
        await self.storage.accounts.end_device(one.id, ended.id)
        new = await self.storage.accounts.add_device(one.id, "hash", DEVICE | {"tokenhash": b"\5" * 32})
        self.assertGreater(new.id, ended.id)

    @asynchronous
    async def test_passwd(self: Any) -> None:
        """A new password ends every device but one."""
        one = await self.storage.user()
        kept = await self.storage.accounts.add_device(one.id, "hash", DEVICE | {"tokenhash": b"\6" * 32})
        ended = await self.storage.accounts.change_passwd(one.id, "new", kept.id)
        self.assertEqual(len(ended), 1)
        self.assertEqual(await self.storage.accounts.devices(one.id), [kept])
        self.assertEqual((await self.storage.accounts.by_id(one.id))[1], "new")
        self.assertFalse(await self.storage.accounts.replace_hash(one.id, "hash", "again"))
        self.assertTrue(await self.storage.accounts.replace_hash(one.id, "new", "newer"))
        self.assertEqual((await self.storage.accounts.by_id(one.id))[1], "newer")
        late = DEVICE | {"tokenhash": b"\7" * 32}
        self.assertIsNone(await self.storage.accounts.add_device(one.id, "new", late))
        self.assertIsNotNone(await self.storage.accounts.add_device(one.id, "newer", late))

    @asynchronous
    async def test_many(self: Any) -> None:
        """Users are listed by id, whatever the order asked in."""
        made = [await self.storage.user() for _ in range(3)]
        found = await self.storage.accounts.many([one.id for one in reversed(made)] + [2**52])
        self.assertEqual([one.id for one in found], sorted(one.id for one in made))

    @asynchronous
    async def test_times(self: Any) -> None:
        """A time is returned as it was stored, on the last second of a leap day and at the latest date too."""
        for moment in (datetime(2028, 2, 29, 23, 59, 59), datetime(1970, 1, 1), datetime(9999, 12, 31, 23, 59, 59)):
            made = await self.storage.user()
            changed = await self.storage.accounts.change(made.id, {"createat": moment})
            self.assertEqual(changed.createat, moment)

    @asynchronous
    async def test_nul(self: Any) -> None:
        """A browser whose name has characters that no database accepts can log in all the same."""
        one = await self.storage.user()
        made = await self.storage.accounts.add_device(
            one.id, "hash", {"agent": "a\0b", "address": "", "tokenhash": b"\x0b" * 32}
        )
        self.assertEqual(made.agent, "ab")
        self.assertEqual(await self.storage.accounts.by_token(b"\x0b" * 32), made)
