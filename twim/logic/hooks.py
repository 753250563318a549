"""Hooks: other programs say something in a group by an address that has a secret, each as a bot of its own."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from twim.errors import NotFound
from twim.logic.groups import Groups
from twim.logic.host_groups import HostGroups
from twim.logic.host_messages import Outcome, Place, Said
from twim.logic.leaving import leave_all
from twim.logic.relations import Relations
from twim.storage.external import BY_NUMBER, GROUP
from twim.storage.hooks import Hook, HookStore
from twim.wire.commands import TEXT
from twim.wire.message import Message

SECRET_BYTES: Final = 24  # 192 random bits
SECRET_CHARS: Final = 100  # a longer text can't be a secret of ours
PATH: Final = "/hook/"


def hash_secret(secret: str) -> bytes:
    """What is stored of a secret, which is random enough for a plain hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class Hooks:
    """Hooks, as other programs make them and speak by them. `say` posts as a member of the group."""

    def __init__(
        self,
        store: HookStore,
        host_groups: HostGroups,
        groups: Groups,
        relations: Relations,
        say: Callable[[Said], Awaitable[Outcome]],
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._host_groups = host_groups
        self._groups = groups
        self._relations = relations
        self._say = say
        self._now_ms = now_ms

    async def create(self, group: str, name: str) -> dict[str, object]:
        """A new hook into the group, whose bot of this name becomes a member. Gives `id` and `url`, a path, which is
        told only now. `NotFound`, `Conflict`."""
        id = await self._host_groups.id_of(group)
        secret = secrets.token_urlsafe(SECRET_BYTES)
        made = await self._store.create(id, name, hash_secret(secret), self._now_ms())
        owner = (await self._host_groups.group(id)).ownerid
        await self._groups.enter(owner or made.userid, id, made.userid)
        return {"id": made.id, "url": PATH + secret}

    async def listed(self) -> list[dict[str, object]]:
        """All hooks, the newest first: `id, group, name, bot, createat` (ms)."""
        hooks = await self._store.hooks()
        names = await self._host_groups.store.names(GROUP, {one.group for one in hooks})
        return [
            {"id": one.id, "group": names[one.group], "name": one.name}
            | {"bot": f"{BY_NUMBER}{one.userid}", "createat": one.at}
            for one in hooks
        ]

    async def delete(self, id: int) -> None:
        """End a hook, whose bot leaves the group and stays as the author of what it said. `NotFound`."""
        ended = await self._store.delete(id)
        await leave_all(ended.userid, self._relations, self._groups)

    async def of(self, secret: str) -> Hook:
        """The hook of this secret. `NotFound`."""
        if not secret or len(secret) > SECRET_CHARS:
            raise NotFound("no such hook")
        return await self._store.by_hash(hash_secret(secret))

    async def post(self, hook: Hook, text: str) -> dict[str, object]:
        """Say the text in the hook's group. Gives `seq` and `at`. `NotYours` where its bot is no member any more, or
        may not post."""
        place = Place(group=f"{BY_NUMBER}{hook.group}")
        outcome = await self._say(Said(f"{BY_NUMBER}{hook.userid}", place, (), Message(media=TEXT, content=text)))
        if outcome.refused is not None:
            raise outcome.refused
        return {"seq": outcome.seq, "at": outcome.at}
