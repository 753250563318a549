"""Who blocks whom. A block ends no friendship: it lies over it, and once it is gone all is as before."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, insert, select, union_all
from twisted.internet.defer import Deferred

from twim.errors import NotFound, Refusal
from twim.storage.accounts import users
from twim.storage.contacts import count
from twim.storage.database import Database
from twim.storage.interface import User
from twim.storage.schema import block, friend_request, user

BLOCKED: Final = 5_000  # users whom one user blocks


class BlockStore:
    """The store of blocks."""

    _database: Database

    def block(self, userid: int, dstid: int, at: int) -> Deferred[None]:
        """`userid` blocks `dstid` from `at` (ms) on. Once more changes nothing."""

        def work(connection: Connection) -> None:
            there = select(user.c.id).where(user.c.id.in_((userid, dstid))).order_by(user.c.id).with_for_update()
            if dstid not in set(connection.scalars(there)):
                raise NotFound("no such user")
            if blocks(connection, userid, dstid):
                return
            if count(connection, block, block.c.userid == userid) >= BLOCKED:
                raise Refusal(f"at most {BLOCKED} blocked users")
            connection.execute(insert(block).values(userid=userid, dstid=dstid, changed=at))

        return self._database.write(work)

    def unblock(self, userid: int, dstid: int) -> Deferred[None]:
        """`userid` blocks `dstid` no more. What `dstid` asked meanwhile was never asked."""

        def work(connection: Connection) -> None:
            connection.execute(delete(block).where(block.c.userid == userid, block.c.dstid == dstid))
            asked = (friend_request.c.userid == dstid, friend_request.c.dstid == userid, friend_request.c.hidden == 1)
            connection.execute(delete(friend_request).where(*asked))

        return self._database.write(work)

    def blocked(self, userid: int) -> Deferred[list[User]]:
        """Whom the user blocks, by id."""
        wanted = select(block.c.dstid).where(block.c.userid == userid)
        return self._database.read(lambda connection: users(connection, list(connection.scalars(wanted))))

    def hidden_from(self, userid: int) -> Deferred[set[int]]:
        """Whom the user blocks, and who blocks the user: none of them sees whether the other is online."""

        mine = select(block.c.dstid).where(block.c.userid == userid)
        of_me = select(block.c.userid).where(block.c.dstid == userid)
        return self._database.read(lambda connection: set(connection.scalars(union_all(mine, of_me))))

    def blocks_since(self, at: int) -> Deferred[list[tuple[int, int]]]:
        """`(userid, dstid)` of the blocks that began at `at` (ms) or later."""
        wanted = select(block.c.userid, block.c.dstid).where(block.c.changed >= at)
        return self._database.read(lambda c: [(one, other) for one, other in c.execute(wanted)])


def blocks(connection: Connection, userid: int, dstid: int) -> bool:
    """Whether `userid` blocks `dstid`."""
    this = select(block.c.userid).where(block.c.userid == userid, block.c.dstid == dstid)
    return connection.execute(this).first() is not None
