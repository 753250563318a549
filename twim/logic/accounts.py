"""Who is asking: registration, log-in, tokens, devices, profiles."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from twim.errors import NotFound, NotLoggedIn, Refusal
from twim.logic.passwords import Passwords
from twim.storage.accounts import Accounts as AccountStore
from twim.storage.interface import User

CACHED: Final = 50_000  # tokens known without a query, about 300 bytes each
TOKEN_CHARS: Final = 200  # a longer one can't be ours
WRONG: Final = "password wrong"


class LoggedIn(msgspec.Struct, frozen=True):
    """A token's user and device."""

    userid: int
    deviceid: int


def hash_token(token: str) -> bytes:
    """What is stored of a token. It has 256 random bits, so a plain hash is enough. `NotLoggedIn` for what can't be
    a token."""
    if not token or len(token) > TOKEN_CHARS:
        raise NotLoggedIn
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def new_token() -> str:
    """256 random bits, in characters that need no escaping in a URL."""
    return secrets.token_urlsafe(32)


class Tokens:
    """Tokens that were checked, kept so that the next check is no query; forgotten when their device ends."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store
        self._known: OrderedDict[bytes, LoggedIn] = OrderedDict()
        self._by_device: dict[int, bytes] = {}
        self.ended = 0
        """Counts devices that ended, so that whoever reads one can tell that it may have ended meanwhile."""

    def known(self, tokenhash: bytes) -> LoggedIn | None:
        """Whose token it is, if that is known without a query."""
        return self._known.get(tokenhash)

    async def check(self, token: str) -> LoggedIn:
        """Whose token it is. `NotLoggedIn` when nobody's."""
        hashed = hash_token(token)
        known = self._known.get(hashed)
        if known is not None:
            return known
        while True:
            ended = self.ended
            device = await self._store.by_token(hashed)
            if device is None:
                raise NotLoggedIn
            # A device that ended while this was read must not be kept: read it again.
            if self.ended == ended:
                return self.learn(hashed, device.userid, device.id)

    def learn(self, tokenhash: bytes, userid: int, deviceid: int) -> LoggedIn:
        """Keep what a token was found to be."""
        known = self._known[tokenhash] = LoggedIn(userid, deviceid)
        self._by_device[deviceid] = tokenhash
        if len(self._known) > CACHED:
            _, dropped = self._known.popitem(last=False)
            self._by_device.pop(dropped.deviceid, None)
        return known

    async def recheck(self, deviceids: Sequence[int]) -> set[int]:
        """Ask the storage again, of these and of every token: somebody may have ended them unheard. Gives those that
        have ended."""
        self.ended += 1
        self._known.clear()
        self._by_device.clear()
        return set(deviceids) - await self._store.alive(deviceids)

    def forget(self, deviceid: int) -> None:
        """The device has ended."""
        self.ended += 1
        hashed = self._by_device.pop(deviceid, None)
        if hashed is not None:
            self._known.pop(hashed, None)


class Accounts:
    """Accounts as their users use them. `ended` is called with each device that ends, `registered` with each user
    that is new."""

    def __init__(
        self,
        store: AccountStore,
        passwords: Passwords,
        tokens: Tokens,
        ended: Callable[[int, int], None],
        registered: Callable[[int], None],
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._tokens = tokens
        self._ended = ended
        self._registered = registered

    async def register(self, fields: dict[str, Any], passwd: str, device: dict[str, Any]) -> tuple[User, str]:
        """A new user and its first token."""
        if await self._store.by_mobile(fields["mobile"]) is not None:
            raise Refusal("this mobile have account")
        hashed = await self._passwords.hash(passwd)
        token = new_token()
        user, first = await self._store.add(fields, hashed, device | {"tokenhash": hash_token(token)})
        self._tokens.learn(hash_token(token), user.id, first.id)
        self._registered(user.id)
        return user, token

    async def login(self, mobile: str, passwd: str, device: dict[str, Any]) -> tuple[User, str]:
        """The user and a fresh token. Wrong mobile and wrong password can't be told apart."""
        found = await self._store.by_mobile(mobile)
        stored = found[1] if found is not None else None
        if not await self._passwords.check(stored, passwd) or found is None:
            raise Refusal(WRONG)
        user, stored = found
        if self._passwords.outdated(stored):
            hashed = await self._passwords.hash(passwd)
            if await self._store.replace_hash(user.id, stored, hashed):
                stored = hashed
        token = new_token()
        made = await self._store.add_device(user.id, stored, device | {"tokenhash": hash_token(token)})
        if made is None:
            # The password was changed after it was checked here.
            raise Refusal(WRONG)
        self._tokens.learn(hash_token(token), user.id, made.id)
        return user, token

    async def end(self, userid: int, deviceid: int) -> None:
        """End one device of the user. `NotFound` when it has no such."""
        if not await self._store.end_device(userid, deviceid):
            raise NotFound("no such session")
        self.forget(userid, deviceid)

    async def change_passwd(self, who: LoggedIn, old: str, new: str) -> None:
        """Change the password; every other device ends."""
        found = await self._store.by_id(who.userid)
        if found is None or not await self._passwords.check(found[1], old):
            raise Refusal(WRONG)
        hashed = await self._passwords.hash(new)
        for deviceid in await self._store.change_passwd(who.userid, hashed, who.deviceid):
            self.forget(who.userid, deviceid)

    def forget(self, userid: int, deviceid: int) -> None:
        """The device's token is worth nothing from now on, here and wherever `ended` tells."""
        self._tokens.forget(deviceid)
        self._ended(userid, deviceid)
