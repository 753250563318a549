"""Users whom somebody else vouches for: a host by its signed tokens, or a provider of log-ins."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from twisted.logger import Logger

from twim.errors import Conflict, NotFound, NotYours, Refusal
from twim.logic.accounts import Accounts, Tokens, hash_token, new_token
from twim.logic.files import Files
from twim.logic.groups import Groups
from twim.logic.hosts import NAME, RESERVED
from twim.logic.relations import Relations
from twim.logic.signup import SignUp
from twim.storage.accounts import DISABLED, WAITING, AccountStore
from twim.storage.external import BY_HOST, GROUP, USER, ExternalStore, without_mobile
from twim.storage.host_members import HostMemberStore
from twim.storage.interface import Community, User

NICKNAME: Final = "nickname"
AVATAR: Final = "avatar"
NICKNAME_CHARS: Final = 20


class Entered(NamedTuple):
    """A user who has come in, the new device's token ("" while an approval is waited for), and the group of an
    invitation that was used."""

    user: User
    token: str
    group: Community | None = None


class ExternalLogins:
    """Logs such users in. A profile has the columns of a user that are known, among `NICKNAME` and `AVATAR`."""

    _log = Logger()

    def __init__(
        self,
        store: ExternalStore,
        members: HostMemberStore,
        accounts: AccountStore,
        logged: Accounts,
        tokens: Tokens,
        signup: SignUp,
        groups: Groups,
        relations: Relations,
        files: Files,
    ) -> None:
        self._store = store
        self._members = members
        self._accounts = accounts
        self._logged = logged
        self._tokens = tokens
        self._signup = signup
        self._groups = groups
        self._relations = relations
        self._files = files

    async def by_host(
        self, name: str, profile: Mapping[str, str], groups: Collection[str] | None, device: Mapping[str, str]
    ) -> Entered:
        """Log in whom a host calls `name` (see `is_host_name`), who is made at first sight, and have them in the groups
        that the host names; None leaves memberships as they are. `NotYours` for who may not log in."""
        userid = (await self._store.ids(USER, [name])).get(name, 0)
        if not userid:
            made = {NICKNAME: name[:NICKNAME_CHARS]} | await self._allowed(0, profile)
            userid, _ = await self._store.make_user(name, without_mobile() | made)
        await self._update(userid, profile)
        if groups is not None:
            await self._follow(userid, groups)
        # As for keys: each page that is loaded may make one.
        marked = {**device, "address": f"{BY_HOST}{device['address']}"}
        return await self._begun(userid, marked, BY_HOST)

    async def by_provider(
        self, name: str, profile: Mapping[str, str], invite: str, device: Mapping[str, str]
    ) -> Entered:
        """Log in who has this external id at a provider; at first sight they are registered, if they may be. `invite`
        is a code, or "". `NotYours` for who may not register or log in."""
        userid = (await self._store.ids(USER, [name])).get(name, 0)
        if not userid:
            unnamed = {NICKNAME: f"user{secrets.randbelow(10**6):06d}"}
            made = without_mobile() | unnamed | await self._allowed(0, profile)
            try:
                user, token, group = await self._signup.register_external(name, made, dict(device), invite)
                return Entered(user, token, group)
            except Conflict:
                # It has just come in by another page.
                userid = (await self._store.ids(USER, [name])).get(name, 0)
        await self._update(userid, profile)
        return await self._begun(userid, device, "")

    async def _begun(self, userid: int, device: Mapping[str, str], made_by: str) -> Entered:
        token = new_token()
        made, ended = await self._store.log_in(userid, {**device, "tokenhash": hash_token(token)}, made_by)
        for deviceid in ended:
            self._logged.forget(userid, deviceid)
        self._tokens.learn(hash_token(token), userid, made.id)
        return Entered(await self._user(userid), token)

    async def _user(self, userid: int) -> User:
        found = await self._accounts.by_id(userid)
        if found is None:
            raise NotFound("no such user")
        return found[0]

    async def _update(self, userid: int, profile: Mapping[str, str]) -> None:
        """The profile is what was said last, unless the user may not log in."""
        user = await self._user(userid)
        if user.disabled or user.waiting:
            raise NotYours(DISABLED if user.disabled else WAITING)
        changed = {name: value for name, value in profile.items() if getattr(user, name) != value}
        allowed = await self._allowed(userid, changed)
        if allowed:
            await self._store.change_user(userid, allowed)
            await self._relations.tell_profile(userid)

    async def _allowed(self, userid: int, profile: Mapping[str, str]) -> dict[str, Any]:
        """The profile without a picture that is somebody's file: nobody gets at one by having it vouched for."""
        allowed = dict(profile)
        try:
            await self._files.check(userid, allowed.get(AVATAR, ""))
        except NotYours:
            del allowed[AVATAR]
        return allowed

    async def _follow(self, userid: int, names: Collection[str]) -> None:
        known = await self._store.ids(GROUP, {name for name in names if NAME.fullmatch(name)})
        wanted, now = set(known.values()), await self._members.of(userid)
        for group in sorted(wanted - now.all):
            try:
                await self._groups.enter(userid, group, userid, by_host=True)
            except Refusal as refused:  # it is full, or has ended
                self._log.info("{userid} isn't in group {group}: {why}", userid=userid, group=group, why=refused.msg)
        if left := sorted(now.by_host - wanted):
            for group in left:
                with suppress(Refusal):  # who has left a moment ago
                    await self._groups.leave(userid, group)
            await self._members.tidy(userid)


def is_host_name(name: str) -> bool:
    """Whether a host may call a user of its own so."""
    return NAME.fullmatch(name) is not None and not name.startswith(RESERVED)
