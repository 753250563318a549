"""Bots, as other programs make and end them, and what a chat offers of their commands."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from twim.errors import Malformed, NotFound, NotYours
from twim.logic.accounts import Accounts, Tokens, hash_token
from twim.logic.groups import Groups
from twim.logic.hosts import HostUsers, check_name, check_new_name
from twim.logic.known_bots import KnownBots
from twim.logic.leaving import leave_all
from twim.logic.relations import Relations
from twim.outbound.requests import BadUrl, OutboundRequests
from twim.storage.api_keys import ApiKey
from twim.storage.bots import Bot, BotStore, Command
from twim.storage.external import USER
from twim.storage.relations import RelationStore
from twim.wire.commands import GROUP, SCOPES

KEY_PREFIX: Final = "twb_"
SECRET_PREFIX: Final = "tws_"
RANDOM_BYTES: Final = 24  # 192 random bits, of keys and of secrets
WORD: Final = 32  # characters of a command


class Bots:
    """Bots, as other programs use them."""

    def __init__(
        self,
        store: BotStore,
        known: KnownBots,
        users: HostUsers,
        accounts: Accounts,
        tokens: Tokens,
        relations: Relations,
        relation_store: RelationStore,
        groups: Groups,
        requests: OutboundRequests,
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._known = known
        self._users = users
        self._accounts = accounts
        self._tokens = tokens
        self._relations = relations
        self._relation_store = relation_store
        self._groups = groups
        self._requests = requests
        self._now_ms = now_ms

    async def put(
        self,
        key: ApiKey,
        name: str,
        profile: Mapping[str, Any],
        url: str | None,
        commands: Sequence[Command] | None,
    ) -> dict[str, object]:
        """Make the bot, or change these columns of its profile, its address and its commands (None for the same). Gives
        `id`; `key` and `secret` where they are new, which are told only then. `Conflict` for a user who is no bot,
        `Malformed` for what can't be a name, a command or an address."""
        userid = (await self._users.store.ids(USER, [check_name(name)])).get(name, 0)
        if not userid:
            check_new_name(name, USER)
        if url:
            try:
                self._requests.check(url)
            except BadUrl as error:
                raise Malformed(f"url: {error}", status=422) from None
        await self._users.check_avatar(userid, profile)
        told: dict[str, Any] = {} if url is None else {"url": url}
        if commands is not None:
            told["commands"] = checked(commands)
        token = KEY_PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
        secret = SECRET_PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
        made = await self._store.put(name, profile, told, hash_token(token), secret, key.id, self._now_ms())
        if profile and not made.is_new:
            await self._relations.tell_profile(made.userid)
        await self._known.changed()
        answer: dict[str, object] = {"id": made.userid}
        if made.has_new_key:
            answer["key"] = token
        if made.is_new:
            answer["secret"] = secret
        return answer

    async def listed(self) -> list[dict[str, object]]:
        """All bots, the oldest first."""
        bots = await self._store.bots()
        users = {user.id: user for user in await self._relation_store.users([one.userid for one in bots])}
        names = await self._users.store.names(USER, users)
        return [
            {
                "id": one.userid,
                "user": names[one.userid],
                "nickname": users[one.userid].nickname,
                "avatar": users[one.userid].avatar,
                "url": one.url,
                "commands": one.commands,
            }
            for one in bots
            if one.userid in users
        ]

    async def end(self, name: str) -> None:
        """The bot opens and hears nothing any more, and leaves its groups and friends; it stays as the author of what
        it said. `NotFound` for who is no bot."""
        userid = await self._users.id_of(name)
        if not (await self._users.user(userid)).bot:
            raise NotFound(f"no such bot: {name}")
        for deviceid in await self._store.end(userid):
            self._accounts.forget(userid, deviceid)
        await leave_all(userid, self._relations, self._groups)
        await self._known.changed()

    async def of_key(self, key: str) -> int:
        """The id of the bot that has this key. `NotLoggedIn`."""
        return (await self._tokens.check(key)).userid

    async def offered(self, userid: int, scope: int, dstid: int) -> list[dict[str, object]]:
        """The commands of the bots that are in the user's chat, by their words. `NotYours` for a chat of others."""
        if scope not in SCOPES:
            raise Malformed("scope: 10 or 11")
        circle = await self._relation_store.circle(userid)
        if scope == GROUP and dstid not in circle.groups:
            raise NotYours("dstid: you are not in that group")
        if scope != GROUP and dstid not in circle.friends and dstid != userid:
            raise NotYours("dstid: not your friend")
        having = [one.userid for one in self._known.by_id.values() if one.commands]
        present = await self._store.present(having, scope, dstid)
        bots = [self._known.by_id[one] for one in present if one in self._known.by_id]
        return sorted(
            (_row(one, command) for one in bots for command in one.commands), key=lambda row: str(row["word"])
        )


def _row(bot: Bot, command: Command) -> dict[str, object]:
    return {"word": command.word, "help": command.help, "userid": bot.userid}


def checked(commands: Sequence[Command]) -> Sequence[Command]:
    """The commands with their words in lower case. `Malformed` for what can't be one, and for one that is there
    twice."""
    found: dict[str, Command] = {}
    for one in commands:
        word = one.word.lower()
        if not 1 <= len(word) <= WORD or not word.replace("_", "").replace("-", "").isalnum():
            raise Malformed(f"commands: a word has 1 to {WORD} letters, digits, _ and -")
        if word in found:
            raise Malformed(f"commands: {word} is there twice")
        found[word] = Command(word, one.help)
    return list(found.values())
