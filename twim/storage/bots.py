"""Bots: users without a password that have a key, the address at which they hear of their commands, and these commands.

The key is the token of a device, so it opens what a token opens; the device ends like any other, but not by its age.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update
from twisted.internet.defer import Deferred

from twim.errors import Conflict
from twim.storage import attachments
from twim.storage.accounts import add_device, end_devices
from twim.storage.contacts import count
from twim.storage.database import Database
from twim.storage.external import BY_KEY, USER, forget_user, ids, make_user
from twim.storage.schema import IN_USER, MEMBER, contact, device, user
from twim.storage.schema_bots import bot, hook
from twim.wire.commands import GROUP

BOTS: Final = 1_000  # each is in the memory of every node
COMMANDS: Final = 20  # of one bot


class Command(msgspec.Struct):
    """What a message begins with, after the slash, and what it is good for."""

    word: str
    help: str = ""


class Bot(msgspec.Struct):
    """A bot: `url` is "" for one that isn't told of its commands, `secret` signs what it is told."""

    userid: int
    url: str
    secret: str
    commands: list[Command]


class Made(msgspec.Struct):
    """What became of a `put`: whether the bot, and whether its key, is new."""

    userid: int
    is_new: bool
    has_new_key: bool


_commands = msgspec.json.Decoder(list[Command])


class BotStore:
    """The store of bots."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def bots(self) -> Deferred[list[Bot]]:
        """All bots, the oldest first."""
        wanted = select(bot.c.userid, bot.c.url, bot.c.secret, bot.c.commands).order_by(bot.c.at, bot.c.userid)

        def work(connection: Connection) -> list[Bot]:
            return [Bot(*line[:3], _commands.decode(bytes(line[3]))) for line in connection.execute(wanted)]

        return self._database.read(work)

    def put(
        self,
        name: str,
        profile: Mapping[str, Any],
        told: Mapping[str, Any],
        tokenhash: bytes,
        secret: str,
        key: int,
        at: int,
    ) -> Deferred[Made]:
        """Make the bot of this name, or change these columns of its profile and of what it is `told`: `url`,
        `commands`. A bot without a device gets one, made by an API key, which opens by the token, unless it is
        disabled. `Conflict` where the name is somebody's who is no bot, and where there are too many bots."""
        columns = dict(told) | ({"commands": msgspec.json.encode(told["commands"])} if "commands" in told else {})

        def work(connection: Connection) -> Made:
            userid = ids(connection, USER, [name]).get(name, 0)
            is_new = not userid
            if is_new:
                if count(connection, bot) >= BOTS:
                    raise Conflict(f"at most {BOTS} bots")
                userid = make_user(connection, name, {"nickname": name[:20], **profile, "bot": 1})
                values = {"userid": userid, "url": "", "secret": secret, "commands": b"[]", "at": at}
                connection.execute(insert(bot).values(values | columns))
            else:
                # Locked, so that two at once don't make two keys, and none is made while the bot is disabled.
                connection.execute(select(user.c.id).where(user.c.id == userid).with_for_update())
                if connection.execute(select(bot.c.userid).where(bot.c.userid == userid)).first() is None:
                    raise Conflict(f"{name} is no bot")
                _change(connection, userid, profile, columns)
            needs_key = _needs_key(connection, userid)
            if needs_key:
                add_device(connection, userid, {"tokenhash": tokenhash, "agent": "", "address": f"{BY_KEY}{key}"})
            return Made(userid, is_new, needs_key)

        return self._database.write(work)

    def end(self, userid: int) -> Deferred[list[int]]:
        """The bot is none any more, and opens nothing: it stays as the author of what it said. Its external id is free
        again. Gives the devices that ended."""

        def work(connection: Connection) -> list[int]:
            connection.execute(update(user).where(user.c.id == userid).values(disabled=1))
            forget_user(connection, userid)
            forget_bot(connection, userid)
            return end_devices(connection, userid)

        return self._database.write(work)

    def present(self, userids: Collection[int], scope: int, dstid: int) -> Deferred[list[int]]:
        """Which of these bots, by id, are in the group `dstid`, or are the other one, `dstid`, of a chat of two."""
        there = select(bot.c.userid).join(user, user.c.id == bot.c.userid)
        there = there.where(bot.c.userid.in_(userids), user.c.disabled == 0)
        if scope == GROUP:
            in_it = (contact.c.cate == MEMBER, contact.c.dstobj == dstid)
            there = there.join(contact, contact.c.ownerid == bot.c.userid).where(*in_it)
        else:
            there = there.where(bot.c.userid == dstid)
        return self._database.read(lambda connection: list(connection.scalars(there.order_by(bot.c.userid))))


def _needs_key(connection: Connection, userid: int) -> bool:
    """Whether the bot has none, and may have one."""
    if connection.scalar(select(user.c.disabled).where(user.c.id == userid)):
        return False
    return connection.execute(select(device.c.id).where(device.c.userid == userid)).first() is None


def _change(connection: Connection, userid: int, profile: Mapping[str, Any], columns: Mapping[str, Any]) -> None:
    if profile:
        connection.execute(update(user).where(user.c.id == userid).values(dict(profile)))
    if "avatar" in profile:
        attachments.replace(connection, IN_USER, userid, profile["avatar"])
    if columns:
        connection.execute(update(bot).where(bot.c.userid == userid).values(dict(columns)))


def forget_bot(connection: Connection, userid: int) -> None:
    """The user is told of no command any more, and nothing comes in in its name."""
    connection.execute(delete(bot).where(bot.c.userid == userid))
    connection.execute(delete(hook).where(hook.c.userid == userid))
