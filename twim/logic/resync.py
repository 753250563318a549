"""Reads from the storage, after events were lost, everything that they may have told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from twim.hub.order import Gap
from twim.logic.local_node import LocalNode
from twim.logic.ordered_delivery import OrderedDelivery
from twim.logic.relation_changes import RelationChanges

USERS: Final = 500  # users whose friends, groups and conversations are read in one transaction


class Resync:
    """Reads devices, relations and conversations of the users who are connected here."""

    def __init__(
        self,
        local: LocalNode,
        changes: RelationChanges,
        delivery: OrderedDelivery,
    ) -> None:
        self._hub = local.hub
        self._conversations = local.conversations
        self._relations = local.relations
        self._recheck = local.recheck
        self._changes = changes
        self._delivery = delivery

    async def read(self) -> AsyncIterator[list[Gap]]:
        """Correct everything except messages, and give the gaps of the messages, for some users at a time."""
        self._hub.remembered.clear()
        self._hub.changes += 1
        await self._recheck()
        here = list(self._hub.users)
        for start in range(0, len(here), USERS):
            some = here[start : start + USERS]
            for userid, stored in (await self._relations.circles(some)).items():
                self._changes.correct(userid, stored)
            yield self._delivery.missing(await self._conversations.heads_of(some))
