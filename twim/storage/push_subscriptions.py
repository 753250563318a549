"""Which browsers are pushed to: each belongs to a device, and ends with it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, exists, insert, select, update
from twisted.internet.defer import Deferred

from twim.errors import NotLoggedIn
from twim.storage.database import Database
from twim.storage.schema import device
from twim.storage.schema_push import push_subscription

MOST: Final = 20  # subscriptions of a user; any more end the oldest
_OVERLAP: Final = 100  # ids of which some may be committed later than higher ones


class Browser(NamedTuple):
    """Where a browser is pushed to, and its keys, as it gave them."""

    endpoint: str
    p256dh: str
    auth: str
    site: str
    """The origin of the page that subscribed, or ""."""


class Subscribed(NamedTuple):
    """Who has subscriptions, as far as it was asked for, and the highest id that there is."""

    users: set[int]
    newest: int


class PushSubscriptionStore:
    """The store of subscriptions. Times are milliseconds since 1970."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, userid: int, deviceid: int, browser: Browser, at: int) -> Deferred[bool]:
        """The browser is pushed what is for the user, as long as the device lasts, and nothing for anybody else. False
        when that was so already. `NotLoggedIn` when the device has ended."""
        hashed = _hash(browser.endpoint)
        values = {"userid": userid, "deviceid": deviceid, "hash": hashed, **browser._asdict(), "at": at}

        def work(connection: Connection) -> bool:
            # Locked, so that the device's end comes before or after.
            this = select(device.c.id).where(device.c.id == deviceid, device.c.userid == userid)
            if connection.execute(this.with_for_update()).first() is None:
                raise NotLoggedIn
            known = push_subscription.c.hash == hashed
            found = connection.execute(select(push_subscription).where(known)).one_or_none()
            if found is not None and found.userid == userid:
                connection.execute(update(push_subscription).where(known).values(values))
                return False
            connection.execute(delete(push_subscription).where(known))
            connection.execute(insert(push_subscription).values(values))
            _keep_newest(connection, userid)
            return True

        return self._database.write(work)

    def remove(self, userid: int, deviceid: int, endpoint: str = "") -> Deferred[None]:
        """End the user's subscription of this endpoint, or all of the device."""
        mine = push_subscription.c.userid == userid
        one = push_subscription.c.hash == _hash(endpoint) if endpoint else push_subscription.c.deviceid == deviceid
        return self._database.execute(delete(push_subscription).where(mine, one))

    def drop(self, subscription_id: int) -> Deferred[None]:
        """The push service knows it no more."""
        return self._database.execute(delete(push_subscription).where(push_subscription.c.id == subscription_id))

    def device_ended(self, deviceid: int) -> Deferred[None]:
        """End what was the device's."""
        return self._database.execute(delete(push_subscription).where(push_subscription.c.deviceid == deviceid))

    def clean(self) -> Deferred[None]:
        """Remove what belongs to devices that ended without anybody having told."""
        there = exists().where(device.c.id == push_subscription.c.deviceid)
        return self._database.execute(delete(push_subscription).where(~there))

    def subscribed(self, after: int = 0) -> Deferred[Subscribed]:
        """Who has subscriptions: all of them, or those of ids after about `after`."""
        wanted = select(push_subscription.c.userid, push_subscription.c.id)
        newer = wanted.where(push_subscription.c.id > after - _OVERLAP) if after else wanted

        def work(connection: Connection) -> Subscribed:
            found = Subscribed(set(), after)
            for userid, its_id in connection.execute(newer):
                found.users.add(userid)
                found = found._replace(newest=max(found.newest, its_id))
            return found

        return self._database.read(work)


def _keep_newest(connection: Connection, userid: int) -> None:
    mine = select(push_subscription.c.id).where(push_subscription.c.userid == userid)
    ids: Sequence[int] = list(connection.scalars(mine.order_by(push_subscription.c.id.desc())))
    if len(ids) > MOST:
        connection.execute(delete(push_subscription).where(push_subscription.c.id.in_(ids[MOST:])))


def _hash(endpoint: str) -> bytes:
    return hashlib.sha256(endpoint.encode()).digest()
