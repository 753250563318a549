"""Accounts: registration, log-in, tokens, devices, profiles."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from twim.errors import NotFound, NotLoggedIn, Refusal
from twim.logic.passwords import Passwords, prepare
from twim.storage.accounts import AccountStore
from twim.storage.interface import User
from twim.storage.registration import Registered, RegistrationStore, Terms

CACHED: Final = 50_000  # tokens that are known without a query; each takes about 300 bytes
TOKEN_CHARS: Final = 200  # a longer text can't be a token of ours
WRONG: Final = "password wrong"


class LoggedIn(msgspec.Struct, frozen=True):
    """The user and the device of a token."""

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
        self._used: set[int] = set()
        self.ended = 0
        """Counts devices that ended, so that code that is reading one can tell that it may have ended meanwhile."""

    def known(self, tokenhash: bytes) -> LoggedIn | None:
        """The user and device of the token, if they are known without a query."""
        who = self._known.get(tokenhash)
        if who is not None:
            self._used.add(who.deviceid)
        return who

    def use(self, deviceids: set[int]) -> None:
        """These devices are used, too."""
        self._used |= deviceids

    def take_used(self) -> set[int]:
        """The devices that were used since the last call."""
        used, self._used = self._used, set()
        return used

    async def check(self, token: str) -> LoggedIn:
        """The user and device of the token. `NotLoggedIn` if it isn't valid."""
        hashed = hash_token(token)
        known = self.known(hashed)
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
        """Remember the user and device of a token."""
        self._used.add(deviceid)
        known = self._known[tokenhash] = LoggedIn(userid, deviceid)
        self._by_device[deviceid] = tokenhash
        if len(self._known) > CACHED:
            _, dropped = self._known.popitem(last=False)
            self._by_device.pop(dropped.deviceid, None)
        return known

    async def recheck(self, deviceids: Sequence[int]) -> set[int]:
        """Forget every token, and read again which of these devices have ended: another node may have ended them
        without being heard. Gives the devices that have ended."""
        self.ended += 1
        self._known.clear()
        self._by_device.clear()
        return set(deviceids) - await self._store.alive(deviceids)

    async def find_ended(self, deviceids: Sequence[int]) -> set[int]:
        """Which of these devices, and of those whose tokens are known, have ended without this node having heard of
        it. They are forgotten."""
        asked = {*deviceids, *self._by_device}
        ended = asked - await self._store.alive(sorted(asked))
        for deviceid in ended:
            self.forget(deviceid)
        return ended

    def forget(self, deviceid: int) -> None:
        """The device has ended."""
        self.ended += 1
        hashed = self._by_device.pop(deviceid, None)
        if hashed is not None:
            self._known.pop(hashed, None)


class Accounts:
    """What users do with their accounts. `ended` is called with each device that ends, and `registered` with each new
    user."""

    def __init__(
        self,
        store: AccountStore,
        registrations: RegistrationStore,
        passwords: Passwords,
        tokens: Tokens,
        ended: Callable[[int, int], None],
        registered: Callable[[int], None],
    ) -> None:
        self._store = store
        self._registrations = registrations
        self._passwords = passwords
        self._tokens = tokens
        self._ended = ended
        self._registered = registered

    async def register(
        self, fields: dict[str, Any], passwd: str, device: dict[str, Any], terms: Terms
    ) -> tuple[User, str, int]:
        """Register a new user. Gives the user, its first token ("" while it waits for an approval), and the group of
        the invitation that was used, or 0. `MobileTaken`, and what `terms.decide` raises."""
        await self._registrations.check(fields["mobile"], terms)
        hashed = await self._passwords.hash(prepare(passwd))
        token = new_token()
        made = await self._registrations.register(fields, hashed, device | {"tokenhash": hash_token(token)}, terms)
        return self._begun(made, token)

    async def register_external(
        self, name: str, fields: dict[str, Any], device: dict[str, Any], terms: Terms
    ) -> tuple[User, str, int]:
        """Register a new user who has this external id and no password. As `register`, and `Conflict` when somebody
        has it already."""
        token = new_token()
        first = device | {"tokenhash": hash_token(token)}
        made = await self._registrations.register(fields, "", first, terms, name)
        return self._begun(made, token)

    def _begun(self, made: Registered, token: str) -> tuple[User, str, int]:
        if made.device is None:
            return made.user, "", made.group
        self._tokens.learn(hash_token(token), made.user.id, made.device.id)
        self._registered(made.user.id)
        return made.user, token, made.group

    async def login(self, mobile: str, passwd: str, device: dict[str, Any]) -> tuple[User, str]:
        """Log in. Gives the user and a new token. The refusal doesn't tell whether the mobile number or the password is
        wrong; `NotYours` tells who knows the password that the user is disabled or waits for an approval."""
        found = await self._store.by_mobile(mobile)
        stored = found[1] if found is not None else None
        opened_by = await self._passwords.check(stored, passwd)
        if opened_by is None or found is None:
            raise Refusal(WRONG)
        user, stored = found
        prepared = prepare(passwd)
        if opened_by != prepared or self._passwords.outdated(stored):
            hashed = await self._passwords.hash(prepared)
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
        """End one device of the user. `NotFound` if the user has no such device."""
        if not await self._store.end_device(userid, deviceid):
            raise NotFound("no such session")
        self.forget(userid, deviceid)

    async def end_all(self, userid: int) -> int:
        """End every device of the user. Gives how many these were. `NotFound` for a user who isn't there."""
        ended = await self._store.end_all(userid)
        for deviceid in ended:
            self.forget(userid, deviceid)
        return len(ended)

    async def change_passwd(self, who: LoggedIn, old: str, new: str) -> None:
        """Change the password. All other devices end. `NotLoggedIn` when this one has ended meanwhile."""
        found = await self._store.by_id(who.userid)
        if found is None or await self._passwords.check(found[1], old) is None:
            raise Refusal(WRONG)
        hashed = await self._passwords.hash(prepare(new))
        for deviceid in await self._store.change_passwd(who.userid, hashed, who.deviceid):
            self.forget(who.userid, deviceid)

    def forget(self, userid: int, deviceid: int) -> None:
        """The device's token is invalid from now on, here and wherever `ended` tells it."""
        self._tokens.forget(deviceid)
        self._ended(userid, deviceid)
