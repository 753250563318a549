"""What another program, which has a key, does with its users: made, changed, logged in, erased.

A user is named by the program's own id (external id) or by ``id:N``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from twim.errors import Malformed, NotFound, NotYours
from twim.logic.accounts import Accounts, Tokens, hash_token, new_token
from twim.logic.administration.acts import Actor
from twim.logic.administration.administration import Administration
from twim.logic.api_keys import ADMIN, check_scope
from twim.logic.files import Files
from twim.logic.relations import Relations
from twim.storage.accounts import AccountStore
from twim.storage.api_keys import ApiKey
from twim.storage.conversation_list import Row
from twim.storage.conversations import Conversations
from twim.storage.external import BY_NUMBER, GROUP, USER, ExternalStore
from twim.storage.interface import ADMIN_ROLE, User
from twim.wire.commands import SINGLE

NAME: Final = re.compile(r"[A-Za-z0-9_.@:-]{1,64}")
RESERVED: Final = (BY_NUMBER, "oidc:")
KINDS: Final = {USER: "user", GROUP: "group"}


def check_name(name: str, kind: int = USER) -> str:
    """How somebody or something is named. `Malformed` for what can't be a name."""
    if not NAME.fullmatch(name):
        raise Malformed(f"{KINDS[kind]}: 1 to 64 of A-Z a-z 0-9 _ . @ : -")
    return name


def check_new_name(name: str, kind: int) -> None:
    """`NotFound` for what names nobody and can't become an external id: ``id:N``; `Malformed` for ``oidc:…``."""
    if name.startswith(BY_NUMBER):
        raise NotFound(f"no such {KINDS[kind]}")
    if name.startswith(RESERVED):
        raise Malformed(f"an external id doesn't begin with {' or '.join(RESERVED)}")


def actor_of(key: ApiKey) -> Actor:
    """Who acts, for the audit log."""
    return Actor(f"key:{key.id}")


class HostUsers:
    """Users, as other programs use them."""

    def __init__(
        self,
        store: ExternalStore,
        accounts: AccountStore,
        logged: Accounts,
        tokens: Tokens,
        relations: Relations,
        conversations: Conversations,
        administration: Administration,
        files: Files,
    ) -> None:
        self.store = store
        self._accounts = accounts
        self._logged = logged
        self._tokens = tokens
        self._relations = relations
        self._conversations = conversations
        self._administration = administration
        self._files = files

    async def id_of(self, name: str) -> int:
        """The user's id. `NotFound`, `Malformed`."""
        found = await self.store.ids(USER, [check_name(name)])
        if name not in found:
            raise NotFound(f"no such user: {name}")
        return found[name]

    async def put(self, key: ApiKey, name: str, fields: Mapping[str, Any], role: str, disabled: int | None) -> User:
        """Make the user, or change these columns of its profile, its role ("" for none) and whether it is disabled.
        `Conflict` for a mobile that is taken, `NotYours` for a role or an administrator without the scope for it."""
        if role:
            check_scope(key, ADMIN)
        userid = (await self.store.ids(USER, [check_name(name)])).get(name, 0)
        if not userid:
            check_new_name(name, USER)
            await self.check_avatar(0, fields)
            userid, is_new = await self.store.make_user(name, {"nickname": name[:20]} | dict(fields))
        else:
            is_new = False
        if not is_new:
            before = await self._changeable(key, userid)
            changed = {one: value for one, value in fields.items() if getattr(before, one) != value}
            await self.check_avatar(userid, changed)
            if changed:
                await self.store.change_user(userid, changed)
                await self._relations.tell_profile(userid)
        await self._change_standing(key, userid, role, disabled)
        return await self.user(userid)

    async def check_avatar(self, userid: int, fields: Mapping[str, Any]) -> None:
        """Refuse an avatar of our store that is neither the user's own nor shown to it."""
        if fields.get("avatar"):
            await self._files.check(userid, fields["avatar"])

    async def _change_standing(self, key: ApiKey, userid: int, role: str, disabled: int | None) -> None:
        now = await self.user(userid)
        if role and role != now.role:
            await self._act(key, "user.role", user=userid, role=role)
        if disabled is not None and disabled != now.disabled:
            await self._act(key, "user.disable" if disabled else "user.enable", user=userid)

    async def user(self, userid: int) -> User:
        """The user. `NotFound`."""
        found = await self._accounts.by_id(userid)
        if found is None:
            raise NotFound("no such user")
        return found[0]

    async def _changeable(self, key: ApiKey, userid: int) -> User:
        """The user, if the key may do something to it."""
        found = await self.user(userid)
        if found.role == ADMIN_ROLE:
            try:
                check_scope(key, ADMIN)
            except NotYours as refused:
                raise NotYours(f"an administrator: {refused.msg}") from None
        return found

    async def _act(self, key: ApiKey, name: str, **values: object) -> dict[str, object]:
        return await self._administration.act(name, values, actor_of(key))

    async def erase(self, key: ApiKey, name: str) -> None:
        """Erase the user; the external id and the mobile are free again."""
        user = await self._changeable(key, await self.id_of(name))
        await self._act(key, "user.erase", user=user.id)

    async def end_sessions(self, key: ApiKey, name: str) -> dict[str, object]:
        """End all devices of the user. Gives how many these were."""
        user = await self._changeable(key, await self.id_of(name))
        return await self._act(key, "user.sessions", user=user.id)

    async def token(self, key: ApiKey, name: str) -> tuple[str, int]:
        """The token of a new device of the user's, and the user's id. The oldest device that keys made ends when there
        are too many. `NotYours` for who may not log in."""
        user = await self._changeable(key, await self.id_of(name))
        token = new_token()
        made, ended = await self.store.add_device(user.id, key.id, hash_token(token))
        for deviceid in ended:
            self._logged.forget(user.id, deviceid)
        self._tokens.learn(hash_token(token), user.id, made.id)
        return token, user.id

    # What is unread

    async def unread(self, userid: int) -> dict[str, object]:
        """How much of which conversations the user has not read: ``{"unread", "mentions", "conversations": […]}``."""
        rows = await self._unread_rows(userid)
        of_users = [row.dstid for row in rows if row.scope == SINGLE]
        with_users = await self.store.names(USER, of_users)
        in_groups = await self.store.names(GROUP, [row.dstid for row in rows if row.scope != SINGLE])
        conversations = [
            ({"user": with_users[row.dstid]} if row.scope == SINGLE else {"group": in_groups[row.dstid]})
            | {"seq": row.seq, "read": row.read, "unread": row.unread, "mentions": row.mentions}
            for row in rows
        ]
        return _sums(rows) | {"conversations": conversations}

    async def _unread_rows(self, userid: int) -> list[Row]:
        return [row for row in await self._conversations.rows(userid) if row.unread and row.is_listed]

    async def unread_of(self, names: Sequence[str]) -> list[dict[str, object]]:
        """The sums for these users, in this order. `NotFound`."""
        found = await self.store.ids(USER, [check_name(name) for name in names])
        rows: list[dict[str, object]] = []
        for name in names:
            if name not in found:
                raise NotFound(f"no such user: {name}")
            rows.append({"user": name} | _sums(await self._unread_rows(found[name])))
        return rows


def _sums(rows: Sequence[Row]) -> dict[str, object]:
    return {"unread": sum(row.unread for row in rows), "mentions": sum(row.mentions for row in rows)}
